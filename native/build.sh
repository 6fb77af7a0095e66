#!/bin/sh
# Builds the native core into src/treadle for work in the source tree. Usage: native/build.sh [python]
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
python=${1:-python3}
PATH=$(dirname "$(command -v "$python")"):$PATH
cmake -S "$root" -B "$root/build/dev" -G Ninja -DSKBUILD=ON -DPython_EXECUTABLE="$(command -v "$python")" \
  -DCMAKE_LIBRARY_OUTPUT_DIRECTORY="$root/src/treadle" -DTREADLE_BUILD_TESTS=ON \
  -DCMAKE_EXPORT_COMPILE_COMMANDS=ON --log-level=WARNING
cmake --build "$root/build/dev" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-2}"
cmake --install "$root/build/dev" --prefix "$root/src" --component treadle_headers >/dev/null
