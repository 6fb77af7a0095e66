# Thread pools other than our own, each a shared library that is loaded only when it is chosen.
function(treadle_add_pool name source)
  add_library(${name} MODULE ${source})
  target_include_directories(${name} PRIVATE native/include)
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden
    BUILD_RPATH "$ORIGIN;$ORIGIN/../../.." INSTALL_RPATH "$ORIGIN;$ORIGIN/../../..")
  target_link_libraries(${name} PRIVATE Threads::Threads)
  install(TARGETS ${name} LIBRARY DESTINATION treadle)
endfunction()

if(USE_OPENMP)
  find_package(OpenMP COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    treadle_add_pool(_pool_openmp native/src/openmp_pool.cc)
    target_link_libraries(_pool_openmp PRIVATE OpenMP::OpenMP_CXX)
  else()
    message(WARNING "OpenMP was not found: building without the openmp thread pool")
  endif()
endif()

if(USE_TBB)
  find_package(Python 3.10 COMPONENTS Interpreter)
  if(Python_EXECUTABLE)
    # The PyPI wheel tbb-devel keeps its CMake files outside site-packages; its file list knows where.
    execute_process(
      COMMAND "${Python_EXECUTABLE}" -c
        "import importlib.metadata as m; print(next(f.locate().resolve() for f in m.files('tbb-devel') if f.name == 'TBBConfig.cmake').parent)"
      OUTPUT_VARIABLE TREADLE_PYPI_TBB OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  find_package(TBB CONFIG QUIET HINTS "${TREADLE_PYPI_TBB}")
  if(TBB_FOUND)
    treadle_add_pool(_pool_tbb native/src/tbb_pool.cc)
    target_link_libraries(_pool_tbb PRIVATE TBB::tbb)
  else()
    message(WARNING "oneTBB was not found (PyPI tbb-devel or Debian libtbb-dev): building without the tbb thread pool")
  endif()
endif()
