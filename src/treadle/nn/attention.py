"""Attention of several heads with the projections before and after it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.eager.table import FUNCTIONS
from treadle.errors import ShapeError
from treadle.tensor import Tensor


def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention over [time, batch, features], or [time, features], and its weights if wanted.

    Raises:
        ShapeError: if the features do not divide among the heads.
    """
    batched = query.ndim == 3
    if not batched:
        query, key, value = (t.unsqueeze(1) for t in (query, key, value))
    _check_features(query.shape[-1], num_heads, embed_dim_to_check)
    weights = (q_proj_weight, k_proj_weight, v_proj_weight)
    if not use_separate_proj_weight:
        weights = in_proj_weight.chunk(3)
    q, k, v = _projected((query, key, value), weights, in_proj_bias)
    q = _heads(q, num_heads)
    given = (bias_k, bias_v), (static_k, static_v)
    k, v = _extended(k, v, num_heads, *given, add_zero_attn)
    mask = _joined_mask(attn_mask, key_padding_mask, q.dtype, num_heads, batched)
    mixed, shares = _attended(q, k, v, mask, dropout_p if training else 0.0)
    y = FUNCTIONS["linear"](mixed.flatten(2), out_proj_weight, out_proj_bias)
    told = (shares.mean(1) if average_attn_weights else shares) if need_weights else None
    if not batched:
        y, told = y.squeeze(1), None if told is None else told.squeeze(0)
    return y, told


def _check_features(features: int, heads: int, wanted: int) -> None:
    if features != wanted or features % heads:
        raise ShapeError(
            f"multi_head_attention_forward: {features} features for {heads} heads of {wanted} in"
            " all"
        )


def _projected(inputs: Any, weights: Any, bias: Any) -> list[Any]:
    """Queries, keys and values; `bias` is that of all three."""
    biases = (None,) * 3 if bias is None else bias.chunk(3)
    return [*map(FUNCTIONS["linear"], inputs, weights, biases)]


def _extended(
    k: Any, v: Any, heads: int, added: tuple[Any, Any], fixed: tuple[Any, Any], adds_zero: bool
) -> tuple[Any, Any]:
    """Keys and values of each head: with those `added` to them, or `fixed` ones instead."""
    if added[0] is not None and added[1] is not None:
        k, v = (
            _longer(t, more.expand(1, t.shape[1], -1), 0)
            for t, more in ((k, added[0]), (v, added[1]))
        )
    k, v = (
        _heads(t, heads) if given is None else given.reshape(-1, heads, *given.shape[1:])
        for t, given in ((k, fixed[0]), (v, fixed[1]))
    )
    if adds_zero:
        k, v = (_longer(t, FUNCTIONS["zeros_like"](t[:, :, :1]), 2) for t in (k, v))
    return k, v


def _attended(q: Any, k: Any, v: Any, mask: Any, dropped: float) -> tuple[Any, Any]:
    """The values mixed, [time, batch, head, features of a head], and the shares of each."""
    scores = (q / math.sqrt(q.shape[-1])) @ k.transpose(-2, -1)
    if mask is not None:
        scores = scores + _open_to(mask, k.shape[2])
    shares = FUNCTIONS["dropout"](FUNCTIONS["softmax"](scores, -1), dropped, dropped > 0)
    return (shares @ v).permute(2, 0, 1, 3), shares


def _longer(x: Any, more: Any, dim: int) -> Any:
    return FUNCTIONS["cat"]([x, more], dim)


def _open_to(mask: Any, keys: int) -> Any:
    """`mask` with zeros for the keys that were added behind those it speaks of."""
    return FUNCTIONS["pad"](mask, [0, keys - mask.shape[-1]])


def _heads(x: Any, count: int) -> Any:
    """[time, batch, features] as [batch, head, time, features of a head]."""
    time, batch, features = x.shape
    return x.reshape(time, batch, count, features // count).permute(1, 2, 0, 3)


def _joined_mask(mask: Any, padding: Any, dtype: Any, heads: int, batched: bool) -> Any:
    """Both masks as one to add to scores [batch, head, query, key]; None if there are none."""
    if padding is not None:
        padding = _added(padding, dtype)
        padding = padding if batched else padding.unsqueeze(0)
        padding = padding.unsqueeze(1).unsqueeze(1)
    if mask is not None:
        mask = _added(mask, dtype)
        if mask.ndim == 3:
            mask = mask.reshape(-1, heads, *mask.shape[1:])
    if mask is None or padding is None:
        return padding if mask is None else mask
    return mask + padding


def _added(mask: Any, dtype: Any) -> Any:
    """A mask of bools, true where nothing is seen, as numbers to add."""
    if mask.dtype.is_floating_point:
        return mask
    hidden = np.where(np.asarray(mask), -np.inf, 0.0).astype(np.float32)
    return Tensor(hidden).to(dtype)
