// What happened when, on which thread: rings of events, one for each thread, newest kept.
//
// Off, a scope costs one relaxed load of a flag. On, it costs two readings of the clock and a store
// of 56 bytes; nothing is locked or allocated but at a thread's first event.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "treadle/task.h"

namespace treadle::trace {

// A frame is what instructions follow each other in: a request, a task, or 0 outside both.
enum class Kind : std::uint32_t {
  kRequest,     // id: the frame; first: the plan, last: limit of threads
  kOp,          // one instruction; id: the op, last: its tasks
  kChunk,       // id: the op; [first, last): the tasks
  kFork,        // id: the task that is queued
  kTask,        // id: the frame, and the task that runs
  kWait,        // id: the task that is waited for
  kChunksWait,  // for the chunks that others have started
  kSpin,        // of an idle worker
  kPark,        // asleep
  kAdmission,   // a request waits for its turn
  kHost,        // a span of Python code
  kSitOut,      // a worker leaves its processor to others, though there may be work
};

struct Event {
  std::int64_t begin_ns;  // CLOCK_MONOTONIC
  std::int64_t end_ns;
  std::uint64_t id;
  std::uint64_t frame;  // the frame it happened in
  std::int64_t first;
  std::int64_t last;
  std::uint32_t name;  // index in `names()`
  Kind kind;
};
static_assert(sizeof(Event) == 56);

// The events of one thread, oldest first.
struct Lane {
  std::string thread_name;
  std::int64_t thread_id;
  std::uint64_t num_lost;  // overwritten by newer ones
  std::vector<Event> events;
};

namespace internal {

extern std::atomic<bool> enabled;

std::int64_t open() noexcept;
std::uint64_t new_id() noexcept;
// Makes `frame` the calling thread's; returns the one before.
std::uint64_t enter_frame(std::uint64_t frame) noexcept;
void close(Event event) noexcept;
void close_idle(Kind kind, std::int64_t begin_ns) noexcept;
std::int64_t open_park() noexcept;

}  // namespace internal

inline bool is_on() noexcept { return internal::enabled.load(std::memory_order_relaxed); }

// All below are thread-safe. One trace at a time: `start` forgets the events of the last one.
// Each thread keeps its last `capacity` events.
void start(std::size_t capacity);
void stop() noexcept;
std::vector<Lane> collect();
// Ends the trace and gives its memory back.
void discard() noexcept;

// A number for `name`, for ever. Takes a lock: for the making of plans, not for their runs.
std::uint32_t intern(const std::string& name);
std::vector<std::string> names();

// Records what somebody measured with CLOCK_MONOTONIC on the calling thread.
void record(std::uint32_t name, std::int64_t begin_ns, std::int64_t end_ns) noexcept;

// The scopes record themselves at their end, on the thread that made them.

// A stretch of the calling thread without a name or a frame of its own.
class Scope {
 public:
  explicit Scope(Kind kind) noexcept : kind_(kind) {
    if (is_on()) [[unlikely]]
      begin_ns_ = internal::open();
  }
  ~Scope() {
    if (begin_ns_ != 0) [[unlikely]]
      internal::close({begin_ns_, 0, 0, 0, 0, 0, 0, kind_});
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  const Kind kind_;
  std::int64_t begin_ns_ = 0;
};

// Spinning or sleep that may have begun before the trace, and may go on when it ends.
class IdleScope {
 public:
  explicit IdleScope(Kind kind) noexcept : kind_(kind) {
    if (is_on()) [[unlikely]]
      begin_ns_ = kind == Kind::kPark ? internal::open_park() : internal::open();
  }
  ~IdleScope() {
    if (is_on()) [[unlikely]]
      internal::close_idle(kind_, begin_ns_);
  }
  IdleScope(const IdleScope&) = delete;
  IdleScope& operator=(const IdleScope&) = delete;

 private:
  const Kind kind_;
  std::int64_t begin_ns_ = 0;
};

// What chunks say about the op they belong to; id 0 when nothing is recorded.
struct OpTag {
  std::uint64_t id = 0;
  std::uint32_t name = 0;
};

// One instruction of a plan, from its first to its last task.
class OpScope {
 public:
  OpScope(std::uint32_t name, std::int64_t num_tasks) noexcept {
    if (is_on()) [[unlikely]] {
      tag_ = {internal::new_id(), name};
      num_tasks_ = num_tasks;
      begin_ns_ = internal::open();
    }
  }
  ~OpScope() {
    if (tag_.id != 0) [[unlikely]]
      internal::close({begin_ns_, 0, tag_.id, 0, 0, num_tasks_, tag_.name, Kind::kOp});
  }
  OpScope(const OpScope&) = delete;
  OpScope& operator=(const OpScope&) = delete;

  OpTag tag() const noexcept { return tag_; }

 private:
  OpTag tag_;
  std::int64_t num_tasks_ = 0;
  std::int64_t begin_ns_ = 0;
};

// The tasks [first, last) of an op, on whichever thread.
class ChunkScope {
 public:
  ChunkScope(OpTag tag, std::int64_t first, std::int64_t last) noexcept
      : tag_(tag), first_(first), last_(last) {
    if (tag_.id != 0) [[unlikely]]
      begin_ns_ = internal::open();
  }
  ~ChunkScope() {
    if (tag_.id != 0) [[unlikely]]
      internal::close({begin_ns_, 0, tag_.id, 0, first_, last_, tag_.name, Kind::kChunk});
  }
  ChunkScope(const ChunkScope&) = delete;
  ChunkScope& operator=(const ChunkScope&) = delete;

 private:
  const OpTag tag_;
  const std::int64_t first_, last_;
  std::int64_t begin_ns_ = 0;
};

// A run of a plan, with the time it takes to be admitted.
class RequestScope {
 public:
  RequestScope(std::uint64_t plan, int max_threads) noexcept {
    if (is_on()) [[unlikely]] {
      id_ = internal::new_id();
      outer_ = internal::enter_frame(id_);
      plan_ = plan;
      max_threads_ = max_threads;
      begin_ns_ = internal::open();
    }
  }
  ~RequestScope() {
    if (id_ != 0) [[unlikely]] {
      internal::enter_frame(outer_);
      internal::close({begin_ns_, 0, id_, 0, static_cast<std::int64_t>(plan_), max_threads_, 0,
                       Kind::kRequest});
    }
  }
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;

 private:
  std::uint64_t id_ = 0, outer_ = 0, plan_ = 0;
  std::int64_t max_threads_ = 0, begin_ns_ = 0;
};

// Numbers `task` before it is queued; covers the queueing.
class ForkScope {
 public:
  explicit ForkScope(Task& task) noexcept {
    task.trace_id = 0;
    if (is_on()) [[unlikely]] {
      id_ = task.trace_id = internal::new_id();
      begin_ns_ = internal::open();
    }
  }
  ~ForkScope() {
    if (id_ != 0) [[unlikely]]
      internal::close({begin_ns_, 0, id_, 0, 0, 0, 0, Kind::kFork});
  }
  ForkScope(const ForkScope&) = delete;
  ForkScope& operator=(const ForkScope&) = delete;

 private:
  std::uint64_t id_ = 0;  // the task may be gone before the scope ends
  std::int64_t begin_ns_ = 0;
};

// A task while it runs.
class TaskScope {
 public:
  explicit TaskScope(const Task& task) noexcept {
    if (is_on()) [[unlikely]] {
      id_ = task.trace_id != 0 ? task.trace_id : internal::new_id();
      outer_ = internal::enter_frame(id_);
      begin_ns_ = internal::open();
    }
  }
  ~TaskScope() {
    if (id_ != 0) [[unlikely]] {
      internal::enter_frame(outer_);
      internal::close({begin_ns_, 0, id_, 0, 0, 0, 0, Kind::kTask});
    }
  }
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

 private:
  std::uint64_t id_ = 0, outer_ = 0;  // the task is gone before the scope ends
  std::int64_t begin_ns_ = 0;
};

// A wait for a task, whether the thread helps meanwhile or not.
class WaitScope {
 public:
  explicit WaitScope(const Task& task) noexcept {
    if (is_on()) [[unlikely]] {
      id_ = task.trace_id;
      begin_ns_ = internal::open();
    }
  }
  ~WaitScope() {
    if (begin_ns_ != 0) [[unlikely]]
      internal::close({begin_ns_, 0, id_, 0, 0, 0, 0, Kind::kWait});
  }
  WaitScope(const WaitScope&) = delete;
  WaitScope& operator=(const WaitScope&) = delete;

 private:
  std::uint64_t id_ = 0;
  std::int64_t begin_ns_ = 0;
};

}  // namespace treadle::trace
