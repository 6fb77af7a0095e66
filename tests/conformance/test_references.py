"""Each reference against torch on every sample: values, dtypes, shapes, and what is shared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.conformance.support import (
    arguments,
    assert_same,
    call_torch,
    cases,
    to_numpy,
    to_torch,
)
from treadle.errors import Error
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType

_OURS = ("treadle", "prim")
pytestmark = pytest.mark.torch


@pytest.mark.parametrize(("op", "index"), cases())
def test_reference_gives_torchs_result(op: OpDef, index: int) -> None:
    assert op.schema is not None
    assert op.reference is not None
    args = arguments(op, index)
    if op.schema.namespace in _OURS:
        op.reference(*args)
        return
    if not any(map(_has_array, args)) and not isinstance(op.schema.results[0].type, TensorType):
        return
    tensors = to_torch(args)
    try:
        expected = call_torch(op, tensors)
    except (RuntimeError, IndexError, ValueError) as refusal:
        with pytest.raises(Error):
            op.reference(*args)
        if str(refusal).startswith("Unsupported") or not op.name.split(".")[0].endswith("_"):
            pytest.fail(f"a sample that torch refuses: {refusal}")
        return
    result = op.reference(*args)
    assert_same(op, result, to_numpy(expected))
    assert _shares(result, args) == _shares_torch(expected, tensors)
    for ours, theirs in zip(args, to_numpy(tensors), strict=True):
        if isinstance(ours, np.ndarray):
            assert_same(op, ours, theirs)


def _has_array(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_array, value))
    return isinstance(value, np.ndarray)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) and value else value


def _shares(result: Any, args: Any) -> bool:
    """Whether the (first) result lives in the memory of the first argument."""
    a, b = _first(result), _first(args[0] if args else None)
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray) or not a.size:
        return False
    return bool(np.may_share_memory(a, b))


def _shares_torch(result: Any, args: Any) -> bool:
    a, b = _first(result), _first(args[0] if args else None)
    if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor) or not a.numel():
        return False
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
