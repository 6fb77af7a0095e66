import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import treadle
from tests.runtime.processes import run_python
from treadle import runtime
from treadle.errors import InputError, ThreadingError
from treadle.runtime import backends


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    threads, interop = runtime.get_num_threads(), runtime.get_num_interop_threads()
    yield
    runtime.set_num_threads(threads)
    runtime.set_num_interop_threads(interop)


SETTERS = [runtime.set_num_threads, runtime.set_num_interop_threads]


@pytest.mark.parametrize("setter", SETTERS)
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "bool"),
        (1.0, "float"),
        ("2", "str"),
        (None, "NoneType"),
        (np.True_, "numpy.bool"),
        (treadle.tensor(2), "Tensor"),
    ],
)
def test_count_must_be_an_exact_int(setter: Any, value: object, name: str) -> None:
    with pytest.raises(ThreadingError, match=f"{setter.__name__} expects an int, but got {name}"):
        setter(value)


@pytest.mark.parametrize("setter", SETTERS)
@pytest.mark.parametrize("value", [0, -1, np.int64(-5)])
def test_count_must_be_positive(setter: Any, value: Any) -> None:
    with pytest.raises(RuntimeError, match=f"{setter.__name__} expects a positive integer"):
        setter(value)


@pytest.mark.parametrize("setter", SETTERS)
@pytest.mark.parametrize("value", [2**31, 2**70, -(2**31) - 1])
def test_count_must_fit(setter: Any, value: int) -> None:
    with pytest.raises(ValueError, match="Overflow when unpacking long") as caught:
        setter(value)
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize("value", [3, np.int32(3), 100_000])
def test_count_is_kept_even_above_the_budget(value: Any) -> None:
    runtime.set_num_threads(value)
    runtime.set_num_interop_threads(value)
    assert runtime.get_num_threads() == value
    assert runtime.get_num_interop_threads() == value
    assert runtime.get_num_threads() >= 1


def test_interop_threads_may_be_set_again_after_forks() -> None:
    assert runtime.fork(int).wait() == 0
    for count in (2, 1, 3):
        runtime.set_num_interop_threads(count)
        assert runtime.fork(int).wait() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "first", ["runtime.set_num_interop_threads(1)", "runtime.fork(int).wait()"]
)
def test_strict_torch_mode_refuses_what_torch_refuses(first: str) -> None:
    code = (
        first
        + """
try:
    runtime.set_num_interop_threads(2)
except RuntimeError as error:
    print(error)
"""
    )
    done = run_python(code, TREADLE_STRICT_TORCH="1")
    expected = (
        "Error: cannot set number of interop threads after parallel work has started or "
        "set_num_interop_threads called\n"
    )
    assert done.stdout == expected
    assert run_python(code).stdout == ""


def test_strict_torch_mode_allows_the_first_time() -> None:
    code = "runtime.set_num_interop_threads(3); print(runtime.get_num_interop_threads())"
    assert run_python(code, TREADLE_STRICT_TORCH="1").stdout == "3\n"


def test_setting_is_seen_by_all_threads_at_once() -> None:
    seen: list[int] = []
    turns = threading.Barrier(2)

    def look() -> None:
        for _ in range(2):
            turns.wait()
            seen.append(runtime.get_num_threads())
            turns.wait()

    thread = threading.Thread(target=look)
    thread.start()
    for count in (5, 3):
        runtime.set_num_threads(count)
        turns.wait()
        turns.wait()
    thread.join()
    assert seen == [5, 3]


def test_contexts_of_forks_leave_the_setting_as_it_was() -> None:
    runtime.set_num_interop_threads(8)
    with runtime.threads(inter=2):
        assert runtime.get_num_interop_threads() == 2
        with runtime.threads(inter=5):
            assert runtime.fork(runtime.get_num_interop_threads).wait() == 5
        runtime.set_num_interop_threads(4)
        assert runtime.get_num_interop_threads() == 2
    assert runtime.get_num_interop_threads() == 4


def test_context_is_of_one_asyncio_task() -> None:
    async def limited(count: int) -> int:
        with runtime.threads(intra=count):
            await asyncio.sleep(0)
            return runtime.get_num_threads()

    async def both() -> list[int]:
        return list(await asyncio.gather(limited(1), limited(2)))

    assert asyncio.run(both()) == [1, 2]


def test_threads_start_lazily_and_never_above_the_budget() -> None:
    code = """
from treadle import _native
from tests.runtime.kernels import address
from treadle.runtime.plan import Plan
count = [_native.num_workers()]
runtime.set_num_threads(100_000); runtime.set_num_interop_threads(100_000)
count.append(_native.num_workers())
plan = Plan([[("run", "n", address("nothing"), (), (), 64, 1)] * 100], 0, [], [], [])
for _ in range(20):
    plan.run([], [])
for future in [runtime.fork(int) for _ in range(200)]:
    future.wait()
count.append(_native.num_workers())
print(*count)
"""
    before, after_set, after_work = map(int, run_python(code, TREADLE_BUDGET="3").stdout.split())
    assert before == after_set == 0
    assert after_work <= 2


def test_outside_a_region_there_is_no_thread_number() -> None:
    assert treadle.get_thread_num() == 0
    assert not treadle.in_parallel_region()


def test_context_limits_threads() -> None:
    runtime.set_num_threads(4)
    with runtime.threads(intra=2, inter=1):
        assert runtime.get_num_threads() == 2
        assert runtime.get_num_interop_threads() == 1
    assert runtime.get_num_threads() == 4


def test_context_checks_its_arguments() -> None:
    with pytest.raises(ThreadingError, match="positive integer"), runtime.threads(intra=0):
        pass


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, 3),
        ({"OMP_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": " 3 "}, 3),
        ({"OMP_NUM_THREADS": "3,2"}, 3),
        ({"OMP_NUM_THREADS": ""}, 3),
        ({"MKL_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "1"}, 1),
    ],
)
def test_environment_sets_the_default(environment: dict[str, str], expected: int) -> None:
    done = run_python("print(runtime.get_num_threads())", TREADLE_BUDGET="3", **environment)
    assert done.stdout.split() == [str(expected)]
    assert done.stderr == ""


@pytest.mark.slow
@pytest.mark.parametrize("value", ["0", "-2", "many", "1.5"])
def test_invalid_environment_is_warned_of_once(value: str) -> None:
    done = run_python("print(runtime.get_num_threads())", TREADLE_BUDGET="3", OMP_NUM_THREADS=value)
    assert done.stdout.split() == ["3"]
    assert done.stderr.count(f"OMP_NUM_THREADS='{value}' ignored") == 1


def test_api_wins_over_the_environment() -> None:
    code = "runtime.set_num_threads(1); print(runtime.get_num_threads())"
    done = run_python(code, TREADLE_BUDGET="3", OMP_NUM_THREADS="2", MKL_NUM_THREADS="3")
    assert done.stdout.split() == ["1"]


def test_interop_threads_come_from_the_environment() -> None:
    code = "print(runtime.get_num_interop_threads(), runtime.get_num_threads())"
    done = run_python(code, TREADLE_BUDGET="3", TREADLE_NUM_INTEROP_THREADS="2")
    assert done.stdout.split() == ["2", "3"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "value"),
    [("TREADLE_AFFINITY", "scatter"), ("TREADLE_SPIN_US", "51"), ("TREADLE_STRICT_TORCH", "both")],
)
def test_other_invalid_variables_are_warned_of_once(name: str, value: str) -> None:
    code = "runtime.set_num_interop_threads(2); runtime.set_num_interop_threads(1)"
    done = run_python(code, **{name: value})
    assert done.stderr.count(f"{name}='{value}' ignored") == 1


@pytest.mark.slow
def test_an_unknown_instruction_set_is_warned_of_once() -> None:
    code = "import treadle; x = treadle.ones(3); print((x + x).tolist(), (x * x).tolist())"
    done = run_python(code, TREADLE_ISA="sse9")
    assert done.stdout.split("\n")[0] == "[2.0, 2.0, 2.0] [1.0, 1.0, 1.0]"
    wanted = "TREADLE_ISA='sse9' ignored: expected one of native, avx2; using native"
    assert done.stderr.count(wanted) == 1


def test_environment_above_the_budget_is_warned_of() -> None:
    done = run_python("print(runtime.get_num_threads())", TREADLE_BUDGET="3", OMP_NUM_THREADS="64")
    assert done.stdout.split() == ["64"]
    assert done.stderr.count("OMP_NUM_THREADS=64 is above the 3 threads") == 1


def test_unknown_backend_in_the_environment_is_warned_of() -> None:
    done = run_python("import treadle._native as n; print(n.backend())", TREADLE_THREADING="gpu")
    assert done.stdout.split() == ["native"]
    assert "TREADLE_THREADING='gpu' ignored" in done.stderr


def test_unknown_backend_is_refused() -> None:
    with pytest.raises(ThreadingError, match="no thread pool 'gpu'"):
        runtime.use_backend("gpu")


@pytest.mark.parametrize("name", backends.available())
def test_backend_can_be_changed_at_run_time(name: str) -> None:
    before = "native"
    runtime.use_backend(name)
    try:
        assert runtime.parallel_info(as_dict=True)["backend"] == name
        assert runtime.fork(int, 3).wait() == 3
    finally:
        runtime.use_backend(before)
