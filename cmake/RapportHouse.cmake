# The house rules as part of the build and as tests. A breach of the layers fails every build that has
# tests; the rest (form of files, documents, formatting, scripts) are tests of the presets that set RAPPORT_HOUSE.
include(GoogleTest)
find_package(Python3 REQUIRED COMPONENTS Interpreter)

file(GLOB_RECURSE checked CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rapport/*.cc ${PROJECT_SOURCE_DIR}/rapport/*.hh)
add_custom_command(
  OUTPUT ${PROJECT_BINARY_DIR}/layers.stamp
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/tools/check_layers --layers-only
  COMMAND ${CMAKE_COMMAND} -E touch ${PROJECT_BINARY_DIR}/layers.stamp
  DEPENDS ${checked} ${PROJECT_SOURCE_DIR}/tools/check_layers ${PROJECT_SOURCE_DIR}/tools/layers.toml
          ${PROJECT_SOURCE_DIR}/rapport/CMakeLists.txt
  COMMENT "Checking the layers" VERBATIM)
add_custom_target(check_layers ALL DEPENDS ${PROJECT_BINARY_DIR}/layers.stamp)

if(RAPPORT_HOUSE)
  set(tools ${PROJECT_SOURCE_DIR}/tools)
  if(TARGET rapport)
    set(program --program $<TARGET_FILE:rapport>)
  endif()
  rapport_script_test(house.layers COMMAND ${Python3_EXECUTABLE} ${tools}/check_layers LABEL house)
  rapport_script_test(house.layers_self_test COMMAND ${Python3_EXECUTABLE} ${tools}/check_layers --self-test LABEL house)
  rapport_script_test(house.docs COMMAND ${Python3_EXECUTABLE} ${tools}/check_docs ${program} LABEL house)
  rapport_script_test(house.docs_self_test COMMAND ${Python3_EXECUTABLE} ${tools}/check_docs --self-test LABEL house)
  rapport_script_test(house.format COMMAND ${tools}/check_format LABEL house)
  rapport_script_test(house.scripts COMMAND ${tools}/check_scripts LABEL house TIMEOUT 900)
  set(packet_scripts ${Python3_EXECUTABLE} ${tools}/check_packet_scripts)
  rapport_script_test(house.scripts_rules COMMAND ${packet_scripts} LABEL house)
  rapport_script_test(house.scripts_rules_self_test COMMAND ${packet_scripts} --self-test LABEL house)
endif()
