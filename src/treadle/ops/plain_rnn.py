"""Plain recurrent networks, whose state is tanh or relu of one sum."""

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
from treadle.ops.shapes import expect_rank

Array = np.ndarray[Any, Any]


ACTIVATIONS: dict[str, Any] = {"tanh": np.tanh, "relu": lambda x: np.maximum(x, 0)}


def plain_step(activation: Any, x: Array, h: Array, *weights: Any) -> Array:
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

    def step(x: Array, states: Sequence[Array], weights: Weights) -> tuple[Array]:
        return (plain_step(activation, x, *states, *weights[:4]),)

    def emit_layer(
        emit: Emitter, x: Any, states: Sequence[Any], weights: Weights, reverse: bool
    ) -> tuple[Any, ...]:
        """All inputs projected by one product, then step after step."""
        w_ih, w_hh, b_ih, b_hh, _ = weights
        total = b_ih if b_ih is None else emit("add.Tensor", b_ih, b_hh, 1)
        gates = emit("linear", x, w_ih, total)
        return tuple(emit(f"{base}_layer", gates, *states, w_hh, reverse))

    define_network(
        f"aten::{base}.input(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int "
        "num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> "
        "(Tensor, Tensor)",
        1,
        over_time(step),
        emit_layer,
        (
            (f32(5, 2, 3), f32(1, 2, 4), weight_samples(3, 4, 1, 1, True, 1), True, 1, 0.0, False,
             False, False),
            (f32(2, 3, 6), f32(4, 2, 5), weight_samples(6, 5, 2, 2, False, 1), False, 2, 0.0,
             False, True, True),
        ),
        kinds="if" if base == "rnn_relu" else "fc",
    )  # fmt: skip


for _name, _activation in ACTIVATIONS.items():
    _define_layer(f"rnn_{_name}", _activation)
    _define_network(f"rnn_{_name}", _activation)
