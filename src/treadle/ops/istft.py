"""The inverse of short-time Fourier transforms."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from treadle.errors import ScriptError, ShapeError, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.complex_numbers import REAL
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import op
from treadle.ops.fourier import TOLERANCE
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import c64, f32, given
from treadle.ops.shapes import tensor
from treadle.ops.stft import placed_window
from treadle.ops.transforms import overlapped, transformed

Array = np.ndarray[Any, Any]


def _frames_of(
    x: Any, n_fft: int, hop: int | None, length: int | None, window: Any, onesided: bool | None
) -> tuple[int, int, bool]:
    """Hop, length of the window, and whether the spectrum is one-sided.

    Raises:
        ShapeError: if they do not fit the spectrum.
    """
    hop = n_fft // 4 if hop is None else hop
    length = n_fft if length is None else length
    shape = tuple(x.shape)
    one = shape[-2] != n_fft if onesided is None and len(shape) > 1 else bool(onesided)
    if not dtype_of(x).is_complex or len(shape) not in (2, 3):
        raise ShapeError(f"istft: expected 2 or 3 dims of complex numbers, got {dtype_of(x)}")
    if shape[-2] != (n_fft // 2 + 1 if one else n_fft) or not shape[-1]:
        raise ShapeError(f"istft: {n_fft} points for a spectrum of {list(shape)}")
    if not 0 < length <= n_fft or not 0 < hop <= length:
        raise ShapeError(f"istft: n_fft {n_fft}, hop_length {hop}, win_length {length}")
    if window is not None and tuple(window.shape) != (length,):
        raise ShapeError(f"istft: window {list(window.shape)} for win_length {length}")
    return hop, length, one


def _span(frames: int, n_fft: int, hop: int, center: bool, length: int | None) -> tuple[int, int]:
    """First sample of the result, and the number of them."""
    whole = n_fft + hop * (frames - 1)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else whole - (n_fft // 2 if center else 0)
    return start, max(0, end - start)


def _added(frames: Array, hop: int) -> Array:
    """Frames [..., frame, n] added up, each `hop` after the one before it."""
    *lead, count, n = frames.shape
    result = np.zeros((*lead, n + hop * (count - 1)), frames.dtype)
    for i in range(count):
        result[..., i * hop : i * hop + n] += frames[..., i, :]
    return result


def _envelope(window: Array, frames: int, hop: int, start: int, count: int) -> Array:
    """The sum of the squared windows, by which the result is divided.

    Raises:
        ScriptError: if it is zero somewhere.
    """
    total = _added(np.broadcast_to(window * window, (frames, window.size)), hop)
    part = total[start : start + count]
    if np.any(np.abs(part) < 1e-11):
        raise ScriptError("istft: the windows add up to zero somewhere", "RuntimeError")
    return part


def _istft(
    x: Array,
    n_fft: int,
    hop: int | None,
    length: int | None,
    window: Array | None,
    center: bool,
    normalized: bool,
    onesided: bool | None,
    samples: int | None,
    return_complex: bool,
) -> Array:
    """By the first half of the spectrum, of which the second is the mirror image."""
    hop, length, _ = _frames_of(x, n_fft, hop, length, window, onesided)
    if return_complex:
        raise UnsupportedError("istft: return_complex, signals of complex numbers")
    spectrum = np.swapaxes(x, -1, -2)
    norm: Literal["ortho"] | None = "ortho" if normalized else None
    frames = np.fft.irfft(spectrum[..., : n_fft // 2 + 1], n_fft, -1, norm)
    real = REAL[dtype_of(x).name].numpy
    shape = placed_window(window, n_fft, length, np.float64)
    start, count = _span(x.shape[-1], n_fft, hop, center, samples)
    y = _added(frames * shape, hop)[..., start : start + count]
    y = y / _envelope(shape, x.shape[-1], hop, start, y.shape[-1])
    filled = np.zeros((*y.shape[:-1], count), real)
    filled[..., : y.shape[-1]] = y
    return filled


def _infer_istft(
    x: TensorType, n_fft: int, hop: int | None, length: int | None, window: Any, center: bool,
    normalized: bool, onesided: bool | None, samples: int | None, return_complex: bool,
) -> TensorType:  # fmt: skip
    hop, _, _ = _frames_of(x, n_fft, hop, length, window, onesided)
    if return_complex:
        raise UnsupportedError("istft: return_complex, signals of complex numbers")
    count = _span(x.sizes[-1], n_fft, hop, center, samples)[1]
    return tensor(REAL[x.element.name], (*x.sizes[:-2], count))


def _lower_istft(
    x: Operand, n_fft: int, hop: int | None, length: int | None, window: Operand | None,
    center: bool, normalized: bool, onesided: bool | None, samples: int | None,
    return_complex: bool,
) -> Any:  # fmt: skip
    """Transformed back by a table, windowed, added up, divided by the sum of squared windows."""
    given_window = None if window is None else window.type
    hop, length, _ = _frames_of(x.type, n_fft, hop, length, given_window, onesided)
    if return_complex or (window is not None and not isinstance(window.value, np.ndarray)):
        raise UnsupportedError("istft with a window that is data, or a complex result")
    real = REAL[x.dtype.name]
    shape = placed_window(None if window is None else window.value, n_fft, length, np.float64)
    frames, lead = int(x.shape[-1]), x.shape[:-2]
    start, count = _span(frames, n_fft, hop, center, samples)
    count = min(count, n_fft + hop * (frames - 1) - start)
    envelope = _envelope(shape, frames, hop, start, count)
    spectrum = x.op("transpose.int", -1, -2)
    last = len(spectrum.shape) - 1
    norm = "ortho" if normalized else None
    spectrum = spectrum.op("narrow", last, 0, n_fft // 2 + 1)
    y = transformed(spectrum, last, n_fft, real, "real", False, norm)
    y = (y * y.given(shape)).reshape(-1, frames, n_fft)
    y = overlapped(y, hop).op("narrow", 1, start, count)
    y = y * y.given(1 / envelope)
    wanted = _span(frames, n_fft, hop, center, samples)[1]
    if wanted > count:
        y = y.op("constant_pad_nd", [0, wanted - count], 0)
    return y.op("reshape", [*lead, wanted])


_SPECTRUM = given(
    [[3, 1 + 1j, 0.5j, 2, 1], [1 - 1j, 2, 0.1, 1j, -1], [0.5, -1, 2, 1, 0]], dtypes.c64
)
op(
    "aten::istft(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? "
    "window=None, bool center=True, bool normalized=False, bool? onesided=None, int? length=None, "
    "bool return_complex=False) -> Tensor",
    reference=_istft,
    infer=_infer_istft,
    lower=made_of(_lower_istft),
    tolerance=TOLERANCE,
    samples=(
        (_SPECTRUM, 4, 1, 4, f32(4, low=0.5), True, False, None, None, False),
        (_SPECTRUM, 4, 2, None, None, True, True, None, 7, False),
        (_SPECTRUM, 4, 2, None, None, False, False, True, None, False),
        (c64(4, 5), 4, 2, None, None, True, False, False, None, False),
        (c64(2, 4, 3), 4, 1, None, f32(4, low=0.5), True, False, None, None, False),
    ),
)
