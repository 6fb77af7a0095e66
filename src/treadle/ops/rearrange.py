"""Elements moved, repeated or blanked by position: flip, roll, pad, repeat, triangles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.ir.dtypes import bool_
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import add, call, compare, const, extent, mul, select, sub
from treadle.ops.gather import check_index_dtype
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Elements, Emitter, Loader
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import boolean, f16, f32, i64
from treadle.ops.shapes import numel, tensor, wrap_dim

Array = np.ndarray[Any, Any]
Samples = tuple[tuple[Any, ...], ...]


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


def _moved(schema: str, shape: Any, source: Any, samples: Samples, fill: Any = None) -> OpDef:
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
        out = infer(_type(x), *args).sizes
        grid = [np.asarray(g) for g in np.indices(out)]
        places = [np.asarray(p) for p in source(_ARRAYS, grid, _type(x), *args)]
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

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Elements(build),
        tolerance=EXACT,
        samples=samples,
    )


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


flip = _moved(
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


roll_dims = _moved(
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


# --- padding ------------------------------------------------------------------------------------


def _sides(
    name: str, x: TensorType, pad: Sequence[int], count: int | None = None
) -> list[tuple[int, int]]:
    """What is added before and after each dim; `pad` starts from the last dim."""
    rank = len(x.sizes)
    if len(pad) % 2 or len(pad) > 2 * rank or (count is not None and len(pad) != 2 * count):
        raise ShapeError(f"{name}: {len(pad)} numbers of padding for {x}")
    pairs = [(pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)]
    return [(0, 0)] * (rank - len(pairs)) + pairs[::-1]


def _padded_shape(name: str, count: int | None = None) -> Callable[..., tuple[int, ...]]:
    def shape(x: TensorType, pad: Sequence[int], *_: Any) -> tuple[int, ...]:
        sides = _sides(name, x, pad, count)
        result = tuple(d + a + b for d, (a, b) in zip(x.sizes, sides, strict=True))
        if min(result, default=0) < 0:
            raise ShapeError(f"{name}: padding {list(pad)} leaves a negative size of {x}")
        if name.startswith("reflection") and any(
            max(a, b) >= d for d, (a, b) in zip(x.sizes, sides, strict=True) if a or b
        ):
            raise ShapeError(f"{name}: padding {list(pad)} must be less than the sizes of {x}")
        return result

    return shape


def _constant_pad(f: Any, positions: list[Any], x: TensorType, pad: Sequence[int], *_: Any) -> Any:
    sides = _sides("constant_pad_nd", x, pad)
    return [f.affine(p, 1, -a) for p, (a, _) in zip(positions, sides, strict=True)]


def _replicate(f: Any, positions: list[Any], x: TensorType, pad: Sequence[int]) -> Any:
    sides = _sides("replication_pad", x, pad)
    return [
        f.clamp(f.affine(p, 1, -a), d) if a or b else p
        for p, (a, b), d in zip(positions, sides, x.sizes, strict=True)
    ]


def _reflect(f: Any, positions: list[Any], x: TensorType, pad: Sequence[int]) -> Any:
    sides = _sides("reflection_pad", x, pad)
    return [
        f.affine(f.magnitude(f.affine(f.magnitude(f.affine(p, 1, -a)), 1, 1 - d)), -1, d - 1)
        if a or b
        else p
        for p, (a, b), d in zip(positions, sides, x.sizes, strict=True)
    ]


def _circle(f: Any, positions: list[Any], x: TensorType, pad: Sequence[int]) -> Any:
    sides = _sides("circular_pad", x, pad)
    return [
        f.remainder(f.affine(p, 1, (-a) % max(d, 1)), d) if a or b else p
        for p, (a, b), d in zip(positions, sides, x.sizes, strict=True)
    ]


constant_pad = _moved(
    "aten::constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor",
    _padded_shape("constant_pad_nd"),
    _constant_pad,
    (
        (f32(2, 3), [1, 2], 0),
        (f32(2, 3), [1, 0, 0, 2], 1.5),
        (i64(3), [2, 2], 7),
        (f32(4, 5), [-1, -1], 0),
        (f32(0, 2), [1, 1, 1, 1], 3),
        (f32(3, 4, layout="transposed"), [1, 1], 0),
        (f16(3), [0, 1], 0.5),
    ),
    fill=lambda pad, value: value,
)
replication_pad1d = _moved(
    "aten::replication_pad1d(Tensor self, int[2] padding) -> Tensor",
    _padded_shape("replication_pad1d", 1),
    _replicate,
    ((f32(2, 3), [1, 2]), (f32(2, 3, 4), [0, 5])),
)
replication_pad2d = _moved(
    "aten::replication_pad2d(Tensor self, int[4] padding) -> Tensor",
    _padded_shape("replication_pad2d", 2),
    _replicate,
    ((f32(2, 3, 4), [1, 2, 0, 1]), (f32(1, 2, 3, 4), [2, 0, 3, 1])),
)
reflection_pad1d = _moved(
    "aten::reflection_pad1d(Tensor self, int[2] padding) -> Tensor",
    _padded_shape("reflection_pad1d", 1),
    _reflect,
    ((f32(2, 4), [1, 2]), (f32(2, 3, 4), [3, 0])),
)
reflection_pad2d = _moved(
    "aten::reflection_pad2d(Tensor self, int[4] padding) -> Tensor",
    _padded_shape("reflection_pad2d", 2),
    _reflect,
    ((f32(2, 3, 4), [1, 2, 0, 1]), (f32(1, 2, 3, 4), [2, 0, 2, 1])),
)
circular_pad = _moved(
    "treadle::circular_pad(Tensor self, int[] pad) -> Tensor",
    _padded_shape("circular_pad"),
    _circle,
    ((f32(2, 4), [1, 2]),),
)
_PAD_MODES = {"reflect": "reflection_pad", "replicate": "replication_pad"}


def _pad_operator(
    x: TensorType, pad: Sequence[int], mode: str, value: float | None
) -> tuple[Any, ...]:
    """The operator that pads in that mode, and its arguments."""
    if mode == "constant":
        return constant_pad, (pad, value or 0.0)
    if mode == "circular":
        return circular_pad, (pad,)
    if mode not in _PAD_MODES:
        raise InputError(f"pad: mode {mode!r}; allowed: constant, reflect, replicate, circular")
    ops = {
        "reflect": (reflection_pad1d, reflection_pad2d),
        "replicate": (replication_pad1d, replication_pad2d),
    }
    if len(pad) not in (2, 4):
        raise UnsupportedError(f"pad: mode {mode!r} over {len(pad) // 2} dims")
    return ops[mode][len(pad) // 2 - 1], (pad,)


def _pad(x: Array, pad: Sequence[int], mode: str, value: float | None) -> Array:
    function, args = _pad_operator(_type(x), pad, mode, value)
    return np.asarray(function.reference(x, *args))


def _infer_pad(x: TensorType, pad: Sequence[int], mode: str, value: float | None) -> TensorType:
    function, args = _pad_operator(x, pad, mode, value)
    result = function.infer(x, *args)
    assert isinstance(result, TensorType)
    return result


def _decompose_pad(
    emit: Emitter, x: Any, pad: Sequence[int], mode: str, value: float | None
) -> Any:
    function, args = _pad_operator(emit.type(x), pad, mode, value)
    return emit(function, x, *args)


pad_ = op(
    'aten::pad(Tensor self, int[] pad, str mode="constant", float? value=None) -> Tensor',
    reference=_pad,
    infer=_infer_pad,
    lower=Decompose(_decompose_pad),
    tolerance=EXACT,
    samples=(
        (f32(2, 3), [1, 2], "constant", None),
        (f32(1, 2, 3, 4), [1, 1, 1, 1], "reflect", None),
        (f32(1, 2, 3), [2, 1], "replicate", None),
        (f32(1, 2, 3), [2, 1], "circular", None),
        (f32(3), [1, 1], "constant", 2.5),
    ),
)


# --- repeats ------------------------------------------------------------------------------------


def _repeats(x: TensorType, repeats: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The operand's sizes with leading ones, and how often each repeats."""
    extra = len(repeats) - len(x.sizes)
    if extra < 0 or min(repeats, default=0) < 0:
        raise ShapeError(f"repeat: {list(repeats)} for {x}: as many counts as dims, none negative")
    return (1,) * extra + x.sizes, tuple(repeats)


def _repeat_shape(x: TensorType, repeats: Sequence[int]) -> tuple[int, ...]:
    sizes, counts = _repeats(x, repeats)
    return tuple(d * n for d, n in zip(sizes, counts, strict=True))


def _repeat(f: Any, positions: list[Any], x: TensorType, repeats: Sequence[int]) -> Any:
    sizes, counts = _repeats(x, repeats)
    places = [
        p if n == 1 else f.remainder(p, d) for p, d, n in zip(positions, sizes, counts, strict=True)
    ]
    return places[len(sizes) - len(x.sizes) :]


def _tiles(x: TensorType, dims: Sequence[int]) -> list[int]:
    return [1] * (len(x.sizes) - len(dims)) + list(dims)


repeat = _moved(
    "aten::repeat(Tensor self, int[] repeats) -> Tensor",
    _repeat_shape,
    _repeat,
    (
        (f32(2, 3), [2, 1]),
        (f32(2, 3), [2, 1, 3]),
        (f32(), [2]),
        (f32(1), [0]),
        (f32(3, 2, layout="transposed"), [1, 2]),
    ),
)
tile = _moved(
    "aten::tile(Tensor self, int[] dims) -> Tensor",
    lambda x, dims: _repeat_shape(x, _tiles(x, dims)),
    lambda f, positions, x, dims: _repeat(f, positions, x, _tiles(x, dims)),
    ((f32(2, 3), [2]), (f32(3), [2, 2])),
)


def _interleaved_shape(x: TensorType, repeats: int, dim: int) -> tuple[int, ...]:
    axis = wrap_dim("repeat_interleave", dim, len(x.sizes))
    if repeats < 0:
        raise ShapeError(f"repeat_interleave: repeats must not be negative, got {repeats}")
    return tuple(d * repeats if i == axis else d for i, d in enumerate(x.sizes))


def _interleave(f: Any, positions: list[Any], x: TensorType, repeats: int, dim: int) -> Any:
    axis = wrap_dim("repeat_interleave", dim, len(x.sizes))
    return [f.quotient(p, repeats) if i == axis else p for i, p in enumerate(positions)]


interleave = _moved(
    "treadle::interleave(Tensor self, int repeats, int dim) -> Tensor",
    _interleaved_shape,
    _interleave,
    ((f32(2, 3), 2, 1), (f32(3), 0, 0)),
)


def _repeat_interleave(x: Array, repeats: int, dim: int | None, _: Any) -> Array:
    assert interleave.reference is not None
    flat, axis = (x.reshape(-1), 0) if dim is None else (x, dim)
    return np.asarray(interleave.reference(flat, repeats, axis))


def _infer_repeat_interleave(x: TensorType, repeats: int, dim: int | None, _: Any) -> TensorType:
    flat = tensor(x.element, (numel(x.sizes),)) if dim is None else x
    return tensor(x.element, _interleaved_shape(flat, repeats, dim or 0))


def _decompose_repeat_interleave(
    emit: Emitter, x: Any, repeats: int, dim: int | None, _: Any
) -> Any:
    return emit(interleave, emit("reshape", x, [-1]) if dim is None else x, repeats, dim or 0)


def _repeat_by_tensor(x: Array, repeats: Array, dim: int | None, _: Any) -> Array:
    check_index_dtype("repeat_interleave", repeats, "repeats")
    if repeats.ndim > 1 or (repeats.size and repeats.min() < 0):
        raise ShapeError("repeat_interleave: repeats must be one dim of non-negative numbers")
    axis = None if dim is None else wrap_dim("repeat_interleave", dim, x.ndim)
    size = x.size if axis is None else x.shape[axis]
    if repeats.size not in (1, size):
        raise ShapeError(f"repeat_interleave: {repeats.size} repeats for {size} elements")
    return np.repeat(x, repeats.reshape(-1), axis)


repeat_interleave = op(
    "aten::repeat_interleave.self_int(Tensor self, int repeats, int? dim=None, *, int? "
    "output_size=None) -> Tensor",
    reference=_repeat_interleave,
    infer=_infer_repeat_interleave,
    lower=Decompose(_decompose_repeat_interleave),
    tolerance=EXACT,
    samples=((f32(2, 3), 2, 1, None), (f32(2, 3), 3, None, None), (f32(2, 3), 2, -2, None)),
)
repeat_interleave_tensor = op(
    "aten::repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, "
    "int? output_size=None) -> Tensor",
    reference=_repeat_by_tensor,
    tolerance=EXACT,
    samples=(
        (f32(2, 3), i64(3, low=0, high=3), 1, None),
        (f32(4), i64(1, low=1, high=3), None, None),
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


pixel_shuffle = _moved(
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


channel_shuffle = _moved(
    "aten::channel_shuffle(Tensor self, int groups) -> Tensor",
    _channel_shape,
    _channel_shuffle,
    ((f32(2, 6, 3, 2), 3),),
)
