"""Which constant arrays of a graph lie in the same memory."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from treadle.ir.graph import Node
from treadle.ir.op import CONSTANT
from treadle.ir.program import Object


def memory_of_arrays(nodes: Iterable[Node]) -> dict[int, Hashable]:
    """A location for each constant array, by id: one for arrays that overlap."""
    arrays: dict[int, np.ndarray] = {}
    seen: set[int] = set()
    for node in nodes:
        if node.op is CONSTANT:
            _collect(node.attributes["value"], arrays, seen)
    ranges = sorted((*_byte_range(a), key) for key, a in arrays.items() if a.size)
    locations: dict[int, Hashable] = {}
    start = end = 0
    for low, high, key in ranges:
        if low >= end:
            start = low
        end = max(end, high)
        locations[key] = ("memory", start)
    return locations


def _byte_range(array: np.ndarray) -> tuple[int, int]:
    """The first address of an array's elements and the one after the last."""
    low = high = array.__array_interface__["data"][0]
    for size, stride in zip(array.shape, array.strides, strict=True):
        low += min(0, (size - 1) * stride)
        high += max(0, (size - 1) * stride)
    return low, high + array.itemsize


def _collect(value: Any, arrays: dict[int, np.ndarray], seen: set[int]) -> None:
    pending = [value]
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        if isinstance(value, np.ndarray):
            arrays[id(value)] = value
        elif isinstance(value, list | tuple | dict | Object):
            seen.add(id(value))
            values = value.attributes if isinstance(value, Object) else value
            pending += values.values() if isinstance(values, dict) else values
