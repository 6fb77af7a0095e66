"""Random tensors, drawn by NumPy's Philox; the numbers are not torch's, the distributions are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import InputError
from treadle.ir.dtypes import DType
from treadle.ir.dtypes import f32 as f32_dtype
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.types import TensorType
from treadle.ops.creation import checked_size
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of
from treadle.ops.shapes import dtype_from_code, tensor

Array = np.ndarray[Any, Any]
_STATE = {"generator": np.random.Generator(np.random.Philox())}


def manual_seed(seed: int) -> None:
    """Start the sequence of all random operators anew."""
    _STATE["generator"] = np.random.Generator(np.random.Philox(seed))


def _uniform(shape: Sequence[int]) -> Array:
    return np.asarray(_STATE["generator"].random(tuple(shape)))


def _normal(shape: Sequence[int]) -> Array:
    return np.asarray(_STATE["generator"].standard_normal(tuple(shape)))


def _drawn(
    schema: str, draw: Callable[..., Array], rule: Callable[..., tuple[Sequence[int], DType]]
) -> None:
    """``rule(*args) -> (size, dtype)``; ``draw(size, *args)`` gives the values."""

    def reference(*args: Any) -> Array:
        size, dtype = rule(*args)
        return np.asarray(draw(checked_size("rand", size), *args)).astype(dtype.numpy)

    def infer(*args: Any) -> TensorType:
        size, dtype = rule(*args)
        return tensor(dtype, checked_size("rand", size))

    op(schema, reference=reference, infer=infer, pure=False)


def _sized(size: Sequence[int], dtype: int | None, *_: Any) -> tuple[Sequence[int], DType]:
    return size, dtype_from_code("rand", dtype, f32_dtype)


def _like(x: Any, dtype: int | None, *_: Any) -> tuple[Sequence[int], DType]:
    return x.shape, dtype_from_code("rand", dtype, dtype_of(x))


def _integers(size: Sequence[int], low: int, high: int) -> Array:
    if high <= low:
        raise InputError(f"randint: low {low} must be less than high {high}")
    return np.asarray(_STATE["generator"].integers(low, high, tuple(size)))


_drawn(
    "aten::rand(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    lambda size, *_: _uniform(size),
    _sized,
)
_drawn(
    "aten::randn(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    lambda size, *_: _normal(size),
    _sized,
)
_drawn(
    "aten::rand_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
    lambda size, *_: _uniform(size),
    _like,
)
_drawn(
    "aten::randn_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, "
    "Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> "
    "Tensor",
    lambda size, *_: _normal(size),
    _like,
)
_drawn(
    "aten::randint(int high, int[] size, *, ScalarType? dtype=4, Layout? layout=None, "
    "Device? device=None, bool? pin_memory=None) -> Tensor",
    lambda size, high, *_: _integers(size, 0, high),
    lambda high, size, dtype, *_: (size, dtype_from_code("randint", dtype, i64_dtype)),
)
_drawn(
    "aten::randint.low(int low, int high, int[] size, *, ScalarType? dtype=4, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    lambda size, low, high, *_: _integers(size, low, high),
    lambda low, high, size, dtype, *_: (size, dtype_from_code("randint", dtype, i64_dtype)),
)
_drawn(
    "aten::randperm(int n, *, ScalarType? dtype=4, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    lambda size, *_: _STATE["generator"].permutation(size[0]),
    lambda n, dtype, *_: ((n,), dtype_from_code("randperm", dtype, i64_dtype)),
)
_drawn(
    "aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor",
    lambda size, p, *_: _uniform(size) < p,
    lambda p, *_: (p.shape, dtype_of(p)),
)
_drawn(
    "aten::bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor",
    lambda size, _, p, *__: _uniform(size) < p,
    lambda x, *_: (x.shape, dtype_of(x)),
)
_drawn(
    "aten::normal.float_float(float mean, float std, int[] size, *, Generator? "
    "generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
    "bool? pin_memory=None) -> Tensor",
    lambda size, mean, std, *_: _normal(size) * std + mean,
    lambda mean, std, size, _, dtype, *__: (size, dtype_from_code("normal", dtype, f32_dtype)),
)


def _filled(schema: str, draw: Callable[..., Array]) -> None:
    """A random fill in place."""

    def reference(x: Array, *args: Any) -> Array:
        x[...] = draw(x.shape, *args).astype(x.dtype)
        return x

    op(schema, reference=reference, infer=lambda x, *_: x)


_filled(
    "aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? "
    "generator=None) -> Tensor(a!)",
    lambda shape, low, high, _: _uniform(shape) * (high - low) + low,
)
_filled(
    "aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? "
    "generator=None) -> Tensor(a!)",
    lambda shape, mean, std, _: _normal(shape) * std + mean,
)
_filled(
    "aten::bernoulli_.float(Tensor(a!) self, float p=0.5, *, Generator? generator=None) "
    "-> Tensor(a!)",
    lambda shape, p, _: _uniform(shape) < p,
)
