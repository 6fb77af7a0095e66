"""Eager results have the bits of a plan of the same operator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.conformance.support import arguments
from tests.conformance.test_plans import CONSTANT_WEIGHTS
from tests.plans import bind, run, type_of
from treadle.compiler import single
from treadle.eager.functions import make_plain
from treadle.ir.op import OpDef
from treadle.ops import OPS
from treadle.tensor import Tensor

EVERY = 3
"""Each run of the tests sees every so manieth operator: a plan is made for each."""
_CODES = frozenset({"dtype", "layout", "device", "memory_format"})
"""Arguments that eager functions take as objects, not as TorchScript's numbers."""


def _ops() -> list[OpDef]:
    """Compiled operators on tensors; weights that plans know beforehand take other kernels."""
    return [
        op
        for op in OPS.by_name.values()
        if op.schema is not None and op.schema.namespace == "aten" and op.samples and op.pure
        if op.lower is not None and op.name not in CONSTANT_WEIGHTS
        if not any(a.name in _CODES for a in op.schema.arguments)
    ][::EVERY]  # fmt: skip


def _call(op: OpDef, args: tuple[Any, ...]) -> list[Any]:
    assert op.schema is not None
    positional, keywords = [], {}
    for argument, value in zip(op.schema.arguments, map(_tensors, args), strict=True):
        if argument.keyword_only:
            keywords[argument.name] = value
        else:
            positional.append(value)
    return list(_flat(make_plain(op.schema.base)(*positional, **keywords)))


def _tensors(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_tensors, value))
    return Tensor(value) if isinstance(value, np.ndarray) else value


def _flat(value: Any) -> Any:
    for item in value if isinstance(value, list | tuple) else [value]:
        yield from _flat(item) if isinstance(item, list | tuple) else [np.asarray(item)]


@pytest.mark.native
@pytest.mark.parametrize("op", _ops(), ids=lambda op: op.name)
def test_eager_results_have_the_bits_of_a_plan(op: OpDef) -> None:
    args = arguments(op, 0)
    graph, arrays = single(op, args)
    planned = run(bind(graph, [type_of(a) for a in arrays]), arrays)
    for eager, result in zip(_call(op, args), planned, strict=True):
        assert (eager.dtype, eager.shape) == (result.dtype, result.shape)
        assert eager.tobytes() == np.ascontiguousarray(result).tobytes()
