"""The check of a pickle's finished value: nothing but data in it, no cycle, limited nesting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType

import numpy as np

from treadle.errors import ArchiveError
from treadle.frontends.torchscript.values import (
    Device,
    PickledEnum,
    PickledObject,
)
from treadle.ir.program import UnsupportedTensor

_CONTAINERS = (list, tuple, dict, PickledObject)
_LEAVES = (
    int, float, bool, str, complex, NoneType, np.ndarray, Device, PickledEnum, UnsupportedTensor,
)  # fmt: skip
# Small containers of plain data are not remembered: millions of them would take more memory than
# looking at a shared one again takes time.
_SMALL = 16


@dataclass(slots=True)
class _Visit:
    value: object
    children: Iterator[object]
    size: int
    height: int = 1


def check_nesting(root: object, limit: int) -> None:
    """Check that `root` holds only data, no cycle, and is at most `limit` containers deep.

    A shared value is visited once, so that the time is linear in the number of values.
    """
    heights: dict[int, int] = {}
    path = [_Visit(root, _inner((root,)), 1)]
    on_path = set[int]()
    while path:
        visit = path[-1]
        child = next(visit.children, None)
        if child is None:
            path.pop()
            on_path.discard(id(visit.value))
            if visit.height > 1 or visit.size > _SMALL:
                heights[id(visit.value)] = visit.height
            if path:
                path[-1].height = max(path[-1].height, visit.height + 1)
            continue
        if id(child) in on_path:
            raise ArchiveError("the pickle holds a container that contains itself")
        known = heights.get(id(child), 0)
        visit.height = max(visit.height, known + 1)
        if len(path) + max(known - 1, 0) > limit:
            raise ArchiveError(f"the pickle is nested more than {limit} deep")
        if not known:
            on_path.add(id(child))
            parts = _parts(child)
            path.append(_Visit(child, _inner(parts), len(parts)))


def _parts(value: object) -> tuple[object, ...] | list[object]:
    if isinstance(value, PickledObject):
        return (value.state,)
    if isinstance(value, dict):
        return list(value.values())
    assert isinstance(value, (list, tuple))
    return value


def _inner(parts: tuple[object, ...] | list[object]) -> Iterator[object]:
    """The containers among `parts`, the rest of which must be data."""
    for part in parts:
        kind = type(part)
        if kind in _CONTAINERS:
            yield part
        elif kind not in _LEAVES:
            raise ArchiveError(f"the pickle holds a {kind.__name__} outside of a tensor")
