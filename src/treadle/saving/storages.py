"""Which tensors share a storage: those whose elements overlap in memory."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.ir.strides import dense_strides

Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class Storage:
    """A stretch of memory that is written as one record."""

    low: int
    high: int
    key: int
    owner: Array

    @property
    def memory(self) -> memoryview:
        """The bytes, not copied; `owner` keeps them alive."""
        size = self.high - self.low
        if size == 0:
            return memoryview(b"")
        return memoryview((ctypes.c_char * size).from_address(self.low)).cast("B")


class Storages:
    """The storages of a set of arrays.

    Arrays that torch cannot describe (negative strides, strides of fractions of an element) are
    copied first.
    """

    def __init__(self, arrays: list[Array]) -> None:
        self._plain: dict[int, tuple[Array, Array]] = {}
        self.all: list[Storage] = []
        self._of: dict[int, Storage] = {}
        bounds = []
        for array in arrays:
            if id(array) not in self._plain:
                plain = _describable(array)
                self._plain[id(array)] = (array, plain)
                low, high = np.lib.array_utils.byte_bounds(plain)
                bounds.append((low, high if plain.size else low, id(array), plain))
        for low, high, key, plain in sorted(bounds, key=lambda b: b[:3]):
            last = self.all[-1] if self.all else None
            if last is None or low >= last.high or last.owner.dtype != plain.dtype:
                last = Storage(low, high, len(self.all), plain)
                self.all.append(last)
            last.high = max(last.high, high)
            self._of[key] = last

    def describe(self, array: Array) -> tuple[Storage, int, tuple[int, ...], tuple[int, ...]]:
        """Storage, offset, sizes and strides of an array, in elements."""
        storage, plain = self._of[id(array)], self._plain[id(array)][1]
        size = plain.dtype.itemsize
        if not plain.size:  # NumPy gives these strides of 0, PyTorch has them row by row
            return storage, 0, plain.shape, dense_strides(plain.shape)
        offset = (plain.ctypes.data - storage.low) // size
        strides = tuple(step // size for step in plain.strides)
        return storage, offset, plain.shape, strides


def _describable(array: Array) -> Array:
    size = array.dtype.itemsize
    fits = all(step >= 0 and step % size == 0 for step in array.strides)
    return (
        array if fits and array.dtype.isnative else np.array(array.astype(array.dtype), order="C")
    )
