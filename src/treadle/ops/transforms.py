"""Fourier transforms in plans: products with matrices of sines and cosines.

A product costs n² instead of n·log(n), but runs at the speed of a matrix product: for the lengths
that front ends of speech models have, about as long as a fast transform.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from treadle.errors import UnsupportedError
from treadle.ir.dtypes import DType
from treadle.ops.composite import Operand
from treadle.ops.shapes import numel

Array = np.ndarray[Any, Any]
MAX_POINTS = 2048
"""Longer transforms are left to the interpreter, which has a fast one."""


def _check_length(n: int) -> None:
    if n > MAX_POINTS:
        raise UnsupportedError(f"a Fourier transform of {n} points, as a plan")


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


def _resized(x: Operand, dim: int, size: int) -> Operand:
    """`x` cut or filled with zeros to `size` in a dim."""
    have = x.shape[dim]
    if have > size:
        return x.op("narrow", dim, 0, size)  # type: ignore[no-any-return]
    if have < size:
        sides = [0] * (2 * (len(x.shape) - dim))
        sides[-1] = size - have
        return x.op("constant_pad_nd", sides, 0)  # type: ignore[no-any-return]
    return x


def transformed(
    x: Operand, dim: int, n: int, real: DType, given: str, forward: bool, norm: str | None
) -> Any:
    """The transform of `n` points along `dim`, computed in `real`; `given` as in `_matrix`."""
    n = int(n)
    _check_length(n)
    whole = x.dtype.is_complex
    taken = "half" if given == "real" else "whole" if whole else "real"
    x = _resized(x, dim, n // 2 + 1 if taken == "half" else n)
    rows = x.op("movedim.int", dim, -1)
    if taken == "half" and not whole:
        rows = _paired(rows, real)
    elif whole:
        rows = rows.op("view_as_real")
        rows = rows.op("reshape", [*rows.shape[:-2], rows.shape[-2] * 2])
    rows = rows.to(real)
    table = rows.given(_matrix(n, taken, given, forward, norm))
    y = rows.op("matmul", table)
    if given != "real":
        y = y.op("reshape", [*y.shape[:-1], y.shape[-1] // 2, 2]).op("view_as_complex")
    return y.op("movedim.int", -1, dim)


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
