"""Fourier transforms in plans: fast ones, else products with matrices, or chirps for long rows.

One product costs n² operations, two by divisors of n next to its root about 4·n·√n; a fast
transform has n·log(n), which run at a fraction of the speed of a product.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from treadle.errors import UnsupportedError
from treadle.ir.dtypes import DType
from treadle.ops.chirps import chirp_transform
from treadle.ops.composite import Operand
from treadle.ops.fast_fourier import (
    fast_transform,
    in_complex,
    is_fast,
    resized,
    whole_transform,
)
from treadle.ops.shapes import numel

Array = np.ndarray[Any, Any]
MAX_PRODUCT = 2048
"""Points of those that are products: longer ones are chirps."""
MIN_SPLIT = 128
"""Transforms from here on are made in two steps,"""
MIN_FACTOR = 8
"""if they have a divisor of that much below their root."""


def _scale(n: int, norm: str | None, forward: bool) -> float:
    if norm == "ortho":
        return 1 / math.sqrt(n)
    return 1 / n if forward == (norm == "forward") else 1.0


@functools.lru_cache(maxsize=32)
def _matrix(n: int, taken: str, given: str, forward: bool, norm: str | None) -> Array:
    """The product that transforms `n` points.

    `taken` and `given`: ``real``, ``whole`` (pairs of parts) or ``half`` (pairs, up to the middle).
    """
    middle = n // 2 + 1
    inputs = np.arange(middle if taken == "half" else n)
    outputs = np.arange(middle if given == "half" else n)
    angle = 2 * math.pi / n * (np.multiply.outer(inputs, outputs) % n)
    sign = -1.0 if forward else 1.0
    rows = [np.exp(sign * 1j * angle)]
    if taken != "real":
        rows.append(1j * rows[0])
    if taken == "half":  # the other half is conjugate: twice the real part of all but the ends
        twice = np.where((inputs == 0) | (2 * inputs == n), 1.0, 2.0)[:, None]
        rows = [row.real * twice for row in rows]
    table = np.stack(rows, 1).reshape(-1, len(outputs)) * _scale(n, norm, forward)
    if given == "real":
        return np.asarray(table.real)
    return np.stack([table.real, table.imag], -1).reshape(table.shape[0], -1)


def transformed(
    x: Operand, dim: int, n: int, real: DType, given: str, forward: bool, norm: str | None
) -> Any:
    """The transform of `n` points along `dim`, computed in `real`; `given` as in `_matrix`."""
    n = int(n)
    whole = x.dtype.is_complex
    taken = "half" if given == "real" else "whole" if whole else "real"
    x = resized(x, dim, n // 2 + 1 if taken == "half" else n)
    scale = _scale(n, norm, forward)
    fast = fast_transform(x, dim, n, real, given, forward, scale)
    if fast is not None:
        return fast
    if n > MAX_PRODUCT:
        return _long(in_complex(x, real), dim, n, given, forward, scale)
    rows = x.op("movedim.int", dim, -1)
    if taken == "half" and not whole:
        rows = _paired(rows, real)
    elif whole:
        rows = rows.op("view_as_real")
        rows = rows.op("reshape", [*rows.shape[:-2], rows.shape[-2] * 2])
    rows = rows.to(real)
    first = _first_factor(n)
    if first > 1 and given != "real" and taken != "half":
        y = _in_two_steps(rows, n, first, given, forward, norm)
    else:
        y = rows.op("matmul", rows.given(_matrix(n, taken, given, forward, norm)))
    if given != "real":
        y = y.op("reshape", [*y.shape[:-1], y.shape[-1] // 2, 2]).op("view_as_complex")
    return y.op("movedim.int", -1, dim)


def _long(x: Operand, dim: int, n: int, given: str, forward: bool, scale: float) -> Any:
    """The transform of all numbers, of which the half may be given, or wanted."""
    if given == "real":
        after = x.op("narrow", dim, 1, (n - 1) // 2).op("flip", [dim]).op("conj_physical")
        x = x.apply("cat", [x, after], dim)
    transform = whole_transform if is_fast(n) else chirp_transform
    y = transform(x, dim, n, forward, scale)
    if given == "real":
        return y.op("view_as_real").op("select.int", -1, 0)
    return resized(y, dim, n // 2 + 1) if given == "half" else y


def _first_factor(n: int) -> int:
    """The divisor of `n` next to its root, for a transform in two steps; 1 if it does not pay."""
    if n < MIN_SPLIT:
        return 1
    first = next(d for d in range(math.isqrt(n), 0, -1) if n % d == 0)
    return n // first if first >= MIN_FACTOR else 1


@functools.lru_cache(maxsize=32)
def _step_tables(
    n: int, first: int, taken_pairs: bool, given: str, forward: bool, norm: str | None
) -> tuple[Array, Array]:
    """The products of both steps, on pairs of parts; the second is one for each row of the first.

    With ``j = j1 * rest + j2`` and ``k = k1 + first * k2``, the first sums over j1 for each k1, and
    the second, ``exp(j2 * k)``, over j2.
    """
    rest, sign = n // first, -1.0 if forward else 1.0
    outer = np.arange(first)
    count = rest if given == "whole" else -(-(n // 2 + 1) // first)
    k = outer[:, None] + first * np.arange(count)
    one = np.exp(sign * 2j * math.pi / first * (np.multiply.outer(outer, outer) % first))
    two = np.exp(sign * 2j * math.pi / n * (np.arange(rest)[:, None] * k[:, None, :] % n))
    return _on_pairs(one, taken_pairs), _on_pairs(two * _scale(n, norm, forward), True)


def _on_pairs(table: Array, pairs: bool) -> Array:
    """Complex factors [.., m, k] as real ones that give pairs, of real numbers or of pairs."""
    rows = np.stack([table, 1j * table] if pairs else [table], -2)
    parts = np.stack([rows.real, rows.imag], -1)
    return parts.reshape(*table.shape[:-2], -1, 2 * table.shape[-1])


def _in_two_steps(
    rows: Operand, n: int, first: int, given: str, forward: bool, norm: str | None
) -> Any:
    """The transform of rows by `first` points, then by the rest.

    Source: Cooley and Tukey 1965, An algorithm for the machine calculation of complex Fourier
        series.
    """
    *lead, width = rows.shape
    depth, rest = int(width) // n, n // first
    count = numel(lead)
    one, two = _step_tables(n, first, depth == 2, given, forward, norm)
    x = rows.reshape(count, first, rest, depth).op("permute", [0, 2, 1, 3])
    x = x.op("reshape", [count * rest, first * depth]).op("matmul", rows.given(one))
    x = x.op("reshape", [count, rest, first, 2]).op("permute", [2, 0, 1, 3])
    x = x.op("reshape", [first, count, rest * 2]).op("matmul", rows.given(two))
    found = two.shape[-1] // 2
    x = x.op("reshape", [first, count, found, 2]).op("permute", [1, 2, 0, 3])
    x = x.op("reshape", [count, found * first * 2])
    wanted = n if given == "whole" else n // 2 + 1
    return x.op("narrow", 1, 0, 2 * wanted).op("reshape", [*lead, 2 * wanted])


def _paired(rows: Operand, real: DType) -> Operand:
    """Real numbers as pairs whose imaginary part is 0, side by side."""
    wide = rows.to(real).op("unsqueeze", -1).op("constant_pad_nd", [0, 1], 0)
    return wide.op("reshape", [*rows.shape[:-1], rows.shape[-1] * 2])  # type: ignore[no-any-return]


def overlapped(frames: Operand, hop: int) -> Operand:
    """The sum of frames [batch, frame, n], each `hop` after the one before it: [batch, time]."""
    batch, count, n = frames.shape
    if n % hop:
        raise UnsupportedError(f"frames of {n} that overlap by no multiple of the hop {hop}")
    parts = n // hop
    cut = frames.reshape(batch, count, parts, hop)
    total: Any = None
    for part in range(parts):
        here = cut.op("select.int", 2, part)
        shifted = here.op("constant_pad_nd", [0, 0, part, parts - 1 - part], 0)
        total = shifted if total is None else total + shifted
    return total.reshape(batch, numel(total.shape[1:]))  # type: ignore[no-any-return]
