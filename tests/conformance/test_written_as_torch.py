"""In-place forms against torch: other dtypes, other shapes, operands that overlap."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

import treadle
from tests.conformance.support import arguments, assert_same, to_numpy, to_torch
from treadle.ir.op import OpDef
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
Array = np.ndarray[Any, Any]
TARGETS = ("float64", "float16", "int64", "uint8", "bool", "complex64")
OPERANDS = ("float32", "int64", "bool", "complex64")
REFUSED = r"is no number of|a value of c64 does not fit|needs integers or floating numbers"
"""What Treadle refuses and torch takes: numbers beyond the dtype, extrema of complex numbers."""
GROWING = frozenset({"addbmm_"})
"""Operators of which torch lets the operand grow."""


def _ops() -> list[OpDef]:
    return [
        op
        for op in map(OPS.__getitem__, FUNCTIONAL)
        if op.schema is not None and op.schema.namespace == "aten" and op.samples
        if not op.schema.base.startswith("__") and hasattr(torch.Tensor, op.schema.base)
        if isinstance(arguments(op, 0)[0], np.ndarray)
    ]


_OPS = _ops()


def _converted(array: Array, dtype: str) -> Array:
    """Small numbers of that dtype, none negative."""
    if array.dtype == dtype:
        return array
    return np.asarray(np.asarray(np.abs(array.real) * 3, np.float64).astype(dtype))


def _arguments(op: OpDef, target: str, operand: str) -> list[Any]:
    """The first sample in other dtypes; indices and masks stay."""
    first, *rest = arguments(op, 0)
    others = [
        _converted(v, operand) if isinstance(v, np.ndarray) and v.dtype.kind not in "bi" else v
        for v in rest
    ]
    return [_converted(first, target), *others]


def _call(op: OpDef, values: list[Any]) -> Any:
    """Call the method, and give the tensor that it wrote to."""
    assert op.schema is not None
    pairs = list(zip(op.schema.arguments, values, strict=True))
    keywords = {a.name: v for a, v in pairs if a.keyword_only}
    target, *rest = (v for a, v in pairs if not a.keyword_only)
    getattr(target, op.schema.base)(*rest, **keywords)
    return target


def _ours(values: Any) -> list[Any]:
    return [treadle.Tensor(v.copy()) if isinstance(v, np.ndarray) else v for v in values]


def _check(op: OpDef, values: list[Any]) -> None:
    """Where torch writes, Treadle writes the same; where dtypes or shapes do not fit, none does."""
    try:
        expected = _call(op, to_torch(values))
    except RuntimeError as refusal:
        if "can't be cast" in str(refusal) or "broadcast" in str(refusal):
            with pytest.raises(treadle.Error):
                _call(op, _ours(values))
        return
    except (TypeError, IndexError, NotImplementedError):
        return
    try:
        found = _call(op, _ours(values))
    except treadle.Error as refusal:
        if not re.search(REFUSED, str(refusal)):
            raise
    else:
        assert_same(op, found.numpy(), to_numpy(expected))


@pytest.mark.parametrize("op", _OPS, ids=lambda op: op.name)
def test_operands_of_other_dtypes_are_taken_or_refused_as_by_torch(op: OpDef) -> None:
    several = sum(isinstance(v, np.ndarray) for v in arguments(op, 0)) > 1
    for target in TARGETS:
        for operand in OPERANDS if several else OPERANDS[:1]:
            _check(op, _arguments(op, target, operand))


@pytest.mark.parametrize("op", _OPS, ids=lambda op: op.name)
def test_what_is_written_to_does_not_grow(op: OpDef) -> None:
    target, *rest = arguments(op, 0)
    if target.ndim and op.name not in GROWING:
        _check(op, [target[:1].copy(), *rest])
    _check(op, [np.stack([target, target]), *rest])


@pytest.mark.parametrize("op", _OPS, ids=lambda op: op.name)
def test_overlapping_operands_are_read_before_they_are_written(op: OpDef) -> None:
    target, *rest = arguments(op, 0)
    places = [
        i
        for i, v in enumerate(rest)
        if isinstance(v, np.ndarray) and (v.shape, v.dtype) == (target.shape, target.dtype)
    ]
    if not places or not target.size:
        pytest.skip("no operand is like the one written to")
    memory = np.resize(target.ravel(), target.size + 1)

    def overlapping(copied: bool) -> list[Any]:
        base = treadle.Tensor(memory.copy())
        mine, other = (base[i : i + target.size].view(target.shape) for i in (1, 0))
        values = _ours(rest)
        values[places[0]] = other.clone() if copied else other
        return [mine, *values]

    found, expected = (_call(op, overlapping(copied)).numpy() for copied in (False, True))
    np.testing.assert_array_equal(found, expected)
