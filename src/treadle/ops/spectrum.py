"""Short-time Fourier transforms and their inverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from treadle.errors import ScriptError, ShapeError, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.complex_numbers import REAL, WHOLE, as_real
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import op
from treadle.ops.fourier import TOLERANCE
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import c64, f32, given
from treadle.ops.shapes import tensor
from treadle.ops.transforms import overlapped, transformed

Array = np.ndarray[Any, Any]
_PAD_MODES = {"reflect": "reflect", "constant": "constant", "replicate": "edge", "circular": "wrap"}


def _window(window: Array | None, n_fft: int, length: int, dtype: Any) -> Array:
    """The window of `length` in the middle of `n_fft` zeros."""
    result = np.zeros(n_fft, dtype)
    start = (n_fft - length) // 2
    result[start : start + length] = 1 if window is None else window
    return result


def _spread_window(like: Operand, window: Operand | None, n_fft: int, length: int) -> Operand:
    """`_window` of an operand."""
    if window is None:
        return like.given(_window(None, n_fft, length, np.float64))
    start = (n_fft - length) // 2
    return window.op("constant_pad_nd", [start, n_fft - length - start], 0)  # type: ignore[no-any-return]


# --- forward ------------------------------------------------------------------------------------


def _sizes(x: Any, n_fft: int, hop: int | None, length: int | None, window: Any) -> tuple[int, int]:
    """Hop and length of the window.

    Raises:
        ShapeError: if they do not fit the signal.
    """
    hop = n_fft // 4 if hop is None else hop
    length = n_fft if length is None else length
    if dtype_of(x).name not in WHOLE or len(x.shape) not in (1, 2):
        raise ShapeError(
            f"stft: expected 1 or 2 dims of f32 or f64, got {dtype_of(x)}{list(x.shape)}"
        )
    if not 0 < n_fft <= x.shape[-1] or hop < 1 or not 0 < length <= n_fft:
        raise ShapeError(
            f"stft: n_fft {n_fft}, hop_length {hop}, win_length {length} for a signal of"
            f" {x.shape[-1]}"
        )
    if window is not None and tuple(window.shape) != (length,):
        raise ShapeError(f"stft: window {list(window.shape)} for win_length {length}")
    return hop, length


def _stft(
    x: Array,
    n_fft: int,
    hop: int | None,
    length: int | None,
    window: Array | None,
    normalized: bool,
    onesided: bool | None,
    return_complex: bool | None,
    align: bool | None,
) -> Array:
    """The spectrum of each frame: [batch, frequency, frame]."""
    hop, length = _sizes(x, n_fft, hop, length, window)
    signal = x[None] if x.ndim == 1 else x
    frames = np.lib.stride_tricks.sliding_window_view(signal, n_fft, 1)[:, ::hop]
    if window is not None or length != n_fft:
        frames = frames * _window(window, n_fft, length, x.dtype)
    spectrum = np.fft.rfft(frames) if onesided in (None, True) else np.fft.fft(frames)
    if normalized:
        spectrum = spectrum / np.sqrt(n_fft)
    whole = WHOLE[dtype_of(x).name].numpy
    result = np.swapaxes(spectrum.astype(whole, copy=False), 1, 2)
    result = result[0] if x.ndim == 1 else result
    return result if return_complex else as_real(result)


def _infer_stft(
    x: TensorType, n_fft: int, hop: int | None, length: int | None, window: Any,
    normalized: bool, onesided: bool | None, return_complex: bool | None, align: bool | None,
) -> TensorType:  # fmt: skip
    hop, _ = _sizes(x, n_fft, hop, length, window)
    count = (x.sizes[-1] - n_fft) // hop + 1
    shape = (*x.sizes[:-1], n_fft // 2 + 1 if onesided in (None, True) else n_fft, count)
    if return_complex:
        return tensor(WHOLE[x.element.name], shape)
    return tensor(x.element, (*shape, 2))


def _lower_stft(
    x: Operand, n_fft: int, hop: int | None, length: int | None, window: Operand | None,
    normalized: bool, onesided: bool | None, return_complex: bool | None, align: bool | None,
) -> Any:  # fmt: skip
    """Frames as a view of the signal, times the window, times a table."""
    hop, length = _sizes(x.type, n_fft, hop, length, None if window is None else window.type)
    frames = x.op("unfold", -1, n_fft, hop) * _spread_window(x, window, n_fft, length)
    given_ = "half" if onesided in (None, True) else "whole"
    norm = "ortho" if normalized else None
    y = transformed(frames, len(frames.shape) - 1, n_fft, x.dtype, given_, True, norm)
    y = y.op("transpose.int", -1, -2)
    return y if return_complex else y.op("view_as_real")


def _sides(x: Any, n_fft: int, pad_mode: str) -> int:
    if pad_mode not in _PAD_MODES:
        raise ShapeError(f"stft: pad_mode {pad_mode!r}; allowed: {sorted(_PAD_MODES)}")
    if pad_mode == "reflect" and n_fft // 2 >= x.shape[-1]:
        raise ShapeError(f"stft: a signal of {x.shape[-1]} is too short to reflect {n_fft // 2}")
    return n_fft // 2


def _stft_center(
    x: Array,
    n_fft: int,
    hop: int | None,
    length: int | None,
    window: Array | None,
    center: bool,
    pad_mode: str,
    *rest: Any,
) -> Array:
    """As `_stft`, of the signal padded by half a frame at both ends if `center`."""
    if center:
        side = _sides(x, n_fft, pad_mode)
        sides: Sequence[tuple[int, int]] = [(0, 0)] * (x.ndim - 1) + [(side, side)]
        x = np.pad(x, sides, mode=_PAD_MODES[pad_mode])  # type: ignore[call-overload]
    return _stft(x, n_fft, hop, length, window, *rest)


def _infer_center(
    x: TensorType, n_fft: int, hop: Any, length: Any, window: Any, center: bool, pad_mode: str,
    *rest: Any,
) -> TensorType:  # fmt: skip
    if center and x.sizes:
        grown = x.sizes[-1] + 2 * _sides(x, n_fft, pad_mode)
        x = tensor(x.element, (*x.sizes[:-1], grown))
    return _infer_stft(x, n_fft, hop, length, window, *rest)


def _lower_center(
    x: Operand, n_fft: int, hop: Any, length: Any, window: Any, center: bool, pad_mode: str,
    *rest: Any,
) -> Any:  # fmt: skip
    if center:
        side, shape = _sides(x.type, n_fft, pad_mode), x.shape
        padded = x.reshape(1, -1, shape[-1]).op("pad", [side, side], pad_mode, None)
        x = padded.reshape(*shape[:-1], shape[-1] + 2 * side)
    return _lower_stft(x, n_fft, hop, length, window, *rest)


_HEAD = "(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, "
_REST = (
    "bool normalized=False, bool? onesided=None, bool? return_complex=None, "
    "bool? align_to_window=None) -> Tensor"
)
op(
    f"aten::stft{_HEAD}{_REST}",
    reference=_stft,
    infer=_infer_stft,
    lower=made_of(_lower_stft),
    tolerance=TOLERANCE,
    samples=(
        (f32(2, 20), 8, 3, None, None, False, None, True, None),
        (f32(20), 8, 4, None, None, False, False, True, None),
    ),
)
op(
    f'aten::stft.center{_HEAD}bool center=True, str pad_mode="reflect", {_REST}',
    reference=_stft_center,
    infer=_infer_center,
    lower=made_of(_lower_center),
    tolerance=TOLERANCE,
    samples=(
        (f32(2, 20), 8, 2, 6, f32(6), True, "reflect", False, None, True, None),
        (f32(20), 8, None, None, f32(8), True, "constant", True, False, True, None),
    ),
)


# --- inverse ------------------------------------------------------------------------------------


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
    shape = _window(window, n_fft, length, np.float64)
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
    shape = _window(None if window is None else window.value, n_fft, length, np.float64)
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
