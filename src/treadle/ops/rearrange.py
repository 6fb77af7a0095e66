"""Elements moved by position: the family; flips, rolls, triangles, shuffles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import bool_
from treadle.ir.loops import Expr, Index
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import add, call, compare, const, extent, mul, select, sub
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Elements, Emitter, Loader
from treadle.ops.pieces import Position, Run, RunArithmetic, find_pieces, positions_of
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import boolean, f32, i64
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]
Samples = tuple[tuple[Any, ...], ...]


def type_of(x: Array) -> TensorType:
    """The type of an array."""
    return tensor(dtype_of(x), x.shape)


def moving(schema: str, shape: Any, source: Any, samples: Samples, fill: Any = None) -> OpDef:
    """An operator whose elements come from other positions of its operand.

    Args:
        schema: its schema.
        shape: ``shape(x, *args)``, the shape of the result.
        source: ``source(f, positions, x, *args)``: the position in each dim of the operand, by
            the arithmetic `f`, from those of the result.
        samples: as in `OpDef`.
        fill: ``fill(*args)``, the value at positions outside of the operand.
    """

    def infer(x: TensorType, *args: Any) -> TensorType:
        return tensor(x.element, shape(x, *args))

    def reference(x: Array, *args: Any) -> Array:
        out = infer(type_of(x), *args).sizes
        grid = [np.asarray(g) for g in np.indices(out)]
        places = [np.asarray(p) for p in source(_ARRAYS, grid, type_of(x), *args)]
        if fill is None:
            return np.array(x[tuple(places)] if places else np.broadcast_to(x, out))
        inside = np.ones(out, bool)
        for p, d in zip(places, x.shape, strict=True):
            inside &= (p >= 0) & (p < d)
        result = np.full(out, fill(*args), x.dtype)
        result[inside] = x[tuple(np.broadcast_to(p, out)[inside] for p in places)]
        return result

    def build(
        load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType, *args: Any
    ) -> Expr:
        places = list(source(_EXPRESSIONS, list(positions), x, *args))
        if fill is None:
            return load(0, places)
        inside: Expr = const(True, bool_)
        safe: list[Expr] = []
        for p, d in zip(places, x.sizes, strict=True):
            good = call("and", compare("ge", p, extent(0)), compare("lt", p, extent(d)))
            inside = call("and", inside, good)
            safe.append(select(good, p, extent(0)))
        return select(inside, load(0, safe), const(fill(*args), result.element))

    def pieces(
        load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType, *args: Any
    ) -> list[tuple[Expr, Expr, Expr]] | None:
        """Runs of neighbours; with `fill`, only those that lie inside, the rest is filled."""
        if not x.sizes:
            return None
        *before, last = positions
        arithmetic = RunArithmetic(_EXPRESSIONS)

        def places_of(run: Run) -> list[Position] | None:
            """None if they lie outside."""
            places: list[Position] = list(source(arithmetic, [*before, run], x, *args))
            runs = [(p, d) for p, d in zip(places, x.sizes, strict=True) if isinstance(p, Run)]
            inside = fill is None or all(not p.below(0) and p.below(d) for p, d in runs)
            return places if inside else None

        found = find_pieces(result.sizes[-1], places_of)
        if not found:
            return None
        if fill is not None:
            return _filled(load, last, result, x, found, const(fill(*args), result.element))
        return [(extent(r.start), extent(r.stop), load(0, positions_of(p, last))) for r, p in found]

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Elements(build, pieces),
        tolerance=EXACT,
        samples=samples,
    )


def _filled(
    load: Loader, last: Expr, result: TensorType, x: TensorType, found: Sequence[tuple[Run, Any]],
    value: Expr,
) -> list[tuple[Expr, Expr, Expr]]:  # fmt: skip
    """What is read where all positions are inside, and `value` before and after it."""
    size = extent(result.sizes[-1])
    within = [(run, places) for run, places in found if places is not None]
    if not within:
        return [(extent(0), size, value)]
    ((run, places),) = within
    stop = extent(run.stop)
    for p, d, n in zip(places, x.sizes, result.sizes, strict=True):
        if not isinstance(p, Run) and not (isinstance(p, Index) and d == n):
            inside = call("and", compare("ge", p, extent(0)), compare("lt", p, extent(d)))
            stop = select(inside, stop, extent(run.start))
    element = load(0, positions_of(places, last))
    return [
        (extent(0), extent(run.start), value), (extent(run.start), stop, element),
        (stop, size, value),
    ]  # fmt: skip


class _Arrays:
    """Arithmetic of positions on arrays."""

    def affine(self, position: Any, scale: int, shift: int) -> Any:
        return position * scale + shift

    def remainder(self, position: Any, size: int) -> Any:
        return position % max(size, 1)

    def quotient(self, position: Any, size: int) -> Any:
        return position // max(size, 1)

    def clamp(self, position: Any, size: int) -> Any:
        return np.clip(position, 0, size - 1)

    def magnitude(self, position: Any) -> Any:
        return np.abs(position)

    def plus(self, a: Any, b: Any) -> Any:
        return a + b


class _Expressions:
    """The same on expressions."""

    def affine(self, position: Expr, scale: int, shift: int) -> Expr:
        scaled = position if scale == 1 else mul(position, extent(scale))
        return scaled if shift == 0 else add(scaled, extent(shift))

    def remainder(self, position: Expr, size: int) -> Expr:
        return call("remainder", position, extent(max(size, 1)))

    def quotient(self, position: Expr, size: int) -> Expr:
        return call("floordiv", position, extent(max(size, 1)))

    def clamp(self, position: Expr, size: int) -> Expr:
        return call("min", call("max", position, extent(0)), extent(size - 1))

    def magnitude(self, position: Expr) -> Expr:
        return call("abs", position)

    def plus(self, a: Expr, b: Expr) -> Expr:
        return add(a, b)


_ARRAYS, _EXPRESSIONS = _Arrays(), _Expressions()


def _same_shape(x: TensorType, *_: Any) -> tuple[int, ...]:
    return x.sizes


# --- flip and roll ------------------------------------------------------------------------------


def _flip_dims(x: TensorType, dims: Sequence[int]) -> list[int]:
    wrapped = [wrap_dim("flip", d, len(x.sizes)) for d in dims]
    if len(set(wrapped)) < len(wrapped):
        raise ShapeError(f"flip: a dim occurs twice in {list(dims)}")
    return wrapped


def _flip(f: Any, positions: list[Any], x: TensorType, dims: Sequence[int]) -> Any:
    gone = _flip_dims(x, dims)
    return [f.affine(p, -1, x.sizes[i] - 1) if i in gone else p for i, p in enumerate(positions)]


def _flip_shape(x: TensorType, dims: Sequence[int]) -> tuple[int, ...]:
    _flip_dims(x, dims)
    return x.sizes


flip = moving(
    "aten::flip(Tensor self, int[] dims) -> Tensor",
    _flip_shape,
    _flip,
    (
        (f32(3, 4), [0]),
        (f32(3, 4), [0, 1]),
        (f32(5), [-1]),
        (f32(2, 3), []),
        (f32(0, 3), [1]),
        (f32(3, 4, layout="transposed"), [1]),
    ),
)


def _shifts(x: TensorType, shifts: Sequence[int], dims: Sequence[int]) -> list[int]:
    if len(shifts) != len(dims):
        raise ShapeError(f"roll: {len(shifts)} shifts for {len(dims)} dims")
    if not x.sizes:
        raise ShapeError("roll: a tensor without dims has none to roll")
    total = [0] * len(x.sizes)
    for s, d in zip(shifts, dims, strict=True):
        total[wrap_dim("roll", d, len(x.sizes))] += s
    return total


def _roll(
    f: Any, positions: list[Any], x: TensorType, shifts: Sequence[int], dims: Sequence[int]
) -> Any:
    total = _shifts(x, shifts, dims)
    return [
        f.remainder(f.affine(p, 1, (-s) % max(d, 1)), d) if s else p
        for p, s, d in zip(positions, total, x.sizes, strict=True)
    ]


def _roll_shape(x: TensorType, shifts: Sequence[int], dims: Sequence[int]) -> tuple[int, ...]:
    _shifts(x, shifts, dims)
    return x.sizes


roll_dims = moving(
    "treadle::roll_dims(Tensor self, int[] shifts, int[] dims) -> Tensor",
    _roll_shape,
    _roll,
    (
        (f32(3, 4), [1], [0]),
        (f32(3, 4), [-1, 2], [0, 1]),
        (f32(5), [7], [0]),
        (f32(0, 3), [1], [0]),
    ),
)


def _roll_any(x: Array, shifts: Sequence[int], dims: Sequence[int]) -> Array:
    assert roll_dims.reference is not None
    if not dims:
        flat = roll_dims.reference(x.reshape(-1), shifts, [0])
        return np.reshape(flat, x.shape)
    return np.asarray(roll_dims.reference(x, shifts, dims))


def _infer_roll(x: TensorType, shifts: Sequence[int], dims: Sequence[int]) -> TensorType:
    _shifts(x, shifts, dims) if dims else _shifts(tensor(x.element, (1,)), shifts, [0])
    return x


def _decompose_roll(emit: Emitter, x: Any, shifts: Sequence[int], dims: Sequence[int]) -> Any:
    if dims:
        return emit(roll_dims, x, shifts, dims)
    flat = emit(roll_dims, emit("reshape", x, [-1]), shifts, [0])
    return emit("view", flat, list(emit.type(x).sizes))


roll = op(
    "aten::roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor",
    reference=_roll_any,
    infer=_infer_roll,
    lower=Decompose(_decompose_roll),
    tolerance=EXACT,
    samples=(
        (f32(3, 4), [1], [0]),
        (f32(3, 4), [-1, 2], [0, 1]),
        (f32(3, 4), [5], []),
        (f32(2), [1], [0]),
    ),
)


# --- triangles ----------------------------------------------------------------------------------


def _check_matrix(name: str, x: Any) -> None:
    if len(x.shape) < 2:
        raise ShapeError(f"{name}: expected at least 2 dims, got {list(x.shape)}")


def _triangle(schema: str, name: str, keep: str, function: Any) -> OpDef:
    """``keep`` compares column - row with the diagonal."""

    def reference(x: Array, diagonal: int) -> Array:
        _check_matrix(name, x)
        return np.asarray(function(x, diagonal)).astype(x.dtype)

    def infer(x: TensorType, diagonal: int) -> TensorType:
        _check_matrix(name, x)
        return x

    def build(
        load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType, diagonal: int
    ) -> Expr:
        kept = compare(keep, sub(positions[-1], positions[-2]), extent(diagonal))
        return select(kept, load(0, positions), const(0, result.element))

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Elements(build),
        tolerance=EXACT,
        samples=(
            (f32(3, 4), 0),
            (f32(4, 3), 1),
            (f32(2, 3, 3), -1),
            (i64(3, 3), 5),
            (f32(0, 2), 0),
            (boolean(3, 3), 0),
        ),
    )


triu = _triangle("aten::triu(Tensor self, int diagonal=0) -> Tensor", "triu", "ge", np.triu)
tril = _triangle("aten::tril(Tensor self, int diagonal=0) -> Tensor", "tril", "le", np.tril)
inplace(triu, tril)


# --- shuffles -----------------------------------------------------------------------------------


def _pixel_shape(x: TensorType, factor: int) -> tuple[int, ...]:
    if len(x.sizes) < 3 or factor <= 0 or x.sizes[-3] % factor**2:
        raise ShapeError(f"pixel_shuffle: {x} needs a multiple of {factor}² channels in dim -3")
    *batch, c, h, w = x.sizes
    return (*batch, c // factor**2, h * factor, w * factor)


def _pixel_shuffle(f: Any, positions: list[Any], x: TensorType, factor: int) -> Any:
    *batch, c, h, w = positions
    row, column = f.remainder(h, factor), f.remainder(w, factor)
    channel = f.plus(f.affine(c, factor * factor, 0), f.plus(f.affine(row, factor, 0), column))
    return [*batch, channel, f.quotient(h, factor), f.quotient(w, factor)]


pixel_shuffle = moving(
    "aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor",
    _pixel_shape,
    _pixel_shuffle,
    ((f32(1, 8, 2, 3), 2), (f32(9, 1, 1), 3)),
)


def _channel_shuffle(f: Any, positions: list[Any], x: TensorType, groups: int) -> Any:
    n, c, *rest = positions
    each = x.sizes[1] // groups
    first = f.affine(f.remainder(c, groups), each, 0)
    return [n, f.plus(first, f.quotient(c, groups)), *rest]


def _channel_shape(x: TensorType, groups: int) -> tuple[int, ...]:
    if len(x.sizes) < 3 or groups <= 0 or x.sizes[1] % groups:
        raise ShapeError(f"channel_shuffle: {x} needs a multiple of {groups} channels in dim 1")
    return x.sizes


channel_shuffle = moving(
    "aten::channel_shuffle(Tensor self, int groups) -> Tensor",
    _channel_shape,
    _channel_shuffle,
    ((f32(2, 6, 3, 2), 3),),
)
