"""Operators on arguments that mostly do not fit: random shapes, strides, dtypes and indices.

An input chooses an operator, one of its samples, and what happens to each argument. What the eager
function gives, which runs a plan where there is one, must be like what the reference gives.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from treadle.eager.dtypes import as_dtype
from treadle.eager.table import FUNCTIONS
from treadle.errors import Error
from treadle.ir import dtypes
from treadle.ir.op import OpDef
from treadle.ops import OPS
from treadle.ops.samples import resolve
from treadle.runtime import empty
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]
_HEADER = struct.Struct("<HB")
_SIZES = (0, 1, 2, 3, 5, 17)
_INTS = (0, 1, -1, 2, 3, 7, -9, -(1 << 63), (1 << 63) - 1)
_FLOATS = (0.0, -0.0, 1.5, -1e30, float("inf"), float("nan"))
_DTYPES = (
    dtypes.f32, dtypes.f64, dtypes.f16, dtypes.bf16, dtypes.i64, dtypes.i32, dtypes.u8,
    dtypes.bool_, dtypes.c64,
)  # fmt: skip
_OPERATORS = [
    op
    for op in OPS.by_name.values()
    if op.samples and op.reference and op.schema and op.schema.namespace == "aten"
]
_MAX_ELEMENTS = 1 << 12
_MAX_SIZE = 1 << 10
"""Of ints that may be sizes: memory is not what this looks for."""


def seeds() -> list[bytes]:
    """An input for every sample, that changes nothing."""
    return [
        _HEADER.pack(i, j) + bytes(24)
        for i, op in enumerate(_OPERATORS)
        for j in range(len(op.samples))
    ]


def run(data: bytes) -> None:
    """Call the operator that `data` chooses, as a user and by its reference.

    Raises:
        Error: if the arguments do not fit.
    """
    head = data[: _HEADER.size].ljust(_HEADER.size, b"\0")
    number, sample = _HEADER.unpack(head)
    op = _OPERATORS[number % len(_OPERATORS)]
    choices = iter(data[_HEADER.size :])
    drawn = resolve(op.samples[sample % len(op.samples)], np.random.default_rng(0))
    args = [_changed(value, choices) for value in drawn]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _result_or_refusal(lambda: call_eagerly(op, args))
        assert op.reference is not None
        expected = op.reference(*args)
        if isinstance(found, Error):
            raise found
        if op.is_pure_on(args) and any(isinstance(a, np.ndarray) for a in args):
            assert_alike(found, expected)


def _result_or_refusal(call: Any) -> Any:
    try:
        return call()
    except Error as error:
        return error


def assert_alike(found: Any, expected: Any) -> None:
    """Structures of tensors and arrays: dtypes and shapes are the same."""
    if isinstance(expected, list | tuple) and isinstance(found, list | tuple):
        for ours, theirs in zip(found, expected, strict=True):
            assert_alike(ours, theirs)
    elif isinstance(expected, np.ndarray) and isinstance(found, Tensor):
        array = np.asarray(found)
        assert (array.dtype, array.shape) == (expected.dtype, expected.shape)


def call_eagerly(op: OpDef, args: list[Any]) -> Any:
    """The eager function on copies, so that the reference sees what it saw."""
    assert op.schema is not None
    positional, keywords = [], {}
    for argument, value in zip(op.schema.arguments, args, strict=True):
        given = _tensors(value)
        if argument.name == "dtype" and isinstance(value, int):
            given = as_dtype(dtypes.BY_CODE.get(value, dtypes.f32).torch_name)
        if not argument.keyword_only:
            positional.append(given)
        elif value is not None and argument.name not in ("memory_format", "generator"):
            keywords[argument.name] = given
    return FUNCTIONS[op.schema.base](*positional, **keywords)


def _tensors(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_tensors, value))
    return Tensor(_copy(value)) if isinstance(value, np.ndarray) else value


def _copy(value: Array) -> Array:
    """A copy with the same strides, at the end of its memory; without any that lead backwards."""
    if not value.size or min(value.strides, default=0) < 0:
        return np.array(value)
    steps = zip(value.shape, value.strides, strict=True)
    memory = empty((sum((d - 1) * s for d, s in steps) + value.itemsize,), np.dtype(np.uint8))
    copy: Array = np.ndarray(value.shape, value.dtype, memory.data, 0, value.strides)
    copy[...] = value
    return copy


def _changed(value: Any, choices: Iterator[int]) -> Any:
    """`value`, or something like it; a choice of 0 leaves it."""
    choice = next(choices, 0)
    if isinstance(value, np.ndarray):
        return _other_array(value, choice, choices) if choice else value
    if isinstance(value, list | tuple):
        items = [_changed(v, choices) for v in value]
        return (items, items[:-1], items + items[-1:])[choice % 3]
    if not choice or value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return bool(choice & 1)
    if isinstance(value, int):
        number = _INTS[choice % len(_INTS)]
        return number if abs(number) < _MAX_SIZE or choice > 128 else value
    return _FLOATS[choice % len(_FLOATS)] if isinstance(value, float) else value


def _other_array(value: Array, choice: int, choices: Iterator[int]) -> Array:
    kind = choice % 5
    if kind == 0:
        shape = tuple(_SIZES[next(choices, 0) % len(_SIZES)] for _ in range(choice // 5 % 5))
        small = np.prod(shape, dtype=np.int64) <= _MAX_ELEMENTS
        return np.resize(value, shape) if small and value.size else np.zeros(shape, value.dtype)
    if kind == 1:
        return np.real(value).astype(_DTYPES[next(choices, 0) % len(_DTYPES)].numpy)
    if kind == 2 and value.dtype.kind in "iu":
        changed: Array = value.copy()
        if changed.size:
            index = np.int64((choice - 128) * 3 % 251 - 125).astype(value.dtype)
            changed.reshape(-1)[next(choices, 0) % changed.size] = index
        return changed
    if kind == 2:
        return np.asarray(value[::-1]) if value.ndim else value
    return _restrided(value, choice, choices)


def _restrided(value: Array, choice: int, choices: Iterator[int]) -> Array:
    """`value` with dims in another order in memory, each element with others after it, or the
    first elements of a dim in place of all."""
    if not value.ndim:
        return value
    turn = choice // 5 % value.ndim
    order = [*range(turn, value.ndim), *range(turn)]
    moved = np.transpose(np.ascontiguousarray(np.transpose(value, order)), np.argsort(order))
    dim, step = next(choices, 0) % value.ndim, next(choices, 0) % 4
    if not step:
        first = moved[(slice(None),) * dim + (slice(0, 1),)]
        stretched: Array = np.broadcast_to(first, value.shape) if first.size else moved
        return stretched
    repeated = np.repeat(moved, step, axis=dim)
    spaced: Array = repeated[(slice(None),) * dim + (slice(None, None, step),)]
    return spaced
