"""Arguments for the conformance tests, described now and drawn when a test asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.ir import dtypes
from treadle.ir.dtypes import DType

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Draw:
    """A random array.

    Integers are uniform in ``[low, high)``, floats and complex numbers normal times `high`, floats
    uniform in ``[low, high)`` when `low` is given. `layout`: ``contiguous``, ``transposed`` (the
    strides of a transposed array) or ``strided`` (every second element of a larger one).
    """

    dtype: DType
    shape: tuple[int, ...]
    low: float | None = None
    high: float = 1.0
    layout: str = "contiguous"

    def __call__(self, rng: np.random.Generator) -> Array:
        """The array, drawn with `rng`."""
        shape = self.shape
        if self.layout == "transposed":
            return np.asarray(self._draw(rng, shape[::-1]).T)
        if self.layout == "strided":
            wide = self._draw(rng, tuple(2 * d for d in shape))
            return np.asarray(wide[tuple(slice(0, 2 * d, 2) for d in shape)])
        return self._draw(rng, shape)

    def _draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        if self.dtype.kind == "b":
            return np.asarray(rng.integers(0, 2, shape).astype(bool))
        if self.dtype.is_integral:
            low = self.low if self.low is not None else (0 if self.dtype.kind == "u" else -5)
            high = self.high if self.low is not None else 6
            return np.asarray(rng.integers(int(low), int(high), shape), self.dtype.numpy)
        if self.dtype.is_complex:
            pairs = rng.standard_normal((*shape, 2)) * self.high
            return np.asarray(pairs.view(np.complex128)[..., 0]).astype(self.dtype.numpy)
        if self.low is not None:
            return np.asarray(rng.uniform(self.low, self.high, shape)).astype(self.dtype.numpy)
        return np.asarray(rng.standard_normal(shape) * self.high).astype(self.dtype.numpy)


@dataclass(frozen=True, slots=True)
class Given:
    """An array of given values."""

    values: Any
    dtype: DType

    def __call__(self, rng: np.random.Generator) -> Array:
        """The array; `rng` is not used."""
        return np.array(self.values, self.dtype.numpy)


def resolve(arguments: Any, rng: np.random.Generator) -> Any:
    """A sample with every description in it, also inside lists, replaced by an array."""
    if isinstance(arguments, tuple | list):
        return type(arguments)(resolve(a, rng) for a in arguments)
    return arguments(rng) if callable(arguments) else arguments


def _maker(dtype: DType) -> Callable[..., Draw]:
    def make(*shape: int, low: float | None = None, high: float = 1.0, layout: str = "") -> Draw:
        return Draw(dtype, shape, low, high, layout or "contiguous")

    return make


f16, bf16, f32, f64 = map(_maker, (dtypes.f16, dtypes.bf16, dtypes.f32, dtypes.f64))
u8, i8, i32, i64 = map(_maker, (dtypes.u8, dtypes.i8, dtypes.i32, dtypes.i64))
boolean = _maker(dtypes.bool_)
c64, c128 = map(_maker, (dtypes.c64, dtypes.c128))


def given(values: Any, dtype: DType = dtypes.f32) -> Given:
    """An array of these values."""
    return Given(values, dtype)


SPECIAL = given([0.0, -0.0, 1.0, -1.0, float("inf"), float("-inf"), float("nan"), 1e-30, 80.0])
