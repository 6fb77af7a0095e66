"""LSTM and GRU layers: one contraction a time step, whose epilogue is a whole cell update.

The gates of a hidden unit lie side by side in a panel of the packed weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from treadle.ir.dtypes import DType
from treadle.ir.graph import Value
from treadle.ir.loops import CONTRACTION_SIZES, Accumulator, Buffer, Expr, Store, Tile
from treadle.ir.symbols import is_zero
from treadle.ops.expr import add, call, mul, sub
from treadle.ops.lowering import Recurrence
from treadle.passes.abstract import Unplannable
from treadle.schedule.contractions import (
    Operand,
    Product,
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

GATES = {"lstm": 4, "gru": 3}


def recurrence_steps(
    group: Group, placement: Placement, machine: Machine, packings: list[Packing]
) -> list[Instruction]:
    """The steps of one layer and direction: a kernel that is repeated for each time step."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Recurrence)
    kind = node.op.lower.kind
    if kind not in GATES:
        raise Unplannable(f"recurrence {kind!r} is not compiled")
    gates = GATES[kind]
    values: list[Any] = arguments(node)
    weights = values[2 if kind == "gru" else 3]
    if not weights.is_constant:
        raise Unplannable("recurrent weights computed at run time")
    weight: np.ndarray = weights.constant
    steps: list[Instruction] = []

    def adjacent(value: Value) -> Place:
        place = placement[value]
        if place.strides[-1] == 1:
            return place
        copy = placement.scratch(place, place.shape)
        steps.append(copy_step("contiguous", place, copy, machine))
        return copy

    projected, previous = (adjacent(v) for v in values[:2])
    wanted, h, *cells = (placement.result(v) for v in node.outputs)
    outputs = wanted if wanted.strides[-1] == 1 else placement.scratch(wanted, wanted.shape)
    tile = machine.tile(outputs.dtype, outputs.shape[1], weight.shape[1], gates)
    columns = packed_columns(machine, outputs.dtype, tile)
    operand, packed = _packed(weight, columns, outputs.dtype, gates)
    packings.append(packed)
    if kind == "lstm":
        steps.append(copy_step("state", adjacent(values[2]), cells[0], machine))
        cell: _Cell = _Lstm(cells[0])
    else:
        cell = _Gru(None if values[3] is None else adjacent(values[3]))
    count, reverse = outputs.shape[0], bool(values[4])

    def step(t: int) -> Step:
        """The step number `t`, in the order in which they run."""
        at, before = (count - 1 - t, count - t) if reverse else (t, t - 1)
        x, now = _at(projected, at), _at(outputs, at)
        last = previous if is_zero(t) else _at(outputs, before)
        return _step(group, last, operand, tile, x, cell, now, machine, gates)

    if count > 0:
        steps.append(step(0))
    if count > 1:
        steps.append(Repeat([moving(step(1), step(2))], count - 1))
    last = _at(outputs, 0 if reverse else count - 1) if count > 0 else previous
    steps.append(copy_step("state", last, h, machine))
    if outputs is not wanted:
        steps.append(copy_step("outputs", outputs, wanted, machine))
    return steps


def _packed(weight: np.ndarray, panel: int, dtype: DType, gates: int) -> tuple[Operand, Packing]:
    """The weights of all gates, in panels that have `panel` columns of each gate."""
    hidden = weight.shape[1]

    def packing(storage: Storage) -> Packing:
        arrange = partial(_arranged, gates=gates)
        return Packing(weight, ("recurrence", gates), arrange, panel, storage)

    columns = -(-hidden // panel) * panel * gates
    return packed_weight(packing, dtype, panel * gates, 1, hidden, columns, 1)


def _step(
    group: Group, previous: Place, weight: Operand, tile: Tile, x: Place, cell: _Cell, out: Place,
    machine: Machine, gates: int,
) -> Step:  # fmt: skip
    """The kernel of one time step: from output `previous`, projection `x` and what `cell` holds."""
    batch, hidden = out.shape
    product = Product(
        previous, hidden, hidden, 1, [(1, 0), (1, 0), (batch, previous.strides[0])],
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


_Cell: TypeAlias = _Lstm | _Gru


def _arranged(weight: np.ndarray, gates: int) -> np.ndarray:
    """[gates*hidden, k] as [batch, taps, k, gates, hidden]."""
    split: np.ndarray = weight.reshape(gates, weight.shape[0] // gates, weight.shape[1])
    return np.transpose(split, (2, 0, 1))[None, None]
