// Futures and forks for C++ code: tasks that run beside the caller on the shared pool.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "treadle/task.h"

namespace treadle {

namespace internal {

void submit(Task& task);
void wait(Task& task);
void add_open_promises(int change) noexcept;

// `void` has no values; a result without one is stored as this.
struct Nothing {};
template <typename T>
using Stored = std::conditional_t<std::is_void_v<T>, Nothing, T>;

// What a future and whoever completes it share. Written before `task.done` is set, read after.
template <typename T>
struct SharedState {
  struct StateTask : Task {
    SharedState* state = nullptr;
  };

  StateTask task;
  std::optional<Stored<T>> value;
  std::exception_ptr error;
  std::function<T()> function;
  std::shared_ptr<SharedState> self;  // alive while queued, without any future

  static void run(Task& base) noexcept {
    SharedState& state = *static_cast<StateTask&>(base).state;
    std::shared_ptr<SharedState> keep = std::move(state.self);
    state.complete_with(state.function);
    state.function = nullptr;
    state.task.done.set();
  }

  template <typename F>
  void complete_with(F& f) noexcept {
    try {
      if constexpr (std::is_void_v<T>) {
        f();
        value.emplace();
      } else {
        value.emplace(f());
      }
    } catch (...) {
      error = std::current_exception();
    }
  }
};

}  // namespace internal

// A value that will be there. Copies share it. Thread-safe.
template <typename T>
class Future {
 public:
  explicit Future(std::shared_ptr<internal::SharedState<T>> state) : state_(std::move(state)) {}

  bool done() const noexcept { return state_->task.done.ready(); }

  // Returns the value, once it is there, or rethrows the task's exception. Runs the task here if
  // nobody has started it.
  std::add_lvalue_reference_t<const T> wait() const {
    internal::wait(state_->task);
    if (state_->error) std::rethrow_exception(state_->error);
    if constexpr (!std::is_void_v<T>) return *state_->value;
  }

 private:
  std::shared_ptr<internal::SharedState<T>> state_;
};

// The other end of a future that no task completes. Complete it once, from any thread.
template <typename T>
class Promise {
 public:
  Promise() { internal::add_open_promises(1); }
  ~Promise() {
    if (!state_->task.done.ready()) internal::add_open_promises(-1);
  }
  Promise(const Promise&) = delete;
  Promise& operator=(const Promise&) = delete;

  Future<T> future() const { return Future<T>(state_); }

  template <typename... Value>
  void set_result(Value&&... value) {
    state_->value.emplace(std::forward<Value>(value)...);
    complete();
  }
  void set_exception(const std::exception_ptr& error) {
    state_->error = error;
    complete();
  }

 private:
  void complete() {
    internal::add_open_promises(-1);
    state_->task.done.set();
  }

  std::shared_ptr<internal::SharedState<T>> state_ = std::make_shared<internal::SharedState<T>>();
};

// Starts `f()` on the pool.
template <typename F>
auto fork(F f) -> Future<std::invoke_result_t<F&>> {
  using State = internal::SharedState<std::invoke_result_t<F&>>;
  static RecentCost cost;
  auto state = std::make_shared<State>();
  state->function = std::move(f);
  state->task.state = state.get();
  state->task.body = State::run;
  state->task.cost = &cost;
  state->task.may_run_early = true;
  state->self = state;
  internal::submit(state->task);
  return Future<std::invoke_result_t<F&>>(std::move(state));
}

}  // namespace treadle
