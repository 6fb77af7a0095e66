"""LSTM layers: one contraction a time step, whose epilogue is a whole cell update.

The gates of a hidden unit lie side by side in a panel of the packed weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.dtypes import DType
from treadle.ir.graph import Value
from treadle.ir.loops import CONTRACTION_SIZES, Accumulator, Buffer, Expr, Store, Tile
from treadle.ops.expr import add, call, mul
from treadle.ops.lowering import Recurrence
from treadle.passes.specialise import Unplannable
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
from treadle.schedule.steps import Packing, Step

GATES = 4


def recurrence_steps(
    group: Group, placement: Placement, machine: Machine, packings: list[Packing]
) -> list[Step]:
    """The steps of one layer and direction: a kernel per time step."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Recurrence)
    if node.op.lower.kind != "lstm":
        raise Unplannable(f"recurrence {node.op.lower.kind!r} is not compiled")
    values: list[Any] = arguments(node)
    if not values[3].is_constant:
        raise Unplannable("recurrent weights computed at run time")
    weight: np.ndarray = values[3].constant
    steps: list[Step] = []

    def adjacent(value: Value) -> Place:
        place = placement[value]
        if place.strides[-1] == 1:
            return place
        copy = placement.scratch(place, place.shape)
        steps.append(copy_step("contiguous", place, copy, machine))
        return copy

    projected, previous, c0 = (adjacent(v) for v in values[:3])
    wanted, h, c = (placement.result(v) for v in node.outputs)
    outputs = wanted if wanted.strides[-1] == 1 else placement.scratch(wanted, wanted.shape)
    tile = machine.tile(outputs.dtype, outputs.shape[1], weight.shape[1], GATES)
    operand, packed = _packed(weight, packed_columns(machine, outputs.dtype, tile), outputs.dtype)
    packings.append(packed)
    steps.append(copy_step("state", c0, c, machine))
    times = range(outputs.shape[0])
    for t in reversed(times) if values[4] else times:
        now = _at(outputs, t)
        steps.append(_step(group, previous, operand, tile, _at(projected, t), c, now, machine))
        previous = now
    steps.append(copy_step("state", previous, h, machine))
    if outputs is not wanted:
        steps.append(copy_step("outputs", outputs, wanted, machine))
    return steps


def _packed(weight: np.ndarray, panel: int, dtype: DType) -> tuple[Operand, Packing]:
    """The weights of all gates, in panels that have `panel` columns of each gate."""
    hidden = weight.shape[1]

    def packing(storage: Storage) -> Packing:
        return Packing(weight, ("recurrence", GATES), _arranged, panel, storage)

    columns = -(-hidden // panel) * panel * GATES
    return packed_weight(packing, dtype, panel * GATES, 1, hidden, columns, 1)


def _step(
    group: Group, previous: Place, weight: Operand, tile: Tile, x: Place, c: Place, out: Place,
    machine: Machine,
) -> Step:  # fmt: skip
    """The kernel of one time step: from output `previous`, projection `x` and cell `c`."""
    batch, hidden = out.shape
    product = Product(
        previous, hidden, hidden, 1, [(1, 0), (1, 0), (batch, previous.strides[0])],
        lambda strides: (0, 0, strides[0], strides[1]), [],
    )  # fmt: skip
    builder = NestBuilder(sizes=[0] * len(CONTRACTION_SIZES))
    builder.buffers += [Buffer(previous.dtype), Buffer(previous.dtype)]
    at = previous.offset * previous.dtype.itemsize
    builder.bound += [(previous.storage, at), (weight.place.storage, 0)]
    stores = _cell(builder, x, c, out, hidden)
    return finish_contraction(
        "lstm_cell", builder, product, weight, tile, stores, machine, group, GATES
    )


def _at(place: Place, t: int) -> Place:
    return place.view(place.shape[1:], place.strides[1:], place.offset + t * place.strides[0])


def _cell(builder: NestBuilder, x: Place, c: Place, out: Place, hidden: int) -> tuple[Store, ...]:
    """``c = f*c + i*g``, ``h = o*tanh(c)`` with gates i, f, g, o of accumulator plus projection.

    Source: Hochreiter & Schmidhuber 1997, with forget gate; gate order of torch.nn.LSTM.
    """
    axes = range(4)

    def at(place: Place, first: int = 0) -> Expr:
        view = place.view(place.shape, place.strides, place.offset + first)
        return builder.load(view, [0, 0, view.strides[0], view.strides[1]], axes)

    i, f, g, o = (add(Accumulator(n, x.dtype), at(x, n * hidden)) for n in range(GATES))
    kept = mul(call("sigmoid", f), at(c))
    cell = add(kept, mul(call("sigmoid", i), call("tanh", g)))
    value = mul(call("sigmoid", o), call("tanh", cell))
    return (
        builder.store(c, [0, 0, *c.strides], axes, cell),
        builder.store(out, [0, 0, *out.strides], axes, value),
    )


def _arranged(weight: np.ndarray) -> np.ndarray:
    """[4*hidden, k] as [batch, taps, k, gates, hidden]."""
    hidden = weight.shape[0] // GATES
    gates: np.ndarray = weight.reshape(GATES, hidden, weight.shape[1])
    return np.transpose(gates, (2, 0, 1))[None, None]
