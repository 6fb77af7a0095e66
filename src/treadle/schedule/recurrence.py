"""Recurrent layers: one contraction a time step, whose epilogue is a whole cell update.

The gates of a hidden unit lie side by side in a panel of the packed weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from treadle.ir.dtypes import DType
from treadle.ir.graph import Value
from treadle.ir.loops import CONTRACTION_SIZES, Accumulator, Buffer, Const, Expr, Store, Tile
from treadle.ir.symbols import is_zero
from treadle.ops.expr import add, call, mul, sub
from treadle.ops.lowering import Recurrence
from treadle.passes.abstract import Unplannable
from treadle.schedule.contractions import (
    Operand,
    Product,
    backwards,
    finish_contraction,
    packed_columns,
    packed_weight,
)
from treadle.schedule.groups import Group, arguments
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, Storage
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Instruction, Packing, Repeat, Step, moving

GATES = {"lstm": 4, "lstm_projected": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}


def recurrence_steps(
    group: Group, placement: Placement, machine: Machine, packings: list[Packing]
) -> list[Instruction]:
    """The steps of one layer and direction: the kernels of a time step, which are repeated."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Recurrence)
    kind = node.op.lower.kind
    if kind not in GATES:
        raise Unplannable(f"recurrence {kind!r} is not compiled")
    layer = _Layer(group, kind, placement, machine, packings)
    projected, previous = (layer.adjacent(v) for v in layer.values[:2])
    wanted, h, *_ = (placement.result(v) for v in node.outputs)
    outputs = wanted if wanted.strides[-1] == 1 else placement.scratch(wanted, wanted.shape)
    make = layer.rounds(projected, outputs)
    count, reverse = outputs.shape[0], bool(layer.values[-1])

    def step(t: int) -> list[Step]:
        """The kernels of step number `t`, in the order in which they run."""
        at, before = (count - 1 - t, count - t) if reverse else (t, t - 1)
        return make(at, previous if is_zero(t) else _at(outputs, before))

    steps = layer.steps
    last = previous
    if count > 0:
        steps += step(0)
        last = _at(outputs, 0 if reverse else count - 1)
    # Every other step goes through the weights backwards: it begins with what is still in cache.
    if count > 2:
        pairs = [*_moved(step, 1, backwards), *_moved(step, 2, lambda forwards: forwards)]
        steps.append(Repeat(pairs, (count - 1) // 2))
    if count > 1:
        steps.append(Repeat(_moved(step, count - 1, backwards), (count - 1) % 2))
    steps.append(copy_step("state", last, h, machine))
    if outputs is not wanted:
        steps.append(copy_step("outputs", outputs, wanted, machine))
    return steps


def _moved(step: Callable[[int], list[Step]], t: int, turned: Callable[[Step], Step]) -> list[Step]:
    """The kernels of step number `t`, `turned`, that move to where those two steps later are."""
    pairs = zip(step(t), step(t + 2), strict=True)
    return [turned(moving(*pair)) for pair in pairs]


class _Layer:
    """What the kernels of one layer and direction are made with; `steps` come before them."""

    def __init__(
        self, group: Group, kind: str, placement: Placement, machine: Machine,
        packings: list[Packing],
    ) -> None:  # fmt: skip
        assert group.anchor is not None
        self.group, self.kind, self.machine = group, kind, machine
        self.values: list[Any] = arguments(group.anchor)
        self.steps: list[Instruction] = []
        self._outputs = group.anchor.outputs
        self._placement, self._packings = placement, packings

    def adjacent(self, value: Value) -> Place:
        """The place of a value, or of a copy, in which elements of a row are neighbours."""
        place = self._placement[value]
        if place.strides[-1] == 1:
            return place
        copy = self._placement.scratch(place, place.shape)
        self.steps.append(copy_step("contiguous", place, copy, self.machine))
        return copy

    def rounds(self, x: Place, outputs: Place) -> Callable[[int, Place], list[Step]]:
        """What makes the kernels at a time, from the outputs of the time before."""
        cell = self._cell(self._outputs)
        recurrent = self.values[3 if self.kind.startswith("lstm") else 2]
        gates = GATES[self.kind]
        update = self._kernel(cell, recurrent, gates, outputs.shape[1], outputs.dtype)
        if self.kind != "lstm_projected":
            return lambda t, last: [update(last, _at(x, t), _at(outputs, t))]
        hidden = self._placement.scratch(outputs, (outputs.shape[1], x.shape[2] // gates))
        project = self._kernel(_Projection(), self.values[4], 1, outputs.shape[1], outputs.dtype)
        return lambda t, last: [
            update(last, _at(x, t), hidden), project(hidden, hidden, _at(outputs, t))
        ]  # fmt: skip

    def _cell(self, results: Sequence[Value]) -> _Cell:
        if self.kind.startswith("lstm"):
            c = self._placement.result(results[2])
            self.steps.append(copy_step("state", self.adjacent(self.values[2]), c, self.machine))
            return _Lstm(c)
        if self.kind == "gru":
            return _Gru(None if self.values[3] is None else self.adjacent(self.values[3]))
        return _Rnn(self.kind.removeprefix("rnn_"))

    def _kernel(
        self, cell: _Cell, weights: Value, gates: int, batch: int, dtype: DType
    ) -> Callable[[Place, Place, Place], Step]:
        """What makes the kernel of a product with `weights` and of what `cell` does with it."""
        if not weights.is_constant:
            raise Unplannable("recurrent weights computed at run time")
        weight: np.ndarray = weights.constant
        columns = weight.shape[0] // gates
        tile = self.machine.tile(dtype, batch, columns, gates)
        operand, packed = _packed(weight, packed_columns(self.machine, dtype, tile), dtype, gates)
        self._packings.append(packed)

        def make(previous: Place, x: Place, out: Place) -> Step:
            return _step(self.group, previous, operand, tile, x, cell, out, self.machine, gates)

        return make


def _packed(weight: np.ndarray, panel: int, dtype: DType, gates: int) -> tuple[Operand, Packing]:
    """The weights of all gates, in panels that have `panel` columns of each gate."""
    k, hidden = weight.shape[1], weight.shape[0] // gates

    def packing(storage: Storage) -> Packing:
        arrange = partial(_arranged, gates=gates)
        return Packing(weight, ("recurrence", gates), arrange, panel, storage)

    columns = -(-hidden // panel) * panel * gates
    return packed_weight(packing, dtype, panel * gates, 1, k, columns, 1)


def _step(
    group: Group, previous: Place, weight: Operand, tile: Tile, x: Place, cell: _Cell, out: Place,
    machine: Machine, gates: int,
) -> Step:  # fmt: skip
    """The kernel of one time step: from output `previous`, projection `x` and what `cell` holds."""
    batch, hidden = out.shape
    product = Product(
        previous, hidden, previous.shape[1], 1, [(1, 0), (1, 0), (batch, previous.strides[0])],
        lambda strides: (0, 0, strides[0], strides[1]), [],
    )  # fmt: skip
    builder = NestBuilder(sizes=[0] * len(CONTRACTION_SIZES))
    builder.buffers += [Buffer(previous.dtype), Buffer(previous.dtype)]
    at = previous.offset * previous.dtype.itemsize
    builder.bound += [(previous.storage, at), (weight.place.storage, 0)]
    stores = cell.stores(builder, previous, x, out)
    return finish_contraction(
        cell.name, builder, product, weight, tile, stores, machine, group, gates
    )


def _at(place: Place, t: int) -> Place:
    return place.view(place.shape[1:], place.strides[1:], place.offset + t * place.strides[0])


def _element(builder: NestBuilder, place: Place, first: int = 0) -> Expr:
    """The element of [batch, hidden, ...] from column `first` on, at a row and column."""
    view = place.view(place.shape, place.strides, place.offset + first)
    rows = view.strides[0] if len(view.shape) > 1 else 0
    return builder.load(view, [0, 0, rows, view.strides[-1]], range(4))


@dataclass(frozen=True, slots=True)
class _Lstm:
    """``c = f*c + i*g``, ``h = o*tanh(c)`` with gates i, f, g, o of accumulator plus projection.

    Source: Hochreiter & Schmidhuber 1997, with forget gate; gate order of torch.nn.LSTM.
    """

    c: Place
    name: str = "lstm_cell"

    def stores(
        self, builder: NestBuilder, previous: Place, x: Place, out: Place
    ) -> tuple[Store, ...]:
        """What one step writes."""
        hidden = out.shape[1]
        i, f, g, o = (
            add(Accumulator(n, x.dtype), _element(builder, x, n * hidden)) for n in range(4)
        )
        kept = mul(call("sigmoid", f), _element(builder, self.c))
        cell = add(kept, mul(call("sigmoid", i), call("tanh", g)))
        value = mul(call("sigmoid", o), call("tanh", cell))
        return (
            builder.store(self.c, [0, 0, *self.c.strides], range(4), cell),
            builder.store(out, [0, 0, *out.strides], range(4), value),
        )


@dataclass(frozen=True, slots=True)
class _Gru:
    """``n = tanh(xn + r*hn)``, ``h = n + z*(h - n)`` with gates r, z, n; `bias` is that of h.

    Source: Cho et al. 2014, in the variant of torch.nn.GRU.
    """

    bias: Place | None
    name: str = "gru_cell"

    def stores(
        self, builder: NestBuilder, previous: Place, x: Place, out: Place
    ) -> tuple[Store, ...]:
        """What one step writes."""
        hidden = out.shape[1]

        def recurrent(gate: int) -> Expr:
            total: Expr = Accumulator(gate, x.dtype)
            if self.bias is None:
                return total
            return add(total, _element(builder, self.bias, gate * hidden))

        xr, xz, xn = (_element(builder, x, gate * hidden) for gate in range(3))
        r = call("sigmoid", add(xr, recurrent(0)))
        z = call("sigmoid", add(xz, recurrent(1)))
        n = call("tanh", add(xn, mul(r, recurrent(2))))
        value = add(n, mul(z, sub(_element(builder, previous), n)))
        return (builder.store(out, [0, 0, *out.strides], range(4), value),)


@dataclass(frozen=True, slots=True)
class _Rnn:
    """``h = tanh(x + h W)``, or with relu."""

    activation: str
    name: str = "rnn_cell"

    def stores(
        self, builder: NestBuilder, previous: Place, x: Place, out: Place
    ) -> tuple[Store, ...]:
        """What one step writes."""
        total = add(Accumulator(0, x.dtype), _element(builder, x))
        if self.activation == "relu":
            value = call("max", total, Const(0, x.dtype))
        else:
            value = call("tanh", total)
        return (builder.store(out, [0, 0, *out.strides], range(4), value),)


@dataclass(frozen=True, slots=True)
class _Projection:
    """The product itself: the part of a cell's output that is given and goes on."""

    name: str = "projection"

    def stores(
        self, builder: NestBuilder, previous: Place, x: Place, out: Place
    ) -> tuple[Store, ...]:
        """What one step writes."""
        total = Accumulator(0, out.dtype)
        return (builder.store(out, [0, 0, *out.strides], range(4), total),)


_Cell: TypeAlias = _Lstm | _Gru | _Rnn | _Projection


def _arranged(weight: np.ndarray, gates: int) -> np.ndarray:
    """[gates*hidden, k] as [batch, taps, k, gates, hidden]."""
    split: np.ndarray = weight.reshape(gates, weight.shape[0] // gates, weight.shape[1])
    return np.transpose(split, (2, 0, 1))[None, None]
