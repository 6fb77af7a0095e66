# What a C++ extension needs, inside the Python package: the library, the headers, `find_package(treadle)`.
install(TARGETS treadle_core LIBRARY DESTINATION treadle COMPONENT treadle_library)
install(DIRECTORY native/include/treadle DESTINATION treadle/include COMPONENT treadle_headers)
install(FILES native/cmake/treadleConfig.cmake DESTINATION treadle/cmake COMPONENT treadle_headers)
