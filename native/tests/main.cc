// Runs all C++ tests on one backend: native_tests BACKEND BUDGET [PLUGIN [LIBRARY]]
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "scheduler.h"
#include "testing.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s BACKEND BUDGET [PLUGIN [LIBRARY]]\n", argv[0]);
    return 2;
  }
  alarm(100);  // the watchdog: a deadlock ends the process
  const std::string backend = testing::backend() = argv[1];
  const int budget = std::atoi(argv[2]);
  treadle::Scheduler& scheduler = treadle::Scheduler::instance();
  scheduler.set_budget(budget);
  scheduler.set_num_threads(budget);
  scheduler.set_num_interop_threads(budget);
  if (backend == "serial") scheduler.use_serial();
  if (argc > 3) scheduler.use_plugin(argv[3], argc > 4 ? argv[4] : "");
  for (const testing::Test& test : testing::tests()) {
    std::printf("%s\n", test.name);
    std::fflush(stdout);
    test.run();
  }
  return 0;
}
