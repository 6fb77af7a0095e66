"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import op
from treadle.ops.lowering import Emitter, Recurrence
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.recurrent import (
    TOLERANCE,
    Weights,
    define_network,
    project_inputs,
    type_of,
    weight_samples,
)
from treadle.ops.samples import f32, f64
from treadle.ops.scalar_math import NUMPY
from treadle.ops.shapes import expect_rank, tensor

Array = np.ndarray[Any, Any]


# --- one layer and direction --------------------------------------------------------------------


def _infer_layer(
    projections: TensorType, h0: TensorType, c0: TensorType, w_hh: TensorType, reverse: bool
) -> tuple[TensorType, TensorType, TensorType]:
    same_dtype("lstm_layer", projections, h0, c0, w_hh)
    expect_rank("lstm_layer", "projections", projections, 3)
    expect_rank("lstm_layer", "w_hh", w_hh, 2)
    steps, batch, gates = projections.sizes
    hidden = w_hh.sizes[1]
    if (
        gates != 4 * hidden
        or w_hh.sizes[0] != gates
        or h0.sizes != (batch, hidden)
        or (c0.sizes != h0.sizes)
    ):
        raise ShapeError(f"lstm_layer: {projections}, {h0}, {c0} and {w_hh} do not fit each other")
    state = tensor(h0.element, h0.sizes)
    return tensor(h0.element, (steps, batch, hidden)), state, state


def lstm_step(gates: Array, c: Array) -> tuple[Array, Array]:
    """The new h and c from the sums of gates i, f, g, o and the old c."""
    i, f, g, o = np.split(gates, 4, axis=-1)
    c = NUMPY.sigmoid(f) * c + NUMPY.sigmoid(i) * np.tanh(g)
    return NUMPY.sigmoid(o) * np.tanh(c), c


def _lstm_layer(
    projections: Array, h0: Array, c0: Array, w_hh: Array, reverse: bool
) -> tuple[Array, Array, Array]:
    _infer_layer(type_of(projections), type_of(h0), type_of(c0), type_of(w_hh), reverse)
    return _lstm_steps(projections, h0, c0, w_hh, None, reverse)


def _lstm_steps(
    projections: Array, h0: Array, c0: Array, w_hh: Array, w_hr: Array | None, reverse: bool
) -> tuple[Array, Array, Array]:
    """All steps of a layer; with `w_hr`, outputs are projected before they go back in."""
    wide = accumulation(dtype_of(h0)).numpy
    h, c, w = h0.astype(wide), c0.astype(wide), w_hh.astype(wide)
    projection = None if w_hr is None else w_hr.astype(wide)
    outputs = np.empty((*projections.shape[:2], h.shape[1]), h0.dtype)
    steps = range(projections.shape[0])
    for t in reversed(steps) if reverse else steps:
        h, c = lstm_step(projections[t].astype(wide) + h @ w.T, c)
        h = h if projection is None else h @ projection.T
        outputs[t] = h
    return outputs, h.astype(h0.dtype), c.astype(h0.dtype)


lstm_layer = op(
    "treadle::lstm_layer(Tensor projections, Tensor h0, Tensor c0, Tensor w_hh, bool reverse)"
    " -> (Tensor, Tensor, Tensor)",
    reference=_lstm_layer,
    infer=_infer_layer,
    lower=Recurrence("lstm"),
    tolerance=TOLERANCE,
    samples=(
        (f32(5, 2, 12), f32(2, 3), f32(2, 3), f32(12, 3), False),
        (f32(4, 1, 32), f32(1, 8), f32(1, 8), f32(32, 8), True),
        (f64(3, 4, 20), f64(4, 5), f64(4, 5), f64(20, 5), False),
    ),
    doc="One LSTM layer in one direction, the inputs already projected to gates.",
)


def _infer_projected(
    projections: TensorType, h0: TensorType, c0: TensorType, w_hh: TensorType, w_hr: TensorType,
    reverse: bool,
) -> tuple[TensorType, TensorType, TensorType]:  # fmt: skip
    same_dtype("lstm_projected_layer", projections, h0, c0, w_hh, w_hr)
    expect_rank("lstm_projected_layer", "projections", projections, 3)
    expect_rank("lstm_projected_layer", "w_hr", w_hr, 2)
    steps, batch, gates = projections.sizes
    projected, hidden = w_hr.sizes
    given = (gates, w_hh.sizes, h0.sizes, c0.sizes)
    if given != (4 * hidden, (gates, projected), (batch, projected), (batch, hidden)):
        raise ShapeError(
            f"lstm_projected_layer: {projections}, {h0}, {c0}, {w_hh} and {w_hr} do not fit"
        )
    return tensor(h0.element, (steps, batch, projected)), h0, c0


def _projected_layer(
    projections: Array, h0: Array, c0: Array, w_hh: Array, w_hr: Array, reverse: bool
) -> tuple[Array, Array, Array]:
    given = type_of(projections), type_of(h0), type_of(c0), type_of(w_hh), type_of(w_hr)
    _infer_projected(*given, reverse)
    return _lstm_steps(projections, h0, c0, w_hh, w_hr, reverse)


lstm_projected_layer = op(
    "treadle::lstm_projected_layer(Tensor projections, Tensor h0, Tensor c0, Tensor w_hh, Tensor "
    "w_hr, bool reverse) -> (Tensor, Tensor, Tensor)",
    reference=_projected_layer,
    infer=_infer_projected,
    lower=Recurrence("lstm_projected"),
    tolerance=TOLERANCE,
    samples=(
        (f32(5, 2, 12), f32(2, 2), f32(2, 3), f32(12, 2), f32(2, 3), False),
        (f32(4, 1, 72), f32(1, 17), f32(1, 18), f32(72, 17), f32(17, 18), True),
        (f64(3, 4, 20), f64(4, 1), f64(4, 5), f64(20, 1), f64(1, 5), False),
    ),
    doc="One LSTM layer in one direction, whose outputs are projected to fewer elements.",
)


# --- whole networks -----------------------------------------------------------------------------


def cell_step(x: Array, states: Sequence[Array], weights: Weights) -> tuple[Array, Array]:
    """The new h and c of one step; h is projected if there is a w_hr."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    h, c = states
    h, c = lstm_step(project_inputs(x, w_ih, b_ih) + project_inputs(h, w_hh, b_hh), c)
    return (h if w_hr is None else h @ w_hr.T), c


def emit_lstm_step(emit: Emitter, gates: Any, c: Any) -> tuple[Any, Any]:
    """`lstm_step` as operators."""
    i, f, g, o = emit("chunk", gates, 4, -1)
    kept = emit("mul.Tensor", emit("sigmoid", f), c)
    c = emit("add.Tensor", kept, emit("mul.Tensor", emit("sigmoid", i), emit("tanh", g)), 1)
    return emit("mul.Tensor", emit("sigmoid", o), emit("tanh", c)), c


def _over(x: Array, states: list[Array], weights: Weights, reverse: bool) -> tuple[Array, ...]:
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    h, c = states
    gates = project_inputs(x, w_ih, None if b_ih is None else b_ih + b_hh)
    return _lstm_steps(gates, h, c, w_hh, w_hr, reverse)


def _emit_layer(
    emit: Emitter, x: Any, states: Sequence[Any], weights: Weights, reverse: bool
) -> tuple[Any, ...]:
    """All inputs projected by one product, then step after step."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    total = None if b_ih is None else emit("add.Tensor", b_ih, b_hh, 1)
    return emit_recurrence(emit, emit("linear", x, w_ih, total), states, w_hh, w_hr, reverse)


def emit_recurrence(
    emit: Emitter, gates: Any, states: Sequence[Any], w_hh: Any, w_hr: Any, reverse: bool
) -> tuple[Any, ...]:
    """The layer whose inputs are projected to `gates`; with `w_hr`, of projected outputs."""
    if w_hr is None:
        return tuple(emit(lstm_layer, gates, *states, w_hh, reverse))
    return tuple(emit(lstm_projected_layer, gates, *states, w_hh, w_hr, reverse))


define_network(
    "aten::lstm.input(Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, int "
    "num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> "
    "(Tensor, Tensor, Tensor)",
    4,
    _over,
    _emit_layer,
    (
        (
            f32(5, 2, 3), [f32(1, 2, 4)] * 2, weight_samples(3, 4, 1, 1, True, 4),
            True, 1, 0.0, False, False, False,
        ),
        (
            f32(2, 3, 6), [f32(4, 2, 5)] * 2, weight_samples(6, 5, 2, 2, True, 4),
            True, 2, 0.0, False, True, True,
        ),
        (
            f32(1, 1, 1), [f32(1, 1, 1)] * 2, weight_samples(1, 1, 1, 1, False, 4),
            False, 1, 0.5, True, False, False,
        ),
        (
            f32(4, 2, 3), [f32(2, 2, 2), f32(2, 2, 4)],
            [f32(16, 3), f32(16, 2), f32(16), f32(16), f32(2, 4)] * 2,
            True, 1, 0.0, False, True, False,
        ),
    ),
    num_states=2,
    kinds="fc",
)  # fmt: skip
