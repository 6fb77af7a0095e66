#!/bin/sh
# Builds the core with a sanitizer and runs what shows its faults. Usage: native/sanitize.sh thread|address [python]
#
# thread: the C++ tests under ThreadSanitizer. address: the C++ tests, and the Python tests that run
# native code, under AddressSanitizer and UBSan.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
kind=$1
python=${2:-python3}
PATH=$(dirname "$(command -v "$python")"):$PATH
build="$root/build/sanitize-$kind"

case $kind in
  thread) flags=thread module=OFF ;;
  address) flags=address,undefined module=ON ;;
  *) echo "usage: $0 thread|address [python]" >&2; exit 2 ;;
esac
package="$build/package/treadle"
mkdir -p "$package"
options="-DTREADLE_SANITIZE=$flags -DTREADLE_BUILD_TESTS=ON -DUSE_OPENMP=OFF -DUSE_TBB=OFF -DCMAKE_BUILD_TYPE=RelWithDebInfo"
[ $module = ON ] && options="$options -DSKBUILD=ON -DPython_EXECUTABLE=$(command -v "$python") -DCMAKE_LIBRARY_OUTPUT_DIRECTORY=$package"
# shellcheck disable=SC2086  # the options are words
cmake -S "$root" -B "$build" -G Ninja --log-level=WARNING $options
cmake --build "$build" --parallel "${CMAKE_BUILD_PARALLEL_LEVEL:-2}"

export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:history_size=4:die_after_fork=0"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
export ASAN_OPTIONS="detect_leaks=0:detect_stack_use_after_return=1:allocator_may_return_null=1"
for backend in native serial; do
  for budget in 1 2 8; do
    echo "$kind: C++ tests, $backend, budget $budget"
    "$build/native/tests/native_tests" $backend $budget >"$build/tests.log" 2>&1 || { cat "$build/tests.log"; exit 1; }
  done
done
[ $module = OFF ] && exit 0

# The package's Python files beside the library with the sanitizer in it.
cd "$root"
find src/treadle -type f ! -name '*.so' ! -path '*/__pycache__/*' | while read -r file; do
  mkdir -p "$build/package/$(dirname "${file#src/}")"
  cp "$file" "$build/package/${file#src/}"
done
# Python is not built with the sanitizer, whose library must come first. LLVM's exceptions need the
# C++ library to be there when the sanitizer looks for it.
run_tests() {
  LD_PRELOAD="$(${CXX:-g++} -print-file-name=libasan.so) $(${CXX:-g++} -print-file-name=libstdc++.so.6)" \
    PYTHONPATH="$build/package" PYTHONMALLOC=malloc "$python" -m pytest -q -p no:cacheprovider "$@"
}
echo "$kind: Python tests of the runtime"
run_tests tests/runtime -k "not process and not backend and not budget and not settings and not interrupt and not cgroups"
echo "$kind: Python tests of eager functions"
run_tests tests/eager -k "not stubs"
echo "$kind: Python tests of operators"
run_tests tests/conformance/test_eager.py tests/ops/test_small_matrices.py tests/ops/test_mistakes.py
