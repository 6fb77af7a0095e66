"""Memory of plans: what lives at the same time never overlaps, what does not may share."""

from __future__ import annotations

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plans import fine_tasks, graph_of, type_of
from tests.schedule.random_graphs import Program, programs
from treadle.ir.dtypes import f32
from treadle.ir.loops import LoopNest
from treadle.ir.types import TensorType
from treadle.ops import OPS
from treadle.passes.abstract import Unplannable
from treadle.passes.specialise import specialise
from treadle.schedule.machine import Machine
from treadle.schedule.memory import (
    ALIGNMENT,
    LiveRange,
    all_moments,
    live_ranges,
    own_moments,
    plan_memory,
)
from treadle.schedule.places import Space, Storage
from treadle.schedule.schedule import make_schedule
from treadle.schedule.steps import Fork, Instruction, Join, Repeat, Schedule, Step

_NO_CODE = LoopNest("touch", (), (), ())


def _touch(*storages: Storage) -> Step:
    return Step("touch", _NO_CODE, [(s, 0) for s in storages], (), 1, 1)


def _arena(nbytes: int) -> Storage:
    return Storage(Space.ARENA, nbytes)


def _disjoint(ranges: dict[Storage, LiveRange], offsets: dict[Storage, int]) -> None:
    for a, b in itertools.combinations(ranges, 2):
        if ranges[a].first <= ranges[b].last and ranges[b].first <= ranges[a].last:
            first, second = sorted((a, b), key=offsets.__getitem__)
            assert offsets[first] + first.nbytes <= offsets[second] or not first.nbytes


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 500)), max_size=12)
)
def test_storages_that_live_together_do_not_overlap(lives: list[tuple[int, int, int]]) -> None:
    steps: list[Instruction] = [_touch() for _ in range(13)]
    for a, b, nbytes in lives:
        storage = _arena(nbytes)
        for at in (a, b):
            step = steps[at]
            assert isinstance(step, Step)
            step.bound.append((storage, 0))
    memory = plan_memory([steps])
    offsets = memory.offsets
    _disjoint(live_ranges(own_moments(steps)), offsets)
    assert all(o % ALIGNMENT == 0 for o in offsets.values())
    assert memory.arena_bytes >= max((o + s.nbytes for s, o in offsets.items()), default=0)


@given(programs())
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
def test_random_programs_do_not_overlap(program: Program) -> None:
    graph = specialise(program.graph, [type_of(a) for a in program.arrays], OPS.by_name).graph
    with fine_tasks():
        try:
            schedule = make_schedule(graph, Machine())
        except Unplannable:
            return
    _disjoint(live_ranges(all_moments(schedule.sequences)), schedule.offsets)
    for sequence in schedule.sequences[1:]:
        _disjoint(live_ranges(own_moments(sequence), Space.LOCAL), schedule.offsets)


def test_what_a_fork_touches_lives_until_its_join() -> None:
    inside, shared, after = _arena(8), _arena(8), _arena(8)
    main: list[Instruction] = [
        _touch(shared), Fork(1, 0), _touch(), _touch(), Join(0), _touch(after)
    ]  # fmt: skip
    ranges = live_ranges(all_moments([main, [_touch(inside), _touch(shared)]]))
    assert (ranges[inside].first, ranges[inside].last) == (1, 4)
    assert (ranges[shared].first, ranges[shared].last) == (0, 4)
    assert (ranges[after].first, ranges[after].last) == (5, 5)


def test_a_fork_in_a_fork_lives_as_long_as_the_outer_one() -> None:
    inner = _arena(8)
    main: list[Instruction] = [Fork(1, 0), _touch(), Join(0)]
    outer: list[Instruction] = [Fork(2, 1), Join(1)]
    ranges = live_ranges(all_moments([main, outer, [_touch(inner)]]))
    assert (ranges[inner].first, ranges[inner].last) == (0, 2)


def test_what_only_a_fork_touches_is_in_memory_of_its_own() -> None:
    first, second, third, given = (_arena(100) for _ in range(4))
    body: list[Instruction] = [
        _touch(given, first), Repeat([_touch(first, second)], 3), _touch(second, third)
    ]  # fmt: skip
    memory = plan_memory([[_touch(given), Fork(1, 0), Join(0)], [*body, _touch(third, given)]])
    assert [s.space for s in (first, second, third)] == [Space.LOCAL] * 3
    assert given.space is Space.ARENA
    assert (memory.arena_bytes, memory.local_bytes) == (128, [0, 256])
    assert memory.offsets[first] == memory.offsets[third]


def test_what_a_fork_and_its_fork_touch_is_in_the_arena() -> None:
    shared, inner = _arena(64), _arena(64)
    outer: list[Instruction] = [_touch(shared), Fork(2, 1), Join(1)]
    memory = plan_memory([[Fork(1, 0), Join(0)], outer, [_touch(shared, inner)]])
    assert (shared.space, inner.space) == (Space.ARENA, Space.LOCAL)
    assert (memory.arena_bytes, memory.local_bytes) == (64, [0, 0, 64])


def _schedule(text: str) -> Schedule:
    graph = specialise(graph_of(text), [TensorType(f32, (64, 64))], OPS.by_name).graph
    return make_schedule(graph, Machine())


def test_a_chain_needs_two_buffers() -> None:
    lines = [f"%{i + 1}: Tensor = softmax.int(%{i}, {i % 2}, None)" for i in range(8)]
    schedule = _schedule("graph(%0: Tensor)\n" + "\n".join(lines) + "\nreturn %8")
    assert schedule.arena_bytes == 2 * 64 * 64 * 4


def test_tasks_side_by_side_share_no_memory() -> None:
    body = """
    %a{0}: Tensor = softmax.int(%x, 0, None)
    %b{0}: Tensor = softmax.int(%a{0}, 1, None)
    """
    forks = "".join(
        f"\n%f{i}: Future[Tensor] = fork()\n"
        + "\n".join("  " + line.strip() for line in body.format(i).strip().splitlines())
        + f"\n  return %b{i}"
        for i in range(3)
    )
    waits = "".join(f"\n%w{i}: Tensor = wait(%f{i})" for i in range(3))
    sums = "\n%s: Tensor = add.Tensor(%w0, %w1, 1)\n%t: Tensor = add.Tensor(%s, %w2, 1)"
    schedule = _schedule(f"graph(%x: Tensor){forks}{waits}{sums}\nreturn %t")
    assert schedule.arena_bytes == 3 * 64 * 64 * 4
    assert schedule.local_bytes == [0, *[64 * 64 * 4] * 3]


def test_a_long_chain_shares_memory_of_two_and_long_lives_keep_theirs() -> None:
    kept, chain = _arena(64), [_arena(64) for _ in range(500)]
    steps = [_touch(a, b) for a, b in itertools.pairwise(chain)]
    memory = plan_memory([[_touch(kept, chain[0]), *steps, _touch(kept)]])
    offsets = memory.offsets
    assert memory.arena_bytes == 3 * 64
    assert all(offsets[a] != offsets[b] for a, b in itertools.pairwise(chain))
    assert all(offsets[kept] != offsets[s] for s in chain)
