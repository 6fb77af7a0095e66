"""Recurrent networks of several layers and directions, whatever their cells are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.op import Tolerance
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.dropout import dropout
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.promotion import KINDS, dtype_of
from treadle.ops.samples import f32
from treadle.ops.shapes import expect_rank, tensor

Array = np.ndarray[Any, Any]
Weights = tuple[Any, ...]
"""Of one layer and direction: w_ih, w_hh, both biases or None, the projection w_hr or None."""
Layer = Callable[..., tuple[Any, ...]]
"""``layer(x, states, weights, reverse) -> (outputs, *states)``: one layer and direction."""
Step = Callable[[Array, Sequence[Array], Weights], tuple[Array, ...]]
"""``step(x, states, weights)``: the new states, of which the first is the output."""
TOLERANCE = Tolerance(1e-5, 1e-5, "errors grow over the steps")


class Network(NamedTuple):
    """The arguments behind the parameters, in the order of the schemas."""

    has_biases: bool
    num_layers: int
    dropout: float
    train: bool
    bidirectional: bool
    batch_first: bool = False

    @property
    def directions(self) -> int:
        """Of each layer."""
        return 2 if self.bidirectional else 1

    @property
    def dropped(self) -> float:
        """The share of the elements between two layers that is dropped."""
        return self.dropout if self.train and self.num_layers > 1 else 0.0

    @property
    def may_draw(self) -> bool:
        """Whether numbers are drawn, as far as is known: what is not is None."""
        return self.train is not False and self.dropout != 0 and self.num_layers != 1

    def check_draws_nothing(self, name: str) -> None:
        """Check that the results can be foreseen.

        Raises:
            UnsupportedError: if not.
        """
        if self.dropped:
            raise UnsupportedError(f"{name} draws random numbers in training")


def split_parameters(name: str, params: Sequence[Any], network: Network) -> list[Weights]:
    """The weights of each layer and direction.

    Raises:
        ShapeError: if their number is wrong.
    """
    each, count = 4 if network.has_biases else 2, network.num_layers * network.directions
    projected = len(params) == (each + 1) * count
    if len(params) != (each + projected) * count:
        raise ShapeError(f"{name}: {len(params)} parameters for {count} layers of {each}")
    each += projected
    result = []
    for i in range(0, each * count, each):
        w_ih, w_hh, *rest = params[i : i + each]
        b_ih, b_hh = rest[:2] if network.has_biases else (None, None)
        result.append((w_ih, w_hh, b_ih, b_hh, rest[-1] if projected else None))
    return result


def states_of(hx: Any) -> list[Any]:
    """The states of a network, which may have one."""
    return list(hx) if isinstance(hx, list | tuple) else [hx]


def check_network(
    name: str,
    x: TensorType,
    batch: int,
    states: Sequence[TensorType],
    weights: list[Weights],
    directions: int,
    gates: int,
) -> None:
    """Check that states and weights fit each other and the features of `x`.

    Raises:
        ShapeError: if they do not.
    """
    features = x.sizes[-1]
    for part in (*states, *(w for layer in weights for w in layer if w is not None)):
        if part.element != x.element:
            raise ShapeError(
                f"{name}: input, states and weights must have one dtype, got {x.element} and "
                f"{part.element}"
            )
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


def run_layers(
    x: Array, states: Sequence[Array], weights: list[Weights], network: Network, layer: Layer
) -> tuple[Array, ...]:
    """The outputs of the last layer, and the final states of all."""
    x = np.swapaxes(x, 0, 1) if network.batch_first else x
    finals: list[tuple[Any, ...]] = []
    for first in range(0, len(weights), network.directions):
        if first and network.dropped:
            assert dropout.reference is not None
            x = dropout.reference(x, network.dropped, True)
        outputs = []
        for i in range(first, first + network.directions):
            y, *final = layer(x, [s[i] for s in states], weights[i], i > first)
            outputs.append(y)
            finals.append(tuple(final))
        x = np.concatenate(outputs, axis=-1)
    x = np.ascontiguousarray(np.swapaxes(x, 0, 1)) if network.batch_first else x
    return x, *(np.stack(group) for group in zip(*finals, strict=True))


def emit_layers(
    emit: Emitter, x: Any, states: Sequence[Any], weights: list[Weights], network: Network,
    layer: Layer,
) -> tuple[Any, ...]:  # fmt: skip
    """`run_layers` as operators, of a network that drops nothing."""
    x = emit("transpose.int", x, 0, 1) if network.batch_first else x
    finals: list[tuple[Any, ...]] = []
    for first in range(0, len(weights), network.directions):
        outputs = []
        for i in range(first, first + network.directions):
            given = [emit("select.int", s, 0, i) for s in states]
            y, *final = layer(x, given, weights[i], i > first)
            outputs.append(y)
            finals.append(tuple(final))
        x = emit("cat", outputs, -1) if network.bidirectional else outputs[0]
    x = emit("contiguous", emit("transpose.int", x, 0, 1), 0) if network.batch_first else x
    return x, *(emit("stack", list(group), 0) for group in zip(*finals, strict=True))


def define_network(
    schema: str,
    gates: int,
    layer: Layer,
    emit_layer: Callable[..., tuple[Any, ...]],
    samples: tuple[tuple[Any, ...], ...],
    *,
    num_states: int = 1,
    kinds: str = KINDS,
) -> None:
    """Define the network of `schema`.

    `layer` is one layer and direction of arrays; ``emit_layer(emit, x, states, weights, reverse)``
    the same as operators.
    """
    name = schema.removeprefix("aten::").partition(".")[0]

    def check(x: TensorType, hx: Any, params: Sequence[TensorType], network: Network) -> Any:
        states = states_of(hx)
        expect_rank(name, "input", x, 3)
        if len(states) != num_states or any(s.rank != 3 for s in states):
            raise ShapeError(
                f"{name}: needs {num_states} states of 3 dims [layers * directions, batch, hidden],"
                f" got {states}"
            )
        weights = split_parameters(name, params, network)
        batch = x.sizes[0 if network.batch_first else 1]
        check_network(name, x, batch, states, weights, network.directions, gates)
        size = states[0].sizes[2] * network.directions
        return tensor(x.element, (*x.sizes[:2], size)), *states

    def infer(x: TensorType, hx: Any, params: Any, *flags: Any) -> Any:
        network = Network(*flags)
        network.check_draws_nothing(name)
        return check(x, hx, params, network)

    def reference(x: Array, hx: Any, params: Sequence[Array], *flags: Any) -> tuple[Array, ...]:
        network, states = Network(*flags), states_of(hx)
        check(type_of(x), [*map(type_of, states)], [*map(type_of, params)], network)
        weights = split_parameters(name, params, network)
        return run_layers(x, states, weights, network, layer)

    def build(emit: Emitter, x: Any, hx: Any, params: Sequence[Any], *flags: Any) -> Any:
        network = Network(*flags)
        weights = split_parameters(name, params, network)
        return emit_layers(emit, x, states_of(hx), weights, network, partial(emit_layer, emit))

    op(
        schema, reference=reference, infer=infer, lower=Decompose(build), tolerance=TOLERANCE,
        samples=samples, kinds=kinds, draws=lambda *args: Network(*args[3:]).may_draw,
    )  # fmt: skip


def over_time(step: Step) -> Layer:
    """The layer that makes one step after another, of cells that know no other way."""

    def layer(x: Array, states: list[Array], weights: Weights, reverse: bool) -> tuple[Any, ...]:
        outputs, times = np.empty((*x.shape[:2], states[0].shape[1]), x.dtype), range(x.shape[0])
        for t in reversed(times) if reverse else times:
            states = list(step(x[t], states, weights))
            outputs[t] = states[0]
        return outputs, *states

    return layer


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
