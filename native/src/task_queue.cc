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
  if (task.is_leaf) num_leaves_.store(num_leaves_.load(std::memory_order_relaxed) + 1);
  size_.store(size_.load(std::memory_order_relaxed) + 1);
}

void TaskQueue::unlink(Task& task) {
  List& list = list_of(task);
  (task.previous ? task.previous->next : list.head) = task.next;
  (task.next ? task.next->previous : list.tail) = task.previous;
  task.is_queued = false;
  if (task.is_leaf)
    num_leaves_.store(num_leaves_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  size_.store(size_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
}

Task* TaskQueue::oldest() const {
  if (!leaves_.head || !others_.head) return leaves_.head ? leaves_.head : others_.head;
  return leaves_.head->sequence < others_.head->sequence ? leaves_.head : others_.head;
}

Task* TaskQueue::pop() {
  if (size() == 0) return nullptr;
  std::lock_guard lock(mutex_);
  Task* task = oldest();
  if (task) unlink(*task);
  return task;
}

Task* TaskQueue::pop_leaf() {
  if (num_leaves() == 0) return nullptr;
  std::lock_guard lock(mutex_);
  Task* task = leaves_.head;
  if (task) unlink(*task);
  return task;
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

bool TaskQueue::claim(Task& task) {
  std::lock_guard lock(mutex_);
  if (!task.is_queued) return false;
  unlink(task);
  return true;
}

}  // namespace treadle
