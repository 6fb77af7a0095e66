"""Packed sequences: the steps of several lengths one after another, longest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import i64
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.gather import check_index_dtype
from treadle.ops.gru import unit_step
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.lstm import cell_step, emit_recurrence
from treadle.ops.recurrent import (
    TOLERANCE,
    Network,
    Step,
    Weights,
    check_network,
    emit_layers,
    run_layers,
    split_parameters,
    states_of,
    type_of,
    weight_samples,
)
from treadle.ops.samples import f32, given
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]


def _pack(x: Array, lengths: Array, batch_first: bool) -> tuple[Array, Array]:
    """The steps that exist, time by time, and how many there are at each time."""
    x = np.swapaxes(x, 0, 1) if batch_first else x
    if x.ndim < 2 or not x.size or lengths.shape != x.shape[1:2]:
        raise ShapeError(
            f"_pack_padded_sequence: input {list(x.shape)} needs a length per sequence,"
            f" got {list(lengths.shape)}"
        )
    if lengths.min() < 1 or lengths.max() > x.shape[0] or np.any(np.diff(lengths) > 0):
        raise ShapeError(
            f"_pack_padded_sequence: lengths {lengths.tolist()} must descend from at most"
            f" {x.shape[0]} to at least 1"
        )
    sizes = np.array([int((lengths > t).sum()) for t in range(int(lengths[0]))], np.int64)
    return np.concatenate([x[t, :n] for t, n in enumerate(sizes)]), sizes


op(
    "aten::_pack_padded_sequence(Tensor input, Tensor lengths, bool batch_first) -> "
    "(Tensor, Tensor)",
    reference=_pack,
    tolerance=EXACT,
    samples=(
        (f32(4, 3, 2), given([4, 2, 1], i64), False),
        (f32(2, 3, 5), given([2, 2], i64), True),
    ),
)


def _starts(name: str, data: Array, sizes: Array) -> Array:
    """Where the steps of each time start in `data`.

    Raises:
        ShapeError: if the sizes do not divide it.
    """
    check_index_dtype(name, sizes, "batch_sizes")
    falling = sizes.ndim == 1 and sizes.size > 0 and not np.any(np.diff(sizes) > 0)
    if not falling or sizes[-1] < 1 or sizes.sum() != data.shape[0]:
        raise ShapeError(
            f"{name}: batch_sizes {sizes.tolist()} must descend and add up to {data.shape[:1]}"
        )
    return np.cumsum(sizes) - sizes


def _pad(
    data: Array, sizes: Array, batch_first: bool, value: float, total: int
) -> tuple[Array, Array]:
    """The reverse of packing, up to `total` steps if that is positive."""
    starts = _starts("_pad_packed_sequence", data, sizes)
    steps = total if total > 0 else sizes.size
    if steps < sizes.size:
        raise ShapeError(f"_pad_packed_sequence: total_length {total} of {sizes.size} steps")
    padded = np.full((steps, int(sizes[0]), *data.shape[1:]), value, data.dtype)
    for t, (start, n) in enumerate(zip(starts, sizes, strict=True)):
        padded[t, :n] = data[start : start + n]
    lengths = np.array([int((sizes > i).sum()) for i in range(int(sizes[0]))], np.int64)
    return np.swapaxes(padded, 0, 1) if batch_first else padded, lengths


op(
    "aten::_pad_packed_sequence(Tensor data, Tensor batch_sizes, bool batch_first, Scalar "
    "padding_value, int total_length) -> (Tensor, Tensor)",
    reference=_pad,
    tolerance=EXACT,
    samples=(
        (f32(6, 2), given([3, 2, 1], i64), False, 0.0, -1),
        (f32(3, 2), given([2, 1], i64), True, 1.5, 4),
    ),
)


def _over(step: Step, name: str, sizes: Array) -> Callable[..., tuple[Array, ...]]:
    """A layer over packed data: a state keeps its value once its sequence has ended."""

    def layer(data: Array, states: list[Array], weights: Any, reverse: bool) -> tuple[Array, ...]:
        starts = _starts(name, data, sizes)
        states = [s.copy() for s in states]
        outputs = np.empty((data.shape[0], states[0].shape[1]), data.dtype)
        times = range(sizes.size)
        for t in reversed(times) if reverse else times:
            rows, n = slice(starts[t], starts[t] + sizes[t]), sizes[t]
            new = step(data[rows], [s[:n] for s in states], weights)
            for state, value in zip(states, new, strict=True):
                state[:n] = value
            outputs[rows] = new[0]
        return outputs, *states

    return layer


class _Steps:
    """Where each step of a packed sequence is among those of sequences side by side.

    There, at [step, sequence], each direction begins with a sequence's first element for it; what
    follows a sequence's last element is not used. All values are of the graph that `emit` makes.
    """

    def __init__(self, emit: Emitter, data: Any, sizes: Any, state: Any) -> None:
        self._emit = emit
        ends = emit("cumsum", sizes, 0, None)
        starts = emit("sub.Tensor", ends, sizes, 1)
        rows = self._numbers(emit("select.int", emit("select.int", state, 0, 0), 1, 0))
        times = self._numbers(sizes)
        self.is_used = emit("gt.Tensor", emit("unsqueeze", sizes, 1), rows)
        last = emit("sub.Scalar", emit("sum.dim_IntList", self.is_used, [0], False, None), 1, 1)
        backward = emit("sub.Tensor", last, emit("unsqueeze", times, 1), 1)
        backward = emit("clamp", backward, 0, None)
        self._sources = [
            emit("where.ScalarOther", self.is_used, emit("add.Tensor", first, rows, 1), 0)
            for first in (emit("unsqueeze", starts, 1), emit("index.Tensor", starts, [backward]))
        ]
        positions = self._numbers(emit("select.int", data, 1, 0))
        is_over = emit("le.Tensor", emit("unsqueeze", ends, 1), positions)
        time = emit("sum.dim_IntList", is_over, [0], False, None)
        row = emit("sub.Tensor", positions, emit("index_select", starts, 0, time), 1)
        back = emit("sub.Tensor", emit("index_select", last, 0, row), time, 1)
        self._targets = [[time, row], [back, row]]
        self._last = [last, rows]

    def _numbers(self, like: Any) -> Any:
        """0, 1, ... as many as `like` has elements; unlike a range the same kernel for all."""
        ones = self._emit("ones_like", like, i64.code, None, None, None, None)
        return self._emit("sub.Scalar", self._emit("cumsum", ones, 0, None), 1, 1)

    def spread(self, data: Any, reverse: bool) -> Any:
        """Packed data as [step, sequence, feature]."""
        return self._emit("index.Tensor", data, [self._sources[reverse]])

    def gather(self, y: Any, reverse: bool) -> tuple[Any, Any]:
        """What is at [step, sequence, feature] as packed data, and each sequence's last."""
        places = self._targets[reverse], self._last
        chosen, last = (self._emit("index.Tensor", y, place) for place in places)
        return chosen, last


def _emit_lstm(
    emit: Emitter, steps: _Steps, data: Any, states: Sequence[Any], weights: Weights, reverse: bool
) -> tuple[Any, ...]:
    """The packed outputs of one layer and direction, and its last states."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    bias = b_ih if b_ih is None else emit("add.Tensor", b_ih, b_hh, 1)
    gates = emit("linear", steps.spread(data, reverse), w_ih, bias)
    cells = emit.type(gates).sizes[2] // 4
    # Behind a sequence's end: input gate 0, forget gate 1. So the cell stays what it was.
    ended = np.repeat(np.array([-1e30, 1e30, 0.0, 0.0]), int(cells))
    ended = ended.astype(emit.type(gates).element.numpy)
    gates = emit("where.self", emit("unsqueeze", steps.is_used, 2), gates, ended)
    y, _, c = emit_recurrence(emit, gates, states, w_hh, w_hr, False)
    return *steps.gather(y, reverse), c


def _emit_gru(
    emit: Emitter, steps: _Steps, data: Any, states: Sequence[Any], weights: Weights, reverse: bool
) -> tuple[Any, ...]:
    """As `_emit_lstm`."""
    w_ih, w_hh, b_ih, b_hh, _ = weights
    gates = emit("linear", steps.spread(data, reverse), w_ih, b_ih)
    y, _ = emit("gru_layer", gates, *states, w_hh, b_hh, False)
    return steps.gather(y, reverse)


def _define(
    schema: str, gates: int, num_states: int, step: Step, emit_layer: Any, samples: Any
) -> None:
    name = schema.removeprefix("aten::").partition(".")[0]

    def check(data: TensorType, hx: Any, params: Any, network: Network) -> tuple[TensorType, ...]:
        states = states_of(hx)
        if len(data.sizes) != 2 or len(states) != num_states:
            raise ShapeError(f"{name}: data must have 2 dims, got {data} and {len(states)} states")
        weights = split_parameters(name, params, network)
        batch = states[0].sizes[1] if len(states[0].sizes) == 3 else -1
        check_network(name, data, batch, states, weights, network.directions, gates)
        size = states[0].sizes[2] * network.directions
        return tensor(data.element, (data.sizes[0], size)), *states

    def infer(data: TensorType, _: TensorType, hx: Any, params: Any, *flags: Any) -> Any:
        network = Network(*flags)
        network.check_draws_nothing(name)
        return check(data, hx, params, network)

    def reference(data: Array, sizes: Array, hx: Any, params: Sequence[Array], *flags: Any) -> Any:
        network, states = Network(*flags), states_of(hx)
        check(type_of(data), [*map(type_of, states)], [*map(type_of, params)], network)
        _starts(name, data, sizes)
        if sizes[0] != states[0].shape[1]:
            raise ShapeError(f"{name}: {sizes[0]} sequences, but states {list(states[0].shape)}")
        weights = split_parameters(name, params, network)
        return run_layers(data, states, weights, network, _over(step, name, sizes))

    def build(
        emit: Emitter, data: Any, sizes: Any, hx: Any, params: Sequence[Any], *flags: Any
    ) -> tuple[Any, ...]:
        """Sequences side by side, each from its first element for a direction, then packed again.

        Batch sizes that are none give other numbers, or an error of an index.
        """
        network, states = Network(*flags), states_of(hx)
        weights = split_parameters(name, params, network)
        layer = partial(emit_layer, emit, _Steps(emit, data, sizes, states[0]))
        return emit_layers(emit, data, states, weights, network, layer)

    op(
        schema, reference=reference, infer=infer, lower=Decompose(build), tolerance=TOLERANCE,
        samples=samples, kinds="fc", draws=lambda *args: Network(*args[4:]).may_draw,
    )  # fmt: skip


_SIZES = given([3, 2, 2, 1], i64)
_define(
    "aten::lstm.data(Tensor data, Tensor batch_sizes, Tensor[] hx, Tensor[] params, bool "
    "has_biases, int num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, "
    "Tensor, Tensor)",
    4,
    2,
    cell_step,
    _emit_lstm,
    (
        (
            f32(8, 5), _SIZES, [f32(4, 3, 4), f32(4, 3, 4)], weight_samples(5, 4, 2, 2, True, 4),
            True, 2, 0.0, False, True,
        ),
    ),
)  # fmt: skip
_define(
    "aten::gru.data(Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool "
    "has_biases, int num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, "
    "Tensor)",
    3,
    1,
    unit_step,
    _emit_gru,
    (
        (
            f32(8, 5), _SIZES, f32(2, 3, 4), weight_samples(5, 4, 1, 2, False, 3),
            False, 1, 0.0, False, True,
        ),
    ),
)  # fmt: skip
