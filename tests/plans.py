"""Plans in tests: bound for either instruction set, cut finely, run on several threads."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from treadle import _native, runtime
from treadle.compiler import Bound, Engine
from treadle.ir.dtypes import from_numpy
from treadle.ir.graph import Graph, Value
from treadle.ir.text import parse_graph
from treadle.ir.types import TensorType
from treadle.ops import OPS
from treadle.options import Options
from treadle.passes.abstract import flatten
from treadle.passes.specialise import specialise
from treadle.schedule import blocks, row_parts, steps
from treadle.schedule.machine import Machine
from treadle.schedule.schedule import make_schedule

Array = np.ndarray[Any, Any]
THREADS = (1, 2, 3, 8)


@functools.cache
def engine_for(isa: str) -> Engine:
    """The engine of one instruction set (``native`` or ``avx2``)."""
    return Engine(replace(Options.from_environment(), isa=isa))


@contextmanager
def fine_tasks() -> Iterator[None]:
    """Plans bound inside are cut into many small tasks, so that small tensors use all threads.

    Rows too are taken for long ones.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "TASK_WORK", 16)
        patch.setattr(steps, "CHUNK_NS", 0.0)
        patch.setattr(blocks, "TASK_FLOPS", 64.0)
        patch.setattr(row_parts, "LONG_ROW", 16)
        yield


@contextmanager
def budget(threads: int) -> Iterator[None]:
    """Let `threads` threads compute, whatever the machine has."""
    before, setting = _native.get_budget(), runtime.get_num_threads()
    _native.set_budget(threads)
    runtime.set_num_threads(threads)
    try:
        yield
    finally:
        _native.set_budget(before)
        runtime.set_num_threads(setting)


def type_of(array: Array) -> TensorType:
    """The concrete type of `array`."""
    return TensorType(from_numpy(array.dtype), array.shape)


def bind(graph: Graph, arguments: Sequence[Any], isa: str = "native") -> Bound:
    """A plan of `graph` for `arguments` as `specialise` takes them: arrays are constants."""
    return engine_for(isa).bind(graph, arguments)


def run(bound: Bound, arrays: Sequence[Array]) -> list[Array]:
    """The results of a plan, written over memory full of other bits."""
    results = []
    for value in flatten(bound.result):
        assert isinstance(value, Value)
        assert isinstance(value.type, TensorType)
        assert value.type.element is not None
        dtype = value.type.element.numpy
        raw = np.full(int(np.prod(value.type.sizes)) * dtype.itemsize, 0xA5, np.uint8)
        results.append(raw.view(dtype).reshape(value.type.sizes))
    bound.plan.run([np.asarray(a, order="C") for a in arrays], results)
    return results


def run_on_all(bound: Bound, arrays: Sequence[Array]) -> list[Array]:
    """The results of a plan, after a check that every number of threads gives the same bits."""
    expected = None
    for threads in THREADS:
        with budget(threads):
            results = run(bound, arrays)
        if expected is None:
            expected = results
        for ours, first in zip(results, expected, strict=True):
            assert ours.tobytes() == first.tobytes(), f"other bits on {threads} threads"
    assert expected is not None
    return expected


def graph_of(text: str, constants: dict[str, Any] | None = None) -> Graph:
    """The graph of a dedented text."""
    return parse_graph(dedent(text), OPS, constants)


def results_of(
    text: str, *arrays: Array, constants: dict[str, Any] | None = None, isa: str = "native"
) -> list[Array]:
    """What the plan of a graph gives, cut finely, the same on every number of threads."""
    graph = graph_of(text, constants)
    with fine_tasks():
        bound = bind(graph, [type_of(a) for a in arrays], isa)
    return run_on_all(bound, arrays)


def steps_of(text: str, *arrays: Array, constants: dict[str, Any] | None = None) -> list[str]:
    """The names of the steps of a plan, in order."""
    graph = specialise(graph_of(text, constants), [type_of(a) for a in arrays], OPS.by_name).graph
    return [s.name for s in make_schedule(graph, Machine()).steps()]
