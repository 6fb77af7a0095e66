"""Reductions in two steps: of parts of each row, then of what the parts come to."""

from __future__ import annotations

import math
from collections.abc import Sequence

from treadle.ir.dtypes import i64
from treadle.ir.loops import Const, Extent, Range, Reduce, Stage
from treadle.schedule.nests import NestBuilder
from treadle.schedule.places import Place, Space, Storage, dense_strides
from treadle.schedule.row_axes import RowAxes
from treadle.schedule.row_stages import RowWriter
from treadle.schedule.steps import split_count

LONG_ROW, LONG_COLUMN = 512, 64
"""Elements of the last dim of rows that are worth a result of their own: along vectors, where
lanes have to be added up, and across them."""
SUMMED_APART, LONG_CHAIN = 1 << 14, 256
"""Kernels sum about so many neighbours of a row apart; so many of such sums are added one after the
other before a row is cut for the sake of exactness alone."""
MAX_RESULTS = 1 << 16
"""More of these for each row take too long to add up."""


def leading_dims(shape: Sequence[int], rows: Sequence[int]) -> tuple[int, ...]:
    """The dims of long rows but the last, if that is to be reduced first, by itself.

    Each of the two steps walks one of them, so that no order in which they lie needs a copy.
    """
    long = [d for d in rows if shape[d] > 1]
    if len(long) < 2:
        return ()
    *before, last = long
    within = all(n == 1 for n in shape[last + 1 :])
    if shape[last] < (LONG_ROW if within else LONG_COLUMN):
        return ()
    return tuple(before) if math.prod(shape[d] for d in before) <= MAX_RESULTS else ()


def part_strides(
    shape: Sequence[int], leading: Sequence[int], kept: Sequence[int]
) -> tuple[int, ...]:
    """Strides over `shape` of results for each position on the `leading` and the `kept` dims."""
    dims = (*leading, *kept)
    dense = dense_strides([shape[d] for d in dims])
    known = dict(zip(dims, dense, strict=True))
    return tuple(known.get(d, 0) for d in range(len(shape)))


def num_parts(axes: RowAxes, writer: RowWriter) -> int:
    """Into how many parts each row is cut for enough tasks, and for exact sums; 1: none."""
    functions = {r.function for stage in writer.stages for r in stage}
    if len(writer.stages) != 1 or functions & {"argmax", "argmin"}:
        return 1
    count = split_count(math.prod(axes.inner), math.prod(axes.outer))
    *before, last = axes.inner
    chain = math.prod(before) * -(-last // SUMMED_APART)
    return min(max(count, chain // LONG_CHAIN), axes.inner[0])


def places_of_parts(reduces: Sequence[Reduce], shape: tuple[int, ...]) -> list[Place]:
    """Memory for the results of parts, whose number comes first in `shape`."""
    count, strides = math.prod(shape), dense_strides(shape)
    return [
        Place(Storage(Space.ARENA, count * r.dtype.itemsize), r.dtype, shape, strides)
        for r in reduces
    ]


def combining_stage(
    builder: NestBuilder, reduces: Sequence[Reduce], partial: Sequence[Place]
) -> Stage:
    """The stage that reduces the parts of a row to what `reduces` of the whole row give."""
    parts, *outer = partial[0].shape
    numbers = (len(outer), *range(len(outer)))
    return Stage(
        ranges(builder, [parts]),
        tuple(
            Reduce(r.function, builder.load(p, p.strides, numbers), r.dtype)
            for r, p in zip(reduces, partial, strict=True)
        ),
    )


def ranges(builder: NestBuilder, extents: Sequence[int]) -> tuple[Range, ...]:
    """The positions of axes, all of them."""
    return tuple(Range(Const(0, i64), Extent(builder.size(n))) for n in extents)
