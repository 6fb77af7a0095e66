from __future__ import annotations

import gc
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.codegen.reference import run
from tests.codegen.test_pointwise import load, pointwise
from treadle.codegen import ObjectCache, Target, compile_kernels, jit
from treadle.errors import UnsupportedError
from treadle.ir.dtypes import f32
from treadle.ir.loops import Call, Const, LoopNest, Size

TARGET = Target.host()


def scaling(factor: float) -> LoopNest:
    """Multiply by a constant."""
    value = Call("mul", (load(0, f32, 1), Const(factor, f32)), f32)
    return pointwise(value, [f32], f32, Size(0))


def outputs(kernel: LoopNest, cache: ObjectCache | None) -> float:
    """What the kernel makes of 1."""
    (compiled,) = compile_kernels([kernel], TARGET, cache)
    x, y = np.ones(1, np.float32), np.zeros(1, np.float32)
    run(compiled, [x, y], [1], 0, 1)
    return float(y[0])


def test_equal_kernels_are_compiled_once() -> None:
    first, second, other = compile_kernels([scaling(3.5), scaling(3.5), scaling(4.5)], TARGET)
    assert first.address == second.address != other.address


def test_kernels_are_unloaded_that_nobody_has_and_others_followed() -> None:
    (kept,) = compile_kernels([scaling(7.5)], TARGET)
    address = kept.address
    outputs(scaling(8.5), None)
    jit._COMPILER.recent.clear()
    gc.collect()
    loaded = [k.kernel for k in jit._COMPILER.compiled.values()]
    assert scaling(7.5) in loaded
    assert scaling(8.5) not in loaded
    assert compile_kernels([scaling(7.5)], TARGET)[0].address == address
    assert outputs(scaling(8.5), None) == 8.5


def test_the_cache_serves_a_later_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ObjectCache(tmp_path / "kernels")
    assert outputs(scaling(5.25), cache) == 5.25
    monkeypatch.setattr(jit, "_COMPILER", jit._Compiler())
    monkeypatch.setattr(jit, "_module", lambda *_: pytest.fail("compiled again"))
    assert outputs(scaling(5.25), cache) == 5.25


def test_a_damaged_cache_entry_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ObjectCache(tmp_path / "kernels")
    outputs(scaling(6.25), cache)
    (path,) = (tmp_path / "kernels").glob("*.kernel")
    path.write_bytes(path.read_bytes()[:-9])
    monkeypatch.setattr(jit, "_COMPILER", jit._Compiler())
    assert outputs(scaling(6.25), cache) == 6.25
    assert cache.statistics().writes == 2


def test_keys_differ_by_kernel_and_target() -> None:
    kernel = scaling(2.0)
    keys = {
        jit.kernel_key(kernel, TARGET),
        jit.kernel_key(scaling(2.5), TARGET),
        jit.kernel_key(replace(kernel, vectorize="inner"), TARGET),
        jit.kernel_key(kernel, replace(TARGET, cpu="other")),
    }
    assert len(keys) == 4


@pytest.mark.threads
def test_threads_compile_at_the_same_time() -> None:
    results: list[float] = []

    def work(number: int) -> None:
        results.extend(outputs(scaling(100.0 + i + number % 2), None) for i in range(6))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(results)) == [100.0 + i for i in range(7)]


def test_a_target_without_the_vectors_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="no vectors of 16 bytes"):
        Target.host(16)


def test_assembly_and_llvm_text_can_be_read() -> None:
    assert "define void @kernel" in jit.llvm_text(scaling(3.0), TARGET)
    assert "mulps" in jit.assembly(scaling(3.0), TARGET)
