"""Fourier transforms of any length: chirps, convolved by fast transforms of longer rows.

With ``2jk = j² + k² - (k - j)²`` the sum over j becomes a convolution with ``exp(i pi j²/n)``.
Source: Bluestein 1970, A linear filtering approach to the computation of the discrete Fourier
transform.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from treadle.errors import UnsupportedError
from treadle.ops.composite import Operand
from treadle.ops.fast_fourier import is_fast, resized, whole_transform

Array = np.ndarray[Any, Any]
MAX_POINTS = 1 << 19
"""Their convolutions have twice as many, which is what fast transforms have at most."""


def chirp_transform(x: Operand, dim: int, n: int, forward: bool, scale: float) -> Operand:
    """The transform of `n` complex numbers along `dim`."""
    if n > MAX_POINTS:
        raise UnsupportedError(f"a Fourier transform of {n} points, as a plan")
    after = [1] * (len(x.shape) - dim - 1)
    tables = [x.given(table).reshape(len(table), *after) for table in _tables(n, forward, scale)]
    chirp, filter_ = tables
    wide = filter_.shape[0]
    y = whole_transform(resized(x * chirp, dim, wide), dim, wide, True, 1.0)
    y = whole_transform(y * filter_, dim, wide, False, 1.0)
    return resized(y, dim, n) * chirp


@functools.lru_cache(maxsize=8)
def _tables(n: int, forward: bool, scale: float) -> tuple[Array, Array]:
    """The chirp, and the transform, scaled, of its conjugate around 0 in a longer row."""
    wide = next(m for m in _lengths(2 * n - 1) if is_fast(m))
    places = np.arange(n, dtype=np.int64)
    angle = math.pi / n * (places * places % (2 * n))
    chirp = np.exp((-1j if forward else 1j) * angle)
    filter_ = np.zeros(wide, np.complex128)
    filter_[:n] = chirp.conj()
    filter_[wide - n + 1 :] = chirp[:0:-1].conj()
    return chirp, np.fft.fft(filter_) * (scale / wide)


def _lengths(least: int) -> list[int]:
    """Lengths from `least` on with few small factors, the last a power of two."""
    top = 1 << (least - 1).bit_length()
    found = [top * odd // 16 for odd in (9, 10, 12, 14, 15, 16)]
    return [m for m in found if m >= least]
