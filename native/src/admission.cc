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

// A client that was away for less comes back at once the next time too.
constexpr std::int64_t kShortAwayNs = 100'000;

// Longer than a client is away between two requests if it does nothing else.
constexpr std::int64_t kCrowdedNs = 200'000;

// Since the calling thread was last admitted from the queue.
struct Turn {
  std::int64_t end_ns = 0;
  std::int32_t rank = 0;
  std::int64_t left_ns = 0;  // when it was last done with a request
  bool comes_back = true;    // soon after that

  bool goes_on(std::int64_t now_ns) const { return comes_back && now_ns < end_ns; }
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
  if (turn.end_ns == 0) return false;
  const std::int64_t now_ns = monotonic_ns();
  turn.comes_back = now_ns - turn.left_ns < kShortAwayNs;
  if (rank < turn.rank || now_ns >= turn.end_ns) return false;
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
  if (is_request_done && turn.end_ns != 0) turn.left_ns = monotonic_ns();
  const bool may_return = is_request_done && turn.goes_on(turn.left_ns);
  Parker* watcher = nullptr;
  wake(locked([&]() -> Waiter* {
    residents_.remove(thread.cpu);
    thread.cpu = -1;
    if (!may_return || !first_ || first_->rank > turn.rank) return grant_places();
    left_free_ns_ = turn.left_ns;
    if (!watcher_) {
      watcher_ = last_;
      watcher = last_->parker;
    }
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
  ThreadState& thread = thread_state();
  if (thread.place != Place::kClient) return;
  state_.fetch_add(kWorker - kClient);
  if (thread.cpu < 0) return;
  std::lock_guard lock(mutex_);
  residents_.remove(thread.cpu);
  thread.cpu = -1;
}

bool Admission::yield_place() noexcept {
  ThreadState& thread = thread_state();
  if (thread.place != Place::kWorker || !has_waiting()) return false;
  bool yields = false;
  wake(locked([&]() -> Waiter* {
    if (!first_) return nullptr;
    yields = true;
    thread.place = Place::kNone;
    state_.fetch_sub(kWorker);
    return grant_places();
  }));
  return yields;
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
      const std::int64_t end_ns = watch_until(self);
      self.parker->park_until(deadline_ns < 0 ? end_ns
                              : end_ns < 0    ? deadline_ns
                                              : std::min(end_ns, deadline_ns));
    }
  }
  self.wake_place.restore();
  const std::int64_t now_ns = monotonic_ns();
  turn.end_ns = now_ns + kTurnNs;
  turn.rank = rank;
  if (control) control->add_queued_ns(now_ns - began_ns);
  thread_state().place = Place::kClient;
  thread_state().cpu = self.cpu;
  return true;
}

// False if somebody gives it a place just now, and will wake it.
bool Admission::give_up(Waiter& self) noexcept {
  bool gives_up = false;
  wake(locked([&]() -> Waiter* {
    if (self.is_chosen) return nullptr;
    gives_up = true;
    unlink(self);
    state_.fetch_sub(kWaiting);
    return grant_places();  // nobody may be there to watch them
  }));
  return gives_up;
}

// One of those who wait, the watcher, looks now and then whether a place is free that somebody left
// for a moment and did not come back for: as long as places are left so. Until when it sleeps; -1
// if the calling thread is not the watcher.
std::int64_t Admission::watch_until(Waiter& self) noexcept {
  const std::int64_t now_ns = monotonic_ns();
  bool watches = false;
  wake(locked([&]() -> Waiter* {
    const std::int64_t free_ns = now_ns - left_free_ns_;
    if (!watcher_ && free_ns < kTurnNs && !self.is_chosen) watcher_ = &self;
    if (watcher_ != &self) return nullptr;
    watches = free_ns < kTurnNs;
    if (!watches) watcher_ = nullptr;
    return free_ns >= kShortAwayNs ? grant_places() : nullptr;
  }));
  return watches ? now_ns + kTurnNs : -1;
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
  if (watcher_ == &waiter) watcher_ = nullptr;
}

// While somebody waits, the only threads that take places do so here, under the lock. Returns those
// that got one, for `wake`.
Admission::Waiter* Admission::grant_places() noexcept {
  Waiter* granted = nullptr;
  while (first_ && occupied_of(load()) < budget()) {
    Waiter& waiter = *first_;
    unlink(waiter);
    waiter.next = granted;
    granted = &waiter;
    waiter.is_chosen = true;
    note_peak(occupied_of(state_.fetch_add(kClient - kWaiting)) + 1);
    if (waiter.parker->is_asleep()) waiter.cpu = waiter.wake_place.choose(residents_);
    residents_.add(waiter.cpu);
  }
  return granted;
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
