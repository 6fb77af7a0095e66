"""Plain recurrent networks, whose state is tanh or relu of one sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import op
from treadle.ops.gru import check_cell
from treadle.ops.lowering import Decompose, Emitter, Recurrence
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
from treadle.ops.shapes import expect_rank

Array = np.ndarray[Any, Any]


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _step(activation: Any, x: Array, h: Array, *weights: Any) -> Array:
    """The new state, from an input, the old state and ``w_ih, w_hh, b_ih, b_hh``."""
    w_ih, w_hh, b_ih, b_hh = weights
    total = project_inputs(x, w_ih, b_ih) + project_inputs(h, w_hh, b_hh)
    return np.asarray(activation(total))


def _define_layer(base: str, activation: Any) -> None:
    """One layer in one direction."""
    name = f"{base}_layer"

    def infer(
        gates: TensorType, h0: TensorType, w_hh: TensorType, reverse: bool
    ) -> tuple[TensorType, TensorType]:
        same_dtype(name, gates, h0, w_hh)
        expect_rank(name, "projections", gates, 3)
        hidden = gates.sizes[2]
        if (h0.sizes, w_hh.sizes) != ((gates.sizes[1], hidden), (hidden, hidden)):
            raise ShapeError(f"{name}: {gates}, {h0} and {w_hh} do not fit each other")
        return gates, h0

    def reference(gates: Array, h: Array, w_hh: Array, reverse: bool) -> tuple[Array, Array]:
        infer(type_of(gates), type_of(h), type_of(w_hh), reverse)
        outputs, times = np.empty_like(gates), range(gates.shape[0])
        for t in reversed(times) if reverse else times:
            outputs[t] = h = np.asarray(activation(gates[t] + h @ w_hh.T))
        return outputs, h

    op(
        f"treadle::{name}(Tensor projections, Tensor h0, Tensor w_hh, bool reverse) -> "
        "(Tensor, Tensor)",
        reference=reference,
        infer=infer,
        lower=Recurrence(base),
        tolerance=TOLERANCE,
        samples=(
            (f32(5, 2, 3), f32(2, 3), f32(3, 3), False),
            (f32(4, 1, 17), f32(1, 17), f32(17, 17), True),
            (f64(3, 4, 5), f64(4, 5), f64(5, 5), False),
        ),
        doc="One layer in one direction, the inputs already projected.",
    )


def _define_network(base: str, activation: Any) -> None:
    """Layers one after another, in one direction or both."""

    def infer(x: TensorType, hx: TensorType, params: Any, *rest: Any) -> tuple[TensorType, ...]:
        return infer_network(base, x, [hx], params, 1, *rest)

    def layer(x: Array, states: list[Array], weights: Any, reverse: bool) -> tuple[Any, ...]:
        (h,), times = states, range(x.shape[0])
        outputs = np.empty((*x.shape[:2], h.shape[1]), x.dtype)
        for t in reversed(times) if reverse else times:
            outputs[t] = h = _step(activation, x[t], h, *weights[:4])
        return outputs, h

    def reference(x: Array, hx: Array, params: Sequence[Array], *rest: Any) -> tuple[Array, ...]:
        infer(type_of(x), type_of(hx), [type_of(p) for p in params], *rest)
        biases, layers, _, _, bidirectional, batch_first = rest
        directions = 2 if bidirectional else 1
        weights = split_parameters(base, params, biases, layers, directions)
        return run_layers(x, [hx], weights, directions, batch_first, layer)

    def build(emit: Emitter, x: Any, hx: Any, params: Sequence[Any], *rest: Any) -> Any:
        infer(emit.type(x), emit.type(hx), [emit.type(p) for p in params], *rest)
        return _emit_layers(emit, base, x, hx, params, *rest)

    op(
        f"aten::{base}.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int "
        "num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> "
        "(Tensor, Tensor)",
        reference=reference,
        infer=infer,
        lower=Decompose(build),
        tolerance=TOLERANCE,
        samples=(
            (f32(5, 2, 3), f32(1, 2, 4), weight_samples(3, 4, 1, 1, True, 1), True, 1, 0.0, False,
             False, False),
            (f32(2, 3, 6), f32(4, 2, 5), weight_samples(6, 5, 2, 2, False, 1), False, 2, 0.0,
             False, True, True),
        ),
    )  # fmt: skip


def _emit_layers(
    emit: Emitter, base: str, x: Any, hx: Any, params: Sequence[Any], biases: bool, layers: int,
    dropout: float, train: bool, bidirectional: bool, batch_first: bool,
) -> tuple[Any, Any]:  # fmt: skip
    """Per layer and direction: all inputs projected by one product, then step after step."""
    directions = 2 if bidirectional else 1
    weights = split_parameters(base, params, biases, layers, directions)
    x = emit("transpose.int", x, 0, 1) if batch_first else x
    finals: list[Any] = []
    for first in range(0, len(weights), directions):
        outputs = []
        for i in range(first, first + directions):
            w_ih, w_hh, b_ih, b_hh, _ = weights[i]
            total = b_ih if b_ih is None else emit("add.Tensor", b_ih, b_hh, 1)
            gates, h0 = emit("linear", x, w_ih, total), emit("select.int", hx, 0, i)
            y, h = emit(f"{base}_layer", gates, h0, w_hh, i > first)
            outputs.append(y)
            finals.append(h)
        x = emit("cat", outputs, -1) if directions > 1 else outputs[0]
    x = emit("contiguous", emit("transpose.int", x, 0, 1), 0) if batch_first else x
    return x, emit("stack", finals, 0)


def _define_cell(base: str, name: str, activation: Any) -> None:
    """One step."""

    def reference(x: Array, h: Array, w_ih: Array, w_hh: Array, b_ih: Any, b_hh: Any) -> Array:
        check_cell(f"{base}_cell", x, h, w_ih, w_hh, (b_ih, b_hh), 1)
        return _step(activation, x, h, w_ih, w_hh, b_ih, b_hh)

    def infer(
        x: TensorType, h: TensorType, w_ih: TensorType, w_hh: TensorType, *biases: Any
    ) -> TensorType:
        check_cell(f"{base}_cell", x, h, w_ih, w_hh, biases, 1)
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
    )


for _name, _activation in (("tanh", np.tanh), ("relu", _relu)):
    _define_layer(f"rnn_{_name}", _activation)
    _define_network(f"rnn_{_name}", _activation)
    _define_cell(f"rnn_{_name}", _name, _activation)
