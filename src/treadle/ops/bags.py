"""Bags of embeddings: rows of a table, summed, averaged or maximised by bag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import i64
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import (
    add,
    call,
    cast,
    checked_index,
    compare,
    const,
    div,
    extent,
    mul,
    select,
    sub,
)
from treadle.ops.expr import dtype_of as dtype_of_expr
from treadle.ops.gather import check_index_dtype, checked_positions
from treadle.ops.lowering import Decompose, Emitter, Fold, Loader
from treadle.ops.promotion import accumulation
from treadle.ops.samples import f32, given
from treadle.ops.samples import i64 as i64_sample
from treadle.ops.shapes import tensor, wrap_dim

Array = np.ndarray[Any, Any]
SUM, MEAN, MAX = 0, 1, 2


def _check(weight: Any, indices: Any, offsets: Any, mode: int, weights: Any, last: bool) -> None:
    check_index_dtype("embedding_bag", indices, "indices")
    check_index_dtype("embedding_bag", offsets, "offsets")
    if (len(weight.shape), len(indices.shape), len(offsets.shape)) != (2, 1, 1):
        raise ShapeError(
            f"embedding_bag: weight {list(weight.shape)} needs 2 dims, indices"
            f" {list(indices.shape)} and offsets {list(offsets.shape)} need 1"
        )
    if mode not in (SUM, MEAN, MAX) or (last and not offsets.shape[0]):
        raise ShapeError(f"embedding_bag: mode {mode} with {offsets.shape[0]} offsets")
    if weights is not None and (mode != SUM or tuple(weights.shape) != tuple(indices.shape)):
        raise ShapeError(
            f"embedding_bag: per_sample_weights {list(weights.shape)} need mode 0 and the shape"
            f" of indices, {list(indices.shape)}"
        )


def _bounds(offsets: Array, count: int, last: bool) -> Array:
    """Where the bags begin, and where the last one ends.

    Raises:
        ShapeError: if they do not ascend from 0 to at most `count`.
    """
    bounds = offsets.astype(np.int64) if last else np.append(offsets, count).astype(np.int64)
    if bounds.size > 1 and (bounds[0] != 0 or np.any(np.diff(bounds) < 0) or bounds[-1] > count):
        raise ShapeError(
            f"embedding_bag: offsets {offsets.tolist()} must ascend from 0 to at most {count}"
        )
    return bounds


def _bag_of_each(bounds: Array, mode: int) -> tuple[Array, Array]:
    """The bag of each row and the rows of each bag; of sums nothing, as in torch."""
    counts = np.diff(bounds)
    if mode == SUM:
        return np.zeros(0, np.int64), np.zeros(counts.size, np.int64)
    return np.repeat(np.arange(counts.size), counts).astype(np.int64), counts.astype(np.int64)


def _embedding_bag(
    weight: Array,
    indices: Array,
    offsets: Array,
    scale: bool,
    mode: int,
    sparse: bool,
    weights: Array | None,
    last: bool,
    padding: int | None = None,
) -> tuple[Array, Array, Array, Array]:
    """Sum (mode 0), mean (1) or maximum (2) of the rows of each bag, but for the padding."""
    _check(weight, indices, offsets, mode, weights, last)
    bounds = _bounds(offsets, indices.size, last)
    places = checked_positions("embedding_bag", indices, weight.shape[0])
    result = np.zeros((max(bounds.size - 1, 0), weight.shape[1]), weight.dtype)
    for bag in range(result.shape[0]):
        part = np.arange(bounds[bag], bounds[bag + 1])
        part = part if padding is None else part[indices[part] != padding]
        rows = weight[places[part]]
        if weights is not None:
            rows = rows * weights[part, None]
        if len(rows):
            result[bag] = (np.sum, np.mean, np.max)[mode](rows, axis=0)
    return result, *_bag_of_each(bounds, mode), np.zeros(0, np.int64)


def _decompose(
    emit: Emitter,
    weight: Any,
    indices: Any,
    offsets: Any,
    scale: bool,
    mode: int,
    sparse: bool,
    weights: Any,
    last: bool,
    padding: int | None = None,
) -> tuple[Any, ...]:
    """Bags of one size: the rows of all as [bags, size, features], combined over the size.

    Other bags are folded one by one, as their bounds tell.
    """
    types = [None if t is None else emit.type(t) for t in (weight, indices, weights)]
    _check(types[0], types[1], emit.type(offsets), mode, types[2], last)
    assert types[0] is not None
    assert types[1] is not None
    known = isinstance(offsets, np.ndarray)
    if not known or not _is_even(offsets, int(types[1].sizes[0]), last):
        return _fold_bags(emit, weight, indices, offsets, weights, mode, last, padding)
    if padding is not None and mode == MAX:
        raise UnsupportedError("embedding_bag: the maximum with padding_idx")
    bounds = _bounds(offsets, types[1].sizes[0], last)
    each, counts = _bag_of_each(bounds, mode)
    shape = [counts.size, int(bounds[1])]
    indices = emit("view", emit("narrow", indices, 0, 0, shape[0] * shape[1]), shape)
    rows = emit("embedding", weight, indices, -1, False, False)
    if weights is not None:
        weights = emit("narrow", weights, 0, 0, shape[0] * shape[1])
        rows = emit("mul.Tensor", rows, emit("view", weights, [*shape, 1]))
    y = _combined(emit, rows, indices, mode, padding)
    return y, each, counts, np.zeros(0, np.int64)


def _is_even(offsets: Array, count: int, last: bool) -> bool:
    """Whether all bags have the same number of rows, and there are some."""
    sizes = np.diff(_bounds(offsets, count, last))
    return bool(sizes.size and sizes[0] and np.all(sizes == sizes[0]))


def _fold_bags(
    emit: Emitter, weight: Any, indices: Any, offsets: Any, weights: Any, mode: int, last: bool,
    padding: int | None,
) -> tuple[Any, ...]:  # fmt: skip
    """Bags of any sizes, with the counts of their rows."""
    if padding is not None and mode != SUM:
        raise UnsupportedError("embedding_bag: a mean or maximum with padding_idx")
    y = emit("fold_bags", weight, indices, offsets, weights, mode, last, padding)
    size = emit.type(indices).sizes[0]
    if mode == SUM:
        none = np.zeros(0, np.int64)
        bags = emit("narrow", offsets, 0, 0, emit.type(offsets).sizes[0] - last)
        return y, none, emit("zeros_like", bags, 4, None, None, None, None), none
    ends = emit("narrow", offsets, 0, 1, emit.type(offsets).sizes[0] - 1)
    if not last:
        full = np.full(1, int(size), emit.type(offsets).element.numpy)
        ends = emit("cat", [ends, full], 0)
    starts = emit("narrow", offsets, 0, 0, emit.type(ends).sizes[0])
    counts = emit("sub.Tensor", ends, starts, 1)
    ended, one = np.zeros(int(size) + 1, np.int64), np.ones((), np.int64)
    ended = emit("index_add", ended, 0, ends, emit("expand_as", one, ends), 1)
    each = emit("cumsum", emit("narrow", ended, 0, 0, int(size)), 0, None)
    return y, each, counts, np.zeros(0, np.int64)


def _fold_reference(
    weight: Array, indices: Array, offsets: Array, weights: Any, mode: int, last: bool,
    padding: int | None,
) -> Array:  # fmt: skip
    return _embedding_bag(weight, indices, offsets, False, mode, False, weights, last, padding)[0]


def _infer_fold(
    weight: TensorType, indices: TensorType, offsets: TensorType, weights: Any, mode: int,
    last: bool, padding: int | None,
) -> TensorType:  # fmt: skip
    _check(weight, indices, offsets, mode, weights, last)
    return tensor(weight.element, (offsets.sizes[0] - last, weight.sizes[1]))


def _fold_limits(
    load: Loader, positions: Sequence[Expr], result: TensorType, weight: TensorType,
    indices: TensorType, offsets: TensorType, weights: Any, mode: int, last: bool, padding: Any,
) -> tuple[Expr, Expr]:  # fmt: skip
    """Where the bag begins and ends, checked to lie within the indices, the first at 0."""
    count, bags = indices.sizes[0], result.sizes[0]
    bag = positions[0]
    start = checked_index(cast(load(2, [bag]), i64), count + 1)
    first = compare("eq", bag, extent(0))
    start = checked_index(start, select(first, extent(1), extent(count + 1)))
    if last:
        return start, checked_index(cast(load(2, [add(bag, extent(1))]), i64), count + 1)
    final = compare("eq", bag, extent(bags - 1))
    after = call("min", add(bag, extent(1)), extent(bags - 1))
    stop = checked_index(cast(load(2, [after]), i64), count + 1)
    return start, select(final, extent(count), stop)


def _fold_element(
    load: Loader, positions: Sequence[Expr], index: Expr, result: TensorType, weight: TensorType,
    indices: TensorType, offsets: TensorType, weights: Any, mode: int, last: bool,
    padding: int | None,
) -> Expr:  # fmt: skip
    dtype = accumulation(weight.element)
    chosen = cast(load(1, [index]), i64)
    value = cast(load(0, [checked_index(chosen, weight.sizes[0]), positions[1]]), dtype)
    if weights is not None:
        value = mul(value, cast(load(3, [index]), dtype))
    if padding is not None:
        value = select(compare("eq", chosen, extent(padding)), const(0, dtype), value)
    return value


def _fold_finish(
    total: Expr, load: Loader, positions: Sequence[Expr], result: TensorType, *args: Any
) -> Expr:
    mode = args[4]
    if mode == SUM:
        return total
    start, stop = _fold_limits(load, positions, result, *args)
    count = sub(stop, start)
    if mode == MAX:
        zero = const(0, dtype_of_expr(total))
        return select(compare("gt", count, extent(0)), total, zero)
    return div(total, cast(call("max", count, extent(1)), dtype_of_expr(total)))


_BAGS = i64_sample(7, low=0, high=9)
op(
    "treadle::fold_bags(Tensor weight, Tensor indices, Tensor offsets, Tensor? weights, int mode, "
    "bool last, int? padding) -> Tensor",
    reference=_fold_reference,
    infer=_infer_fold,
    lower=Fold(
        _fold_limits,
        _fold_element,
        _fold_finish,
        lambda result, *args: "max" if args[4] == MAX else "sum",
    ),
    samples=(
        (f32(9, 5), _BAGS, given([0, 2, 2, 5], i64), None, SUM, False, None),
        (f32(9, 33), _BAGS, given([0, 2, 2, 7], i64), f32(7), SUM, True, 3),
        (f32(9, 1), _BAGS, given([0, 2, 2, 5], i64), None, MEAN, False, None),
        (f32(9, 8), _BAGS, given([0, 0, 5], i64), None, MAX, False, None),
        (f32(9, 3), i64_sample(0, low=0, high=9), given([0, 0], i64), None, MEAN, False, None),
    ),
)


def _combined(emit: Emitter, rows: Any, indices: Any, mode: int, padding: int | None) -> Any:
    if padding is None:
        if mode == MAX:
            return emit("amax", rows, [1], False)
        name = "sum.dim_IntList" if mode == SUM else "mean.dim"
        return emit(name, rows, [1], False, None)
    counted = emit("ne.Scalar", indices, padding)
    rows = emit("where.ScalarOther", emit("unsqueeze", counted, -1), rows, 0.0)
    total = emit("sum.dim_IntList", rows, [1], False, None)
    if mode == SUM:
        return total
    count = emit("clamp_min", emit("sum.dim_IntList", counted, [1], True, None), 1)
    return emit("div.Tensor", total, emit("type_as", count, total))


def _define(schema: str, wrapped: bool) -> None:
    """`wrapped`: -1 stands for no padding."""

    def complete(args: tuple[Any, ...], rows: Callable[[Any], int]) -> list[Any]:
        *rest, padding = args if len(args) > 8 else (*args, None)
        if padding is None or (wrapped and padding == -1):
            return [*rest, None]
        return [*rest, wrap_dim("embedding_bag", padding, rows(args[0]), "padding_idx")]

    op(
        schema,
        reference=lambda *args: _embedding_bag(*complete(args, lambda w: w.shape[0])),
        lower=Decompose(
            lambda emit, *args: _decompose(
                emit, *complete(args, lambda w: int(emit.type(w).sizes[0]))
            )
        ),
        doc="The last three results only serve gradients; torch's may differ from these.",
    )


_HEAD = "(Tensor weight, Tensor indices, Tensor offsets, "
_TAIL = " -> (Tensor, Tensor, Tensor, Tensor)"
_DEFAULTS = (
    "bool scale_grad_by_freq=False, int mode=0, bool sparse=False, Tensor? "
    "per_sample_weights=None, bool include_last_offset=False"
)
_define(f"aten::embedding_bag{_HEAD}{_DEFAULTS}){_TAIL}", False)
_define(
    f"aten::embedding_bag.padding_idx{_HEAD}bool scale_grad_by_freq, int mode, bool sparse, "
    f"Tensor? per_sample_weights, bool include_last_offset, int? padding_idx){_TAIL}",
    False,
)
_define(f"aten::_embedding_bag{_HEAD}{_DEFAULTS}, int padding_idx=-1){_TAIL}", True)
