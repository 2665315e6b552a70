# cmake --install: headers, static libraries, rapportConfig.cmake and pkg-config files. The libraries
# are imported as rapport::base, rapport::stack, rapport::socket_coroutine and so on.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

function(rapport_install)
  get_property(libraries GLOBAL PROPERTY RAPPORT_LIBRARIES)
  foreach(name IN LISTS libraries)
    string(REGEX REPLACE "^rapport_" "" short ${name})
    set_target_properties(${name} PROPERTIES EXPORT_NAME ${short})
    add_library(rapport::${short} ALIAS ${name})
  endforeach()
  set_target_properties(rapport_settings PROPERTIES EXPORT_NAME settings)
  install(TARGETS rapport_settings ${libraries} EXPORT rapport
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  if(TARGET rapport)
    install(TARGETS rapport RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
  if(TARGET rapport-worlds)
    install(TARGETS rapport-worlds RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()

  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/rapport)
  install(EXPORT rapport NAMESPACE rapport:: FILE rapportTargets.cmake DESTINATION ${package})
  configure_package_config_file(cmake/rapportConfig.cmake.in ${CMAKE_BINARY_DIR}/rapportConfig.cmake
                                INSTALL_DESTINATION ${package})
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/rapportConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_BINARY_DIR}/rapportConfig.cmake ${CMAKE_BINARY_DIR}/rapportConfigVersion.cmake
          DESTINATION ${package})

  # pkg-config: rapport is all but the libraries that need Boost, users before what they use.
  set(link)
  foreach(name IN LISTS libraries)
    get_target_property(type ${name} TYPE)
    if(type STREQUAL STATIC_LIBRARY AND NOT name STREQUAL rapport_socket_asio)
      string(PREPEND link "-l${name} ")
    endif()
  endforeach()
  string(STRIP "${link}" link)
  set(checks $<$<BOOL:${RAPPORT_CHECKS}>:-DRAPPORT_CHECKS=1>)
  file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" up ${up})
  set(packages rapport)
  if(TARGET rapport_socket_asio)
    list(APPEND packages rapport-asio)
  endif()
  foreach(package IN LISTS packages)
    configure_file(cmake/${package}.pc.in ${CMAKE_BINARY_DIR}/${package}.pc.half @ONLY)
    file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/${package}.pc INPUT ${CMAKE_BINARY_DIR}/${package}.pc.half)
    install(FILES ${CMAKE_BINARY_DIR}/${package}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  endforeach()
endfunction()
