"""Discrete Fourier transforms of a few complex numbers, as expressions of their parts."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from typing import TypeAlias

from treadle.ir.dtypes import DType
from treadle.ir.loops import Const, Expr
from treadle.ops.expr import add, call, dtype_of, mul, sub

Pair: TypeAlias = tuple[Expr, Expr]


def fma(a: Expr, b: Expr, c: Expr) -> Expr:
    """``a * b + c``, rounded once."""
    return call("fma", a, b, c)


def number(value: float, like: Expr) -> Expr:
    """A constant of the dtype of another expression."""
    dtype = dtype_of(like)
    assert isinstance(dtype, DType)
    return Const(value, dtype)


def times(x: Pair, w: Pair) -> Pair:
    """The product of two complex numbers."""
    (a, b), (c, d) = x, w
    return fma(a, c, call("neg", mul(b, d))), fma(a, d, mul(b, c))


def plus(x: Pair, y: Pair) -> Pair:
    """The sum of two complex numbers."""
    return add(x[0], y[0]), add(x[1], y[1])


def minus(x: Pair, y: Pair) -> Pair:
    """The difference of two complex numbers."""
    return sub(x[0], y[0]), sub(x[1], y[1])


def transform(x: Sequence[Pair]) -> list[Pair]:
    """``y[k] = sum of x[j] * exp(-2 pi i j k / n)``."""
    n = len(x)
    if n == 1:
        return list(x)
    if n % 2:
        return _odd(x)
    even, odd = transform(x[::2]), transform(x[1::2])
    turned = [_rotated(y, k, n) for k, y in enumerate(odd)]
    pairs = list(zip(even, turned, strict=True))
    return [plus(a, b) for a, b in pairs] + [minus(a, b) for a, b in pairs]


def _rotated(x: Pair, k: int, n: int) -> Pair:
    """``x * exp(-2 pi i k / n)``, for k below n / 2."""
    re, im = x
    if k == 0:
        return x
    if 4 * k == n:
        return im, call("neg", re)
    if 8 * k == n:
        half = number(math.sqrt(0.5), re)
        return mul(half, add(re, im)), mul(half, sub(im, re))
    if 8 * k == 3 * n:
        half = number(math.sqrt(0.5), re)
        return mul(half, sub(im, re)), mul(number(-math.sqrt(0.5), re), add(re, im))
    w = cmath.exp(-2j * math.pi * k / n)
    return times(x, (number(w.real, re), number(w.imag, re)))


def _odd(x: Sequence[Pair]) -> list[Pair]:
    """By sums and differences of numbers that lie opposite each other."""
    n, first = len(x), x[0]
    half = range(1, n // 2 + 1)
    sums = [plus(x[j], x[n - j]) for j in half]
    differences = [minus(x[j], x[n - j]) for j in half]
    total = first
    for pair in sums:
        total = plus(total, pair)
    found = [total] * n
    for k in half:
        re, im = first
        across, along = None, None
        for j, s, d in zip(half, sums, differences, strict=True):
            angle = 2 * math.pi * (j * k % n) / n
            cosine, sine = number(math.cos(angle), re), number(math.sin(angle), re)
            re, im = fma(cosine, s[0], re), fma(cosine, s[1], im)
            across = mul(sine, d[1]) if across is None else fma(sine, d[1], across)
            along = mul(sine, d[0]) if along is None else fma(sine, d[0], along)
        assert across is not None
        assert along is not None
        found[k] = add(re, across), sub(im, along)
        found[n - k] = sub(re, across), add(im, along)
    return found
