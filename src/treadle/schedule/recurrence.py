"""LSTM layers: one contraction a time step, its gates side by side in a panel, so that a whole
cell update is the epilogue of one kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.loops import (
    CONTRACTION_SIZES,
    Accumulator,
    Buffer,
    Expr,
)  # fmt: skip
from treadle.ops.expr import add, call, mul
from treadle.ops.lowering import Recurrence
from treadle.passes.specialise import Unplannable
from treadle.schedule.contractions import (
    Product,
    finish_contraction,
    packed_columns,
    packed_weight,
)  # fmt: skip
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
    projected, h0, c0 = (placement[v] for v in values[:3])
    weight: np.ndarray = values[3].constant
    reverse = bool(values[4])
    outputs, h, c = (placement.result(v) for v in node.outputs)
    hidden = weight.shape[1]
    if outputs.strides[-1] != 1 or projected.strides[-1] != 1:
        raise Unplannable("a recurrent layer with strided features")
    tile = machine.tile(outputs.dtype, outputs.shape[1], hidden, GATES)
    panel = packed_columns(machine, outputs.dtype, tile)

    def packing(storage: Storage) -> Packing:
        layout = ("recurrence", GATES)
        return Packing(weight, layout, _arranged, panel, storage)

    operand, packed = packed_weight(
        packing, outputs.dtype, panel * GATES, 1, hidden, -(-hidden // panel) * panel * GATES, 1
    )
    packings.append(packed)
    steps = [copy_step("state", c0, c, machine)]
    previous = h0
    order = range(outputs.shape[0])
    for t in reversed(order) if reverse else order:
        now = _at(outputs, t)
        product = Product(
            previous, hidden, hidden, 1, [(1, 0), (1, 0), (now.shape[0], previous.strides[0])],
            lambda strides: (0, 0, strides[0], strides[1]), [],
        )  # fmt: skip
        builder = NestBuilder(sizes=[0] * len(CONTRACTION_SIZES))
        builder.buffers.append(Buffer(previous.dtype))
        builder.bound.append((previous.storage, previous.offset * previous.dtype.itemsize))
        builder.buffers.append(Buffer(previous.dtype))
        builder.bound.append((operand.place.storage, 0))
        stores = _cell(builder, _at(projected, t), c, now, hidden)
        steps.append(
            finish_contraction(
                "lstm_cell", builder, product, operand, tile, stores,
                (now.storage, c.storage), machine, group, GATES,
            )
        )  # fmt: skip
        previous = now
    steps.append(copy_step("state", previous, h, machine))
    return steps


def _at(place: Place, t: int) -> Place:
    return place.view(place.shape[1:], place.strides[1:], place.offset + t * place.strides[0])


def _cell(builder: NestBuilder, x: Place, c: Place, out: Place, hidden: int) -> tuple[Any, ...]:
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
    gates = weight.reshape(GATES, hidden, weight.shape[1])
    return gates.transpose(2, 0, 1)[None, None]
