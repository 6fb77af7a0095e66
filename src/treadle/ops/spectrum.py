"""Short-time Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ops.complex_numbers import WHOLE, as_real
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32

Array = np.ndarray[Any, Any]
_PAD_MODES = {"reflect": "reflect", "constant": "constant", "replicate": "edge", "circular": "wrap"}


# --- transforms ---------------------------------------------------------------------------------


def _window(window: Array | None, n_fft: int, length: int, dtype: Any) -> Array:
    """The window of `length` in the middle of `n_fft` zeros."""
    if window is not None and window.shape != (length,):
        raise ShapeError(f"stft: window {list(window.shape)} for win_length {length}")
    result = np.zeros(n_fft, dtype)
    start = (n_fft - length) // 2
    result[start : start + length] = 1 if window is None else window
    return result


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
    signal = x[None] if x.ndim == 1 else x
    hop = n_fft // 4 if hop is None else hop
    length = n_fft if length is None else length
    if x.dtype.kind != "f" or x.ndim not in (1, 2):
        raise ShapeError(f"stft: expected 1 or 2 dims of floats, got {list(x.shape)}")
    if not 0 < n_fft <= signal.shape[1] or hop < 1 or not 0 < length <= n_fft:
        raise ShapeError(
            f"stft: n_fft {n_fft}, hop_length {hop}, win_length {length} for a signal of"
            f" {signal.shape[1]}"
        )
    frames = np.lib.stride_tricks.sliding_window_view(signal, n_fft, 1)[:, ::hop]
    frames = frames * _window(window, n_fft, length, x.dtype)
    spectrum = np.fft.rfft(frames) if onesided in (None, True) else np.fft.fft(frames)
    if normalized:
        spectrum = spectrum / np.sqrt(n_fft)
    whole = WHOLE[dtype_of(x).name].numpy
    result = np.ascontiguousarray(np.swapaxes(spectrum, 1, 2).astype(whole))
    result = result[0] if x.ndim == 1 else result
    return result if return_complex else as_real(result)


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
        if pad_mode not in _PAD_MODES:
            raise ShapeError(f"stft: pad_mode {pad_mode!r}; allowed: {sorted(_PAD_MODES)}")
        sides: Sequence[tuple[int, int]] = [(0, 0)] * (x.ndim - 1) + [(n_fft // 2, n_fft // 2)]
        x = np.pad(x, sides, mode=_PAD_MODES[pad_mode])  # type: ignore[call-overload]
    return _stft(x, n_fft, hop, length, window, *rest)


_HEAD = "(Tensor self, int n_fft, int? hop_length=None, int? win_length=None, Tensor? window=None, "
_REST = (
    "bool normalized=False, bool? onesided=None, bool? return_complex=None, "
    "bool? align_to_window=None) -> Tensor"
)
op(
    f"aten::stft{_HEAD}{_REST}",
    reference=_stft,
    samples=((f32(2, 20), 8, 3, None, None, False, None, True, None),),
)
op(
    f'aten::stft.center{_HEAD}bool center=True, str pad_mode="reflect", {_REST}',
    reference=_stft_center,
    samples=(
        (f32(2, 20), 8, 2, 6, f32(6), True, "reflect", False, None, True, None),
        (f32(20), 8, None, None, f32(8), True, "constant", True, False, True, None),
    ),
)
