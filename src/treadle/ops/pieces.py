"""Ranges of the last dim in which the elements that are moved lie side by side.

Padding, rolling and flipping read runs of neighbours: the arithmetic of positions is done on
intervals, which are cut where a position would be computed differently on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from treadle.ir.loops import Expr
from treadle.ops.expr import add, extent, mul

_MAX_PIECES = 8


@dataclass(frozen=True, slots=True)
class Run:
    """Positions ``scale * i + shift`` for ``start <= i < stop``; not empty."""

    scale: int
    shift: int
    start: int
    stop: int

    def at(self, index: int) -> int:
        """The position for `index`."""
        return self.scale * index + self.shift

    def expression(self, index: Expr) -> Expr:
        """The position for `index`."""
        if self.scale == 0:
            return extent(self.shift)
        return add(mul(index, extent(self.scale)), extent(self.shift))

    def below(self, limit: int) -> bool:
        """Whether the positions are less than `limit`.

        Raises:
            _CutError: if some are and some are not.
        """
        first, last = self.at(self.start) < limit, self.at(self.stop - 1) < limit
        if first == last:
            return first
        raise _CutError(limit - self.shift if self.scale > 0 else self.shift - limit + 1)


Position: TypeAlias = Run | Expr


class _CutError(Exception):
    """An interval has to be cut before the position `place`."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place


class NoRunError(Exception):
    """Positions that are no runs of neighbours."""


class RunArithmetic:
    """Arithmetic of positions: on runs here, on expressions by `others`."""

    def __init__(self, others: Any) -> None:
        self._others = others

    def affine(self, position: Position, scale: int, shift: int) -> Position:
        """``position * scale + shift``."""
        if not isinstance(position, Run):
            return self._others.affine(position, scale, shift)  # type: ignore[no-any-return]
        if scale not in (1, -1):
            raise NoRunError
        moved = position.shift * scale + shift
        return Run(position.scale * scale, moved, position.start, position.stop)

    def remainder(self, position: Position, size: int) -> Position:
        """``position % size``."""
        if not isinstance(position, Run):
            return self._others.remainder(position, size)  # type: ignore[no-any-return]
        size = max(size, 1)
        times = position.at(position.start) // size
        position.below(times * size)
        position.below((times + 1) * size)
        return self.affine(position, 1, -times * size)

    def quotient(self, position: Position, size: int) -> Position:
        """``position // size``."""
        if not isinstance(position, Run):
            return self._others.quotient(position, size)  # type: ignore[no-any-return]
        raise NoRunError

    def clamp(self, position: Position, size: int) -> Position:
        """`position` or the nearest one inside."""
        if not isinstance(position, Run):
            return self._others.clamp(position, size)  # type: ignore[no-any-return]
        if position.below(0):
            return Run(0, 0, position.start, position.stop)
        if not position.below(size):
            return Run(0, size - 1, position.start, position.stop)
        return position

    def magnitude(self, position: Position) -> Position:
        """Its absolute value."""
        if not isinstance(position, Run):
            return self._others.magnitude(position)  # type: ignore[no-any-return]
        return self.affine(position, -1, 0) if position.below(0) else position

    def plus(self, a: Position, b: Position) -> Position:
        """``a + b``."""
        if isinstance(a, Run) or isinstance(b, Run):
            raise NoRunError
        return self._others.plus(a, b)  # type: ignore[no-any-return]


def find_pieces(size: int, source: Callable[[Run], Any]) -> list[tuple[Run, Any]] | None:
    """Runs that cover ``0 <= i < size`` in order, and what `source` makes of each.

    None if there are many, or positions are no runs.
    """
    waiting, pieces = ([Run(1, 0, 0, size)] if size > 0 else []), list[tuple[Run, Any]]()
    while waiting:
        run = waiting.pop()
        try:
            pieces.append((run, source(run)))
        except _CutError as cut:
            waiting += [Run(1, 0, cut.place, run.stop), Run(1, 0, run.start, cut.place)]
        except NoRunError:
            return None
        if len(waiting) + len(pieces) > _MAX_PIECES:
            return None
    return pieces


def positions_of(places: Sequence[Position], index: Expr) -> list[Expr]:
    """The positions that runs give for `index`."""
    return [p.expression(index) if isinstance(p, Run) else p for p in places]
