"""The oracle: torch's operators called with Treadle's samples, and how results are compared."""

from __future__ import annotations

import zlib
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch

import tests.torchvision_ops  # noqa: F401  (operators that samples call)
from treadle.ir.dtypes import from_numpy
from treadle.ir.op import OpDef
from treadle.ir.schema import REQUIRED
from treadle.ir.types import TensorType
from treadle.ops import OPS
from treadle.ops.samples import resolve

torch.set_num_threads(1)

Case = tuple[OpDef, int]


def cases() -> list[Any]:
    """Every operator that has a schema, with the number of each of its samples."""
    return [
        pytest.param(op, i, id=f"{op.name}-{i}")
        for op in OPS.by_name.values()
        if op.schema is not None
        for i in range(len(op.samples))
    ]


def arguments(op: OpDef, index: int) -> tuple[Any, ...]:
    """The arguments of a sample; the same numbers at every call."""
    seed = zlib.crc32(f"{op.name}{index}".encode())
    return tuple(resolve(op.samples[index], np.random.default_rng(seed)))


def describe(value: Any) -> Any:
    """`value` with arrays as their types."""
    if isinstance(value, list | tuple):
        return type(value)(describe(v) for v in value)
    if isinstance(value, np.ndarray):
        return TensorType(from_numpy(value.dtype), value.shape)
    return value


def to_torch(value: Any) -> Any:
    """`value` with arrays as tensors of the same strides that share no memory with it."""
    if isinstance(value, list | tuple):
        return type(value)(to_torch(v) for v in value)
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype == ml_dtypes.bfloat16:
        bits = to_torch(value.view(np.int16))
        return bits.view(torch.bfloat16)
    strides = [s // value.itemsize for s in value.strides]
    size = sum((d - 1) * s for d, s in zip(value.shape, strides, strict=True)) + 1
    size = size if value.size else 0
    result = torch.empty(size, dtype=torch.from_numpy(np.empty(0, value.dtype)).dtype).as_strided(
        value.shape, strides
    )
    result.copy_(torch.from_numpy(np.ascontiguousarray(value)).reshape(value.shape))
    return result


def to_numpy(value: Any) -> Any:
    """`value` with tensors as arrays."""
    if isinstance(value, list | tuple):
        return type(value)(to_numpy(v) for v in value)
    if not isinstance(value, torch.Tensor):
        return value
    if value.dtype == torch.bfloat16:
        return value.contiguous().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return value.resolve_conj().resolve_neg().numpy()


def call_torch(op: OpDef, args: Any) -> Any:
    """Torch's result of the operator on tensors `args`."""
    assert op.schema is not None
    packet = getattr(getattr(torch.ops, op.schema.namespace), op.schema.base)
    function = getattr(packet, op.schema.overload or "default")
    positional, keywords = [], {}
    for argument, value in zip(op.schema.arguments, args, strict=True):
        if value is None and argument.keyword_only and argument.default is not REQUIRED:
            continue
        if argument.keyword_only:
            keywords[argument.name] = enum(argument.name, value)
        else:
            positional.append(enum(argument.name, value))
    return function(*positional, **keywords)


_DTYPES = {
    0: torch.uint8, 1: torch.int8, 2: torch.int16, 3: torch.int32, 4: torch.int64,
    5: torch.float16, 6: torch.float32, 7: torch.float64, 11: torch.bool, 15: torch.bfloat16,
}  # fmt: skip
_FORMATS = {0: torch.contiguous_format, 1: torch.preserve_format, 2: torch.channels_last}


def enum(name: str, value: Any) -> Any:
    """The value of an argument, with dtypes and memory formats as torch's objects."""
    if isinstance(value, int) and name == "dtype":
        return _DTYPES[value]
    if isinstance(value, int) and name == "memory_format":
        return _FORMATS[value]
    return value


def assert_same(op: OpDef, actual: Any, expected: Any) -> None:
    """Values, dtype and shape, within the operator's tolerance."""
    if isinstance(expected, list | tuple):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert_same(op, a, e)
        return
    if not isinstance(expected, np.ndarray):
        assert type(actual) is type(expected)
        assert actual == expected
        return
    assert isinstance(actual, np.ndarray)
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if expected.dtype.kind in "biu":
        np.testing.assert_array_equal(actual, expected)
        return
    if expected.dtype.kind == "c":
        assert_same(op, actual.real.copy(), expected.real.copy())
        assert_same(op, actual.imag.copy(), expected.imag.copy())
        return
    wide = expected.astype(np.float64)
    finite = np.abs(wide[np.isfinite(wide)])
    scale = float(finite.max()) if finite.size else 0.0
    unit = {2: 2.0**-7 if expected.dtype == ml_dtypes.bfloat16 else 2.0**-10}.get(
        expected.dtype.itemsize, 0.0
    )
    limit = op.tolerance.atol + (op.tolerance.rtol + (unit if op.tolerance.rtol else 0)) * scale
    np.testing.assert_allclose(actual.astype(np.float64), wide, rtol=0, atol=limit, equal_nan=True)
