"""Window functions of signal processing: Hann, Hamming, Blackman, Bartlett, Kaiser."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ops.creation import default
from treadle.ops.declare import op
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
_REST = (None, None, None)
_TAIL = (
    "*, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None)"
    " -> Tensor"
)


def _hann(x: Array) -> Array:
    return 0.5 - 0.5 * np.cos(2 * math.pi * x)


def _hamming(x: Array, alpha: float = 0.54, beta: float = 0.46) -> Array:
    return np.asarray(alpha - beta * np.cos(2 * math.pi * x))


def _blackman(x: Array) -> Array:
    return np.asarray(0.42 - 0.5 * np.cos(2 * math.pi * x) + 0.08 * np.cos(4 * math.pi * x))


def _bartlett(x: Array) -> Array:
    return np.asarray(1 - np.abs(2 * x - 1))


def _kaiser(x: Array, beta: float = 12.0) -> Array:
    inside = np.sqrt(np.maximum(1 - (2 * x - 1) ** 2, 0))
    return np.asarray(np.i0(beta * inside) / np.i0(beta))


def _window(
    name: str, overload: str, arguments: str, shape: Callable[..., Array], sample: tuple[Any, ...]
) -> None:
    """``shape(x, *rest)`` gives the window at positions from 0 to 1."""

    def split(args: tuple[Any, ...]) -> tuple[bool, tuple[Any, ...], Any]:
        *given, code, _, _, _ = args
        return (given[0] if given else True), tuple(given[1:]), code

    def reference(length: int, *args: Any) -> Array:
        periodic, rest, code = split(args)
        infer(length, *args)
        if length == 1:
            return np.ones(1, default(code).numpy)
        positions = np.arange(length) / max(length - (0 if periodic else 1), 1)
        return shape(positions, *rest).astype(default(code).numpy)

    def infer(length: int, *args: Any) -> Any:
        dtype = default(split(args)[2])
        if length < 0 or not dtype.is_floating:
            raise ShapeError(f"{name}: {length} numbers of {dtype}")
        return tensor(dtype, (length,))

    dot = f".{overload}" if overload else ""
    op(
        f"aten::{name}{dot}(int window_length, {arguments}{_TAIL}",
        reference=reference,
        infer=infer,
        samples=tuple((n, *sample, code, *_REST) for n in (0, 1, 2, 9) for code in (None, 7)),
    )


for _name, _shape in (
    ("hann_window", _hann), ("hamming_window", _hamming), ("blackman_window", _blackman),
    ("bartlett_window", _bartlett), ("kaiser_window", _kaiser),
):  # fmt: skip
    _window(_name, "", "", _shape, ())
    _window(_name, "periodic", "bool periodic, ", _shape, (False,))
_window("hamming_window", "periodic_alpha", "bool periodic, float alpha, ", _hamming, (True, 0.6))
_window(
    "hamming_window",
    "periodic_alpha_beta",
    "bool periodic, float alpha, float beta, ",
    _hamming,
    (False, 0.6, 0.3),
)
_window("kaiser_window", "beta", "bool periodic, float beta, ", _kaiser, (True, 5.0))
