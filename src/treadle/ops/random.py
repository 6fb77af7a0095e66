"""Random tensors, drawn by NumPy's Philox; the numbers are not torch's, the distributions are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle import draws
from treadle.errors import InputError
from treadle.ir.dtypes import DType
from treadle.ir.dtypes import f32 as f32_dtype
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.types import TensorType
from treadle.ops.creation import checked_size
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of
from treadle.ops.shapes import broadcast, dtype_from_code, tensor

Array = np.ndarray[Any, Any]
Rule = Callable[..., tuple[Sequence[int], DType]]


def manual_seed(seed: int) -> None:
    """Start the sequence of all random operators anew."""
    draws.seed(draws.DEFAULT, seed)


def uniform(shape: Sequence[int]) -> Array:
    """Numbers in [0, 1), of the source that an argument names."""
    array = np.empty(tuple(shape))
    draws.CURRENT.get().drawer.fill_uniform(array)
    return array


def normal(shape: Sequence[int]) -> Array:
    """Numbers of the standard normal distribution."""
    array = np.empty(tuple(shape))
    draws.CURRENT.get().drawer.fill_normal(array)
    return array


def sourced(reference: Callable[..., Array]) -> Callable[..., Array]:
    """`reference`, which draws from the generator among its arguments if there is one."""

    def sourced(*args: Any) -> Array:
        if draws.Source not in map(type, args):
            return reference(*args)
        token = draws.CURRENT.set(next(a for a in args if type(a) is draws.Source))
        try:
            return reference(*args)
        finally:
            draws.CURRENT.reset(token)

    return sourced


def _drawn(schema: str, draw: Callable[..., Array], rule: Rule) -> None:
    """``rule(*args) -> (size, dtype)``; ``draw(size, *args)`` gives the values."""

    def reference(*args: Any) -> Array:
        size, dtype = rule(*args)
        return np.asarray(draw(checked_size("rand", size), *args)).astype(dtype.numpy)

    _declare(schema, reference, rule)


def _standard(schema: str, fill: Callable[[draws.Source, Array], None], rule: Rule) -> None:
    """As `_drawn`, of numbers that come in the dtype that is asked for."""

    def reference(*args: Any) -> Array:
        size, dtype = rule(*args)
        array = np.empty(checked_size("rand", size), dtype.numpy)
        fill(draws.CURRENT.get(), array)
        return array

    _declare(schema, reference, rule)


def _declare(schema: str, reference: Callable[..., Array], rule: Rule) -> None:
    def infer(*args: Any) -> TensorType:
        size, dtype = rule(*args)
        return tensor(dtype, checked_size("rand", size))

    op(schema, reference=sourced(reference), infer=infer, pure=False)


def _sized(size: Sequence[int], dtype: int | None, *_: Any) -> tuple[Sequence[int], DType]:
    return size, dtype_from_code("rand", dtype, f32_dtype)


def _like(x: Any, dtype: int | None, *_: Any) -> tuple[Sequence[int], DType]:
    return x.shape, dtype_from_code("rand", dtype, dtype_of(x))


def _deviations(std: Array) -> Array:
    if np.any(std < 0):
        raise InputError("normal: argument std must not be negative")
    return std.astype(np.float64)


def integers(size: Sequence[int], low: int, high: int) -> Array:
    """Integers in [low, high).

    Raises:
        InputError: if there are none.
    """
    if high <= low:
        raise InputError(f"randint: low {low} must be less than high {high}")
    return np.asarray(draws.integers(draws.CURRENT.get(), low, high, size))


_standard(
    "aten::rand(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    draws.fill_uniform,
    _sized,
)
_standard(
    "aten::randn(int[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    draws.fill_normal,
    _sized,
)
_standard(
    "aten::rand_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor",
    draws.fill_uniform,
    _like,
)
_standard(
    "aten::randn_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, "
    "Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> "
    "Tensor",
    draws.fill_normal,
    _like,
)
_drawn(
    "aten::randint(int high, int[] size, *, ScalarType? dtype=4, Layout? layout=None, "
    "Device? device=None, bool? pin_memory=None) -> Tensor",
    lambda size, high, *_: integers(size, 0, high),
    lambda high, size, dtype, *_: (size, dtype_from_code("randint", dtype, i64_dtype)),
)
_drawn(
    "aten::randint.low(int low, int high, int[] size, *, ScalarType? dtype=4, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    lambda size, low, high, *_: integers(size, low, high),
    lambda low, high, size, dtype, *_: (size, dtype_from_code("randint", dtype, i64_dtype)),
)
_drawn(
    "aten::randperm(int n, *, ScalarType? dtype=4, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    lambda size, *_: draws.permutation(draws.CURRENT.get(), size[0]),
    lambda n, dtype, *_: ((n,), dtype_from_code("randperm", dtype, i64_dtype)),
)
_declare(
    "aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor",
    lambda p, *_: draws.bernoulli(draws.CURRENT.get(), p),
    lambda p, *_: (p.shape, dtype_of(p)),
)
_drawn(
    "aten::bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor",
    lambda size, _, p, *__: uniform(size) < p,
    lambda x, *_: (x.shape, dtype_of(x)),
)
_drawn(
    "aten::normal.Tensor_float(Tensor mean, float std=1., *, Generator? generator=None) -> Tensor",
    lambda size, mean, std, *_: normal(size) * std + mean.astype(np.float64),
    lambda mean, *_: (mean.shape, dtype_of(mean)),
)
_drawn(
    "aten::normal.float_Tensor(float mean, Tensor std, *, Generator? generator=None) -> Tensor",
    lambda size, mean, std, *_: normal(size) * _deviations(std) + mean,
    lambda mean, std, *_: (std.shape, dtype_of(std)),
)
_drawn(
    "aten::normal.Tensor_Tensor(Tensor mean, Tensor std, *, Generator? generator=None) -> Tensor",
    lambda size, mean, std, *_: normal(size) * _deviations(std) + mean.astype(np.float64),
    lambda mean, std, *_: (broadcast("normal", mean.shape, std.shape), dtype_of(mean)),
)
_drawn(
    "aten::binomial(Tensor count, Tensor prob, Generator? generator=None) -> Tensor",
    lambda size, count, prob, *_: draws.CURRENT.get().binomial(
        count.astype(np.int64), prob.astype(np.float64)
    ),
    lambda count, prob, *_: (broadcast("binomial", count.shape, prob.shape), dtype_of(count)),
)


def _infer_normal(
    mean: float, std: float, size: Sequence[int], _: Any, dtype: int | None, *__: Any
) -> tuple[Sequence[int], DType]:
    return size, dtype_from_code("normal", dtype, f32_dtype)


def _normal(mean: float, std: float, *args: Any) -> Array:
    size, dtype = _infer_normal(mean, std, *args)
    array = np.empty(checked_size("normal", size), dtype.numpy)
    draws.fill_normal(draws.CURRENT.get(), array, mean, std)
    return array


_declare(
    "aten::normal.float_float(float mean, float std, int[] size, *, Generator? "
    "generator=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
    "bool? pin_memory=None) -> Tensor",
    _normal,
    _infer_normal,
)


# --- by weights and rates -----------------------------------------------------------------------


def _check_weights(p: Any, count: int, replacement: bool) -> None:
    if not dtype_of(p).is_floating or len(p.shape) not in (1, 2) or count < 1:
        raise InputError(
            f"multinomial: {count} samples by weights {dtype_of(p)}{list(p.shape)}; weights must be"
            " floating, of 1 or 2 dims"
        )
    if not replacement and count > p.shape[-1]:
        raise InputError(f"multinomial: {count} of {p.shape[-1]} without replacement")


def _multinomial(p: Array, count: int, replacement: bool, *_: Any) -> Array:
    """Indices drawn by weight; without replacement, by the largest of ``log(u) / weight``.

    Source: Efraimidis and Spirakis 2006, Weighted random sampling with a reservoir.
    """
    _check_weights(p, count, replacement)
    weights = np.atleast_2d(p.astype(np.float64))
    total = weights.sum(-1)
    if not ((weights >= 0).all() and (total > 0).all() and np.isfinite(total).all()):
        raise InputError("multinomial: weights must be finite, not negative, and not all zero")
    if replacement:
        bounds = np.cumsum(weights, -1)
        drawn = uniform((len(weights), count)) * bounds[:, -1:]
        rows = zip(bounds, drawn, strict=True)
        found = np.stack([np.searchsorted(b, d, "right") for b, d in rows])
    else:
        keys = np.log(uniform(weights.shape)) / weights
        found = (-keys).argsort(-1)[:, :count]
    return found.reshape(*p.shape[:-1], count).astype(np.int64, copy=False)


def _infer_multinomial(p: TensorType, count: int, replacement: bool, *_: Any) -> TensorType:
    _check_weights(p, count, replacement)
    return tensor(i64_dtype, (*p.sizes[:-1], count))


op(
    "aten::multinomial(Tensor self, int num_samples, bool replacement=False, *, Generator? "
    "generator=None) -> Tensor",
    reference=sourced(_multinomial),
    infer=_infer_multinomial,
    pure=False,
)
_declare(
    "aten::poisson(Tensor self, Generator? generator=None) -> Tensor",
    lambda rates, *_: draws.poisson(draws.CURRENT.get(), rates),
    lambda rates, *_: (rates.shape, dtype_of(rates)),
)
_INT_LIKE = (
    "*, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, "
    "MemoryFormat? memory_format=None) -> Tensor"
)
_drawn(
    f"aten::randint_like(Tensor self, int high, {_INT_LIKE}",
    lambda size, x, high, *_: integers(size, 0, high),
    lambda x, high, *rest: _like(x, *rest),
)
_drawn(
    f"aten::randint_like.low_dtype(Tensor self, int low, int high, {_INT_LIKE}",
    lambda size, x, low, high, *_: integers(size, low, high),
    lambda x, low, high, *rest: _like(x, *rest),
)
