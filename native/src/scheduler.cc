#include "scheduler.h"

#include <dlfcn.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "fork_handlers.h"
#include "interrupt.h"
#include "plugin_region.h"
#include "run_context.h"
#include "thread_state.h"
#include "treadle/trace.h"

namespace treadle {
namespace {

void* load_library(const std::string& path, int flags) {
  void* library = dlopen(path.c_str(), RTLD_NOW | flags);
  if (!library) throw std::runtime_error(dlerror());
  return library;
}

ForkSafeMutex& plugins_mutex() {
  static auto* mutex = new ForkSafeMutex;
  return *mutex;
}

// The pools of libraries that were loaded, by path; null for those that a fork made useless.
// Guarded by its mutex, but for the handler of a fork, which is alone.
std::map<std::string, ThreadPool*>& plugins() {
  static auto* loaded = new std::map<std::string, ThreadPool*>;
  return *loaded;
}

}  // namespace

// Tasks run inside each other's waits, thousands of levels deep. When the stack ends, the task goes
// on in a thread with a fresh one, while this thread sleeps.
static void run_on_new_stack(Task& task) {
  OutsideScope outside(Scheduler::instance().native_pool());
  ThreadState below = thread_state();
  bool started = true;
  std::thread thread;
  try {
    thread = std::thread([&] {
      thread_state() = below;
      run_task_body(task);
    });
  } catch (const std::system_error&) {
    started = false;  // no thread to be had
  }
  started ? thread.join() : run_task_body(task);
}

static void run_nested(Task& task) {
  is_stack_deep() ? run_on_new_stack(task) : run_task_body(task);
}

void run_task_body(Task& task) {
  trace::TaskScope traced(task);
  SavedThreadState saved;
  ThreadState& state = thread_state();
  state.chunk_index = 0;
  state.in_region = false;
  state.intra_limit = task.intra_limit;
  state.task_limit = task.limit;
  state.group = task.group;
  state.oldest_task = std::min(state.oldest_task, task.sequence);
  NativePool& pool = Scheduler::instance().native_pool();
  if (task.is_hosted) {
    OutsideScope outside(pool);
    return task.body(task);
  }
  ComputingScope computing(pool);
  RecentCost* cost = task.cost;  // the task is gone when it has run
  if (!cost) return task.body(task);
  const std::int64_t began_ns = monotonic_ns();
  task.body(task);
  cost->note(monotonic_ns() - began_ns);
}

void run_popped_task(Task& task) {
  TaskLimit* limit = task.limit;  // the task is gone when it has run
  if (!limit) return run_task_body(task);
  limit->retain();
  run_task_body(task);
  Scheduler& scheduler = Scheduler::instance();
  if (scheduler.queue().finish(*limit)) scheduler.native_pool().announce_task();
  limit->release();
}

// Leaked on purpose: workers outlive static destructors.
Scheduler& Scheduler::instance() {
  static auto* scheduler = new Scheduler;
  return *scheduler;
}

Scheduler::Scheduler() {
  native_ = new NativePool(queue_, budget_);
  pool_ = native_.load();
  at_fork_in_child(restart_in_child);
}

// The child has one thread. Workers, and whatever threads a plugin's library had, stayed behind; so
// the child goes on with a native pool that starts its own when needed.
void Scheduler::restart_in_child() {
  Scheduler& scheduler = instance();
  thread_state().place = Place::kNone;
  thread_state().cpu = -1;
  scheduler.queue_.keep_only(this_group());
  bool was_serial = scheduler.pool_ == &serial_pool();
  scheduler.native_ = new NativePool(scheduler.queue_, scheduler.budget_);
  scheduler.pool_ = was_serial ? &serial_pool() : scheduler.native_.load();
  for (auto& [path, plugin] : plugins()) plugin = nullptr;
  scheduler.set_spin_us(scheduler.spin_us_);
  scheduler.apply_limits();
}

void Scheduler::set_budget(int budget) {
  budget_.store(budget);
  apply_limits();
}

void Scheduler::set_num_threads(int threads) { num_threads_.store(threads); }

void Scheduler::set_num_interop_threads(int threads) {
  num_interop_.store(threads);
  apply_limits();
}

void Scheduler::apply_limits() {
  native_pool().resize(budget());
  native_pool().set_interop_limit(num_interop_threads());
  pool().resize(budget());
}

void Scheduler::set_spin_us(int us) noexcept {
  spin_us_.store(us);
  native_pool().set_spin_ns(us * 1000LL);
}

int Scheduler::threads_here() const noexcept {
  int threads = std::min(budget(), num_threads());
  int limit = thread_state().intra_limit;
  return limit > 0 ? std::min(threads, limit) : threads;
}

void Scheduler::submit(Task& task) {
  trace::ForkScope traced(task);
  task.group = this_group();
  if (task.intra_limit == 0) task.intra_limit = thread_state().intra_limit;
  if (!task.limit) task.limit = thread_state().task_limit;
  queue_.push(task);
  ThreadPool& backend = pool();
  if (&backend == &serial_pool()) {
    if (queue_.claim(task)) run_nested(task);
  } else if (!backend.announce_task()) {
    native_pool().announce_task();
  }
}

// What a thread that waits for `task` runs next, or null. If the task was started, that is
// something the thread is soon done with: no longer than that task takes, or than the thread would
// spin.
Task* Scheduler::next_while_waiting(Task& task) {
  const std::uint64_t oldest = thread_state().oldest_task;
  const bool allow_early = open_promises_.load(std::memory_order_relaxed) == 0;
  if (Task* next = queue_.take_towards(task, oldest, allow_early)) return next;
  const bool runs_task = oldest != kNoTask;
  if (runs_task || !allow_early || native_pool().admission().is_full()) return nullptr;
  const std::int64_t known_ns = task.cost && task.cost->is_known() ? task.cost->ns() : 0;
  return queue_.take_beside(task, std::max(known_ns, native_pool().spin_ns()));
}

bool Scheduler::wait_until(Task& task, std::int64_t deadline_ns) {
  trace::WaitScope traced(task);
  while (!task.done.ready()) {
    Task* next = next_while_waiting(task);
    if (!next) return block_until(task, deadline_ns);
    // There may be room by now for somebody who does the others.
    if (queue_.size() > 0 && &pool() != &serial_pool()) native_pool().announce_task();
    run_nested(*next);
  }
  return true;
}

// Somebody else runs the task. Help with work that never waits, then sleep.
bool Scheduler::block_until(Task& task, std::int64_t deadline_ns) {
  NativePool& native = native_pool();
  const std::int64_t spin_ns = native.spin_ns();
  std::int64_t sleep_at = 0;
  for (int turn = 1;; ++turn) {
    if (task.done.ready()) return true;
    if (native.run_leaf_work()) {
      sleep_at = 0;
      continue;
    }
    pause_cpu();
    if (turn % 64 != 0) continue;
    std::int64_t now = monotonic_ns();
    if (deadline_ns >= 0 && now >= deadline_ns) return false;
    if (sleep_at == 0) sleep_at = now + spin_ns;
    if (now >= sleep_at) break;
  }

  auto waiter = std::make_unique<Event::Waiter>();
  waiter->parker = &this_parker();
  if (!task.done.enlist(*waiter)) return true;
  auto signaled = [&] {
    return waiter->fate.load(std::memory_order_acquire) != Event::Waiter::kWaiting;
  };
  while (!signaled()) {
    poll_interrupt();
    if (deadline_ns >= 0 && monotonic_ns() >= deadline_ns) {
      Event::abandon(waiter.release());
      return task.done.ready();
    }
    if (native.run_leaf_work()) continue;
    OutsideScope outside(native);
    native.sleep_for_leaf_work(*waiter->parker, before_next_poll(deadline_ns), signaled);
  }
  return true;
}

// The plugin knows nothing of places: its region gets as many threads as there are places for.
void Scheduler::run_on_plugin(ThreadPool& plugin, const ChunkLoop& loop) {
  NativePool& native = native_pool();
  PluginRegion region{loop.fn, loop.context, plugin.name(), native.admission()};
  const auto most = std::min<std::int64_t>(loop.max_threads, loop.num_chunks);
  const int reserved = native.admission().reserve(static_cast<int>(most - 1));
  plugin.run_chunks(
      {loop.num_chunks, 1 + reserved, loop.is_leaf, PluginRegion::run, &region, loop.cost});
  native.release_places(reserved);
}

void Scheduler::use_native() { pool_.store(native_.load()); }

void Scheduler::use_serial() { pool_.store(&serial_pool()); }

void Scheduler::use_plugin(const std::string& path, const std::string& library) {
  std::lock_guard lock(plugins_mutex());
  auto found = plugins().find(path);
  if (found == plugins().end()) {
    if (!library.empty()) load_library(library, RTLD_GLOBAL);
    void* plugin = load_library(path, RTLD_LOCAL);
    auto create = reinterpret_cast<CreatePoolFn>(dlsym(plugin, "treadle_create_pool"));
    if (!create) throw std::runtime_error(path + " is not a thread pool plugin");
    found = plugins().emplace(path, create(budget())).first;
  }
  if (!found->second) throw std::runtime_error("its threads stayed behind when the process forked");
  found->second->resize(budget());
  pool_.store(found->second);
}

bool Scheduler::shut_down(std::int64_t deadline_ns) {
  RunContext::end_all();
  return native_pool().stop(deadline_ns);
}

}  // namespace treadle
