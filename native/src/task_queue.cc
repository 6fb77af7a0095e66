#include "task_queue.h"

namespace treadle {

void TaskQueue::push(Task& task) {
  std::lock_guard lock(mutex_);
  List& list = list_of(task);
  num_pushed_.store(next_sequence_, std::memory_order_relaxed);
  task.sequence = next_sequence_++;
  task.previous = list.tail;
  task.next = nullptr;
  (list.tail ? list.tail->next : list.head) = &task;
  list.tail = &task;
  task.is_queued = true;
  count(task, 1);
}

void TaskQueue::count(const Task& task, int change) {
  if (task.is_leaf) num_leaves_.store(num_leaves_.load(std::memory_order_relaxed) + change);
  if (task.is_hosted) num_hosted_.store(num_hosted_.load(std::memory_order_relaxed) + change);
  size_.store(size_.load(std::memory_order_relaxed) + change);
}

void TaskQueue::unlink(Task& task) {
  List& list = list_of(task);
  (task.previous ? task.previous->next : list.head) = task.next;
  (task.next ? task.next->previous : list.tail) = task.previous;
  task.is_queued = false;
  count(task, -1);
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
  if (!(allow_early && task->may_run_early && task->group == wanted.group &&
        task->sequence < wanted.sequence && task->sequence < oldest_on_stack))
    task = &wanted;
  unlink(*task);
  return task;
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
  unlink(task);
  return true;
}

}  // namespace treadle
