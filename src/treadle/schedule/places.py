"""Where values live: storages and strided places in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from treadle.ir.dtypes import DType
from treadle.ir.strides import (
    collapse,
    dense_strides,
    reshaped_strides,
    same_strides,
    walking_order,
)  # fmt: skip

__all__ = [
    "Place",
    "Space",
    "Storage",
    "broadcast_strides",
    "collapse",
    "dense_strides",
    "reshaped_strides",
    "same_strides",
    "walking_order",
]


class Space(Enum):
    """The kinds of memory of a plan; the numbers are the runtime's."""

    ARENA = 0
    CONSTANT = 1
    INPUT = 2
    OUTPUT = 3
    STATUS = 4
    LOCAL = 5


@dataclass(slots=True, eq=False)
class Storage:
    """A piece of memory.

    `array` is the content of a constant; `index` the number of an input or output.
    """

    space: Space
    nbytes: int
    array: np.ndarray | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A strided view of a storage; `offset` and `strides` count elements."""

    storage: Storage
    dtype: DType
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def view(self, shape: Sequence[int], strides: Sequence[int], offset: int) -> Place:
        """Another view of the same storage; `offset` counts from its start."""
        return Place(self.storage, self.dtype, tuple(shape), tuple(strides), offset)


def broadcast_strides(place: Place, shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of `place` over `shape`, aligned at the last dim; 0 where it broadcasts."""
    lead = len(shape) - len(place.shape)
    own = [0 if n == 1 else s for n, s in zip(place.shape, place.strides, strict=True)]
    return (0,) * lead + tuple(own)
