"""Every lowered operator as a plan, against its reference, on either instruction set and on
several threads with equal bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.conformance.support import arguments, assert_same
from tests.plans import bind, fine_tasks, run_on_all
from treadle.compiler import single
from treadle.errors import Error
from treadle.ir.op import OpDef
from treadle.ops import OPS
from treadle.passes.specialise import Unplannable

UNPLANNED: dict[tuple[str, int], str] = {}
"""Samples that the interpreter has to run, with what `Unplannable` says of them."""


def lowered() -> Iterator[Any]:
    for op in OPS.by_name.values():
        if op.schema is not None and op.lower is not None and op.samples:
            yield pytest.param(op, id=op.name)


def _results(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


@pytest.mark.native
@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("op", list(lowered()))
def test_plan_gives_the_references_result(op: OpDef, isa: str) -> None:
    for index in range(len(op.samples)):
        _check(op, index, isa)


def _check(op: OpDef, index: int, isa: str) -> None:
    args = arguments(op, index)
    assert op.reference is not None
    try:
        expected = _results(op.reference(*args))
    except Error as refusal:
        graph, arrays = single(op, args)
        with pytest.raises(type(refusal)):
            run_on_all(bind(graph, arrays, isa), arrays)
        return
    graph, arrays = single(op, args)
    with fine_tasks():
        reason = UNPLANNED.get((op.name, index))
        if reason is not None:
            with pytest.raises(Unplannable, match=reason):
                bind(graph, arrays, isa)
            return
        bound = bind(graph, arrays, isa)
    actual = run_on_all(bound, arrays)
    for ours, theirs in zip(actual, expected, strict=True):
        assert_same(op, np.asarray(ours), theirs)
