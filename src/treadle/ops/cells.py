"""Single steps of recurrent cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import op
from treadle.ops.gru import emit_gru_step, gru_step
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.lstm import emit_lstm_step, lstm_step
from treadle.ops.plain_rnn import ACTIVATIONS, plain_step
from treadle.ops.recurrent import TOLERANCE, project_inputs
from treadle.ops.samples import f32

Array = np.ndarray[Any, Any]


def _check_cell(
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
    _check_cell("lstm_cell", x, h, w_ih, w_hh, (b_ih, b_hh), 4)
    gates_x, gates_h = _sum_gates(x, h, w_ih, w_hh, b_ih, b_hh)
    return lstm_step(gates_x + gates_h, c)


def _infer_lstm_cell(
    x: TensorType, hx: Sequence[TensorType], w_ih: TensorType, w_hh: TensorType, *biases: Any
) -> tuple[TensorType, TensorType]:
    h, c = _two_states(hx)
    _check_cell("lstm_cell", x, h, w_ih, w_hh, biases, 4)
    return h, c


def _decompose_lstm_cell(
    emit: Emitter, x: Any, hx: Sequence[Any], w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any
) -> tuple[Any, Any]:
    gates = emit("add.Tensor", emit("linear", x, w_ih, b_ih), emit("linear", hx[0], w_hh, b_hh), 1)
    return emit_lstm_step(emit, gates, hx[1])


def _gru_cell(x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any) -> Array:
    _check_cell("gru_cell", x, h, w_ih, w_hh, (b_ih, b_hh), 3)
    return gru_step(*_sum_gates(x, h, w_ih, w_hh, b_ih, b_hh), h)


def _infer_gru_cell(
    x: TensorType, h: TensorType, w_ih: TensorType, w_hh: TensorType, *biases: Any
) -> TensorType:
    _check_cell("gru_cell", x, h, w_ih, w_hh, biases, 3)
    return h


def _decompose_gru_cell(
    emit: Emitter, x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any
) -> Any:
    gates_x, gates_h = emit("linear", x, w_ih, b_ih), emit("linear", h, w_hh, b_hh)
    return emit_gru_step(emit, gates_x, gates_h, h)


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
    kinds="fc",
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
    kinds="fc",
)


def _define_cell(base: str, name: str, activation: Any) -> None:
    """One step."""

    def reference(x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any) -> Array:
        _check_cell(f"{base}_cell", x, h, w_ih, w_hh, (b_ih, b_hh), 1)
        return plain_step(activation, x, h, w_ih, w_hh, b_ih, b_hh)

    def infer(
        x: TensorType, h: TensorType, w_ih: TensorType, w_hh: TensorType, *biases: Any
    ) -> TensorType:
        _check_cell(f"{base}_cell", x, h, w_ih, w_hh, biases, 1)
        return h

    def build(emit: Emitter, x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
        sums = emit("linear", x, w_ih, b_ih), emit("linear", h, w_hh, b_hh)
        return emit(name, emit("add.Tensor", *sums, 1))

    op(
        f"aten::{base}_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, "
        "Tensor? b_hh=None) -> Tensor",
        reference=reference,
        infer=infer,
        lower=Decompose(build),
        tolerance=TOLERANCE,
        samples=((f32(2, 3), f32(2, 4), f32(4, 3), f32(4, 4), f32(4), f32(4)),),
        kinds="if" if name == "relu" else "fc",
    )


for _name, _activation in ACTIVATIONS.items():
    _define_cell(f"rnn_{_name}", _name, _activation)
