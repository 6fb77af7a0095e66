"""The error function's relatives: its complement, inverse, and the normal distribution."""

from __future__ import annotations

import math
from typing import Any

from treadle.ir import dtypes
from treadle.ops.doubles import of_one
from treadle.ops.inplace import inplace
from treadle.ops.samples import given
from treadle.ops.special_series import ERFCX, ERFINV, polynomial

_ROOT = math.sqrt(0.5)
_LARGE = 40.0
"""Beyond it the complement is 0 in double precision."""
_STEPS = 3
_TAILS = (
    (given([0.0, -0.0, 3.5, 9.0, -9.0, 12.0, 30.0, math.inf, -math.inf, math.nan, 1e-30]),),
    (given([4.0, 20.0, 26.5, -30.0, math.inf, -math.inf, math.nan], dtypes.f64),),
)


def _scaled_above(f: Any, x: Any) -> Any:
    """``exp(x * x) * erfc(x)`` of numbers from 0 on: a series in ``(x - 4) / (x + 4)``."""
    return polynomial(ERFCX, 1.0 - 8.0 / (x + 4.0)) / (1.0 + 2.0 * x)


def _bell(f: Any, x: Any) -> Any:
    """``exp(-x * x)``; the square of half of the digits of `x` is exact."""
    high = f.cast(f.cast(x, dtypes.f32), dtypes.f64)
    return f.exp(-(high * high)) * f.exp((high - x) * (high + x))


def _erfc(f: Any, x: Any) -> Any:
    size = f.minimum(f.abs(x), _LARGE)
    above = _bell(f, size) * _scaled_above(f, size)
    return f.where(x < 0, 2.0 - above, above)


def _erfcx(f: Any, x: Any) -> Any:
    size = f.abs(x)
    above = _scaled_above(f, size)
    return f.where(x < 0, 2.0 / _bell(f, f.minimum(size, _LARGE)) - above, above)


def _log_ndtr(f: Any, x: Any) -> Any:
    """Below -1 by the scaled complement, which does not become 0."""
    at = x * -_ROOT
    below = f.log(0.5 * _scaled_above(f, f.abs(at))) - at * at
    return f.where(x < -1, below, f.log1p(-0.5 * _erfc(f, -at)))


def _ndtri(f: Any, p: Any) -> Any:
    """The root of ``log(ndtr(y)) = log(p)`` by Newton's method, for the smaller half.

    Source: the first guess is 26.2.22 of Abramowitz and Stegun, Handbook of Mathematical Functions.
    """
    tail = f.where(p < 0.5, p, 1.0 - p)
    goal = f.log(tail)
    t = f.sqrt(-2.0 * goal)
    y = (2.30753 + 0.27061 * t) / (1.0 + (0.99229 + 0.04481 * t) * t) - t
    for _ in range(_STEPS):
        at = y * -_ROOT
        scaled = _scaled_above(f, at)
        y = y - (f.log(0.5 * scaled) - at * at - goal) * scaled * math.sqrt(math.pi / 2)
    y = f.where(tail == 0, p * 0.0 - math.inf, y)
    return f.where(p < 0.5, y, f.where(p == 0.5, 0.0, -y))


def _erfinv(f: Any, x: Any) -> Any:
    """A series in the square up to 1/2, then by the normal distribution's inverse."""
    size = f.abs(x)
    centre = x * polynomial(ERFINV, 8.0 * x * x - 1.0)
    far = _ndtri(f, 0.5 - 0.5 * size) * -_ROOT
    return f.where(size <= 0.5, centre, f.where(x < 0, -far, far))


erfc = of_one("erfc", _erfc, -3.0, 9.0, samples=_TAILS)
erfcx = of_one("special_erfcx", _erfcx, -3.0, 30.0, half=False, samples=_TAILS[:1])
erfinv = of_one("erfinv", _erfinv, -1.0, 1.0, samples=((given([-1.0, 1.0, 0.0, 2.0, 1e-20]),),))
ndtr = of_one(
    "special_ndtr", lambda f, x: 0.5 * _erfc(f, x * -_ROOT), -9.0, 6.0, samples=_TAILS[:1]
)
log_ndtr = of_one("special_log_ndtr", _log_ndtr, -40.0, 8.0, half=False, samples=_TAILS[:1])
ndtri = of_one(
    "special_ndtri",
    _ndtri,
    0.0,
    1.0,
    half=False,
    samples=((given([0.0, 1.0, 0.5, -0.5, 2.0, 1e-30]),),),
)
inplace(erfc, erfinv)
