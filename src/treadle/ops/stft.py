"""Short-time Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType
from treadle.ir.types import TensorType
from treadle.ops.complex_numbers import REAL, WHOLE, as_real
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import op
from treadle.ops.fourier import TOLERANCE
from treadle.ops.promotion import dtype_of, promote
from treadle.ops.samples import c64, f32
from treadle.ops.shapes import tensor
from treadle.ops.transforms import transformed

Array = np.ndarray[Any, Any]
_PAD_MODES = {"reflect": "reflect", "constant": "constant", "replicate": "edge", "circular": "wrap"}


def placed_window(window: Array | None, n_fft: int, length: int, dtype: Any) -> Array:
    """The window of `length` in the middle of `n_fft` zeros."""
    result = np.zeros(n_fft, dtype)
    start = (n_fft - length) // 2
    result[start : start + length] = 1 if window is None else window
    return result


def _spread_window(like: Operand, window: Operand | None, n_fft: int, length: int) -> Operand:
    """`placed_window` of an operand."""
    if window is None:
        return like.given(placed_window(None, n_fft, length, np.float64))
    start = (n_fft - length) // 2
    return window.op("constant_pad_nd", [start, n_fft - length - start], 0)  # type: ignore[no-any-return]


def _sizes(x: Any, n_fft: int, hop: int | None, length: int | None, window: Any) -> tuple[int, int]:
    """Hop and length of the window.

    Raises:
        ShapeError: if they do not fit the signal.
    """
    hop = n_fft // 4 if hop is None else hop
    length = n_fft if length is None else length
    if dtype_of(x).name not in {*WHOLE, *REAL} or len(x.shape) not in (1, 2):
        raise ShapeError(
            f"stft: expected 1 or 2 dims of f32, f64, c64 or c128, got {dtype_of(x)}{list(x.shape)}"
        )
    if not 0 < n_fft <= x.shape[-1] or hop < 1 or not 0 < length <= n_fft:
        raise ShapeError(
            f"stft: n_fft {n_fft}, hop_length {hop}, win_length {length} for a signal of"
            f" {x.shape[-1]}"
        )
    if window is not None and tuple(window.shape) != (length,):
        raise ShapeError(f"stft: window {list(window.shape)} for win_length {length}")
    return hop, length


def _takes_half(x: Any, window: Any, onesided: bool | None) -> bool:
    """Whether half of the spectrum is given, whose rest mirrors it.

    Raises:
        ShapeError: if that is asked of complex numbers.
    """
    is_complex = any(dtype_of(t).is_complex for t in (x, window) if t is not None)
    if onesided and is_complex:
        raise ShapeError("stft: onesided=True of a complex signal or window")
    return not is_complex if onesided is None else onesided


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
        dtype = x.dtype if window is None else np.result_type(x, window)
        frames = frames * placed_window(window, n_fft, length, dtype)
    spectrum = (np.fft.rfft if _takes_half(x, window, onesided) else np.fft.fft)(frames)
    if normalized:
        spectrum = spectrum / np.sqrt(n_fft)
    whole = _whole(x, window).numpy
    result = np.swapaxes(spectrum.astype(whole, copy=False), 1, 2)
    result = result[0] if x.ndim == 1 else result
    return result if return_complex else as_real(result)


def _infer_stft(
    x: TensorType, n_fft: int, hop: int | None, length: int | None, window: Any,
    normalized: bool, onesided: bool | None, return_complex: bool | None, align: bool | None,
) -> TensorType:  # fmt: skip
    hop, _ = _sizes(x, n_fft, hop, length, window)
    count = (x.sizes[-1] - n_fft) // hop + 1
    half = _takes_half(x, window, onesided)
    shape = (*x.sizes[:-1], n_fft // 2 + 1 if half else n_fft, count)
    whole = _whole(x, window)
    return tensor(whole, shape) if return_complex else tensor(REAL[whole.name], (*shape, 2))


def _whole(x: Any, window: Any) -> DType:
    """The dtype of the spectrum."""
    found = dtype_of(x) if window is None else promote(dtype_of(x), dtype_of(window))
    return WHOLE.get(found.name, found)


def _lower_stft(
    x: Operand, n_fft: int, hop: int | None, length: int | None, window: Operand | None,
    normalized: bool, onesided: bool | None, return_complex: bool | None, align: bool | None,
) -> Any:  # fmt: skip
    """Frames as a view of the signal, times the window, times a table."""
    hop, length = _sizes(x.type, n_fft, hop, length, None if window is None else window.type)
    frames = x.op("unfold", -1, n_fft, hop) * _spread_window(x, window, n_fft, length)
    given = None if window is None else window.type
    part = "half" if _takes_half(x.type, given, onesided) else "whole"
    real = REAL[_whole(x.type, given).name]
    norm = "ortho" if normalized else None
    y = transformed(frames, len(frames.shape) - 1, n_fft, real, part, True, norm)
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
        (c64(2, 20), 8, 3, None, None, True, None, True, None),
        (f32(20), 8, 4, None, c64(8), False, None, True, None),
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
