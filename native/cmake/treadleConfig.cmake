# find_package(treadle): the target treadle::treadle, headers and library of the installed Python package.
#
#   cmake -Dtreadle_ROOT=$(python -c "import treadle; print(treadle.get_cmake_dir())")
get_filename_component(_treadle_root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(treadle_INCLUDE_DIR "${_treadle_root}/include")
set(treadle_LIBRARY "${_treadle_root}/libtreadle.so")
foreach(_treadle_file IN ITEMS "${treadle_INCLUDE_DIR}/treadle/parallel.h" "${treadle_LIBRARY}")
  if(NOT EXISTS "${_treadle_file}")
    set(treadle_FOUND FALSE)
    set(treadle_NOT_FOUND_MESSAGE "${_treadle_file} is missing: this Treadle was built without its C++ part")
    return()
  endif()
endforeach()

find_package(Threads REQUIRED)
if(NOT TARGET treadle::treadle)
  add_library(treadle::treadle SHARED IMPORTED)
  set_target_properties(treadle::treadle PROPERTIES
    IMPORTED_LOCATION "${treadle_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${treadle_INCLUDE_DIR}"
    INTERFACE_COMPILE_FEATURES cxx_std_20
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
set(treadle_FOUND TRUE)
