from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.kernels import address
from tests.runtime.plans import SIZE, SPEC, copy_plan, ramp, run, slot
from treadle.errors import PlanError
from treadle.runtime.plan import Instruction, Plan, Space

ARENA, CONSTANT, INPUT, OUTPUT, STATUS, LOCAL = Space


def test_plan_runs_into_the_callers_arrays() -> None:
    source, target = ramp(SIZE), np.zeros(SIZE, np.float32)
    copy_plan().run([source], [target])
    np.testing.assert_array_equal(target, source)


def test_plan_reads_constants_and_arena() -> None:
    constant = np.full(SIZE, 5, np.float32)
    code = [
        run("copy", slot(0), (CONSTANT, 0, 0)),
        run("accumulate", slot(0), (INPUT, 0, 0)),
        run("copy", (OUTPUT, 0, 0), slot(0)),
    ]
    plan = Plan([code], 192, [constant], [SPEC], [SPEC])
    target = np.zeros(SIZE, np.float32)
    for _ in range(2):
        plan.run([ramp(SIZE)], [target])
        np.testing.assert_array_equal(target, ramp(SIZE) + 5)


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (("join", 0), r"instruction 0 of sequence 0 \(join\): future 0 is not forked before"),
        (("fork", 1, 0), "there is no sequence 1 to fork"),
        (run("copy", (INPUT, 3, 0)), r"\(run copy\): buffer 0: there is no input 3"),
        (run("copy", (ARENA, 0, 1000)), "offset 1000 is outside 192 bytes"),
        (run("copy", (7, 0, 0)), "there is no space 7"),
        (run("copy", (LOCAL, 0, 0)), "only what is forked has local memory"),
        (("run", "k", 0, (), (), 1, 1), "address is null"),
        (run("copy", grain=0), "grain is below 1"),
        (run("copy", tasks=-1), "number of tasks is negative"),
    ],
)
def test_unsound_plan_is_refused(instruction: Instruction, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Plan([[instruction]], 192, [], [SPEC], [SPEC])


def test_a_fork_has_memory_of_its_own() -> None:
    code: list[list[Instruction]] = [
        [("fork", 1, 0), ("join", 0), run("copy", (OUTPUT, 0, 0), slot(0))],
        [run("copy", (LOCAL, 0, 64), (INPUT, 0, 0)), run("copy", slot(0), (LOCAL, 0, 64))],
    ]
    plan = Plan(code, 192, [], [SPEC], [SPEC], local_bytes=[0, 256])
    target = np.zeros(SIZE, np.float32)
    plan.run([ramp(SIZE)], [target])
    np.testing.assert_array_equal(target, ramp(SIZE))
    with pytest.raises(PlanError, match="offset 64 is outside 0 bytes"):
        Plan(code, 192, [], [SPEC], [SPEC])
    with pytest.raises(MemoryError):
        Plan(code, 192, [], [SPEC], [SPEC], local_bytes=[0, 1 << 60]).run([ramp(SIZE)], [target])


@pytest.mark.parametrize("code", [[[("jump", 1)]], [[("run",)]], [[()]]])
def test_malformed_instruction_is_refused(code: Any) -> None:
    with pytest.raises(ValueError, match="instruction"):
        Plan(code, 0, [], [], [])


@pytest.mark.parametrize("offset", ["0", 1.5, 1 << 70])
def test_field_of_a_wrong_type_is_refused(offset: Any) -> None:
    with pytest.raises(TypeError, match="wrong type, or does not fit"):
        Plan([[run("copy", (ARENA, 0, offset))]], 192, [], [], [])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([ramp(3)], r"input 0 must be float32\[37\], got float32\[3\]"),
        ([ramp(SIZE).astype(np.float64)], r"must be float32\[37\], got float64\[37\]"),
        ([], "the plan takes 1 inputs, got 0"),
        ([ramp(SIZE), ramp(SIZE)], "there is no input 1"),
        ([ramp(2 * SIZE)[::2]], "must be C-contiguous"),
    ],
)
def test_plan_checks_the_callers_arrays(inputs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        copy_plan().run(inputs, [np.zeros(SIZE, np.float32)])


def test_read_only_output_is_refused() -> None:
    target = np.zeros(SIZE, np.float32)
    target.flags.writeable = False
    with pytest.raises(ValueError, match="output 0 must be C-contiguous and writeable"):
        copy_plan().run([ramp(SIZE)], [target])


def test_failing_kernel_reaches_the_status_handler() -> None:
    def on_status(code: int, detail: tuple[int, int, int]) -> None:
        raise IndexError(f"{code}: {detail[0]}")

    code: list[Instruction] = [
        ("run", "fail", address("fail"), ((STATUS, 0, 0),), (3, 99), 1, 1),
    ]
    plan = Plan([code], 0, [], [], [], None, on_status)
    for _ in range(2):
        with pytest.raises(IndexError, match="3: 99"):
            plan.run([], [])


def test_profile_names_each_call() -> None:
    code: list[list[Instruction]] = [
        [("fork", 1, 0), run("copy", (OUTPUT, 0, 0), (INPUT, 0, 0)), ("join", 0)],
        [run("nothing")],
    ]
    profile = Plan(code, 0, [], [SPEC], [SPEC]).profile([ramp(SIZE)], 3)
    assert [name for name, _ in profile] == ["copy", "nothing"]
    assert all(seconds >= 0 for _, seconds in profile)


# ---- random graphs of forks


@st.composite
def fork_trees(draw: st.DrawFn) -> tuple[list[list[Instruction]], int]:
    """Sequences that each gather the input and their children's sums; the expected multiple."""
    sequences: list[list[Instruction]] = []
    num_futures = 0

    def build(depth: int) -> tuple[int, int]:
        nonlocal num_futures
        index = len(sequences)
        code: list[Instruction] = [run("copy", slot(index), (INPUT, 0, 0))]
        sequences.append(code)
        total, open_forks = 1, []
        for is_fork in draw(st.lists(st.booleans(), max_size=4)):
            if is_fork and depth > 0 and len(sequences) < 30:
                child, amount = build(depth - 1)
                code.append(("fork", child, num_futures))
                open_forks.append((num_futures, child))
                num_futures += 1
                total += amount
            else:
                grain = draw(st.integers(1, 40))
                code.append(run("accumulate", slot(index), (INPUT, 0, 0), grain=grain))
                total += 1
        for future, child in draw(st.permutations(open_forks)):
            code += [("join", future), run("accumulate", slot(index), slot(child))]
        return index, total

    _, total = build(3)
    sequences[0].append(run("copy", (OUTPUT, 0, 0), slot(0)))
    return sequences, total


@pytest.mark.threads
@settings(max_examples=60, deadline=None)
@given(fork_trees(), st.integers(0, 4))
def test_random_fork_trees_sum_up(tree: tuple[list[list[Instruction]], int], limit: int) -> None:
    sequences, total = tree
    plan = Plan(sequences, 192 * len(sequences), [], [SPEC], [SPEC])
    target = np.zeros(SIZE, np.float32)
    for _ in range(3):
        plan.run([ramp(SIZE)], [target], limit)
        np.testing.assert_array_equal(target, ramp(SIZE) * total)
