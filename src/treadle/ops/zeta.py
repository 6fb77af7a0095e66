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


def _count(f: Any, q: Any) -> Any:
    """How many terms are summed until the series of Euler and Maclaurin holds."""
    finite = f.where(f.isfinite(q), q, 0.0)
    return f.maximum(f.ceil(SHIFT - finite), float(SHIFT))


def _with_rest(f: Any, s: Any, q: Any, total: Any) -> Any:
    """The sum of all terms from that of the first ones; what the function is at its poles."""
    z = q + _count(f, q)
    total = total + f.pow(z, 1.0 - s) / (s - 1.0) + 0.5 * f.pow(z, -s)
    factor = s * f.pow(z, -s - 1.0)
    for k, number in enumerate(BERNOULLI, 1):
        total = total + factor * (number / math.factorial(2 * k))
        factor = factor * (s + (2.0 * k - 1.0)) * (s + 2.0 * k) / (z * z)
    total = f.where(q == math.inf, 0.0, total)
    total = f.where((q <= 0.0) & (s != f.floor(s)), math.nan, total)
    total = f.where((q <= 0.0) & (q == f.floor(q)), math.inf, total)
    total = f.where(q == -math.inf, math.nan, total)
    total = f.where((s != s) | (q != q) | (s < 1.0), math.nan, total)
    return f.where(s == 1.0, math.inf, total)


def _zeta(s: Array, q: Array) -> Array:
    """Hurwitz' zeta function."""
    s, q = np.broadcast_arrays(s, q)
    count = _count(NUMPY, q)
    total = np.zeros(q.shape)
    for k in range(int(min(count.max(initial=0), MOST_TERMS))):
        total += np.where(k < count, np.power(q + k, -s), 0.0)
    return np.asarray(_with_rest(NUMPY, s, q, total))


def _both(load: Loader, positions: Sequence[Expr]) -> tuple[Element, Element]:
    s, q = (Element(cast(load(i, positions), dtypes.f64)) for i in (0, 1))
    return s, q


def _bounds(
    load: Loader, positions: Sequence[Expr], result: TensorType, *_: Any
) -> tuple[Expr, Expr]:
    """Rows have one element, so that each has a count of its own."""
    zero = const(0, dtypes.i64)
    _, q = _both(load, [*positions[:-1], zero])
    return zero, cast(LOOPS.minimum(_count(LOOPS, q), float(MOST_TERMS)).expr, dtypes.i64)


def _term(
    load: Loader, positions: Sequence[Expr], index: Expr, result: TensorType, *_: Any
) -> Expr:
    s, q = _both(load, positions)
    term: Expr = LOOPS.pow(q + Element(cast(index, dtypes.f64)), -s).expr
    return term


def _finish(
    total: Expr, load: Loader, positions: Sequence[Expr], result: TensorType, *_: Any
) -> Expr:
    whole: Expr = _with_rest(LOOPS, *_both(load, positions), Element(total)).expr
    return whole


op(
    "treadle::zeta_rows(Tensor self, Tensor other) -> Tensor",
    reference=lambda s, q: _zeta(s.astype(np.float64), q.astype(np.float64)),
    infer=lambda s, q: tensor(dtypes.f64, s.sizes),
    lower=Fold(_bounds, _term, _finish, lambda *_: "sum"),
    samples=((f64(3, 1, low=1.5, high=9.0), f64(3, 1, low=0.2, high=9.0)),),
)


def _in_rows(s: Any, q: Any) -> Any:
    """Zeta of tensors, or of one and a number."""
    like = s if isinstance(s, Operand) else q
    dtype = floating(result_dtype(*(a.type if isinstance(a, Operand) else a for a in (s, q))))
    operands = [a if isinstance(a, Operand) else like.given(float(a), dtypes.f64) for a in (s, q)]
    shape = list(broadcast("special_zeta", *(a.shape for a in operands)))
    s, q = (a.op("expand", shape).op("unsqueeze", -1) for a in operands)
    return s.op("zeta_rows", q).op("squeeze.dim", -1).to(dtype)


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
    lower=made_of(_in_rows),
)
in_numpy(
    "aten::special_zeta.other_scalar(Tensor self, Scalar other) -> Tensor",
    _zeta,
    ((f32(5, low=1.5, high=6.0), 2.0), (f64(3, low=2.0, high=4.0), 1)),
    lower=made_of(_in_rows),
)
in_numpy(
    "aten::special_zeta.self_scalar(Scalar self, Tensor other) -> Tensor",
    _zeta,
    ((3.0, f32(5, low=0.5, high=6.0)), (2, f64(3, low=0.5, high=4.0))),
    lower=made_of(_in_rows),
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
