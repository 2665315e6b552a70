# Compiler settings and the functions that make targets: rapport_library, rapport_worlds_library,
# rapport_test, rapport_script_test, rapport_fuzz_target.

if(PROJECT_IS_TOP_LEVEL)  # else whose guest we are decides
  find_program(CCACHE ccache)
  if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  endif()
  find_program(MOLD mold)
  if(MOLD)
    add_link_options(-fuse-ld=mold)
  endif()
endif()

# What users of an installed Rapport need too.
add_library(rapport_settings INTERFACE)
target_include_directories(rapport_settings INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                                      $<INSTALL_INTERFACE:include>)
target_compile_features(rapport_settings INTERFACE cxx_std_23)
if(RAPPORT_CHECKS)
  target_compile_definitions(rapport_settings INTERFACE RAPPORT_CHECKS=1)
endif()

add_library(rapport_settings_worlds INTERFACE)
target_link_libraries(rapport_settings_worlds INTERFACE rapport_settings)
target_compile_definitions(rapport_settings_worlds INTERFACE RAPPORT_RULE_SWITCHES=1)

add_library(rapport_warnings INTERFACE)
target_compile_options(rapport_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow
                       $<$<BOOL:${RAPPORT_WERROR}>:-Werror>)
if(RAPPORT_ARCH)
  add_compile_options(-march=${RAPPORT_ARCH})
endif()
if(RAPPORT_SANITIZE)
  add_compile_options(-fsanitize=${RAPPORT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RAPPORT_SANITIZE})
endif()
if(RAPPORT_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "RAPPORT_FUZZ needs clang, which brings libFuzzer: cmake --preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# rapport_library(folder [PURE] [NEEDS package] [THIRD_PARTY target...] [DEPENDS other...]): the
# library of rapport/<folder>, all its .cc files.
# For those who link it, installed or as part of their build, it is rapport::<folder>.
# NEEDS: what its users must find, too; it is installed apart.
# PURE: no exceptions, no RTTI (base … stack). The headers form a file set, which `cmake --install`
# copies and the target all_verify_interface_header_sets compiles one by one.
function(rapport_library folder)
  cmake_parse_arguments(ARG "PURE" "NEEDS" "DEPENDS;THIRD_PARTY" ${ARGN})
  string(REPLACE "/" "_" name rapport_${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rapport/${folder}/*.cc)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rapport/${folder}/*.hh)
  set(scope PUBLIC)
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:rapport_warnings>)
  else()  # nothing but headers yet
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
    set(ARG_PURE OFF)
  endif()
  target_sources(${name} ${scope} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
  set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_link_libraries(${name} ${scope} rapport_settings)
  foreach(dep IN LISTS ARG_DEPENDS)
    string(REPLACE "/" "_" dep_name ${dep})
    target_link_libraries(${name} ${scope} rapport_${dep_name})
  endforeach()
  if(ARG_THIRD_PARTY)
    target_link_libraries(${name} PRIVATE ${ARG_THIRD_PARTY})
  endif()
  if(ARG_PURE)
    target_compile_options(${name} PRIVATE -fno-exceptions -fno-rtti)
  endif()
  string(REGEX REPLACE "^rapport_" "" short ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME ${short} RAPPORT_NEEDS "${ARG_NEEDS}")
  add_library(rapport::${short} ALIAS ${name})
  set_property(GLOBAL APPEND PROPERTY RAPPORT_LIBRARIES ${name})
endfunction()

# rapport_worlds_library(folder): rapport_<folder> once more, as rapport_<folder>_worlds, with rules that
# may be switched off (tcp/rules.hh). Only `rapport-worlds` links these; as both builds define the same
# names, no program may mix them.
function(rapport_worlds_library folder)
  string(REPLACE "/" "_" name rapport_${folder})
  get_target_property(sources ${name} SOURCES)
  get_target_property(libraries ${name} LINK_LIBRARIES)
  get_target_property(options ${name} COMPILE_OPTIONS)
  list(TRANSFORM libraries REPLACE "^(rapport_[a-z_]+)$" "\\1_worlds")
  add_library(${name}_worlds STATIC ${sources})
  target_link_libraries(${name}_worlds PUBLIC ${libraries})
  if(options)
    target_compile_options(${name}_worlds PRIVATE ${options})
  endif()
endfunction()

# rapport_test(name LIBS lib... [LABEL label] [SOURCES file...] [TIMEOUT seconds]): one GoogleTest
# executable from tests/<name>/**.cc; each of its cases is one test, so that a skipped case shows.
function(rapport_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "LIBS;SOURCES" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB_RECURSE ARG_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  string(REPLACE "/" "_" target test_${name})
  add_executable(${target} ${ARG_SOURCES})
  target_link_libraries(${target} PRIVATE rapport_warnings ${ARG_LIBS} GTest::gtest GTest::gtest_main)
  gtest_discover_tests(${target} TEST_PREFIX "${RAPPORT_TEST_PREFIX}" DISCOVERY_MODE PRE_TEST
                       DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABEL}")
endfunction()

# rapport_script_test(name COMMAND command... [LABEL label] [TIMEOUT seconds]): one test by a program.
# Exit status 77 says "could not run here" (no root, say) and counts as skipped, not as passed.
function(rapport_script_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "COMMAND" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set(test ${RAPPORT_TEST_PREFIX}${name})
  add_test(NAME ${test} COMMAND ${ARG_COMMAND})
  set_tests_properties(${test} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABEL}")
endfunction()

# rapport_fuzz_target(name LIBS lib...): fuzz/<name>.cc with LLVMFuzzerTestOneInput. As a test it first
# runs the inputs of fuzz/corpus/<name>, then looks for new ones for RAPPORT_FUZZ_SECONDS.
function(rapport_fuzz_target name)
  cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
  add_executable(fuzz_${name} ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cc)
  target_link_libraries(fuzz_${name} PRIVATE rapport_warnings ${ARG_LIBS})
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  set(found ${CMAKE_CURRENT_BINARY_DIR}/found/${name})
  file(MAKE_DIRECTORY ${found})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
  if(NOT IS_DIRECTORY ${corpus})
    set(corpus)
  endif()
  math(EXPR limit "${RAPPORT_FUZZ_SECONDS} + 120")
  add_test(NAME fuzz.${name}
           COMMAND fuzz_${name} -max_total_time=${RAPPORT_FUZZ_SECONDS} -rss_limit_mb=2048 -timeout=10
                   -print_final_stats=1 -artifact_prefix=${found}/ ${found} ${corpus})
  set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT ${limit} LABELS fuzz)
endfunction()
