#include "admission.h"

#include <algorithm>
#include <mutex>

#include "scheduler.h"
#include "treadle/trace.h"

namespace treadle {
namespace {

// A place that a worker holds is free at its next chunk: soon enough to wait awake for a moment.
constexpr std::int64_t kMaxAwakeNs = 20'000;

constexpr std::int64_t kTurnNs = 500'000;

// Longer than a client is away between two requests if it does nothing else.
constexpr std::int64_t kCrowdedNs = 200'000;

// Since the calling thread was last admitted from the queue.
struct Turn {
  std::int64_t end_ns = 0;
  std::int32_t rank = 0;
};
thread_local Turn turn;

}  // namespace

void RunControl::cancel() noexcept {
  Reason none = Reason::kNone;
  if (reason_.compare_exchange_strong(none, Reason::kCancelled))
    Scheduler::instance().native_pool().admission().wake_all();
}

RunControl::Reason RunControl::reason() const noexcept {
  Reason reason = reason_.load(std::memory_order_relaxed);
  if (reason != Reason::kNone || deadline_ns_ < 0 || monotonic_ns() < deadline_ns_) return reason;
  return reason_.compare_exchange_strong(reason, Reason::kDeadline) ? Reason::kDeadline : reason;
}

void Admission::resize(int budget) {
  budget_.store(budget);
  wake(locked([this] { return grant_places(); }));
}

bool Admission::try_enter(Place kind) noexcept {
  std::int64_t state = state_.load(std::memory_order_relaxed);
  do {
    if (waiting_of(state) > 0 || occupied_of(state) >= budget()) return false;
  } while (!state_.compare_exchange_weak(state, state + unit_of(kind)));
  note_peak(occupied_of(state) + 1);
  thread_state().place = kind;
  return true;
}

bool Admission::enter(std::int32_t rank, RunControl* control) {
  if (control && control->reason() != RunControl::Reason::kNone) return false;
  return try_enter(Place::kClient) || enter_again(rank) || wait_for_place(rank, control);
}

// Before those that wait, if the thread's turn is not over.
bool Admission::enter_again(std::int32_t rank) noexcept {
  if (turn.end_ns == 0 || rank < turn.rank || monotonic_ns() >= turn.end_ns) return false;
  std::lock_guard lock(mutex_);
  if (!first_ || occupied_of(load()) >= budget()) return false;
  note_peak(occupied_of(state_.fetch_add(kClient)) + 1);
  thread_state().place = Place::kClient;
  thread_state().cpu = sched_getcpu();
  residents_.add(thread_state().cpu);
  return true;
}

void Admission::leave(bool is_request_done) noexcept {
  ThreadState& thread = thread_state();
  const std::int64_t unit = unit_of(thread.place);
  thread.place = Place::kNone;
  const std::int64_t before = state_.fetch_sub(unit);
  if (is_request_done && clients_of(before) >= budget() && budget() > 1)
    crowded_until_ns_.store(monotonic_ns() + kCrowdedNs, std::memory_order_relaxed);
  const bool has_others = waiting_of(before) > 0;
  if (!has_others && thread.cpu < 0) return;
  const bool may_return = is_request_done && turn.end_ns != 0 && monotonic_ns() < turn.end_ns;
  Parker* watcher = nullptr;
  wake(locked([&]() -> Waiter* {
    residents_.remove(thread.cpu);
    thread.cpu = -1;
    if (!may_return || !first_ || first_->rank > turn.rank) return grant_places();
    if (!first_->watches) watcher = first_->parker;
    first_->watches = true;
    return nullptr;
  }));
  if (watcher) watcher->unpark();
}

bool Admission::is_crowded() const noexcept {
  const std::int64_t until_ns = crowded_until_ns_.load(std::memory_order_relaxed);
  return until_ns != 0 && monotonic_ns() < until_ns;
}

int Admission::reserve(int wanted) noexcept {
  std::int64_t state = state_.load(std::memory_order_relaxed);
  std::int64_t count = 0;
  do {
    count = std::min<std::int64_t>(wanted, budget() - occupied_of(state));
    if (waiting_of(state) > 0 || count <= 0) return 0;
  } while (!state_.compare_exchange_weak(state, state + count * kWorker));
  note_peak(occupied_of(state) + count);
  return static_cast<int>(count);
}

void Admission::release(int count) noexcept {
  if (waiting_of(state_.fetch_sub(count * kWorker)) == 0) return;
  wake(locked([this] { return grant_places(); }));
}

void Admission::become_worker() noexcept {
  if (thread_state().place == Place::kClient) state_.fetch_add(kWorker - kClient);
}

bool Admission::yield_place() noexcept {
  ThreadState& thread = thread_state();
  if (thread.place != Place::kWorker || !has_waiting()) return false;
  Waiter* granted = locked([this] { return first_ ? grant_first(-kWorker) : nullptr; });
  if (!granted) return false;
  thread.place = Place::kNone;
  wake(granted);
  return true;
}

bool Admission::wait_for_place(std::int32_t rank, RunControl* control) {
  trace::Scope traced(trace::Kind::kAdmission);
  const std::int64_t began_ns = monotonic_ns();
  Waiter self{.parker = &this_parker(), .wake_place = WakePlace(budget()), .rank = rank};
  wake(locked([&] {
    insert(self);
    state_.fetch_add(kWaiting);
    return grant_places();
  }));
  bool awake = !has_only_clients();
  while (!self.granted.load(std::memory_order_acquire)) {
    if (control && control->reason() != RunControl::Reason::kNone) {
      if (give_up(self)) {
        control->add_queued_ns(monotonic_ns() - began_ns);
        return false;
      }
      self.parker->park();
    } else if (awake) {
      pause_cpu();
      awake = monotonic_ns() - began_ns < kMaxAwakeNs;
    } else {
      const std::int64_t deadline_ns = control ? control->deadline_ns() : -1;
      const std::int64_t end_ns = watch(self) ? monotonic_ns() + kTurnNs : deadline_ns;
      self.parker->park_until(deadline_ns < 0 ? end_ns : std::min(end_ns, deadline_ns));
    }
  }
  self.wake_place.restore();
  const std::int64_t now_ns = monotonic_ns();
  turn = {now_ns + kTurnNs, rank};
  if (control) control->add_queued_ns(now_ns - began_ns);
  thread_state().place = Place::kClient;
  thread_state().cpu = self.cpu;
  return true;
}

// False if somebody gives it a place just now, and will wake it.
bool Admission::give_up(Waiter& self) noexcept {
  std::lock_guard lock(mutex_);
  if (self.is_chosen) return false;
  unlink(self);
  state_.fetch_sub(kWaiting);
  return true;
}

// Takes a place that whoever may come back for it has left. Whether that may happen again.
bool Admission::watch(Waiter& self) noexcept {
  bool watches = false;
  wake(locked([&] {
    watches = self.watches;
    return watches ? grant_places() : nullptr;
  }));
  return watches;
}

void Admission::wake_all() noexcept {
  std::lock_guard lock(mutex_);
  for (Waiter* waiter = first_; waiter; waiter = waiter->next) waiter->parker->unpark();
}

void Admission::insert(Waiter& waiter) noexcept {
  Waiter* before = last_;
  while (before && before->rank < waiter.rank) before = before->previous;
  waiter.previous = before;
  waiter.next = before ? before->next : first_;
  (before ? before->next : first_) = &waiter;
  (waiter.next ? waiter.next->previous : last_) = &waiter;
}

void Admission::unlink(Waiter& waiter) noexcept {
  (waiter.previous ? waiter.previous->next : first_) = waiter.next;
  (waiter.next ? waiter.next->previous : last_) = waiter.previous;
}

// While somebody waits, the only threads that take places do so here, under the lock. Returns those
// that got one, for `wake`.
Admission::Waiter* Admission::grant_places() noexcept {
  Waiter* granted = nullptr;
  while (first_ && occupied_of(load()) < budget()) {
    Waiter* waiter = grant_first(0);
    waiter->next = granted;
    granted = waiter;
  }
  return granted;
}

Admission::Waiter* Admission::grant_first(std::int64_t change) noexcept {
  Waiter& waiter = *first_;
  unlink(waiter);
  waiter.next = nullptr;
  waiter.is_chosen = true;
  change += kClient - kWaiting;
  note_peak(occupied_of(state_.fetch_add(change) + change));
  if (waiter.parker->is_asleep()) waiter.cpu = waiter.wake_place.choose(residents_);
  residents_.add(waiter.cpu);
  return &waiter;
}

// Without the lock: who wakes up may take the caller's processor at once, and everybody else would
// wait for a lock whose owner does not run.
void Admission::wake(Waiter* granted) noexcept {
  while (granted) {
    Waiter& waiter = *granted;
    Parker* parker = waiter.parker;
    granted = waiter.next;
    if (waiter.cpu >= 0) waiter.wake_place.tie_to(waiter.cpu);
    waiter.granted.store(true, std::memory_order_release);
    parker->unpark();
  }
}

void Admission::note_peak(std::int64_t occupied) noexcept {
  std::int64_t peak = peak_.load(std::memory_order_relaxed);
  while (occupied > peak && !peak_.compare_exchange_weak(peak, occupied)) {
  }
}

int Admission::take_peak() noexcept {
  return static_cast<int>(peak_.exchange(occupied_of(load())));
}

}  // namespace treadle
