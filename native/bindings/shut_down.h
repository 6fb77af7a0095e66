// The end of the process, as threads see it that want to come back to Python.
#pragma once

namespace treadle {

// To be called, without the GIL, before a thread asks for it again: once the interpreter is going,
// only the main thread comes back from here. Python would end the others inside our frames.
void stay_if_shut_down() noexcept;

// Calls it at the end of a scope.
struct ReturnScope {
  ReturnScope() = default;
  ~ReturnScope() { stay_if_shut_down(); }
  ReturnScope(const ReturnScope&) = delete;
  ReturnScope& operator=(const ReturnScope&) = delete;
};

// Whether the calling thread is the one that handles the process's signals.
bool is_main_thread() noexcept;

}  // namespace treadle
