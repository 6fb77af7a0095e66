#include "treadle/trace.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "testing.h"
#include "treadle/future.h"
#include "treadle/parallel.h"

namespace treadle {
namespace {

std::vector<trace::Event> events_of(trace::Kind kind) {
  std::vector<trace::Event> found;
  for (const trace::Lane& lane : trace::collect())
    for (const trace::Event& event : lane.events)
      if (event.kind == kind) found.push_back(event);
  return found;
}

void record_ops(int count) {
  for (int i = 1; i <= count; ++i) trace::OpScope scope(0, i);
}

TEST(nothing_is_recorded_while_no_trace_runs) {
  trace::start(100);
  trace::stop();
  record_ops(3);
  CHECK(events_of(trace::Kind::kOp).empty());
}

TEST(a_ring_keeps_the_newest_and_counts_the_lost) {
  trace::start(4);
  std::thread([] { record_ops(10); }).join();
  trace::stop();
  std::vector<trace::Lane> lanes = trace::collect();
  std::erase_if(lanes, [](const trace::Lane& lane) { return lane.num_lost == 0; });
  CHECK(lanes.size() == 1);
  CHECK(lanes[0].num_lost == 6);
  CHECK(lanes[0].events.size() == 4);
  for (int i = 0; i < 4; ++i) CHECK(lanes[0].events[i].last == 7 + i);
}

TEST(a_new_trace_forgets_the_last_one) {
  trace::start(100);
  record_ops(5);
  trace::stop();
  trace::start(50);
  record_ops(2);
  trace::stop();
  CHECK(events_of(trace::Kind::kOp).size() == 2);
}

TEST(a_fork_its_task_and_its_join_have_one_id) {
  trace::start(100);
  fork([] { return 1; }).wait();
  trace::stop();
  auto forks = events_of(trace::Kind::kFork), tasks = events_of(trace::Kind::kTask),
       waits = events_of(trace::Kind::kWait);
  CHECK(forks.size() == 1 && waits.size() == 1);
  CHECK(forks[0].id != 0 && forks[0].id == waits[0].id);
  // A task says that it is done before it says so to the trace, which may have ended then.
  CHECK(tasks.size() <= 1);
  for (const trace::Event& task : tasks)
    CHECK(task.id == forks[0].id && task.begin_ns >= forks[0].begin_ns);
}

TEST(a_reader_sees_whole_events_while_others_write) {
  std::atomic<bool> stopping{false};
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i)
    writers.emplace_back([&] {
      while (!stopping.load())
        for (int n = 1; n < 50; ++n) trace::ChunkScope scope({7, 0}, n, 2 * n);
    });
  for (int round = 0; round < 50; ++round) {
    trace::start(round % 2 ? 8 : 100);
    for (int look = 0; look < 3; ++look)
      for (const trace::Event& event : events_of(trace::Kind::kChunk)) {
        CHECK(event.id == 7 && event.last == 2 * event.first);
        CHECK(event.begin_ns <= event.end_ns);
      }
    trace::stop();
  }
  stopping.store(true);
  for (std::thread& writer : writers) writer.join();
}

TEST(names_are_numbered_once) {
  const std::uint32_t number = trace::intern("trace test");
  CHECK(trace::intern("trace test") == number);
  CHECK(trace::names()[number] == "trace test");
  CHECK(trace::intern("") == 0);
}

}  // namespace
}  // namespace treadle
