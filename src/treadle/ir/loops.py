"""Loop nests: the second IR, between the graph and machine code.

A kernel is one of three forms. `LoopNest` covers pointwise, reduction, gather and window (pooling,
depthwise) kernels; `Contraction` covers matrix products and convolutions; `Sort` orders rows. Each
becomes a function
``void k(void** buffers, const int64_t* sizes, int64_t begin, int64_t end)`` that runs the tasks
``begin <= t < end``. Which tasks exist depends on sizes only, so results never depend on threads.

A `Dim` is either a literal (specialised into the code) or `Size(i)`, read from ``sizes[i]`` at run
time, so one kernel serves every shape. Strides and offsets count elements, not bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from treadle.ir.dtypes import DType


@dataclass(frozen=True, slots=True)
class Size:
    """The run-time integer ``sizes[index]``."""

    index: int


Dim: TypeAlias = int | Size


# --- scalar expressions -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Const:
    """A literal of `dtype`; also inf, -inf, nan."""

    value: float | int | bool
    dtype: DType


@dataclass(frozen=True, slots=True)
class Index:
    """The current position (i64) on an axis: outer axes first, then those of the stage."""

    axis: int


@dataclass(frozen=True, slots=True)
class Extent:
    """A `Dim` as an i64 value."""

    dim: Dim


@dataclass(frozen=True, slots=True)
class Access:
    """An element of a buffer.

    Its position is ``offset + sum(index(axis) * stride) + sum(value * stride)``: `terms` are the
    affine part (axes that do not occur have stride 0), `indirect` the part computed from data.
    Axes are numbered outer axes first, then the axes of the stage it occurs in.
    """

    buffer: int
    terms: tuple[tuple[int, Dim], ...]
    offset: Dim = 0
    indirect: tuple[tuple[Expr, Dim], ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """The value at `access`, in the buffer's dtype (16-bit floats arrive as f32)."""

    access: Access
    dtype: DType


@dataclass(frozen=True, slots=True)
class Call:
    """A scalar function from `codegen.functions` (``add``, ``exp``, ``select``, ``cast``, ...).

    `dtype` is the type of the result. ``checked_index(i, extent)`` gives ``i`` if
    ``0 <= i < extent``, else writes 1, i, extent to the status buffer and gives 0;
    ``wrapped_index`` first adds the extent to negative values. ``checked_divisor(x)`` gives ``x``;
    if it is 0, 2 is written to the status buffer.
    """

    function: str
    args: tuple[Expr, ...]
    dtype: DType


@dataclass(frozen=True, slots=True)
class Reduced:
    """The result of reduction number `reduction` of an earlier stage, for the same outer point.

    In a store of the same stage: the result so far (see `Stage`).
    """

    stage: int
    reduction: int
    dtype: DType


@dataclass(frozen=True, slots=True)
class Accumulator:
    """In a contraction's epilogue: the finished sum of gate number `gate`."""

    gate: int
    dtype: DType


Expr: TypeAlias = Const | Index | Extent | Load | Call | Reduced | Accumulator


# --- kernels ------------------------------------------------------------------------------------


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
