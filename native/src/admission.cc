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
  std::lock_guard lock(mutex_);
  grant_places();
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
  return true;
}

void Admission::leave(bool is_request_done) noexcept {
  ThreadState& thread = thread_state();
  const std::int64_t unit = unit_of(thread.place);
  thread.place = Place::kNone;
  if (waiting_of(state_.fetch_sub(unit)) == 0) return;
  const bool may_return = is_request_done && turn.end_ns != 0 && monotonic_ns() < turn.end_ns;
  std::lock_guard lock(mutex_);
  if (!may_return || !first_ || first_->rank > turn.rank) return grant_places();
  if (first_->watches) return;
  first_->watches = true;
  first_->parker->unpark();
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
  std::lock_guard lock(mutex_);
  grant_places();
}

void Admission::become_worker() noexcept {
  if (thread_state().place == Place::kClient) state_.fetch_add(kWorker - kClient);
}

bool Admission::yield_place() noexcept {
  ThreadState& thread = thread_state();
  if (thread.place != Place::kWorker || !has_waiting()) return false;
  std::lock_guard lock(mutex_);
  if (!first_) return false;
  thread.place = Place::kNone;
  grant_first(-kWorker);
  return true;
}

bool Admission::wait_for_place(std::int32_t rank, RunControl* control) {
  trace::Scope traced(trace::Kind::kAdmission);
  const std::int64_t began_ns = monotonic_ns();
  Waiter self;
  self.parker = &this_parker();
  self.rank = rank;
  {
    std::lock_guard lock(mutex_);
    insert(self);
    state_.fetch_add(kWaiting);
    grant_places();
  }
  bool awake = !has_only_clients();
  while (!self.granted.load(std::memory_order_acquire)) {
    if (control && control->reason() != RunControl::Reason::kNone) {
      std::lock_guard lock(mutex_);
      if (self.granted.load(std::memory_order_relaxed)) break;
      unlink(self);
      state_.fetch_sub(kWaiting);
      control->add_queued_ns(monotonic_ns() - began_ns);
      return false;
    }
    if (awake) {
      pause_cpu();
      awake = monotonic_ns() - began_ns < kMaxAwakeNs;
    } else {
      const std::int64_t deadline_ns = control ? control->deadline_ns() : -1;
      const std::int64_t end_ns = watch(self) ? monotonic_ns() + kTurnNs : deadline_ns;
      self.parker->park_until(deadline_ns < 0 ? end_ns : std::min(end_ns, deadline_ns));
    }
  }
  const std::int64_t now_ns = monotonic_ns();
  turn = {now_ns + kTurnNs, rank};
  if (control) control->add_queued_ns(now_ns - began_ns);
  thread_state().place = Place::kClient;
  return true;
}

// Takes a place that whoever may come back for it has left. Whether that may happen again.
bool Admission::watch(Waiter& self) noexcept {
  std::lock_guard lock(mutex_);
  if (self.watches) grant_places();
  return self.watches;
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

// While somebody waits, the only threads that take places do so here, under the lock.
void Admission::grant_places() noexcept {
  while (first_ && occupied_of(load()) < budget()) grant_first(0);
}

void Admission::grant_first(std::int64_t change) noexcept {
  Waiter& waiter = *first_;
  unlink(waiter);
  change += kClient - kWaiting;
  note_peak(occupied_of(state_.fetch_add(change) + change));
  Parker* parker = waiter.parker;
  waiter.granted.store(true, std::memory_order_release);
  parker->unpark();
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
