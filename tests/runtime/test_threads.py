import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from treadle import runtime
from treadle.errors import InputError, ThreadingError
from treadle.runtime import backends


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    threads, interop = runtime.get_num_threads(), runtime.get_num_interop_threads()
    yield
    runtime.set_num_threads(threads)
    runtime.set_num_interop_threads(interop)


def run_python(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TREADLE_BUDGET", "TREADLE_THREADING")
    kept = {k: v for k, v in os.environ.items() if k not in names}
    return subprocess.run(
        [sys.executable, "-c", "from treadle import runtime\n" + code],
        check=True,
        capture_output=True,
        text=True,
        env=kept | environment,
        timeout=50,
    )


SETTERS = [runtime.set_num_threads, runtime.set_num_interop_threads]


@pytest.mark.parametrize("setter", SETTERS)
@pytest.mark.parametrize(
    ("value", "name"),
    [(True, "bool"), (1.0, "float"), ("2", "str"), (None, "NoneType"), (np.True_, "bool")],
)
def test_count_must_be_an_exact_int(setter: Any, value: object, name: str) -> None:
    with pytest.raises(ThreadingError, match=f"{setter.__name__} expects an int, but got {name}"):
        setter(value)


@pytest.mark.parametrize("setter", SETTERS)
@pytest.mark.parametrize("value", [0, -1, np.int64(-5)])
def test_count_must_be_positive(setter: Any, value: Any) -> None:
    with pytest.raises(RuntimeError, match=f"{setter.__name__} expects a positive integer"):
        setter(value)


@pytest.mark.parametrize("value", [2**31, 2**70])
def test_count_must_fit(value: int) -> None:
    with pytest.raises(ValueError, match="Overflow when unpacking long") as caught:
        runtime.set_num_threads(value)
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


def test_strict_torch_mode_refuses_the_second_time() -> None:
    code = """
runtime.set_num_interop_threads(1)
try:
    runtime.set_num_interop_threads(2)
except RuntimeError as error:
    print(error)
"""
    done = run_python(code, TREADLE_STRICT_TORCH="1")
    assert "cannot set number of interop threads" in done.stdout


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
        ({"OMP_NUM_THREADS": " 2 "}, 2),
        ({"OMP_NUM_THREADS": "2,1"}, 2),
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


def test_environment_above_the_budget_is_warned_of() -> None:
    done = run_python("print(runtime.get_num_threads())", TREADLE_BUDGET="3", OMP_NUM_THREADS="64")
    assert done.stdout.split() == ["64"]
    assert "OMP_NUM_THREADS=64 is above the 3 threads" in done.stderr


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


@pytest.mark.torch
def test_parallel_info_has_torchs_layout() -> None:
    import torch

    def shape(text: str) -> list[str]:
        kept = ("ATen", "\tat::", "std::thread", "Environment", "\tOMP", "\tMKL_NUM")
        return [line.split(":")[0] for line in text.splitlines() if line.startswith(kept)]

    torchs = torch.__config__.parallel_info()
    assert shape(runtime.parallel_info()) == shape(torchs)
    assert "\nATen parallel backend: native thread pool\n" in runtime.parallel_info()


def test_parallel_info_gives_each_number_its_origin() -> None:
    runtime.set_num_threads(3)
    info = runtime.parallel_info(as_dict=True)
    assert info["num_threads"] == runtime.Setting(3, "API")
    assert isinstance(info["budget"], runtime.Setting)
    assert "\tnum_threads : 3 (API)\n" in runtime.parallel_info()
