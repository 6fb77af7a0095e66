"""Axes of kernels over rows, and where their operands have to lie.

What rounds is combined in an order that follows from the shape alone: an operand whose strides ask
for another one is walked across its rows, or copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from treadle.ir.dtypes import bool_
from treadle.schedule.machine import Machine
from treadle.schedule.placement import Placement
from treadle.schedule.places import (
    Place,
    broadcast_strides,
    collapse,
    dense_strides,
    walking_order,
)  # fmt: skip
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Step


class RowAxes:
    """Outer axes and the axes of a row, each collapsed over all places.

    `outer` and `rows` are the dims, in the order in which they are walked; those of a row are
    merged as they are in a dense operand if it is `ordered`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        outer: Sequence[int],
        rows: Sequence[int],
        strides: Sequence[Sequence[int]],
        *,
        ordered: bool,
    ) -> None:
        self._outer, self._rows, self._shape = outer, rows, shape
        keys = [self._key(s) for s in strides]
        walks = [k[1] for k in keys] + [self._key(dense_strides(shape))[1]] * ordered
        self.outer, outer_merged = collapse([shape[d] for d in outer], [k[0] for k in keys])
        self.inner, inner_merged = collapse([shape[d] for d in rows], walks)
        merged = zip(outer_merged, inner_merged[: len(keys)], strict=True)
        self._known = dict(zip(keys, merged, strict=True))

    def _key(self, strides: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        fixed = [s if n > 1 else 0 for s, n in zip(strides, self._shape, strict=True)]
        return tuple(fixed[d] for d in self._outer), tuple(fixed[d] for d in self._rows)

    def of(self, strides: Sequence[int]) -> tuple[list[int], list[int]]:
        """Strides over the axes, and their numbers, for strides over the shape."""
        outer, inner = self._known[self._key(strides)]
        return [*outer, *inner], list(range(len(outer) + len(inner)))


@dataclass(frozen=True, slots=True)
class Mode:
    """Where lanes are, as in `LoopNest`; whether those on an outer axis reduce across rows."""

    lanes: str
    across: bool = False


@dataclass(frozen=True, slots=True)
class RowOrder:
    """In what order elements of `shape` are combined, whose `rows` are dims in ascending order.

    If `ordered`, that is the order in which the elements of a dense operand lie.
    """

    shape: tuple[int, ...]
    rows: tuple[int, ...]
    ordered: bool

    @property
    def within(self) -> bool:
        """Whether lanes of a dense operand are elements of one row."""
        long = [d for d, n in enumerate(self.shape) if n > 1]
        return not long or long[-1] in self.rows

    def lead(self, places: Sequence[Place]) -> Place | None:
        """The operand that decides where lanes are: the first of the whole shape.

        None if its neighbours are in one row, whose elements are combined one after the other.
        """
        lead = next((p for p in places if p.shape == self.shape), None)
        return None if self.ordered and not self.within and self.adjacent(lead) else lead

    def adjacent(self, place: Place | None) -> bool | None:
        """Whether the neighbours of an operand are in one row; None if it has none."""
        pairs = zip(self.shape, place.strides, strict=True) if place is not None else ()
        dim = next((d for d, (n, s) in enumerate(pairs) if s == 1 and n > 1), None)
        return None if dim is None else dim in self.rows

    def fits(self, strides: Sequence[int]) -> bool:
        """Whether a row is walked by as few axes as in a dense operand."""
        if not self.ordered:
            return True
        dense = dense_strides(self.shape)
        extents, own = [self.shape[d] for d in self.rows], [strides[d] for d in self.rows]
        whole = [dense[d] for d in self.rows]
        return len(collapse(extents, [whole, own])[0]) == len(collapse(extents, [whole])[0])

    def straightened(
        self, place: Place, placement: Placement, machine: Machine, *, maps: bool, squares: bool
    ) -> tuple[list[Step], Place]:
        """An operand, or a copy of it, that can be walked in this order.

        `maps`: the kernel goes through rows more than once, and writes them. `squares`: it may load
        what lies along rows by squares, and turn them.
        """
        strides = broadcast_strides(place, self.shape)
        adjacent = self.adjacent(place) if place.shape == self.shape else None
        if self.within:
            turned = maps and adjacent is False
        else:
            turned = self.ordered and bool(adjacent) and not (squares and self._lies_along(place))
        if self.fits(strides) and not turned:
            return [], place
        shape = [n if s or d in self.rows else 1
                 for d, (n, s) in enumerate(zip(self.shape, strides, strict=True))]  # fmt: skip
        copy = placement.scratch(place, shape)
        origin = place.view(shape, strides, place.offset)
        return [copy_step("contiguous", origin, copy, machine)], copy

    def _lies_along(self, place: Place) -> bool:
        """Whether the innermost elements of a row are neighbours, in a dtype that can be turned."""
        last = max(d for d in self.rows if self.shape[d] > 1)
        return place.strides[last] == 1 and place.dtype is not bool_

    def walk(self, lead: Place | None) -> tuple[list[int], list[int], list[int]]:
        """All dims as they lie in memory; of these the outer ones, and the dims of a row."""
        order = walking_order(
            self.shape, dense_strides(self.shape) if lead is None else lead.strides
        )
        outer = [d for d in order if d not in self.rows]
        rows = list(self.rows) if self.ordered else [d for d in order if d in self.rows]
        return order, outer, rows

    def mode(self, lead: Place | None) -> Mode:
        """Where the lanes of the kernel are."""
        adjacent = self.adjacent(lead)
        within = self.within if adjacent is None or (self.ordered and not self.within) else adjacent
        return Mode("inner" if within else "outer", self.within and not within)
