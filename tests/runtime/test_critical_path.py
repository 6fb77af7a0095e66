"""The critical path and the times of threads, on traces written by hand or made up."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.runtime.critical_path import critical_paths, requests
from treadle.runtime.trace_events import Event, Kind, Lane
from treadle.runtime.trace_summary import exclusive_times, summarize


def lane(*events: Event, name: str = "main") -> Lane:
    return Lane(name, 1, tuple(sorted(events, key=lambda e: (e.begin_ns, -e.end_ns))))


def request(id_: int, begin: int, end: int, frame: int = 0) -> Event:
    return Event(Kind.REQUEST, "", begin, end, id_, frame)


def op(name: str, begin: int, end: int, frame: int = 1) -> Event:
    return Event(Kind.OP, name, begin, end, 1000 + begin, frame, 0, 1)


def fork(id_: int, at: int, frame: int = 1) -> Event:
    return Event(Kind.FORK, "", at, at, id_, frame)


def join(id_: int, begin: int, end: int, frame: int = 1) -> Event:
    return Event(Kind.WAIT, "", begin, end, id_, frame)


def path_of(*lanes: Lane) -> tuple[str, int]:
    (path,) = critical_paths(lanes)
    return " ".join(e.name for e in path.ops), path.length_ns


def test_ops_in_sequence_are_all_of_it() -> None:
    assert path_of(lane(request(1, 0, 99), op("a", 1, 11), op("b", 20, 25))) == ("a b", 15)


@pytest.mark.parametrize(
    ("there", "path"),
    [(30, ("a c d", 10 + 30 + 5)), (3, ("a b d", 10 + 20 + 5)), (20, ("a b d", 35))],
)
def test_the_longer_of_fork_and_caller_counts(there: int, path: tuple[str, int]) -> None:
    main = lane(
        request(1, 0, 99), op("a", 0, 10), fork(2, 10), op("b", 11, 31), join(2, 31, 60),
        op("d", 60, 65),
    )  # fmt: skip
    assert path_of(main, lane(op("c", 12, 12 + there, frame=2), name="worker")) == path


def test_it_makes_no_difference_who_runs_a_task() -> None:
    alone = lane(
        request(1, 0, 99), fork(2, 1), op("b", 2, 5), join(2, 6, 30), op("c", 7, 29, frame=2)
    )
    assert path_of(alone) == ("c", 22)


def test_a_fork_that_nobody_joins_does_not_count() -> None:
    main = lane(request(1, 0, 99), fork(2, 1), op("b", 2, 5))
    assert path_of(main, lane(op("c", 2, 50, frame=2))) == ("b", 3)


def test_requests_are_independent() -> None:
    first, second = critical_paths(
        [lane(request(1, 0, 9), op("a", 1, 2), request(2, 10, 19), op("b", 11, 14, frame=2))]
    )
    assert [p.length_ns for p in (first, second)] == [1, 3]


def test_a_request_inside_a_task_of_another_is_part_of_it() -> None:
    main = lane(request(1, 0, 99), fork(2, 1), join(2, 2, 50), op("end", 51, 53))
    worker = lane(request(3, 5, 40, frame=2), op("inner", 6, 36, frame=3))
    assert requests([main, worker]) == (main.events[0],)
    assert path_of(main, worker) == ("inner end", 32)


def test_a_fork_whose_begin_was_lost_counts_from_its_join() -> None:
    assert path_of(lane(request(1, 0, 99), join(2, 5, 9), op("a", 10, 12))) == ("a", 2)


@dataclass(frozen=True)
class Work:
    """A frame: numbers are ops of that length, frames are forked and joined at the end."""

    steps: tuple[int | Work, ...]

    def span(self) -> int:
        """The critical path, by its definition."""
        now, ends = 0, []
        for step in self.steps:
            if isinstance(step, Work):
                ends.append(now + step.span())
            else:
                now += step
        return max([now, *ends])


works = st.recursive(
    st.lists(st.integers(0, 50), max_size=4).map(lambda s: Work(tuple(s))),
    lambda inner: st.lists(st.integers(0, 50) | inner, max_size=4).map(lambda s: Work(tuple(s))),
    max_leaves=12,
)


class OneThread:
    """Runs a frame as one thread would, forks when they are joined."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.clock = 0
        self.next_id = 1

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id

    def run(self, work: Work, frame: int) -> None:
        forked: list[tuple[int, Work]] = []
        for step in work.steps:
            if isinstance(step, Work):
                forked.append((self.new_id(), step))
                self.events.append(fork(forked[-1][0], self.clock, frame))
            else:
                self.events.append(op("op", self.clock, self.clock + step, frame))
                self.clock += step
            self.clock += 1
        for id_, inner in forked:
            begin = self.clock
            self.clock += 1
            self.run(inner, id_)
            self.clock += 1
            self.events.append(join(id_, begin, self.clock, frame))
            self.clock += 1


@given(works)
def test_the_path_is_that_of_the_definition(work: Work) -> None:
    thread = OneThread()
    thread.run(work, 1)
    (path,) = critical_paths([lane(request(1, -1, thread.clock + 1), *thread.events)])
    assert path.length_ns == work.span() == sum(e.duration_ns for e in path.ops)
    assert all(a.end_ns <= b.begin_ns for a, b in zip(path.ops, path.ops[1:], strict=False))


@given(works)
def test_exclusive_times_add_up_to_the_outer_span(work: Work) -> None:
    thread = OneThread()
    thread.run(work, 1)
    whole = lane(request(1, -1, thread.clock + 1), *thread.events)
    times = list(exclusive_times(whole.events))
    assert all(time >= 0 for *_, time in times)
    assert sum(time for *_, time in times) == thread.clock + 2
    assert len(times) == len(whole.events)


def test_time_is_waiting_only_where_nothing_else_is_done() -> None:
    main = lane(
        request(1, 0, 100), op("a", 0, 40), join(2, 40, 90),
        Event(Kind.TASK, "", 45, 65, 3, 1), op("b", 50, 60, frame=3),
        Event(Kind.PARK, "", 70, 85),
    )  # fmt: skip
    worker = lane(
        Event(Kind.SPIN, "", 0, 20), Event(Kind.PARK, "", 20, 80),
        Event(Kind.CHUNK, "a", 85, 95, 1000, 0, 0, 1), name="treadle-1",
    )  # fmt: skip
    first, second = summarize([main, worker], 0, 100).threads
    assert (first.compute_ns, first.runtime_ns, first.waiting_ns) == (10, 60, 30)
    assert (second.compute_ns, second.spinning_ns, second.parked_ns) == (10, 20, 60)


def test_after_losses_the_numbers_are_of_what_is_left() -> None:
    main = Lane(
        "main", 1,
        (request(1, 0, 60), op("b", 20, 50), op("c", 51, 59),
         request(2, 60, 90), op("d", 70, 80, frame=2)),
        num_lost=7,
    )  # fmt: skip
    worker = lane(Event(Kind.PARK, "", 0, 100), name="treadle-1")
    summary = summarize([main, worker], 0, 100)
    assert (summary.duration_ns, summary.num_lost, summary.num_requests) == (50, 7, 1)
    first, second = summary.threads
    assert (first.compute_ns, first.runtime_ns) == (18, 22)
    assert second.parked_ns == 50
    assert summary.median_request_ns == 30
    assert [(o.name, o.count) for o in summary.ops] == [("d", 1), ("c", 1)]
