#include "task_queue.h"

#include <array>

#include "testing.h"

namespace treadle {
namespace {

// Tasks of one client that may run early, each of a known cost.
struct Forks {
  TaskQueue queue;
  std::array<RecentCost, 4> costs;
  std::array<Task, 4> tasks;

  Forks() {
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      costs[i].note(10);
      tasks[i].may_run_early = true;
      tasks[i].group = 1;
      tasks[i].cost = &costs[i];
      queue.push(tasks[i]);
    }
    queue.claim(tasks[0]);
  }
  Task* beside_first(std::int64_t most_ns = 10) { return queue.take_beside(tasks[0], most_ns); }
};

TEST(beside_a_task_under_way_the_newest_is_run_first) {
  Forks forks;
  CHECK(forks.beside_first() == &forks.tasks[3]);
  CHECK(forks.beside_first() == &forks.tasks[2]);
  CHECK(forks.queue.pop() == &forks.tasks[1]);
  CHECK(forks.beside_first() == nullptr);
}

TEST(what_takes_longer_or_is_not_known_is_left) {
  Forks forks;
  CHECK(forks.beside_first(9) == nullptr);
  forks.tasks[3].cost = nullptr;
  CHECK(forks.beside_first() == nullptr);
  RecentCost unknown;
  forks.tasks[3].cost = &unknown;
  CHECK(forks.beside_first() == nullptr);
  CHECK(forks.queue.size() == 3);
}

TEST(what_may_wait_for_anything_is_left) {
  Forks forks;
  forks.tasks[3].may_run_early = false;
  CHECK(forks.beside_first() == nullptr);
}

TEST(tasks_of_other_clients_are_left) {
  Forks forks;
  forks.tasks[3].group = 2;
  CHECK(forks.beside_first() == &forks.tasks[2]);
  forks.tasks[1].group = 3;
  CHECK(forks.beside_first() == nullptr);
}

TEST(a_place_of_a_limit_is_free_when_its_task_is_taken) {
  TaskLimit* limit = new TaskLimit(1);
  TaskQueue queue;
  std::array<Task, 2> tasks;
  for (Task& task : tasks) {
    task.limit = limit;
    queue.push(task);
  }
  CHECK(queue.size() == 1 && queue.pop() == &tasks[0]);
  CHECK(queue.pop() == nullptr);
  CHECK(queue.finish(*limit));
  CHECK(queue.pop() == &tasks[1]);
  CHECK(!queue.finish(*limit));
  limit->release();
}

}  // namespace
}  // namespace treadle
