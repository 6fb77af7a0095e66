"""Gated recurrent units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import op
from treadle.ops.lowering import Emitter, Recurrence
from treadle.ops.recurrent import (
    TOLERANCE,
    Weights,
    define_network,
    over_time,
    project_inputs,
    type_of,
    weight_samples,
)
from treadle.ops.samples import f32, f64
from treadle.ops.scalar_math import NUMPY
from treadle.ops.shapes import expect_rank, tensor

Array = np.ndarray[Any, Any]


def gru_step(gates_x: Array, gates_h: Array, h: Array) -> Array:
    """The new h from the two sums of gates r, z, n; r scales the recurrent part of n only."""
    (xr, xz, xn), (hr, hz, hn) = (np.split(g, 3, axis=-1) for g in (gates_x, gates_h))
    z = NUMPY.sigmoid(xz + hz)
    return np.asarray((1 - z) * np.tanh(xn + NUMPY.sigmoid(xr + hr) * hn) + z * h)


def emit_gru_step(emit: Emitter, gates_x: Any, gates_h: Any, h: Any) -> Any:
    """`gru_step` as operators."""
    xr, xz, xn = emit("chunk", gates_x, 3, -1)
    hr, hz, hn = emit("chunk", gates_h, 3, -1)
    r = emit("sigmoid", emit("add.Tensor", xr, hr, 1))
    z = emit("sigmoid", emit("add.Tensor", xz, hz, 1))
    n = emit("tanh", emit("add.Tensor", xn, emit("mul.Tensor", r, hn), 1))
    return emit("add.Tensor", n, emit("mul.Tensor", z, emit("sub.Tensor", h, n, 1)), 1)


# --- one layer and direction --------------------------------------------------------------------


def _infer_layer(
    gates: TensorType, h0: TensorType, w_hh: TensorType, b_hh: TensorType | None, reverse: bool
) -> tuple[TensorType, TensorType]:
    expect_rank("gru_layer", "projections", gates, 3)
    hidden = w_hh.sizes[-1]
    same_dtype("gru_layer", gates, h0, w_hh, b_hh)
    given = (h0.sizes, w_hh.sizes, gates.sizes[1:], b_hh.sizes if b_hh else (3 * hidden,))
    batch = gates.sizes[1]
    if given != ((batch, hidden), (3 * hidden, hidden), (batch, 3 * hidden), (3 * hidden,)):
        raise ShapeError(f"gru_layer: projections {gates}, state {h0} and weight {w_hh} do not fit")
    return tensor(gates.element, (*gates.sizes[:2], hidden)), h0


def _gru_layer(gates: Array, h: Array, w_hh: Array, b_hh: Any, reverse: bool) -> tuple[Any, ...]:
    bias = None if b_hh is None else type_of(b_hh)
    _infer_layer(type_of(gates), type_of(h), type_of(w_hh), bias, reverse)
    outputs, times = np.empty((*gates.shape[:2], h.shape[1]), h.dtype), range(gates.shape[0])
    for t in reversed(times) if reverse else times:
        h = gru_step(gates[t], project_inputs(h, w_hh, b_hh), h).astype(h.dtype)
        outputs[t] = h
    return outputs, h


gru_layer = op(
    "treadle::gru_layer(Tensor projections, Tensor h0, Tensor w_hh, Tensor? b_hh, bool reverse)"
    " -> (Tensor, Tensor)",
    reference=_gru_layer,
    infer=_infer_layer,
    lower=Recurrence("gru"),
    tolerance=TOLERANCE,
    samples=(
        (f32(5, 2, 9), f32(2, 3), f32(9, 3), f32(9), False),
        (f32(4, 1, 24), f32(1, 8), f32(24, 8), None, True),
        (f64(3, 4, 15), f64(4, 5), f64(15, 5), f64(15), False),
    ),
    doc="One GRU layer in one direction, the inputs already projected to gates.",
)


# --- whole networks -----------------------------------------------------------------------------


def unit_step(x: Array, states: Sequence[Array], weights: Weights) -> tuple[Array]:
    """The new h of one step."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    (h,) = states
    return (gru_step(project_inputs(x, w_ih, b_ih), project_inputs(h, w_hh, b_hh), h),)


def _emit_layer(
    emit: Emitter, x: Any, states: Sequence[Any], weights: Weights, reverse: bool
) -> tuple[Any, ...]:
    """All inputs projected by one product, then step after step."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    return tuple(emit(gru_layer, emit("linear", x, w_ih, b_ih), *states, w_hh, b_hh, reverse))


define_network(
    "aten::gru.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int "
    "num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> "
    "(Tensor, Tensor)",
    3,
    over_time(unit_step),
    _emit_layer,
    (
        (
            f32(5, 2, 3), f32(1, 2, 4), weight_samples(3, 4, 1, 1, True, 3),
            True, 1, 0.0, False, False, False,
        ),
        (
            f32(2, 3, 6), f32(4, 2, 5), weight_samples(6, 5, 2, 2, False, 3),
            False, 2, 0.0, False, True, True,
        ),
    ),
    kinds="fc",
)  # fmt: skip
