"""New memory of given strides, and tensors made anew over the memory that they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import DType
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.creation import checked_size, default
from treadle.ops.declare import EXACT, op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32
from treadle.ops.shapes import dtype_from_code, numel, tensor
from treadle.ops.storage import as_strided

Array = np.ndarray[Any, Any]


def _strided_zeros(size: Sequence[int], stride: Sequence[int], dtype: DType) -> Array:
    shape = checked_size("empty_strided", size)
    if len(stride) != len(shape) or any(s < 0 for s in stride):
        raise ShapeError(f"empty_strided: size {list(size)} and stride {list(stride)}")
    last = sum((n - 1) * s for n, s in zip(shape, stride, strict=True))
    memory = np.zeros(last + 1 if numel(shape) else 0, dtype.numpy)
    steps = [s * memory.itemsize for s in stride]
    return np.asarray(np.ndarray(shape, memory.dtype, memory, 0, steps))


def _permuted_strides(size: Sequence[int], order: Sequence[int]) -> list[int]:
    """The strides of dense memory in which the dims lie in `order`."""
    if sorted(order) != list(range(len(size))):
        raise ShapeError(f"empty_permuted: physical_layout {list(order)} for {len(size)} dims")
    strides, step = [0] * len(size), 1
    for dim in reversed(order):
        strides[dim], step = step, step * max(size[dim], 1)
    return strides


_LAYOUT = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
op(
    f"aten::empty_strided(int[] size, int[] stride, *, {_LAYOUT}) -> Tensor",
    reference=lambda size, stride, dtype, *_: _strided_zeros(size, stride, default(dtype)),
    infer=lambda size, stride, dtype, *_: tensor(default(dtype), size),
    tolerance=EXACT,
)
op(
    f"aten::new_empty_strided(Tensor self, int[] size, int[] stride, *, {_LAYOUT}) -> Tensor",
    reference=lambda x, size, stride, dtype, *_: _strided_zeros(
        size, stride, dtype_from_code("new_empty_strided", dtype, dtype_of(x))
    ),
    tolerance=EXACT,
)
op(
    f"aten::empty_permuted(int[] size, int[] physical_layout, *, {_LAYOUT}) -> Tensor",
    reference=lambda size, order, dtype, *_: _strided_zeros(
        size, _permuted_strides(size, order), default(dtype)
    ),
    tolerance=EXACT,
)


# --- views of any strides, as copies ------------------------------------------------------------


def _strided_view(x: Array, *args: Any) -> Array:
    assert as_strided.reference is not None
    return np.asarray(as_strided.reference(x, *args))


def _scattered(x: Array, source: Array, *args: Any) -> Array:
    result = x.copy()
    target = _strided_view(result, *args)
    if target.shape != source.shape:
        raise ShapeError(f"as_strided_scatter: src {list(source.shape)} for {list(target.shape)}")
    target[...] = source
    return np.asarray(result)


def _infer_scattered(x: TensorType, source: TensorType, size: Any, *rest: Any) -> TensorType:
    assert as_strided.infer is not None
    part = as_strided.infer(x, size, *rest)
    if part.sizes != source.sizes:
        raise ShapeError(f"as_strided_scatter: src {list(source.sizes)} for {list(part.sizes)}")
    return x


_STRIDES = "int[] size, int[] stride, int? storage_offset=None"
as_strided_copy: OpDef = op(
    f"aten::as_strided_copy(Tensor self, {_STRIDES}) -> Tensor",
    reference=lambda x, *args: _strided_view(x, *args).copy(),
    infer=as_strided.infer,
    tolerance=EXACT,
    samples=((f32(3, 4), [2, 2], [1, 2], None),),
)
as_strided_scatter = op(
    f"aten::as_strided_scatter(Tensor self, Tensor src, {_STRIDES}) -> Tensor",
    reference=_scattered,
    infer=_infer_scattered,
    tolerance=EXACT,
    samples=((f32(3, 4), f32(2, 2), [2, 2], [1, 2], 1),),
)


# --- other sizes in place -----------------------------------------------------------------------


def _resized(x: Array, size: Sequence[int]) -> Array:
    """`x` itself, row-major with another size; its memory may grow only where nobody shows it."""
    shape = checked_size("resize_", size)
    if x.shape == shape:
        return x
    if x.size and x.size != numel(shape):
        raise UnsupportedError(
            f"resize_: {list(x.shape)} to {list(shape)}: other tensors may share the memory"
        )
    try:
        if not x.size:
            x.resize(shape, refcheck=False)
        elif x.flags.c_contiguous:
            x.shape = shape
        else:
            raise ValueError("it is not row-major")
    except ValueError as refusal:
        raise UnsupportedError(f"resize_: {list(x.shape)} to {list(shape)}: {refusal}") from refusal
    return x


op(
    "aten::resize_(Tensor(a!) self, int[] size, *, MemoryFormat? memory_format=None) -> Tensor(a!)",
    reference=lambda x, size, _: _resized(x, size),
)
op(
    "aten::resize_as_(Tensor(a!) self, Tensor the_template, *, MemoryFormat? memory_format=None) "
    "-> Tensor(a!)",
    reference=lambda x, template, _: _resized(x, template.shape),
)
