# How every target of this project is compiled, and the two functions that declare modules and tests.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# The headers of the standard library and, in tests, of GoogleTest took half the time of a build with sanitizers. In a release build the optimiser
# takes most of it. Dev builds do not precompile them, so that a missing #include is still an error there.
if(CONSORT_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Release")
  set(precompile_default ON)
endif()
option(CONSORT_PRECOMPILE "precompile the standard library's headers" ${precompile_default})

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  if(CONSORT_PRECOMPILE)
    # ccache needs these settings to support a precompiled header; its checksum is written below.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_PCH_EXTSUM=1 ${CCACHE})
  endif()
endif()
find_program(MOLD mold)
if(MOLD AND CMAKE_BUILD_TYPE STREQUAL "Debug" AND NOT CMAKE_CROSSCOMPILING)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wformat=2 -Wno-missing-field-initializers -fno-common -fvisibility=hidden)
option(CONSORT_WERROR "warnings are errors" ON)
if(CONSORT_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives in std::expected and std::string; none of these warnings was ever right in this tree.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized> $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-dangling-pointer> $<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overread>
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-array-bounds> $<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overflow>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # libstdc++ 12 hides std::expected from clang, which implements everything that it needs but does not announce it.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-U__cpp_concepts> $<$<COMPILE_LANGUAGE:CXX>:-D__cpp_concepts=202002L>
    -Wno-builtin-macro-redefined
    -Wno-gnu-statement-expression)
endif()
# No code here is compute-bound: -O3 only makes the program larger and the build a tenth longer.
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_options(-O0 -g1)
else()
  add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -ffunction-sections
    -fdata-sections)
  add_link_options(-Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--gc-sections)
endif()
if(CONSORT_SANITIZE)
  add_compile_options(-fsanitize=${CONSORT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CONSORT_SANITIZE})
endif()
if(CONSORT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

function(consort_precompile name)
  if(NOT CONSORT_PRECOMPILE)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "HEADERS;DEPENDS" ${ARGN})
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp "")
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_compile_definitions(${name} PRIVATE CONSORT_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -fpch-preprocess)
  endif()
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
  # The header file itself contains the path of this checkout, so compute the checksum from its inputs.
  string(SHA256 sum "${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_CXX_FLAGS} ${CMAKE_BUILD_TYPE} ${CONSORT_SANITIZE} ${ARG_HEADERS}")
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${name}.dir/cmake_pch.hxx.gch.sum ${sum})
endfunction()

function(consort_use_precompiled target name)
  if(TARGET ${name})
    target_precompile_headers(${target} REUSE_FROM ${name})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess>)
    endif()
  endif()
endfunction()

# Compiles several sources of a target as one if no two of them define the same name, which takes a third of the time
# of a full build. For builds from scratch, such as in CI; after a change, the compiler reads more instead of less.
option(CONSORT_UNITY "compile several sources of a module as one" OFF)
function(consort_unity target)
  if(NOT CONSORT_UNITY)
    return()
  endif()
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  get_target_property(sources ${target} SOURCES)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources})
  execute_process(COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/unity_groups.py 1200 ${sources}
    OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${lines}")
  foreach(line ${lines})
    string(REGEX MATCH "^([0-9]+) (.*)$" line "${line}")
    set_property(SOURCE ${CMAKE_MATCH_2} PROPERTY UNITY_GROUP ${CMAKE_MATCH_1})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  # A name of one source may then hide another's, and its types have no linkage; builds without unity still check that.
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-shadow -Wno-subobject-linkage>)
endfunction()

# consort_module(NAME DEPENDS ...): the static library consort_NAME of all .cpp files under the current directory.
# DEPENDS takes modules (consort_x) and libraries. The include check (scripts/check-includes) enforces it.
function(consort_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(pattern ${ARG_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX ${pattern})
  endforeach()
  if(NOT sources)
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp "")
    set(sources ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp)
  endif()
  add_library(consort_${name} STATIC ${sources})
  target_include_directories(consort_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_compile_definitions(consort_${name} PRIVATE CONSORT_VERSION="${PROJECT_VERSION}")
  target_link_libraries(consort_${name} PUBLIC ${ARG_DEPENDS})
  consort_use_precompiled(consort_${name} standard_headers)
  consort_unity(consort_${name})
endfunction()

# Only sources that use a path are compiled with it: all others are the same in every checkout, so the cache is shared.
function(consort_test_paths target)
  set(definitions CONSORT_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}" CONSORT_SOURCE_ROOT="${PROJECT_SOURCE_DIR}"
    CONSORT_BINARY_ROOT="${PROJECT_BINARY_DIR}")
  if(CONSORT_UNITY)
    target_compile_definitions(${target} PRIVATE ${definitions})
    return()
  endif()
  foreach(source ${ARGN})
    file(READ ${source} text)
    if(text MATCHES "CONSORT_(TEST_DATA|SOURCE_ROOT|BINARY_ROOT)|support.hpp")
      set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS ${definitions})
    endif()
  endforeach()
endfunction()

# consort_test(NAME DEPENDS ...): one test program test_NAME of all *_test.cpp under the current directory. Tests find
# their data under CONSORT_TEST_DATA (the directory of the test's sources).
function(consort_test name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${name} ${sources})
  target_compile_definitions(test_${name} PRIVATE CONSORT_VERSION="${PROJECT_VERSION}")
  consort_test_paths(test_${name} ${sources})
  target_link_libraries(test_${name} PRIVATE ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  consort_use_precompiled(test_${name} test_headers)
  consort_unity(test_${name})
  gtest_discover_tests(test_${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()
