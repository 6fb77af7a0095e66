"""Loop nests: the second IR, between the graph and machine code.

A kernel is one of three forms. `LoopNest` covers pointwise, reduction, gather and window (pooling,
depthwise) kernels; `Contraction` covers matrix products and convolutions; `Sort` orders rows. Each
becomes a function
``void k(void** buffers, const int64_t* sizes, int64_t begin, int64_t end)`` that runs the tasks
``begin <= t < end``. Which tasks exist depends on sizes only, so results never depend on threads.

`loop_expressions` has what is computed at one point; its names are here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from treadle.ir.dtypes import DType
from treadle.ir.loop_expressions import Access as Access
from treadle.ir.loop_expressions import Accumulator as Accumulator
from treadle.ir.loop_expressions import Call as Call
from treadle.ir.loop_expressions import Const as Const
from treadle.ir.loop_expressions import Dim as Dim
from treadle.ir.loop_expressions import Expr as Expr
from treadle.ir.loop_expressions import Extent as Extent
from treadle.ir.loop_expressions import Index as Index
from treadle.ir.loop_expressions import Load as Load
from treadle.ir.loop_expressions import Reduced as Reduced
from treadle.ir.loop_expressions import Size as Size


@dataclass(frozen=True, slots=True)
class Buffer:
    """A pointer argument.

    `written` buffers alias no other buffer of the kernel, except that a kernel may store to exactly
    the element it loads (in-place pointwise). A `local` one is no argument, though there is one in
    its place: it is room for so many elements that each outer point has for itself.
    """

    dtype: DType
    written: bool = False
    local: Dim = 0


@dataclass(frozen=True, slots=True)
class Axis:
    """An outer, parallel axis, walked in tasks of `step` positions; step 0: not split in tasks."""

    extent: Dim
    step: Dim = 1


@dataclass(frozen=True, slots=True)
class Range:
    """An inner axis of a stage, ``start <= i < stop``; `start` is at most `stop`.

    The bounds are i64 expressions over the outer axes (never over the vectorised one) and extents.
    """

    start: Expr
    stop: Expr


@dataclass(frozen=True, slots=True)
class Reduce:
    """Combine `value` over all axes of the stage.

    `function`: sum, prod, max, min, any, all, logsumexp, and argmax, argmin (i64 position on the
    stage's last axis; first wins; NaN wins as in torch).

    max and min propagate NaN. An empty range gives the identity. f32 sums keep several partial
    sums in an order fixed by the extents alone.
    """

    function: str
    value: Expr
    dtype: DType


@dataclass(frozen=True, slots=True)
class Store:
    """Write `value` to `access`; `streaming`: by non-temporal stores where alignment allows."""

    access: Access
    value: Expr
    streaming: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """Inner loops over `ranges` (innermost last), which reduce or store.

    A stage without ranges runs once for each outer point. In its stores, `Reduced` of the stage
    itself is the reduction of all positions up to this one: then it is a scan.

    With `across`, whose lanes are on the last outer axis, reductions combine elements in the order
    in which lanes on the last range would.
    """

    ranges: tuple[Range, ...] = ()
    reduces: tuple[Reduce, ...] = ()
    stores: tuple[Store, ...] = ()
    across: bool = False


@dataclass(frozen=True, slots=True)
class LoopNest:
    """For every point of the outer `axes`: the stages, in order.

    The task index runs over ``ceil(extent / step)`` of each axis with a step, row-major.
    `vectorize`: ``outer``: lanes are neighbours on the last outer axis (pointwise, pooling,
    column reductions); ``inner``: lanes are neighbours on each stage's last range (rows: softmax,
    layer norm); ``none``: one element after another. Buffers are arguments in order; with a
    function that checks in it, the last buffer is the status buffer (i32).
    """

    name: str
    buffers: tuple[Buffer, ...]
    axes: tuple[Axis, ...]
    stages: tuple[Stage, ...]
    vectorize: str = "outer"


@dataclass(frozen=True, slots=True)
class Tile:
    """The register tile of a contraction: `rows` rows times `vectors` vectors of columns.

    Each element is the sum of `chains` sums that take the positions of k in turn.
    """

    rows: int
    vectors: int
    chains: int = 1


@dataclass(frozen=True, slots=True)
class Contraction:
    """``acc[b, m, n] = sum over taps and k of A[b, m, tap, k] * B[b, tap, k, n]``, then `stores`.

    Axes, for `stores`: batch (`batch` of them), rows (3: image, height, width), column. Buffers:
    0 is A, 1 is B, then those of the epilogue; with `padded`, the last is a row of at least k
    zeros. Columns come in panels of ``tile.vectors`` vectors per gate.

    A of row (i, y, x), tap (u, v): ``i*a_row0 + (y*step0 + u*dilate0 - pad0)*a_row1
    + (x*step1 + v*dilate1 - pad1)*a_row2 + k*a_k + b*a_batch``, where positions outside
    ``0 <= . < limit0 (limit1)`` read zeros if `padded` and do not occur otherwise.
    B of panel p, tap number t (``u * taps1 + v``), gate g, column c of the panel:
    ``p*b_panel + t*b_tap + k*b_k + g*panel_width + c + b*b_batch``, panel_width the columns of one
    gate in a panel. `packed`: panels are full (zero filled), so loads need no mask.

    Run-time sizes, in this order: `CONTRACTION_SIZES`, then those the stores name, which start at
    ``Size(len(CONTRACTION_SIZES))``. Tasks: batch, then blocks of `row_block` rows (of the
    flattened row axes), then blocks of `panel_block` panels, row-major. `k_block`: k is summed in
    blocks of this many, all rows of a task before the next (0: at once). `k_part`: the sums of so
    many positions of k, over all taps, are added up (0: of all). `backwards`: if not 0, panels go
    by from the last to the first. With `direct`, nothing cuts k: the epilogue may take the sums of
    a tile from registers. With `unit_k`, a_k is 1; with `flat_rows`, rows0 and rows1 are 1, so that
    rows are evenly spaced in A.
    """

    name: str
    buffers: tuple[Buffer, ...]
    batch: int
    padded: bool
    packed: bool
    stores: tuple[Store, ...]
    tile: Tile
    gates: int = 1
    unit_k: bool = True
    unit_taps: bool = False
    flat_rows: bool = False
    direct: bool = False


CONTRACTION_SIZES: tuple[str, ...] = (
    "batch0", "batch1", "rows0", "rows1", "rows2", "columns", "k", "taps0", "taps1",
    "a_batch0", "a_batch1", "a_row0", "a_row1", "a_row2", "a_k",
    "step0", "step1", "dilate0", "dilate1", "pad0", "pad1", "limit0", "limit1",
    "b_batch0", "b_batch1", "b_panel", "b_tap", "b_k",
    "row_block", "panel_block", "k_block", "k_part", "backwards",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sort:
    """Orders each row of a matrix; NaN is the largest, equal elements stay in order.

    Buffers: 0 is x, rows of `length` neighbours, `x_row` apart; 1 and 2 take the first `count`
    elements of each ordered row, and their positions (i64), row after row; 3 is scratch memory for
    records: of 8 bytes, 16 for elements of 8 bytes. There are fewer than 2**31 elements in a row.
    Sizes in order: `SORT_SIZES`.

    `stage` ``rows`` does all. Tasks: blocks of `row_block` rows; scratch is two times `room`
    records for each. With `sifted`, `room` may be less than `length`; it is at least `count` plus a
    vector.

    The others do it in steps, with scratch for all records twice, and for one more. Tasks: `parts`
    of each row, of `chunk` elements. ``parts`` orders each, in the first half of scratch; ``merge``
    puts runs of `run` parts together two by two, from the half that begins at record `half` to the
    other one; ``last`` does so where two are left, and writes the result.
    """

    name: str
    buffers: tuple[Buffer, ...]
    descending: bool = False
    sifted: bool = False
    stage: str = "rows"


SORT_STAGES: tuple[str, ...] = ("rows", "parts", "merge", "last")
SORT_SIZES: tuple[str, ...] = (
    "rows", "length", "count", "x_row", "row_block", "room", "chunk", "parts", "run", "half",
)  # fmt: skip

Kernel: TypeAlias = LoopNest | Contraction | Sort
