"""Bags of embeddings: rows of a table, summed, averaged or maximised by bag."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ops.declare import op
from treadle.ops.gather import check_index_dtype, checked_positions
from treadle.ops.lowering import Decompose, Emitter

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


def _bag_of_each(bounds: Array) -> tuple[Array, Array]:
    counts = np.diff(bounds)
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
    return result, *_bag_of_each(bounds), np.zeros(0, np.int64)


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
    """Bags of one size: the rows of all as [bags, size, features], combined over the size."""
    if not isinstance(offsets, np.ndarray):
        raise UnsupportedError("embedding_bag with offsets that are data")
    types = [None if t is None else emit.type(t) for t in (weight, indices, weights)]
    _check(types[0], types[1], offsets, mode, types[2], last)
    assert types[0] is not None
    assert types[1] is not None
    bounds = _bounds(offsets, types[1].sizes[0], last)
    each, counts = _bag_of_each(bounds)
    if not counts.size or counts.min() != counts.max() or not counts[0]:
        raise UnsupportedError("embedding_bag with bags of several sizes")
    if padding is not None and mode == MAX:
        raise UnsupportedError("embedding_bag: the maximum with padding_idx")
    shape = [counts.size, int(counts[0])]
    indices = emit("view", emit("narrow", indices, 0, 0, shape[0] * shape[1]), shape)
    rows = emit("embedding", weight, indices, -1, False, False)
    if weights is not None:
        weights = emit("narrow", weights, 0, 0, shape[0] * shape[1])
        rows = emit("mul.Tensor", rows, emit("view", weights, [*shape, 1]))
    y = _combined(emit, rows, indices, mode, padding)
    return y, each, counts, np.zeros(0, np.int64)


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

    def complete(args: tuple[Any, ...]) -> list[Any]:
        *rest, padding = args if len(args) > 8 else (*args, None)
        return [*rest, None if wrapped and padding == -1 else padding]

    op(
        schema,
        reference=lambda *args: _embedding_bag(*complete(args)),
        lower=Decompose(lambda emit, *args: _decompose(emit, *complete(args))),
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
