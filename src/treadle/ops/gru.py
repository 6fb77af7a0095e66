"""Gated recurrent units, and single steps of recurrent cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter, Recurrence
from treadle.ops.lstm import emit_lstm_step, lstm_step
from treadle.ops.recurrent import (
    TOLERANCE,
    infer_network,
    project_inputs,
    run_layers,
    split_parameters,
    type_of,
    weight_samples,
)
from treadle.ops.samples import f32, f64
from treadle.ops.scalar_math import NUMPY
from treadle.ops.shapes import expect_rank, tensor

Array = np.ndarray[Any, Any]


# --- gated recurrent units ----------------------------------------------------------------------


def _gru_step(gates_x: Array, gates_h: Array, h: Array) -> Array:
    """The new h from the two sums of gates r, z, n; r scales the recurrent part of n only."""
    (xr, xz, xn), (hr, hz, hn) = (np.split(g, 3, axis=-1) for g in (gates_x, gates_h))
    z = NUMPY.sigmoid(xz + hz)
    return np.asarray((1 - z) * np.tanh(xn + NUMPY.sigmoid(xr + hr) * hn) + z * h)


def _gru_over(x: Array, states: list[Array], weights: Any, reverse: bool) -> tuple[Any, ...]:
    (h,), steps = states, range(x.shape[0])
    outputs = np.empty((*x.shape[:2], h.shape[1]), x.dtype)
    for t in reversed(steps) if reverse else steps:
        (h,) = unit_step(x[t], [h], weights)
        outputs[t] = h
    return outputs, h


def unit_step(x: Array, states: Sequence[Array], weights: Any) -> tuple[Array]:
    """The new h of one step."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    (h,) = states
    return (_gru_step(project_inputs(x, w_ih, b_ih), project_inputs(h, w_hh, b_hh), h),)


def _infer_gru(
    x: TensorType, hx: TensorType, params: Sequence[TensorType], *rest: Any
) -> tuple[TensorType, ...]:
    return infer_network("gru", x, [hx], params, 3, *rest)


def _gru(
    x: Array,
    hx: Array,
    params: Sequence[Array],
    biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Array, ...]:
    rest = (biases, layers, dropout, train, bidirectional, batch_first)
    _infer_gru(type_of(x), type_of(hx), [type_of(p) for p in params], *rest)
    directions = 2 if bidirectional else 1
    weights = split_parameters("gru", params, biases, layers, directions)
    return run_layers(x, [hx], weights, directions, batch_first, _gru_over)


def _decompose_gru(
    emit: Emitter,
    x: Any,
    hx: Any,
    params: Sequence[Any],
    biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Any, Any]:
    """Per layer and direction: all inputs projected by one product, then step after step."""
    directions = 2 if bidirectional else 1
    rest = (biases, layers, dropout, train, bidirectional, batch_first)
    _infer_gru(emit.type(x), emit.type(hx), [emit.type(p) for p in params], *rest)
    weights = split_parameters("gru", params, biases, layers, directions)
    x = emit("transpose.int", x, 0, 1) if batch_first else x
    finals: list[Any] = []
    for first in range(0, len(weights), directions):
        outputs = []
        for i in range(first, first + directions):
            y, h = _unit_layer(emit, x, emit("select.int", hx, 0, i), weights[i], i > first)
            outputs.append(y)
            finals.append(h)
        x = emit("cat", outputs, -1) if directions > 1 else outputs[0]
    x = emit("contiguous", emit("transpose.int", x, 0, 1), 0) if batch_first else x
    return x, emit("stack", finals, 0)


def _unit_layer(
    emit: Emitter, x: Any, h: Any, weights: tuple[Any, ...], reverse: bool
) -> tuple[Any, Any]:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    projected = emit("linear", x, w_ih, b_ih)
    y, final = emit(gru_layer, projected, h, w_hh, b_hh, reverse)
    return y, final


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
        h = _gru_step(gates[t], project_inputs(h, w_hh, b_hh), h).astype(h.dtype)
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


def _emit_step(emit: Emitter, gates_x: Any, gates_h: Any, h: Any) -> Any:
    """`_gru_step` as operators."""
    xr, xz, xn = emit("chunk", gates_x, 3, -1)
    hr, hz, hn = emit("chunk", gates_h, 3, -1)
    r = emit("sigmoid", emit("add.Tensor", xr, hr, 1))
    z = emit("sigmoid", emit("add.Tensor", xz, hz, 1))
    n = emit("tanh", emit("add.Tensor", xn, emit("mul.Tensor", r, hn), 1))
    return emit("add.Tensor", n, emit("mul.Tensor", z, emit("sub.Tensor", h, n, 1)), 1)


gru = op(
    "aten::gru.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int "
    "num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> "
    "(Tensor, Tensor)",
    reference=_gru,
    infer=_infer_gru,
    lower=Decompose(_decompose_gru),
    tolerance=TOLERANCE,
    samples=(
        (
            f32(5, 2, 3),
            f32(1, 2, 4),
            weight_samples(3, 4, 1, 1, True, 3),
            True,
            1,
            0.0,
            False,
            False,
            False,
        ),
        (
            f32(2, 3, 6),
            f32(4, 2, 5),
            weight_samples(6, 5, 2, 2, False, 3),
            False,
            2,
            0.0,
            False,
            True,
            True,
        ),
    ),
    kinds="bfc",
)


# --- one step -----------------------------------------------------------------------------------


def check_cell(
    name: str, x: Any, h: Any, w_ih: Any, w_hh: Any, biases: Sequence[Any], gates: int
) -> None:
    """Check that input, state and weights of one step fit each other.

    Raises:
        ShapeError: if not.
    """
    same_dtype(name, x, h, w_ih, w_hh, *biases)
    fits = all(len(t.shape) == 2 for t in (x, h, w_ih, w_hh))
    if fits:
        (batch, features), hidden = x.shape, w_hh.shape[1]
        expected = ((batch, hidden), (gates * hidden, features), (gates * hidden, hidden))
        fits = (tuple(h.shape), tuple(w_ih.shape), tuple(w_hh.shape)) == expected and all(
            b is None or tuple(b.shape) == (gates * hidden,) for b in biases
        )
    if not fits:
        raise ShapeError(
            f"{name}: input {list(x.shape)}, state {list(h.shape)} and weights"
            f" {list(w_ih.shape)}, {list(w_hh.shape)} do not fit each other"
        )


def _two_states(hx: Sequence[Any]) -> tuple[Any, Any]:
    if len(hx) != 2 or tuple(hx[0].shape) != tuple(hx[1].shape):
        raise ShapeError(f"lstm_cell: hx must hold h and c of one shape, got {len(hx)} tensors")
    return hx[0], hx[1]


def _sum_gates(
    x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any
) -> tuple[Array, Array]:
    return (
        project_inputs(x, w_ih, b_ih),
        project_inputs(h, w_hh, b_hh),
    )


def _lstm_cell(
    x: Array, hx: Sequence[Array], w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any
) -> tuple[Array, Array]:
    h, c = _two_states(hx)
    check_cell("lstm_cell", x, h, w_ih, w_hh, (b_ih, b_hh), 4)
    gates_x, gates_h = _sum_gates(x, h, w_ih, w_hh, b_ih, b_hh)
    return lstm_step(gates_x + gates_h, c)


def _infer_lstm_cell(
    x: TensorType, hx: Sequence[TensorType], w_ih: TensorType, w_hh: TensorType, *biases: Any
) -> tuple[TensorType, TensorType]:
    h, c = _two_states(hx)
    check_cell("lstm_cell", x, h, w_ih, w_hh, biases, 4)
    return h, c


def _decompose_lstm_cell(
    emit: Emitter, x: Any, hx: Sequence[Any], w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any
) -> tuple[Any, Any]:
    gates = emit("add.Tensor", emit("linear", x, w_ih, b_ih), emit("linear", hx[0], w_hh, b_hh), 1)
    return emit_lstm_step(emit, gates, hx[1])


def _gru_cell(x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any) -> Array:
    check_cell("gru_cell", x, h, w_ih, w_hh, (b_ih, b_hh), 3)
    return _gru_step(*_sum_gates(x, h, w_ih, w_hh, b_ih, b_hh), h)


def _infer_gru_cell(
    x: TensorType, h: TensorType, w_ih: TensorType, w_hh: TensorType, *biases: Any
) -> TensorType:
    check_cell("gru_cell", x, h, w_ih, w_hh, biases, 3)
    return h


def _decompose_gru_cell(
    emit: Emitter, x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any
) -> Any:
    gates_x, gates_h = emit("linear", x, w_ih, b_ih), emit("linear", h, w_hh, b_hh)
    return _emit_step(emit, gates_x, gates_h, h)


lstm_cell = op(
    "aten::lstm_cell(Tensor input, Tensor[] hx, Tensor w_ih, Tensor w_hh, Tensor? "
    "b_ih=None, Tensor? b_hh=None) -> (Tensor, Tensor)",
    reference=_lstm_cell,
    infer=_infer_lstm_cell,
    lower=Decompose(_decompose_lstm_cell),
    tolerance=TOLERANCE,
    samples=(
        (f32(2, 3), [f32(2, 4), f32(2, 4)], f32(16, 3), f32(16, 4), f32(16), f32(16)),
        (f32(1, 3), [f32(1, 4), f32(1, 4)], f32(16, 3), f32(16, 4), None, None),
    ),
    kinds="bfc",
)
gru_cell = op(
    "aten::gru_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, "
    "Tensor? b_hh=None) -> Tensor",
    reference=_gru_cell,
    infer=_infer_gru_cell,
    lower=Decompose(_decompose_gru_cell),
    tolerance=TOLERANCE,
    samples=(
        (f32(2, 3), f32(2, 4), f32(12, 3), f32(12, 4), f32(12), f32(12)),
        (f32(1, 3), f32(1, 4), f32(12, 3), f32(12, 4), None, None),
    ),
    kinds="bfc",
)
