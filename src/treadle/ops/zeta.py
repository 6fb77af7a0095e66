"""Zeta functions and the derivatives of the logarithm of the gamma function, which are such."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, made_of, renamed
from treadle.ops.declare import op
from treadle.ops.doubles import in_numpy
from treadle.ops.expr import cast, const
from treadle.ops.gamma import BERNOULLI, MOST_TERMS, SHIFT, digamma_body
from treadle.ops.inplace import written_into
from treadle.ops.lowering import Fold, Loader
from treadle.ops.pointwise import Result, pointwise
from treadle.ops.promotion import floating, result_dtype
from treadle.ops.samples import f32, f64, given, i64
from treadle.ops.scalar_math import LOOPS, NUMPY, Element
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]


# --- zeta ---------------------------------------------------------------------------------------


def _count_below(f: Any, q: Any) -> Any:
    """How many terms have a base up to 0, of those that are summed at all."""
    finite = f.where(f.isfinite(q), q, 0.0)
    return f.minimum(f.maximum(f.ceil(-finite), 0.0), float(MOST_TERMS))


def _from_zero(f: Any, s: Any, q: Any, below: Any) -> Any:
    """Zeta from the sum of the terms `below` 0: some more, and the series of Euler and Maclaurin.

    At the poles, what torch says.
    """
    at = q + _count_below(f, q)
    total = below
    for k in range(SHIFT):
        total = total + f.pow(at + float(k), -s)
    z = at + float(SHIFT)
    last = f.pow(z, -s)
    total = total + last * z / (s - 1.0) + 0.5 * last
    factor = s * last / z
    for k, number in enumerate(BERNOULLI, 1):
        total = total + factor * (number / math.factorial(2 * k))
        factor = factor * (s + (2.0 * k - 1.0)) * (s + 2.0 * k) / (z * z)
    total = f.where(q == math.inf, 0.0, total)
    total = f.where((q <= 0.0) & (s != f.floor(s)), math.nan, total)
    total = f.where((q <= 0.0) & (q == f.floor(q)), math.inf, total)
    total = f.where(q == -math.inf, math.nan, total)
    total = f.where((s != s) | (q != q) | (s < 1.0), math.nan, total)
    return f.where(s == 1.0, math.inf, total)


def _sum_below(s: Array, q: Array) -> Array:
    s, q = (np.asarray(a, np.float64) for a in np.broadcast_arrays(s, q))
    count = _count_below(NUMPY, q)
    total = np.zeros(q.shape)
    for k in range(int(count.max(initial=0))):
        total += np.where(k < count, np.power(q + k, -s), 0.0)
    return total


def _zeta(s: Array, q: Array) -> Array:
    """Hurwitz' zeta function."""
    return np.asarray(_from_zero(NUMPY, s, q, _sum_below(s, q)))


def _both(load: Loader, positions: Sequence[Expr]) -> list[Element]:
    return [Element(cast(load(i, positions), dtypes.f64)) for i in (0, 1)]


def _bounds(
    load: Loader, positions: Sequence[Expr], result: TensorType, *_: Any
) -> tuple[Expr, Expr]:
    """Rows have one element, so that each has a count of its own."""
    zero = const(0, dtypes.i64)
    q = _both(load, [*positions[:-1], zero])[1]
    return zero, cast(_count_below(LOOPS, q).expr, dtypes.i64)


def _term(
    load: Loader, positions: Sequence[Expr], index: Expr, result: TensorType, *_: Any
) -> Expr:
    s, q = _both(load, positions)
    term: Expr = LOOPS.pow(q + Element(cast(index, dtypes.f64)), -s).expr
    return term


op(
    "treadle::zeta_below(Tensor self, Tensor other) -> Tensor",
    reference=_sum_below,
    infer=lambda s, q: tensor(dtypes.f64, broadcast("zeta_below", s.sizes, q.sizes)),
    lower=Fold(_bounds, _term, lambda total, *_: total, lambda *_: "sum"),
    samples=(
        (f64(3, 1, low=1.5, high=9.0), f64(3, 1, low=0.2, high=9.0)),
        (given([[2.0], [3.0], [4.0]]), given([[-0.5], [2.0], [-7.25]])),
    ),
)
pointwise(
    "treadle::zeta_from(Tensor self, Tensor other, Tensor below) -> Tensor",
    lambda f, s, q, below: _from_zero(f, *(f.cast(a, dtypes.f64) for a in (s, q, below))),
    result=Result.FLOAT,
    operands=(0, 1, 2),
    samples=((f64(5, low=1.5, high=9.0), f64(5, low=0.2, high=9.0), f64(5, low=0.0)),),
)


def _in_parts(s: Any, q: Any) -> Any:
    """Zeta of tensors, or of one and a number."""
    like = s if isinstance(s, Operand) else q
    dtype = floating(result_dtype(*(a.type if isinstance(a, Operand) else a for a in (s, q))))
    s, q = (a if isinstance(a, Operand) else like.given(a, dtypes.f64) for a in (s, q))
    shape = list(broadcast("special_zeta", s.shape, q.shape))
    rows = (a.op("expand", shape).op("unsqueeze", -1) for a in (s, q))
    below = like.apply("zeta_below", *rows).op("squeeze.dim", -1)
    return s.op("zeta_from", q, below).to(dtype)


_FAR = (given([2.0, 3.0, 1.5, 1.0, 0.5, 2.0, 3.0]), given([1.0, 0.5, 2.0, 1.0, 1.0, -1.0, -1.5]))
_ORDERS = (
    (f32(3, 4, low=1.5, high=8.0), f32(4, low=0.2, high=9.0)),
    (f64(5, low=2.0, high=4.0), f64(5, low=0.5, high=20.0)),
    _FAR,
)
zeta = in_numpy(
    "aten::special_zeta(Tensor self, Tensor other) -> Tensor",
    _zeta,
    _ORDERS,
    lower=made_of(_in_parts),
    kinds="bid",
)
in_numpy(
    "aten::special_zeta.other_scalar(Tensor self, Scalar other) -> Tensor",
    _zeta,
    ((f32(5, low=1.5, high=6.0), 2.0), (f64(3, low=2.0, high=4.0), 1)),
    lower=made_of(_in_parts),
    kinds="bid",
)
in_numpy(
    "aten::special_zeta.self_scalar(Scalar self, Tensor other) -> Tensor",
    _zeta,
    ((3.0, f32(5, low=0.5, high=6.0)), (2, f64(3, low=0.5, high=4.0))),
    lower=made_of(_in_parts),
    kinds="bid",
)


# --- polygamma ----------------------------------------------------------------------------------


def _trigamma(f: Any, x: Any) -> Any:
    """The asymptotic series, reached by recurrence; reflection below 0."""
    x = f.cast(x, dtypes.f64)
    reflected = x < 0.0
    y = f.where(reflected, 1.0 - x, x)
    z = y + float(SHIFT)
    w = 1.0 / (z * z)
    tail: Any = 0.0
    for number in reversed(BERNOULLI):
        tail = (tail + number) * w
    value = (1.0 + tail) / z + 0.5 * w
    for i in reversed(range(SHIFT)):
        value = value + 1.0 / ((y + float(i)) * (y + float(i)))
    ratio = math.pi / f.sin(math.pi * (x - f.round(x)))
    return f.where(reflected, ratio * ratio - value, value)


pointwise(
    "treadle::trigamma(Tensor self) -> Tensor",
    _trigamma,
    result=Result.FLOAT,
    samples=(
        (f32(3, 7, low=0.2, high=9.0),),
        (f64(17, low=-9.0, high=30.0),),
        (i64(3, low=1, high=9),),
    ),
)


def _check_degree(n: int, _: Any) -> None:
    if n < 0:
        raise ShapeError(f"polygamma: argument n must be at least 0, got {n}")


def _factor(n: int) -> float:
    """Of zeta in the polygamma function of degree `n`."""
    size = math.gamma(n + 1.0) if n < 170 else math.nan
    return -size if n % 2 == 0 else size


def _polygamma(n: int, x: Array) -> Array:
    if n == 0:
        return np.asarray(digamma_body(NUMPY, x))
    return np.asarray(_factor(n) * _zeta(np.asarray(n + 1.0), x))


def _of_degree(n: int, x: Operand) -> Any:
    if n < 2:
        return x.op("trigamma" if n else "digamma")
    wide = x.to(dtypes.f64)
    return (wide.given(n + 1.0).op("special_zeta", wide) * _factor(n)).to(floating(x.dtype))


_DEGREES = (
    *((n, f32(2, 3, low=0.3, high=9.0)) for n in range(4)),
    (1, i64(3, low=1, high=4)),
)
polygamma = in_numpy(
    "aten::polygamma(int n, Tensor self) -> Tensor",
    _polygamma,
    _DEGREES,
    check=_check_degree,
    lower=made_of(_of_degree),
)
renamed(polygamma, "special_polygamma")
op(
    "aten::polygamma_(Tensor(a!) self, int n) -> Tensor(a!)",
    reference=lambda x, n: written_into("polygamma_", x, polygamma.reference(n, x)),  # type: ignore[misc]
    samples=tuple((x, n) for n, x in _DEGREES[:2]),
)
