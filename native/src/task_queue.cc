#include "task_queue.h"

namespace treadle {
namespace {

// Among the newest tasks, for one of a certain client.
constexpr int kMaxLooks = 16;

}  // namespace

void TaskQueue::push(Task& task) {
  std::lock_guard lock(mutex_);
  num_pushed_.store(next_sequence_, std::memory_order_relaxed);
  task.sequence = next_sequence_++;
  task.is_queued = true;
  TaskLimit* limit = task.limit;
  task.is_parked = limit && limit->admitted >= limit->max;
  if (limit && !task.is_parked) ++limit->admitted;
  link(task);
}

// At the end: a task that leaves its limit's list comes later than its age says.
void TaskQueue::link(Task& task) {
  Task*& head = task.is_parked ? task.limit->first_parked : list_of(task).head;
  Task*& tail = task.is_parked ? task.limit->last_parked : list_of(task).tail;
  task.previous = tail;
  task.next = nullptr;
  (tail ? tail->next : head) = &task;
  tail = &task;
  if (!task.is_parked) count(task, 1);
}

void TaskQueue::count(const Task& task, int change) {
  if (task.is_leaf) num_leaves_.store(num_leaves_.load(std::memory_order_relaxed) + change);
  if (task.is_hosted) num_hosted_.store(num_hosted_.load(std::memory_order_relaxed) + change);
  size_.store(size_.load(std::memory_order_relaxed) + change);
}

void TaskQueue::unlink(Task& task) {
  Task*& head = task.is_parked ? task.limit->first_parked : list_of(task).head;
  Task*& tail = task.is_parked ? task.limit->last_parked : list_of(task).tail;
  (task.previous ? task.previous->next : head) = task.next;
  (task.next ? task.next->previous : tail) = task.previous;
  task.is_queued = false;
  if (!task.is_parked) count(task, -1);
}

bool TaskQueue::free_place(TaskLimit& limit) {
  --limit.admitted;
  Task* task = limit.first_parked;
  if (!task || limit.admitted >= limit.max) return false;
  unlink(*task);
  task->is_queued = true;
  task->is_parked = false;
  ++limit.admitted;
  link(*task);
  return true;
}

bool TaskQueue::finish(TaskLimit& limit) {
  std::lock_guard lock(mutex_);
  return free_place(limit);
}

// For who waits for the task, and is not limited.
void TaskQueue::take_back(Task& task) {
  const bool was_admitted = task.limit && !task.is_parked;
  unlink(task);
  if (was_admitted) free_place(*task.limit);
}

Task* TaskQueue::take(Task* task) {
  if (task) unlink(*task);
  return task;
}

Task* TaskQueue::oldest() const {
  Task* found = nullptr;
  for (const List* list : {&leaves_, &hosted_, &others_})
    if (list->head && (!found || list->head->sequence < found->sequence)) found = list->head;
  return found;
}

Task* TaskQueue::pop() {
  if (size() == 0) return nullptr;
  std::lock_guard lock(mutex_);
  return take(oldest());
}

Task* TaskQueue::pop_leaf() {
  if (num_leaves() == 0) return nullptr;
  std::lock_guard lock(mutex_);
  return take(leaves_.head);
}

Task* TaskQueue::pop_hosted() {
  if (num_hosted() == 0) return nullptr;
  std::lock_guard lock(mutex_);
  return take(hosted_.head);
}

Task* TaskQueue::take_towards(Task& wanted, std::uint64_t oldest_on_stack, bool allow_early) {
  std::lock_guard lock(mutex_);
  if (!wanted.is_queued) return nullptr;
  Task* task = oldest();
  if (!(allow_early && task && task->may_run_early && task->group == wanted.group &&
        task->sequence < wanted.sequence && task->sequence < oldest_on_stack))
    task = &wanted;
  take_back(*task);
  return task;
}

Task* TaskQueue::take_beside(const Task& wanted, std::int64_t most_ns) {
  if (size() == 0) return nullptr;
  std::lock_guard lock(mutex_);
  Task* task = others_.tail;
  for (int looks = 0; task && looks < kMaxLooks; ++looks, task = task->previous) {
    if (task->group != wanted.group) continue;
    if (!task->may_run_early || !task->cost || task->cost->ns() > most_ns) return nullptr;
    take_back(*task);
    return task;
  }
  return nullptr;
}

void TaskQueue::keep_only(std::uint64_t group) {
  std::lock_guard lock(mutex_);
  for (List* list : {&leaves_, &hosted_, &others_})
    for (Task *task = list->head, *next; task; task = next) {
      next = task->next;
      if (task->group != group) unlink(*task);
    }
}

bool TaskQueue::claim(Task& task) {
  std::lock_guard lock(mutex_);
  if (!task.is_queued) return false;
  take_back(task);
  return true;
}

}  // namespace treadle
