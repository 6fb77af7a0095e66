"""The gamma function's relatives: its logarithm, the derivative of that, incomplete ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ops.composite import Operand, composite, renamed
from treadle.ops.doubles import in_numpy, of_one
from treadle.ops.inplace import inplace
from treadle.ops.samples import f32, f64, given
from treadle.ops.scalar_math import NUMPY

Array = np.ndarray[Any, Any]
_MOST_DIMS = 1 << 12
_LANCZOS = (
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7,
)  # fmt: skip
"""Coefficients for g = 7, of Lanczos 1964, as tabulated by Godfrey."""
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
"""Every second one, from the second."""
_TINY = 1e-300
SHIFT = 10
"""From here on asymptotic series hold in double precision."""
MOST_TERMS = 100_000


def _lgamma(f: Any, x: Any) -> Any:
    """Lanczos' series, and reflection below 1/2."""
    reflected = x < 0.5
    y = f.where(reflected, 1.0 - x, x) - 1.0
    series: Any = _LANCZOS[0]
    for i, coefficient in enumerate(_LANCZOS[1:], 1):
        series = series + coefficient / (y + float(i))
    t = y + 7.5
    above = 0.5 * math.log(2 * math.pi) + (y + 0.5) * f.log(t) - t + f.log(series)
    rest = f.abs(x - f.round(x))  # sin(pi * x) of large x loses its digits, and pi * x of tiny x
    sine = f.where(rest < _TINY, rest, f.sin(math.pi * rest) / math.pi)
    result = f.where(reflected, -f.log(sine) - above, above)
    result = f.where((x == 1) | (x == 2), 0.0, result)
    pole = f.isinf(x) | ((x <= 0) & (x == f.floor(x)))
    return f.where(pole, math.inf, result)


def digamma_body(f: Any, x: Any) -> Any:
    """The asymptotic series, reached by recurrence; reflection below 0."""
    reflected = x < 0.0
    y = f.where(reflected, 1.0 - x, x)
    shift: Any = 0.0
    for i in range(SHIFT):
        shift = shift + 1.0 / (y + float(i))
    z = y + float(SHIFT)
    w = 1.0 / (z * z)
    tail: Any = 0.0
    for k in range(len(BERNOULLI), 0, -1):
        tail = (tail + BERNOULLI[k - 1] / (2 * k)) * w
    value = f.log(z) - 0.5 / z - tail - shift
    below = value - math.pi / f.tan(math.pi * (x - f.round(x)))
    result = f.where(reflected, f.where(x == f.floor(x), math.nan, below), value)
    return f.where(x == 0, -1.0 / x, result)


def _lower_part(a: Array, x: Array) -> Array:
    """The regularised lower incomplete gamma function by its power series, over its first term."""
    term = 1 / a
    total, place = term.copy(), a.copy()
    for _ in range(MOST_TERMS):
        place = place + 1
        term = term * x / place
        total += term
        if not np.any(np.abs(term) > 1e-17 * np.abs(total)):
            break
    return np.asarray(total)


def _upper_part(a: Array, x: Array) -> Array:
    """The upper one by its continued fraction, over the same term.

    Source: Lentz 1976, Generating Bessel functions in Mie scattering calculations.
    """
    b = x + 1 - a
    c = np.full(x.shape, 1e300)
    d = 1 / b
    value = d.copy()
    for i in range(1, MOST_TERMS):
        numerator = i * (a - i)
        b = b + 2
        d = 1 / np.where(numerator * d + b == 0, 1e-300, numerator * d + b)
        c = np.where(b + numerator / c == 0, 1e-300, b + numerator / c)
        value = value * c * d
        if not np.any(np.abs(c * d - 1) > 1e-16):
            break
    return np.asarray(value)


def _incomplete(a: Array, x: Array, upper: bool) -> Array:
    a, x = np.broadcast_arrays(a, x)
    by_series = (x <= np.maximum(a, 1.0)) & (x > 0) & (a > 0) & np.isfinite(a)
    by_fraction = (x > np.maximum(a, 1.0)) & np.isfinite(x) & (a > 0)
    result = np.full(x.shape, np.nan)
    for chosen, part, is_upper in (
        (by_series, _lower_part, False),
        (by_fraction, _upper_part, True),
    ):
        order, at = a[chosen], x[chosen]
        if order.size:
            scale = np.exp(order * np.log(at) - at - _lgamma(NUMPY, order))
            value = part(order, at) * scale
            result[chosen] = value if is_upper == upper else 1 - value
    known = (x >= 0) & (a >= 0) & ~by_series & ~by_fraction
    nothing = (x == 0) | np.isposinf(a)  # of the lower part
    result = np.where(known, np.where(nothing, float(upper), float(not upper)), result)
    undefined = ((x == 0) & (a == 0)) | (np.isposinf(a) & np.isposinf(x))
    return np.where(undefined, np.nan, result)


def _multivariate(x: Operand, p: int) -> Any:
    if not 1 <= p <= _MOST_DIMS:
        raise ShapeError(f"mvlgamma: argument p {p}; allowed: 1 to {_MOST_DIMS}")
    total = x.op("lgamma")
    for i in range(1, p):
        total = total + (x - 0.5 * i).op("lgamma")
    return total + 0.25 * p * (p - 1) * math.log(math.pi)


lgamma = of_one(
    "lgamma", _lgamma, 0.2, 30.0, samples=((given([1.0, 2.0, 0.0, -1.5, -3.0, math.inf, 1e30]),),)
)
digamma = of_one(
    "digamma", digamma_body, 0.3, 20.0, samples=((given([0.0, -0.0, -1.0, -1.5, math.inf]),),)
)
inplace(lgamma, digamma)
_PAIRS = (
    (f32(3, 7, low=0.1, high=9.0), f32(7, low=0.0, high=12.0)),
    (f64(9, low=0.1, high=60.0), f64(9, low=0.0, high=80.0)),
    (f32(0, 3), f32(3)),
    (given([0.0, 0.0, 1.0, 1.0, -1.0, math.inf]), given([0.0, 1.0, 0.0, math.inf, 1.0, 1.0])),
)
igamma = in_numpy(
    "aten::igamma(Tensor self, Tensor other) -> Tensor",
    lambda a, x: _incomplete(a, x, False),
    _PAIRS,
    kinds="f",
)
igammac = in_numpy(
    "aten::igammac(Tensor self, Tensor other) -> Tensor",
    lambda a, x: _incomplete(a, x, True),
    _PAIRS,
    kinds="f",
)
renamed(igamma, "special_gammainc")
renamed(igammac, "special_gammaincc")
mvlgamma = composite(
    "aten::mvlgamma(Tensor self, int p) -> Tensor",
    _multivariate,
    samples=((f32(3, 4, low=2.0, high=9.0), 3), (f64(5, low=1.0, high=3.0), 1)),
    kinds="ifc",
)
renamed(mvlgamma, "special_multigammaln")
inplace(igamma, igammac, mvlgamma)
