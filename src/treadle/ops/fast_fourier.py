"""Fast Fourier transforms in plans: lengths without large primes, one dim at a time."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType
from treadle.ir.op import Tolerance
from treadle.ir.types import TensorType
from treadle.ops.complex_numbers import REAL, WHOLE
from treadle.ops.composite import Operand
from treadle.ops.declare import op
from treadle.ops.lowering import Fourier, FourierSpec
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import c64, f32, f64
from treadle.ops.shapes import numel, tensor, wrap_dim

Array = np.ndarray[Any, Any]
MAX_POINTS = 2048
"""Of complex numbers that a kernel transforms at once. It has them on its stack, twice, for a
vector of rows: 512 KiB. Threads with 1 MiB are not rare."""
MIN_SPLIT, FEW_ROWS = 128, 4
"""From so many points on, so few rows are transformed in two steps, whose lanes are columns."""


def factors_of(n: int) -> list[int] | None:
    """The radices of the passes of a transform of `n` points; None if a prime is too large."""
    twos = (n & -n).bit_length() - 1
    odd, factors = n >> twos, []
    for prime in (13, 11, 7, 5, 3):
        while odd % prime == 0:
            factors.append(prime)
            odd //= prime
    if odd != 1:
        return None
    eights, rest = divmod(twos, 3)
    if rest == 1 and eights:  # two passes of radix 4 are faster than those of 2 and 8
        return [*factors, 4, 4, *[8] * (eights - 1)]
    return [*factors, *([1 << rest] if rest else []), *[8] * eights]


# --- the operator -------------------------------------------------------------------------------


def _infer(
    x: TensorType, dim: int, n: int, kind: str, forward: bool, scale: float
) -> TensorType:  # fmt: skip
    dim = wrap_dim("fourier", dim, len(x.sizes))
    points = n if kind == "whole" else n // 2
    wanted = n // 2 + 1 if kind == "to_real" else n
    real = kind == "to_half"
    fits = x.element.name in (WHOLE if real else REAL) and x.sizes[dim] == wanted
    if not fits or (kind != "whole" and n % 2) or not 0 < points <= MAX_POINTS:
        raise ShapeError(f"fourier: {n} points along dim {dim} of {x}, {kind}")
    if factors_of(points) is None:
        raise ShapeError(f"fourier: {n} points have a large prime factor")
    sizes = [*x.sizes[:dim], n // 2 + 1 if real else n, *x.sizes[dim + 1 :]]
    element = x.element
    if kind != "whole":
        element = WHOLE[element.name] if real else REAL[element.name]
    return tensor(element, sizes)


def _reference(x: Array, dim: int, n: int, kind: str, forward: bool, scale: float) -> Array:
    result = _infer(tensor(dtype_of(x), x.shape), dim, n, kind, forward, scale)
    y: Array
    if kind == "to_half":
        y = np.fft.rfft(x, axis=dim)
        y = y if forward else np.conj(y)
    elif kind == "to_real":
        y = np.fft.irfft(np.conj(x) if forward else x, n, axis=dim) * n
    else:
        y = np.fft.fft(x, axis=dim) if forward else np.fft.ifft(x, axis=dim) * n
    return np.asarray(y * scale).astype(result.element.numpy)


op(
    "treadle::fourier(Tensor x, int dim, int n, str kind, bool forward, float scale) -> Tensor",
    reference=_reference,
    infer=_infer,
    lower=Fourier(
        lambda result, x, dim, *args: FourierSpec(wrap_dim("fourier", dim, len(x.sizes)), *args)
    ),
    tolerance=Tolerance(1e-5, 1e-5, "sums in the order of another algorithm"),
    samples=(
        (c64(3, 8), 1, 8, "whole", True, 1.0),
        (c64(30, 2), 0, 30, "whole", False, 0.5),
        (f32(2, 20, 3), 1, 20, "to_half", True, 1.0),
        (f64(17, 28), 1, 28, "to_half", False, 2.0),
        (c64(5, 9), 1, 16, "to_real", False, 1 / 16),
        (c64(7, 3), 0, 12, "to_real", True, 1.0),
    ),
)


# --- transforms made of it ----------------------------------------------------------------------


def fast_transform(
    x: Operand, dim: int, n: int, real: DType, given: str, forward: bool, scale: float
) -> Operand | None:
    """The transform of `x`, which has as many numbers along `dim` as are read; None if not fast.

    `given`: ``real``, ``half`` or ``whole``.
    """
    if given == "real":
        whole = x if x.dtype.is_complex else in_complex(x, real)
        return _direct(whole, dim, n, "to_real", forward, scale)
    made: Operand | None = None
    if given == "half" and not x.dtype.is_complex:
        few = _are_few(x, dim, n // 2)
        made = None if few else _direct(x.to(real), dim, n, "to_half", forward, scale)
        if made is not None:
            return made
        if n % 2 == 0 and is_fast(n // 2):
            return _by_pairs(x.to(real), dim, n, forward, scale)
    if is_fast(n):
        made = whole_transform(in_complex(x, real), dim, n, forward, scale)
    if made is not None and given == "half":
        made = made.op("narrow", dim, 0, n // 2 + 1)
    return made


def _by_pairs(x: Operand, dim: int, n: int, forward: bool, scale: float) -> Operand:
    """The first half of the transform of real numbers, taken for complex ones of half the length.

    With ``E`` and ``O`` the transforms of the numbers at even and at odd places, that of the pairs
    is ``E + i O``, and that of the row ``E + w^k O``.
    """
    rows = x.op("movedim.int", dim, -1).op("contiguous")
    pairs = rows.reshape(*rows.shape[:-1], n // 2, 2).op("view_as_complex")
    found = whole_transform(pairs, len(pairs.shape) - 1, n // 2, forward, 1.0)
    found = found.apply("cat", [found, found.op("narrow", -1, 0, 1)], -1)
    ends = found.op("view_as_real")
    a, b = (ends.op("select.int", -1, part) for part in (0, 1))
    c, d = (part.op("flip", [-1]) for part in (a, b))
    turns = _halves(n, forward, scale, found.dtype)
    cosine, sine = a.given(turns.real), a.given(turns.imag)
    re = (a + c) * (scale / 2) + (a - c) * cosine - (b + d) * sine
    im = (b - d) * (scale / 2) + (a - c) * sine + (b + d) * cosine
    joined = re.apply("stack", [re, im], -1).op("view_as_complex")
    return joined.op("movedim.int", -1, dim)  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=32)
def _halves(n: int, forward: bool, scale: float, dtype: DType) -> Array:
    """The factors of odd places, from the difference of what lies opposite each other."""
    turns = np.exp((-2j if forward else 2j) * math.pi / n * np.arange(n // 2 + 1))
    return np.asarray(turns * (-0.5j * scale), dtype.numpy)


def is_fast(n: int) -> bool:
    """Whether `whole_transform` takes `n` points."""
    return factors_of(n) is not None and (n <= MAX_POINTS or _split(n) > 1)


def whole_transform(x: Operand, dim: int, n: int, forward: bool, scale: float) -> Operand:
    """The transform of all of `n` complex numbers along `dim`, at once or in two steps."""
    made = None if _are_few(x, dim, n) else _direct(x, dim, n, "whole", forward, scale)
    return made if made is not None else _in_two_steps(x, dim, n, forward, scale)


def _are_few(x: Operand, dim: int, n: int) -> bool:
    """Whether the rows along `dim` are so few that two steps are faster."""
    rows = numel(x.shape[:dim]) * numel(x.shape[dim + 1 :])
    return rows < FEW_ROWS and n >= MIN_SPLIT and _split(n) > 1


def resized(x: Operand, dim: int, size: int) -> Operand:
    """`x` cut or filled with zeros to `size` in a dim."""
    have = x.shape[dim]
    if have > size:
        return x.op("narrow", dim, 0, size)  # type: ignore[no-any-return]
    if have < size:
        sides = [0] * (2 * (len(x.shape) - dim))
        sides[-1] = size - have
        return x.op("constant_pad_nd", sides, 0)  # type: ignore[no-any-return]
    return x


def in_complex(x: Operand, real: DType) -> Operand:
    """`x` as complex numbers of parts in `real`."""
    if x.dtype.is_complex:
        return x.to(WHOLE[real.name])
    pairs = x.to(real).op("unsqueeze", -1).op("constant_pad_nd", [0, 1], 0)
    return pairs.op("view_as_complex")  # type: ignore[no-any-return]


def _direct(x: Operand, dim: int, n: int, kind: str, forward: bool, scale: float) -> Operand | None:
    points = n if kind == "whole" else n // 2
    if (kind != "whole" and n % 2) or points > MAX_POINTS or factors_of(points) is None:
        return None
    return x.op("fourier", dim, n, kind, forward, scale)  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=256)
def _split(n: int) -> int:
    """The largest divisor of `n` up to its root, if it makes two fast transforms; else 1."""
    if factors_of(n) is None or n > MAX_POINTS**2:
        return 1
    first = next(d for d in range(math.isqrt(n), 0, -1) if n % d == 0)
    return first if first >= 8 and n // first <= MAX_POINTS else 1


@functools.lru_cache(maxsize=32)
def _turns(first: int, rest: int, forward: bool, dtype: DType) -> Array:
    angle = np.multiply.outer(np.arange(first), np.arange(rest)) * (2 * math.pi / (first * rest))
    return np.asarray(np.exp((-1j if forward else 1j) * angle), dtype.numpy)


def _in_two_steps(x: Operand, dim: int, n: int, forward: bool, scale: float) -> Operand:
    """With ``j = j1 * rest + j2`` and ``k = k1 + first * k2``: over j1, turned, then over j2.

    Source: Cooley and Tukey 1965, An algorithm for the machine calculation of complex Fourier
        series.
    """
    first = _split(n)
    rest, shape = n // first, x.shape
    x = x.reshape(numel(shape[:dim]), first, rest, numel(shape[dim + 1 :]))
    x = x.op("fourier", 1, first, "whole", forward, 1.0)
    turns = _turns(first, rest, forward, x.dtype)
    x = x * x.given(turns[:, :, None])
    x = x.op("fourier", 2, rest, "whole", forward, scale)
    turned: Operand = x.op("transpose.int", 1, 2)
    return turned.reshape(*shape)


__all__ = ["factors_of", "fast_transform", "in_complex", "is_fast", "resized", "whole_transform"]
