"""Type rules against references on arguments that mostly do not fit: same verdict, same type."""

from __future__ import annotations

import contextlib
import random
import zlib
from typing import Any

import numpy as np
import pytest

from tests.conformance.support import arguments, describe
from treadle.errors import Error, IndexOutOfRange, ScriptError
from treadle.ir import dtypes
from treadle.ir.op import OpDef
from treadle.ops import OPS

_SIZES = (0, 1, 2, 3, 5)
_DTYPES = (dtypes.f32, dtypes.i64, dtypes.bool_, dtypes.f64, dtypes.f16, dtypes.u8)
_ROUNDS = 4
BY_DATA = {
    "masked_scatter": "the mask tells how many elements are needed",
    "as_strided": "bounded by the storage",
    "as_strided_copy": "bounded by the storage",
    "as_strided_scatter": "bounded by the storage",
    "ctc_loss.IntList": "lengths and targets are data",
    "ctc_loss.Tensor": "lengths and targets are data",
    "lu_unpack": "pivots are data",
    "linalg_lu_solve": "pivots are data",
    "lu_solve": "pivots are data",
    "pow.Tensor_Scalar": "negative integer exponents",
    "lstm.data": "batch sizes are data",
    "gru.data": "batch sizes are data",
    "segment_reduce": "lengths and offsets are data",
    "index_put": "a mask tells how many values are needed",
    "index_put.hacked_twin": "a mask tells how many values are needed",
}
"""Operators that may refuse what their types allow."""

_OPS = [
    op for op in OPS.by_name.values() if op.infer is not None and op.samples and op.pure
]  # fmt: skip


def _mutated(value: Any, rng: random.Random) -> Any:
    """`value` or something of the same kind that may not fit its neighbours."""
    if isinstance(value, np.ndarray):
        return _other_array(value, rng)
    if isinstance(value, bool):
        return rng.random() < 0.5
    if isinstance(value, int):
        return rng.choice((value, -1, 0, 1, 2, 7, -9))
    if isinstance(value, list):
        mutated = [_mutated(v, rng) for v in value]
        return rng.choice((mutated, mutated[:-1], mutated + mutated[-1:], mutated))
    return value


def _other_array(value: np.ndarray[Any, Any], rng: random.Random) -> np.ndarray[Any, Any]:
    choice = rng.random()
    if choice < 0.5:
        shape = tuple(rng.choice(_SIZES) for _ in range(rng.randrange(6)))
        return np.zeros(shape, value.dtype)
    if choice < 0.8:
        return np.zeros(value.shape, rng.choice(_DTYPES).numpy)
    return np.zeros_like(value)


@pytest.mark.parametrize("op", _OPS, ids=lambda op: op.name)
def test_what_infer_refuses_the_reference_refuses(op: OpDef) -> None:
    assert op.infer is not None
    assert op.reference is not None
    rng = random.Random(zlib.crc32(op.name.encode()))
    for index in range(len(op.samples)):
        for _ in range(_ROUNDS):
            args = [_mutated(a, rng) if rng.random() < 0.5 else a for a in arguments(op, index)]
            types = describe(args)
            try:
                expected = op.infer(*types)
            except Error:
                with pytest.raises(Error):
                    op.reference(*args)
                continue
            if op.name not in BY_DATA:
                with contextlib.suppress(IndexOutOfRange, ScriptError):  # indices, zero divisors
                    assert describe(op.reference(*args)) == expected, types
