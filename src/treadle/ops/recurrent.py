"""Recurrent networks of several layers and directions, whatever their cells are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.op import Tolerance
from treadle.ir.types import TensorType
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
TOLERANCE = Tolerance(1e-5, 1e-5, "errors grow over the steps")


def split_parameters(
    name: str, params: Sequence[Any], biases: bool, layers: int, directions: int
) -> list[tuple[Any, ...]]:
    """Of each layer and direction: w_ih, w_hh, both biases or None, the projection w_hr or None.

    Raises:
        ShapeError: if their number is wrong.
    """
    each, count = 4 if biases else 2, layers * directions
    projected = len(params) == (each + 1) * count
    if len(params) != (each + projected) * count:
        raise ShapeError(f"{name}: {len(params)} parameters for {count} layers of {each}")
    each += projected
    result = []
    for i in range(0, each * count, each):
        w_ih, w_hh, *rest = params[i : i + each]
        b_ih, b_hh = rest[:2] if biases else (None, None)
        result.append((w_ih, w_hh, b_ih, b_hh, rest[-1] if projected else None))
    return result


def _check_call(name: str, x: Any, states: Sequence[Any], dropout: float, train: bool) -> None:
    if len(x.shape) != 3:
        raise ShapeError(f"{name}: input must have 3 dims, got {list(x.shape)}")
    if any(len(s.shape) != 3 for s in states):
        raise ShapeError(f"{name}: states must have 3 dims [layers * directions, batch, hidden]")
    if train and dropout:
        raise UnsupportedError(f"{name} with dropout in training mode")


def infer_network(
    name: str,
    x: TensorType,
    states: Sequence[TensorType],
    params: Sequence[TensorType],
    gates: int,
    biases: bool,
    layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[TensorType, ...]:
    """The types of the outputs and of the final states."""
    _check_call(name, x, states, dropout, train)
    directions = 2 if bidirectional else 1
    weights = split_parameters(name, params, biases, layers, directions)
    batch = x.sizes[0 if batch_first else 1]
    check_network(name, x.sizes[2], batch, states, weights, directions, gates)
    output = tensor(x.element, (*x.sizes[:2], states[0].sizes[2] * directions))
    return output, *(tensor(s.element, s.sizes) for s in states)


def check_network(
    name: str,
    features: int,
    batch: int,
    states: Sequence[TensorType],
    weights: list[tuple[Any, ...]],
    directions: int,
    gates: int,
) -> None:
    """Check that states and weights fit each other and `features` inputs.

    Raises:
        ShapeError: if they do not.
    """
    hidden, cells = states[0].sizes[-1], states[-1].sizes[-1]
    for state, size in zip(states, (hidden, cells), strict=False):
        if state.sizes != (len(weights), batch, size):
            raise ShapeError(f"{name}: states must be {[len(weights), batch, hidden]}, got {state}")
    for i, (w_ih, w_hh, b_ih, b_hh, w_hr) in enumerate(weights):
        if i >= directions:
            features = hidden * directions
        rows = gates * cells
        wanted = [
            (w_ih, (rows, features)), (w_hh, (rows, hidden)), (b_ih, (rows,)), (b_hh, (rows,)),
            (w_hr, (hidden, cells)),
        ]  # fmt: skip
        if any(w is not None and w.sizes != size for w, size in wanted) or (
            w_hr is None and hidden != cells
        ):
            raise ShapeError(
                f"{name}: weights {w_ih} and {w_hh} of layer {i // directions} do not"
                f" fit {features} features and {hidden} hidden units"
            )
        if w_hr is not None and len(states) == 1:
            raise ShapeError(f"{name}: a projection, which only an lstm has")


Layer = Callable[..., tuple[Any, ...]]


def run_layers(
    x: Array,
    states: Sequence[Array],
    weights: list[tuple[Any, ...]],
    directions: int,
    batch_first: bool,
    layer: Layer,
) -> tuple[Array, ...]:
    """The layers one after another; `layer` gets input, states, weights and whether reversed."""
    x = np.swapaxes(x, 0, 1) if batch_first else x
    finals: list[tuple[Any, ...]] = []
    for first in range(0, len(weights), directions):
        outputs = []
        for d in range(directions):
            i = first + d
            y, *final = layer(x, [s[i] for s in states], weights[i], d == 1)
            outputs.append(y)
            finals.append(tuple(final))
        x = np.concatenate(outputs, axis=-1)
    x = np.ascontiguousarray(np.swapaxes(x, 0, 1)) if batch_first else x
    return x, *(np.stack(group) for group in zip(*finals, strict=True))


def project_inputs(x: Array, w_ih: Array, bias: Array | None) -> Array:
    """The gates that come from `x`: its product with the weights, plus the bias."""
    y = x @ w_ih.T
    return np.asarray(y if bias is None else y + bias)


def type_of(x: Any) -> TensorType:
    """The type of an array."""
    return tensor(dtype_of(x), x.shape)


def weight_samples(
    inputs: int, hidden: int, layers: int, directions: int, bias: bool, gates: int
) -> list[Any]:
    """Samples of the parameters of a network."""
    result = []
    for i in range(layers * directions):
        features = inputs if i < directions else hidden * directions
        result += [f32(gates * hidden, features), f32(gates * hidden, hidden)]
        result += [f32(gates * hidden)] * (2 if bias else 0)
    return result
