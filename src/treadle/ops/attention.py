"""Scaled dot-product attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.ir.dtypes import bool_
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import EXACT, op
from treadle.ops.dropout import dropout as drop
from treadle.ops.expr import compare, const, select
from treadle.ops.lowering import Decompose, Elements, Emitter, Loader
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import boolean, f32, f64
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]


def _infer_causal(scores: Any) -> Any:
    if len(scores.shape) < 2 or not dtype_of(scores).is_floating:
        raise ShapeError(f"causal_mask: expected floats of at least 2 dims, got {scores}")
    return scores


def _causal(scores: Array) -> Array:
    _infer_causal(scores)
    keep = np.tril(np.ones(scores.shape[-2:], bool))
    return np.where(keep, scores, np.asarray(-np.inf, scores.dtype))


def _causal_element(
    load: Loader, positions: Sequence[Expr], result: TensorType, scores: TensorType
) -> Expr:
    hidden = compare("gt", positions[-1], positions[-2])
    return select(hidden, const(-math.inf, result.element), load(0, positions))


causal_mask = op(
    "treadle::causal_mask(Tensor scores) -> Tensor",
    reference=_causal,
    infer=_infer_causal,
    lower=Elements(_causal_element),
    tolerance=EXACT,
    samples=((f32(2, 3, 3),), (f32(4, 7),), (f32(1, 1),), (f32(0, 2, 2),)),
    doc="The scores, -inf where the column lies behind the row.",
)


def _check(
    q: TensorType,
    k: TensorType,
    v: TensorType,
    mask: TensorType | None,
    dropout: float,
    causal: bool,
    gqa: bool,
) -> None:
    same_dtype("scaled_dot_product_attention", q, k, v)
    if not 0 <= dropout <= 1:
        raise InputError(
            f"scaled_dot_product_attention: argument dropout_p must be from 0 to 1, got {dropout}"
        )
    if mask is not None and causal:
        raise ShapeError("scaled_dot_product_attention: attn_mask and is_causal exclude each other")
    if (
        min(len(t.sizes) for t in (q, k, v)) < 2
        or q.sizes[-1] != k.sizes[-1]
        or (k.sizes[-2] != v.sizes[-2])
    ):
        raise ShapeError(
            "scaled_dot_product_attention needs query [..., l, e], key [..., s, e] and"
            f" value [..., s, d], got {q}, {k} and {v}"
        )
    heads = [t.sizes[-3] if len(t.sizes) > 2 else 0 for t in (q, k, v)]
    if gqa and (0 in heads or heads[0] % heads[1] or heads[0] % heads[2]):
        raise ShapeError(f"scaled_dot_product_attention: {q} has no multiple of the heads of {k}")


def _infer(
    q: TensorType,
    k: TensorType,
    v: TensorType,
    mask: TensorType | None,
    dropout: float,
    causal: bool,
    scale: float | None,
    gqa: bool,
) -> TensorType:
    _check(q, k, v, mask, dropout, causal, gqa)
    if dropout:
        raise UnsupportedError("scaled_dot_product_attention with dropout draws random numbers")
    return _result(q, k, v, mask, gqa)


def _result(
    q: TensorType, k: TensorType, v: TensorType, mask: TensorType | None, gqa: bool
) -> TensorType:
    """The type of the result.

    Raises:
        ShapeError: if the batches or the mask do not broadcast.
    """
    keys = (*k.sizes[:-3], q.sizes[-3]) if gqa else k.sizes[:-2]
    batch = broadcast("scaled_dot_product_attention", q.sizes[:-2], keys)
    scores = (*batch, q.sizes[-2], k.sizes[-2])
    if mask is not None and broadcast("scaled_dot_product_attention", scores, mask.sizes) != scores:
        raise ShapeError(
            f"scaled_dot_product_attention: attn_mask {mask} does not broadcast to the"
            f" scores {list(scores)}"
        )
    return tensor(q.element, (*batch, q.sizes[-2], v.sizes[-1]))


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


def _reference(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    dropout: float,
    causal: bool,
    scale: float | None,
    gqa: bool,
) -> Array:
    over = None if mask is None else _type(mask)
    types = _type(q), _type(k), _type(v), over
    _check(*types, dropout, causal, gqa)
    _result(*types, gqa)
    wide = accumulation(dtype_of(q)).numpy
    if gqa:
        k, v = (np.repeat(t, q.shape[-3] // t.shape[-3], axis=-3) for t in (k, v))
    scores = (q.astype(wide) * _scale(q.shape[-1], scale)) @ np.swapaxes(k.astype(wide), -1, -2)
    if causal:
        scores = _causal(scores)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    top = np.max(scores, axis=-1, keepdims=True, initial=-np.inf)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=-1, keepdims=True)
    weights = (e / np.where(total == 0, 1, total)).astype(wide)
    if dropout:
        assert drop.reference is not None
        weights = drop.reference(weights, dropout, True)
    return np.asarray(weights @ v.astype(wide)).astype(q.dtype)


def _scale(features: int, scale: float | None) -> float:
    return 1 / math.sqrt(max(features, 1)) if scale is None else scale


def _decompose(
    emit: Emitter,
    q: Any,
    k: Any,
    v: Any,
    mask: Any,
    dropout: float,
    causal: bool,
    scale: float | None,
    gqa: bool,
) -> Any:
    """``safe_softmax(scale * q @ k.T + mask) @ v``."""
    sizes = emit.type(q).sizes
    if gqa:
        k, v = (
            emit("repeat_interleave.self_int", t, sizes[-3] // emit.type(t).sizes[-3], -3, None)
            for t in (k, v)
        )
    q = emit("mul.Scalar", q, _scale(sizes[-1], scale))
    scores = emit("product_by_rows", q, k)
    if causal:
        scores = emit("causal_mask", scores)
    if mask is None and not causal:
        weights = emit("softmax.int", scores, -1, None)
    else:
        weights = emit("_safe_softmax", _masked(emit, scores, mask), -1, None)
    return emit("matrix_product", weights, v)


def _masked(emit: Emitter, scores: Any, mask: Any) -> Any:
    if mask is None:
        return scores
    if emit.type(mask).element == bool_:
        return emit("where.ScalarOther", mask, scores, -math.inf)
    return emit("add.Tensor", scores, mask, 1)


_QKV = (f32(2, 3, 5, 8), f32(2, 3, 7, 8), f32(2, 3, 7, 4))

scaled_dot_product_attention = op(
    "aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? "
    "attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, bool "
    "enable_gqa=False) -> Tensor",
    reference=_reference,
    infer=_infer,
    lower=Decompose(_decompose),
    samples=(
        (*_QKV, None, 0.0, False, None, False),
        (*_QKV, boolean(5, 7), 0.0, False, None, False),
        (*_QKV, f32(2, 1, 5, 7), 0.0, False, 0.3, False),
        (f32(2, 4, 8), f32(2, 4, 8), f32(2, 4, 8), None, 0.0, True, None, False),
        (f32(3, 1), f32(5, 1), f32(5, 2), None, 0.0, False, None, False),
        (f64(2, 4, 3, 8), f64(2, 2, 3, 8), f64(2, 2, 3, 8), None, 0.0, False, None, True),
    ),
    kinds="f",
    draws=lambda *args: args[4] != 0,
)
