"""Bessel functions of orders 0 and 1, modified ones, and Airy's function.

Near 0 a polynomial; beyond it the asymptotic form with polynomials in the inverse of the argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from treadle.ops import special_series as series
from treadle.ops.doubles import of_one
from treadle.ops.inplace import inplace
from treadle.ops.samples import given
from treadle.ops.special_series import polynomial

Coefficients = tuple[float, ...]
_NEAR = 8.0
_QUARTER = math.sqrt(0.5)


# --- oscillating --------------------------------------------------------------------------------


def _waves(f: Any, x: Any, order: int) -> tuple[Any, Any]:
    """Cosine and sine of ``x - (2 * order + 1) * pi / 4``, which is not subtracted."""
    cosine, sine = f.cos(x) * _QUARTER, f.sin(x) * _QUARTER
    return (cosine + sine, sine - cosine) if order == 0 else (sine - cosine, -cosine - sine)


def _far(f: Any, x: Any, order: int, second: bool) -> Any:
    """The asymptotic form from 8 on; `second`: of Y."""
    at = 128.0 / (x * x) - 1.0
    p = polynomial((series.P0_FAR, series.P1_FAR)[order], at)
    q = polynomial((series.Q0_FAR, series.Q1_FAR)[order], at) / x
    cosine, sine = _waves(f, x, order)
    wave = p * sine + q * cosine if second else p * cosine - q * sine
    return f.sqrt(2.0 / (math.pi * x)) * wave


def _square(x: Any) -> Any:
    return x * x / 32.0 - 1.0


def _j0(f: Any, x: Any) -> Any:
    near = polynomial(series.J0_NEAR, _square(x))
    return f.where(f.abs(x) <= _NEAR, near, _far(f, f.abs(x), 0, False))


def _j1(f: Any, x: Any) -> Any:
    far = _far(f, f.abs(x), 1, False)
    near = x * polynomial(series.J1_NEAR, _square(x))
    return f.where(f.abs(x) <= _NEAR, near, f.where(x < 0, -far, far))


def _y0(f: Any, x: Any) -> Any:
    log = f.log(x) * (2 / math.pi)
    near = log * polynomial(series.J0_NEAR, _square(x)) + polynomial(series.Y0_NEAR, _square(x))
    return f.where(x <= _NEAR, near, _far(f, x, 0, True))


def _y1(f: Any, x: Any) -> Any:
    first = x * polynomial(series.J1_NEAR, _square(x))
    rest = x * polynomial(series.Y1_NEAR, _square(x))
    near = (f.log(x) * first - 1.0 / x) * (2 / math.pi) + rest
    near = f.where(x == 0, -math.inf, near)
    return f.where(x <= _NEAR, near, _far(f, x, 1, True))


def _spherical(f: Any, x: Any) -> Any:
    return f.where(x == 0, 1.0, f.where(f.isinf(x), 0.0, f.sin(x) / x))


# --- modified -----------------------------------------------------------------------------------


def _i0e(f: Any, x: Any) -> Any:
    size = f.abs(x)
    far = polynomial(series.I0_FAR, 16.0 / size - 1.0) / f.sqrt(size)
    return f.where(size <= _NEAR, polynomial(series.I0_NEAR, size / 4.0 - 1.0), far)


def _i1e(f: Any, x: Any) -> Any:
    size = f.abs(x)
    far = polynomial(series.I1_FAR, 16.0 / size - 1.0) / f.sqrt(size)
    near = x * polynomial(series.I1_NEAR, size / 4.0 - 1.0)
    near = f.where(size == 0, size, near)  # no -0, as in torch
    return f.where(size <= _NEAR, near, f.where(x < 0, -far, far))


def _grown(scaled: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """``exp(|x|) * scaled(x)``, half of the growth at a time, for it may be infinite."""

    def body(f: Any, x: Any) -> Any:
        half = f.exp(0.5 * f.abs(x))
        return half * scaled(f, x) * half

    return body


def _k0(f: Any, x: Any, scaled: bool) -> Any:
    near = polynomial(series.K0_NEAR, x * x * 0.5 - 1.0) - f.log(0.5 * x) * _grown(_i0e)(f, x)
    near = f.where(x < 0, math.nan, near)  # half of the smallest is -0, with a logarithm
    return _decaying(f, x, near, series.K0_FAR, scaled)


def _k1(f: Any, x: Any, scaled: bool) -> Any:
    rest = polynomial(series.K1_NEAR, x * x * 0.5 - 1.0) / x
    near = f.where(x == 0, math.inf, f.log(0.5 * x) * _grown(_i1e)(f, x) + rest)
    return _decaying(f, x, near, series.K1_FAR, scaled)


def _decaying(f: Any, x: Any, near: Any, coefficients: Coefficients, scaled: bool) -> Any:
    """`near` up to 2, then the asymptotic form; times ``exp(x)`` if `scaled`."""
    far = polynomial(coefficients, 4.0 / x - 1.0) / f.sqrt(x)
    far, near = (far, near * f.exp(x)) if scaled else (far * f.exp(-x), near)
    return f.where(x <= 2.0, near, far)


# --- Airy's function ----------------------------------------------------------------------------


def _airy(f: Any, x: Any) -> Any:
    size = f.abs(x)
    root = f.sqrt(size)
    power = size * root
    angle = power * (2 / 3)
    decay, quarter = f.exp(-angle), f.sqrt(root)
    middle = polynomial(series.AI_MIDDLE, root - 1.0) * decay
    above = polynomial(series.AI_FAR, 16.0 / power - 1.0) * decay / quarter
    above = f.where(x <= 4.0, middle, above)
    at = 128.0 / (power * power) - 1.0
    cosine, sine = _waves(f, angle, 0)
    waves = polynomial(series.AI_P, at) * cosine + polynomial(series.AI_Q, at) * sine / angle
    below = waves / (quarter * math.sqrt(math.pi))
    below = f.where(x >= -4.0, polynomial(series.AI_NEAR, x / 4.0), below)
    value = f.where(x > 0, above, below)
    return f.where(x == math.inf, 0.0, f.where(x == -math.inf, math.nan, value))


_EDGES = ((given([0.0, -0.0, 8.0, 100.0, -8.5, -3.0, math.inf, math.nan]),),)
i0 = of_one("i0", _grown(_i0e), -20.0, 20.0)
inplace(i0)
of_one("special_modified_bessel_i0", _grown(_i0e), -20.0, 20.0, half=False)
of_one("special_i0e", _i0e, -20.0, 20.0, samples=_EDGES)
of_one("special_i1", _grown(_i1e), -20.0, 20.0)
of_one("special_modified_bessel_i1", _grown(_i1e), -20.0, 20.0, half=False)
of_one("special_i1e", _i1e, -20.0, 20.0, samples=_EDGES)
for _name, _body, _argument in (
    ("modified_bessel_k0", lambda f, x: _k0(f, x, False), "self"),
    ("modified_bessel_k1", lambda f, x: _k1(f, x, False), "self"),
    ("scaled_modified_bessel_k0", lambda f, x: _k0(f, x, True), "x"),
    ("scaled_modified_bessel_k1", lambda f, x: _k1(f, x, True), "x"),
    ("bessel_y0", _y0, "self"),
    ("bessel_y1", _y1, "self"),
):
    of_one(f"special_{_name}", _body, 0.1, 30.0, half=False, argument=_argument, samples=_EDGES)
for _name, _body, _argument in (
    ("bessel_j0", _j0, "self"),
    ("bessel_j1", _j1, "self"),
    ("spherical_bessel_j0", _spherical, "x"),
):
    of_one(f"special_{_name}", _body, -30.0, 30.0, half=False, argument=_argument, samples=_EDGES)
of_one("special_airy_ai", _airy, -20.0, 8.0, half=False, argument="x")
