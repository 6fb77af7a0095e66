"""How an operator becomes loops: the forms that `OpDef.lower` takes.

Each form is data plus a small function that gets the result type and the operator's arguments:
tensors as concrete `TensorType` (or as `Expr` elements where a form says so), all else as plain
Python values. `schedule` decides fusion, layout, tiles and memory; nothing here knows of them.

| form | for |
|---|---|
| `Pointwise` | element i of the result from element i of the broadcast operands |
| `Rows` | reductions over some dims, and row-wise maps that need them (softmax, layer_norm) |
| `Elements` | each element of the result from computed positions (gather, pad, flip, roll) |
| `Scatter` | writes at computed positions into a copy of a tensor |
| `Fold` | a reduction over a computed range for each element (bags of embeddings) |
| `Scan` | running reductions along one dim |
| `Fourier` | Fourier transforms along one dim |
| `Order` | the first elements of sorted rows, and where they were |
| `Window` | reductions over windows: pooling |
| `View` | the same elements under other strides |
| `Reshape` | the same elements in the same order under another shape |
| `Concat` | operands side by side |
| `Convolution`, `MatrixProduct` | contractions |
| `Recurrence` | a recurrent layer over time |
| `Decompose` | other operators |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType

Shape: TypeAlias = tuple[int, ...]
Strides: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pointwise:
    """``build(result, *args) -> Expr``: the element of the result.

    Tensor arguments arrive as `Expr`, in their own dtype; None and scalars stay Python values.
    The expression must have the result's dtype (`ops.expr.cast` it). `checks`: it may make the run
    fail (`ops.expr.checked_divisor`).
    """

    build: Callable[..., Expr]
    checks: bool = False


class RowBuilder(Protocol):
    """What `Rows.build` writes to: elements are per position, reductions per row."""

    def reduce(self, function: str, value: Expr) -> Expr:
        """Combine `value` over the row, as `loops.Reduce` says.

        The result may be used in later values. Reductions that do not use each other's results
        share a pass over the row.
        """

    def count(self) -> Expr:
        """The number of elements of a row, i64."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A computation over rows: `dims` of the first tensor operand make a row together.

    Attributes:
        dims: ``dims(result, *args) -> tuple of non-negative dims of the first tensor``, in order.
        build: ``build(rows, result, *args) -> Expr``; tensors arrive as elements (others broadcast
            to the first operand's shape, aligned at the last dim). The Expr is the element of the
            result: per row if `reduces`, per element if not.
        reduces: whether the result has one element per row.
        operands: which arguments are tensors is known from the schema; all must be broadcastable.
    """

    dims: Callable[..., tuple[int, ...]]
    build: Callable[..., Expr]
    reduces: bool


class Loader(Protocol):
    """Loads the element of a tensor argument at i64 `positions`, one per dim.

    `argument` is its position in the schema; of a list of tensors, `item` is the number among
    those that are not None.
    """

    def __call__(self, argument: int, positions: Sequence[Expr], item: int = 0) -> Expr:
        """The element, in the dtype of the argument."""


@dataclass(frozen=True, slots=True)
class Elements:
    """``build(load, positions, result, *args) -> Expr``: the element of the result at `positions`.

    `positions` are i64 expressions, one per dim of the result. Tensors arrive as types; `load`
    reads them. Positions that come from data must go through `ops.expr.checked_index`.

    ``pieces(load, positions, result, *args) -> [(start, stop, element), ...]``, if there are few:
    ranges of positions on the last dim, in order, which cover it, and the element in each. They
    are worth it where `build` has to choose between elements side by side. Bounds may depend on
    the other positions; None if there are too many.
    """

    build: Callable[..., Expr]
    pieces: Callable[..., Sequence[tuple[Expr, Expr, Expr]] | None] | None = None


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which rows of argument 0 stay, of which each that stays strikes out some after it.

    ``strikes(load, i, j, *args) -> Expr``: whether row `i` strikes out row `j`; `load` as in
    `Elements`.
    """

    strikes: Callable[..., Expr]


@dataclass(frozen=True, slots=True)
class Scatter:
    """A copy of argument 0, of the result's dtype, in which each point of a domain writes.

    Attributes:
        domain: ``domain(result, *args) -> (sizes, serial)``. Points that differ in the dims
            `serial` only may meet at one element; these run one after another, row-major. Others
            must not meet.
        build: ``build(load, positions, result, *args) -> (places, value)``: where a point writes,
            and what. Places that come from data must go through `ops.expr.checked_index`.
        combine: the function (``add``, ``mul``, ``min``, ``max``) of the element that is there and
            the value; None to replace it.
    """

    domain: Callable[..., tuple[Shape, tuple[int, ...]]]
    build: Callable[..., tuple[Sequence[Expr], Expr]]
    combine: Callable[..., str | None] = lambda *_: None


@dataclass(frozen=True, slots=True)
class Fold:
    """Each element of the result combines the elements of a range.

    Attributes:
        bounds: ``bounds(load, positions, result, *args) -> (start, stop)``, i64; may depend on
            data, but not on the last position.
        build: ``build(load, positions, index, result, *args) -> Expr``: the element at `index` of
            the range, in the dtype of the computation.
        finish: ``finish(total, load, positions, result, *args) -> Expr``: the element of the
            result.
        function: ``function(result, *args)``: a reduction of `loops.Reduce`.
    """

    bounds: Callable[..., tuple[Expr, Expr]]
    build: Callable[..., Expr]
    finish: Callable[..., Expr]
    function: Callable[..., str]


@dataclass(frozen=True, slots=True)
class Scan:
    """Running reductions along a dim of the first tensor operand, whose shape the result has.

    Attributes:
        dim: ``dim(result, *args) -> int`` (non-negative).
        build: ``build(result, *args) -> Expr``: the element, in the dtype of the computation;
            tensors arrive as elements. The result's element is the reduction of all elements up to
            it, cast.
        function: a reduction of `loops.Reduce`.
    """

    dim: Callable[..., int]
    build: Callable[..., Expr]
    function: str


@dataclass(frozen=True, slots=True)
class FourierSpec:
    """A transform of `n` points along `dim`, times `scale`.

    `kind`: ``whole`` (complex numbers to complex ones), ``to_half`` (`n` real numbers to the first
    ``n / 2 + 1`` complex ones), ``to_real`` (the inverse of that); of the latter two, `n` is even.
    """

    dim: int
    n: int
    kind: str
    forward: bool
    scale: float


@dataclass(frozen=True, slots=True)
class Fourier:
    """``spec(result, *args) -> FourierSpec`` of the only tensor operand."""

    spec: Callable[..., FourierSpec]


@dataclass(frozen=True, slots=True)
class Order:
    """Rows along a dim of argument 0 in stable order, NaN as the largest.

    ``spec(result, *args) -> (dim, descending)``; results are the first elements, as many as their
    type says, and the positions they had.
    """

    spec: Callable[..., tuple[int, bool]]


@dataclass(frozen=True, slots=True)
class Pool:
    """Windows over the last dims of a tensor: one entry per windowed dim.

    Adaptive windows have `kernel` None and `adaptive_dims` dims: window i of n covers
    ``floor(i*size/n)`` to ``ceil((i+1)*size/n)``. `divide`: for sums: ``"all"`` (kernel size,
    padding counted as far as the padded input reaches), ``"valid"`` (elements inside), or a number.
    """

    function: str
    kernel: tuple[int, ...] | None
    stride: tuple[int, ...] = ()
    padding: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    divide: str | int | None = None
    adaptive_dims: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """``spec(result, *args) -> Pool`` over the first tensor operand."""

    spec: Callable[..., Pool]


@dataclass(frozen=True, slots=True)
class View:
    """``strides(strides, offset, result, *args) -> (strides, offset)``, in elements.

    They place the result in the memory of the first tensor operand, from those of the operand;
    None if only a dense copy of the operand can be seen so.
    """

    strides: Callable[..., tuple[Strides, int] | None]


@dataclass(frozen=True, slots=True)
class Reshape:
    """The first operand's elements, row-major, under the result's shape (view, flatten, ...).

    Also identities: dropout in eval, contiguous, detach.
    """


@dataclass(frozen=True, slots=True)
class Concat:
    """``dim(result, *args) -> int`` (non-negative): the tensors of argument 0 side by side."""

    dim: Callable[..., int]


@dataclass(frozen=True, slots=True)
class ConvolutionSpec:
    """A convolution over 1 or 2 spatial dims; arguments 0, 1, 2 are input, weight, bias."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int


@dataclass(frozen=True, slots=True)
class Convolution:
    """``spec(result, *args) -> ConvolutionSpec``."""

    spec: Callable[..., ConvolutionSpec]


@dataclass(frozen=True, slots=True)
class MatrixProduct:
    """``A[..., m, k] @ B[..., k, n] (+ bias)``, batch dims broadcast; arguments 0 and 1.

    `transpose_b`: B is [..., n, k] (linear). `bias`: position of an argument added to the result,
    broadcastable to it, or None. Both operands have at least two dims.
    """

    transpose_b: bool = False
    bias: int | None = None


@dataclass(frozen=True, slots=True)
class Recurrence:
    """One recurrent layer and direction.

    ``lstm``: arguments are projections [time, batch, 4*hidden] (gates i, f, g, o; biases added), h0
    and c0 [batch, hidden], w_hh [4*hidden, hidden], reverse (bool); results are outputs [time,
    batch, hidden], h and c after the last step. ``gru``: projections [time, batch, 3*hidden] (gates
    r, z, n), h0, w_hh, b_hh [3*hidden] or None, reverse; results are outputs and h.
    ``lstm_projected``: as ``lstm`` with w_hr [projected, hidden] after w_hh; h0, outputs, h and the
    columns of w_hh have `projected` elements. ``rnn_tanh``, ``rnn_relu``: projections [time, batch,
    hidden], h0, w_hh [hidden, hidden], reverse; results are outputs and h.
    """

    kind: str = "lstm"


class Emitter(Protocol):
    """Emits operators while a node is decomposed; infers their types."""

    def __call__(self, op: OpDef | str, *args: Any) -> Any:
        """The result(s) of `op` (or the one of that name) on `args`.

        Those are values that `Decompose.build` was given or that were emitted before, and plain
        Python values.
        """

    def type(self, value: Any) -> TensorType:
        """The concrete type of a tensor value."""


@dataclass(frozen=True, slots=True)
class Decompose:
    """``build(emit, *args) -> value(s)``: the result(s), made by other operators.

    `checks`: it refuses whatever the rule of types refuses, which need not be asked then.
    """

    build: Callable[..., Any]
    checks: bool = False
