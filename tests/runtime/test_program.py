import gc
import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import treadle
from tests.runtime.plans import SIZE, copy_plan, ramp, run
from treadle import runtime
from treadle.errors import PlanError
from treadle.runtime.plan import Plan, Program, Space

ARENA, CONSTANT, INPUT, OUTPUT, STATUS, LOCAL = Space


def copy_program(**options: Any) -> tuple[Program, list[Any]]:
    bound: list[Any] = []

    def bind(signature: tuple[Any, ...]) -> Plan:
        bound.append(signature)
        return copy_plan(signature[0])

    return Program(bind, **options), bound


@pytest.mark.parametrize("shape", [(), (0,), (1,), (16,), (3, 0, 2), (5, 7)])
def test_program_binds_each_shape_once(shape: tuple[int, ...]) -> None:
    program, bound = copy_program()
    for _ in range(3):
        (result,) = program(ramp(*shape))
        np.testing.assert_array_equal(result, ramp(*shape))
        assert result.shape == shape
    assert bound == [(("float32", shape),)]
    assert program.num_plans == 1


def test_program_forgets_the_plan_used_longest_ago() -> None:
    program, bound = copy_program(capacity=2)
    for size in (1, 2, 1, 3, 1, 2):
        program(ramp(size))
    assert [signature[0][1][0] for signature in bound] == [1, 2, 3, 2]
    assert program.num_plans == 2
    program.clear()
    assert program.num_plans == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.T,
        lambda a: a[::2, ::-1],
        lambda a: a.astype(">f4"),
        lambda a: a[1:].copy(),
        lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view(np.float32),
    ],
    ids=["transposed", "strided", "big-endian", "sliced", "unaligned"],
)
def test_program_takes_any_layout(change: Callable[[Any], Any]) -> None:
    program, _ = copy_program()
    argument = change(ramp(4, 6))
    np.testing.assert_array_equal(program(argument)[0], argument)


class _WithArray:
    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return ramp(4)


class _WithDlpack:
    def __dlpack__(self, **options: Any) -> Any:
        return ramp(4).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return ramp(4).__dlpack_device__()


@pytest.mark.parametrize("argument", [treadle.from_numpy(ramp(4)), _WithArray(), _WithDlpack()])
def test_program_takes_what_holds_an_array(argument: Any) -> None:
    program, _ = copy_program()
    np.testing.assert_array_equal(program(argument)[0], ramp(4))


def test_program_refuses_arrays_of_objects() -> None:
    program, _ = copy_program()
    with pytest.raises(TypeError, match="plans have no arrays of Python objects"):
        program(object())


def test_program_takes_bfloat16() -> None:
    import ml_dtypes

    plan = Plan(
        [[run("copy", (OUTPUT, 0, 0), (INPUT, 0, 0), tasks=2)]],
        0,
        [],
        [("bfloat16", (4,))],
        [("bfloat16", (4,))],
    )
    argument = np.arange(4).astype(ml_dtypes.bfloat16)
    program = Program(lambda signature: plan)
    (result,) = program(argument)
    assert result.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(result, argument)


def test_program_wraps_results() -> None:
    program, _ = copy_program(wrap=lambda array: ("wrapped", array))
    ((name, result),) = program(ramp(4))
    assert name == "wrapped"
    np.testing.assert_array_equal(result, ramp(4))


def test_program_makes_tensors_of_results() -> None:
    program, _ = copy_program(wrap=treadle.Tensor)
    (result,) = program(ramp(4))
    assert isinstance(result, treadle.Tensor)
    np.testing.assert_array_equal(result.numpy(), ramp(4))


def test_errors_of_bind_reach_the_caller() -> None:
    def bind(signature: object) -> Plan:
        raise KeyError("no such shape")

    with pytest.raises(KeyError, match="no such shape"):
        Program(bind)(ramp(3))


def test_plan_for_other_inputs_is_refused() -> None:
    with pytest.raises(PlanError, match="other inputs"):
        Program(lambda signature: copy_plan())(ramp(3))


@pytest.mark.parametrize("threads", [0, -1, 1 << 40])
def test_bad_thread_limit_is_refused(threads: int) -> None:
    program, _ = copy_program()
    with pytest.raises((ValueError, OverflowError)):
        program(ramp(3), threads=threads)


def test_unknown_keyword_is_refused() -> None:
    program, _ = copy_program()
    with pytest.raises(TypeError, match="keyword threads"):
        program(ramp(3), thread=1)  # type: ignore[call-arg]


def test_results_outlive_everything_else() -> None:
    program, _ = copy_program()
    (result,) = program(ramp(1000))
    del program
    gc.collect()
    runtime.trim_memory()
    np.testing.assert_array_equal(result, ramp(1000))


def test_program_in_a_cycle_is_collected() -> None:
    class Owner:
        program: Program

        def bind(self, signature: Any) -> Plan:
            return copy_plan(signature[0])

    owner = Owner()
    owner.program = Program(owner.bind)
    owner.program(ramp(3))
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


@pytest.mark.threads
def test_many_threads_call_one_program() -> None:
    program, _ = copy_program(capacity=2)
    failures: list[BaseException] = []

    def client(seed: int) -> None:
        try:
            for i in range(200):
                argument = ramp(1 + (seed + i) % 5) + seed
                np.testing.assert_array_equal(program(argument)[0], argument)
        except BaseException as error:
            failures.append(error)

    clients = [threading.Thread(target=client, args=(seed,)) for seed in range(8)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(60)
    assert not failures


@pytest.mark.threads
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_child_of_a_fork_runs_plans() -> None:
    plan = copy_plan()
    target = np.zeros(SIZE, np.float32)
    plan.run([ramp(SIZE)], [target])
    child = os.fork()
    if child == 0:
        target[:] = 0
        plan.run([ramp(SIZE)], [target])
        os._exit(0 if (target == ramp(SIZE)).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# ---- memory


def test_freed_results_are_reused() -> None:
    runtime.trim_memory()
    before = runtime.memory_statistics()["num_reused"]
    for _ in range(5):
        array = runtime.empty((300_000,), "float32")
        assert array.ctypes.data % 64 == 0
        del array
    assert runtime.memory_statistics()["num_reused"] - before == 4
    runtime.trim_memory()
    assert runtime.memory_statistics()["cached_bytes"] == 0


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_empty_makes_ordinary_arrays(shape: tuple[int, ...]) -> None:
    array = runtime.empty(shape, "int64")
    assert array.shape == shape
    assert array.dtype == np.int64
    assert array.flags.c_contiguous
    assert array.flags.writeable


def test_negative_dimension_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        runtime.empty((-1,), "float32")
