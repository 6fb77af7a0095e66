// The smallest test framework that serves: TEST registers, CHECK reports and fails the run.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace testing {

struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Registration {
  Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
  std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, what.c_str());
  std::fflush(stderr);
  std::_Exit(1);
}

// The backend under test, for expectations that differ.
inline std::string& backend() {
  static std::string name = "native";
  return name;
}

}  // namespace testing

#define TEST(name)                                                            \
  static void test_##name();                                                  \
  static const testing::Registration registration_##name(#name, test_##name); \
  static void test_##name()

#define CHECK(...)                                                       \
  do {                                                                   \
    if (!(__VA_ARGS__)) testing::fail(__FILE__, __LINE__, #__VA_ARGS__); \
  } while (false)

#define CHECK_THROWS(type, expression)                                           \
  do {                                                                           \
    bool threw = false;                                                          \
    try {                                                                        \
      static_cast<void>(expression);                                             \
    } catch (const type&) {                                                      \
      threw = true;                                                              \
    }                                                                            \
    if (!threw) testing::fail(__FILE__, __LINE__, #expression " did not throw"); \
  } while (false)
