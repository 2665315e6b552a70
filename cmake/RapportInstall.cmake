# cmake --install: headers, static libraries, rapportConfig.cmake and pkg-config files. The libraries
# are imported as rapport::base, rapport::stack, rapport::socket_coroutine and so on. Each export set
# and each pkg-config file holds what needs the same package: none, fmt or Boost.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

function(rapport_install)
  get_property(libraries GLOBAL PROPERTY RAPPORT_LIBRARIES)
  set_target_properties(rapport_settings PROPERTIES EXPORT_NAME settings)
  install(TARGETS rapport_settings EXPORT rapport)
  foreach(needed IN ITEMS "" fmt Boost)
    set(link${needed})      # for the linker: users before what they use
    set(exported${needed})  # components of find_package
  endforeach()
  foreach(name IN LISTS libraries)
    get_target_property(needed ${name} RAPPORT_NEEDS)
    get_target_property(type ${name} TYPE)
    install(TARGETS ${name} EXPORT rapport${needed}
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
            FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    string(REGEX REPLACE "^rapport_" "" short ${name})
    list(APPEND exported${needed} ${short})
    if(type STREQUAL STATIC_LIBRARY)
      string(PREPEND link${needed} " -l${name}")
    endif()
  endforeach()
  if(TARGET rapport)
    install(TARGETS rapport RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
  if(TARGET rapport-worlds)
    install(TARGETS rapport-worlds RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()

  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/rapport)
  foreach(needed IN ITEMS "" fmt Boost)
    if(exported${needed})
      install(EXPORT rapport${needed} NAMESPACE rapport:: FILE rapport${needed}Targets.cmake DESTINATION ${package})
    endif()
  endforeach()
  configure_package_config_file(cmake/rapportConfig.cmake.in ${PROJECT_BINARY_DIR}/rapportConfig.cmake
                                INSTALL_DESTINATION ${package})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/rapportConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/rapportConfig.cmake ${PROJECT_BINARY_DIR}/rapportConfigVersion.cmake
          DESTINATION ${package})

  set(checks $<$<BOOL:${RAPPORT_CHECKS}>:-DRAPPORT_CHECKS=1>)
  file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" up ${up})
  set(packages rapport)
  if(exportedfmt)
    list(APPEND packages rapport-observe)
  endif()
  if(exportedBoost)
    list(APPEND packages rapport-asio)
  endif()
  foreach(package IN LISTS packages)
    configure_file(cmake/${package}.pc.in ${PROJECT_BINARY_DIR}/${package}.pc.half @ONLY)
    file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/${package}.pc INPUT ${PROJECT_BINARY_DIR}/${package}.pc.half)
    install(FILES ${PROJECT_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endforeach()
endfunction()
