"""Sorted rows: copies that make rows dense, the kernel, and copies of its results."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.ir.dtypes import i64
from treadle.ir.loops import SORT_SIZES, Buffer, Sort
from treadle.ops.lowering import Order
from treadle.passes.abstract import Unplannable
from treadle.schedule.choices import choice
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, Space, Storage, collapse
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Step, grain

MAX_TASKS = 64
"""Each task has scratch memory of its own."""
SPARE = 512
"""Candidates for the first elements that are collected before they are sorted."""
SIFTED = 8
"""Rows so many times longer than what is wanted of them, and the spare room, are sifted."""


def order_steps(group: Group, placement: Placement, machine: Machine) -> list[Step]:
    """The steps of an `Order`."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Order)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    dim, descending = node.op.lower.spec(tensor_type(node.outputs[0]), *types)
    origin = placement[tensor_operands(node)[0]]
    if origin.dtype.is_complex:
        raise Unplannable("complex numbers have no order")
    rank = len(origin.shape)
    order = [*(d for d in range(rank) if d != dim), dim]
    steps: list[Step] = []
    x = _turned(origin, order)
    if x.strides[-1] != 1 or len(_rows(x)[0]) != 1:
        dense = placement.scratch(x, x.shape)
        steps.append(copy_step("contiguous", x, dense, machine))
        x = dense
    wanted = [_turned(placement.result(v, order), order) for v in node.outputs]
    made = [p if _is_dense(p) else placement.scratch(p, p.shape) for p in wanted]
    steps.append(_sort(group, x, made, descending, placement, machine))
    for source, goal in zip(made, wanted, strict=True):
        if source is not goal:
            steps.append(copy_step("order", source, goal, machine))
    return steps


def _turned(place: Place, order: Sequence[int]) -> Place:
    shape, strides = ([s[d] for d in order] for s in (place.shape, place.strides))
    return place.view(shape, strides, place.offset)


def _rows(place: Place) -> tuple[list[int], list[list[int]]]:
    """All dims but the last, merged."""
    return collapse(place.shape[:-1], [place.strides[:-1]])


def _is_dense(place: Place) -> bool:
    extents, (strides,) = collapse(place.shape, [place.strides])
    return len(extents) == 1 and strides[0] in (0, 1)


def _sort(
    group: Group, x: Place, results: Sequence[Place], descending: bool, placement: Placement,
    machine: Machine,
) -> Step:  # fmt: skip
    (rows,), ((stride,),) = _rows(x)
    length, count = x.shape[-1], results[0].shape[-1]
    sifted = length > SIFTED * (count + SPARE)
    room = count + SPARE + machine.vector_bytes if sifted else length
    block = -(-rows // MAX_TASKS)
    tasks = -(-rows // block)
    words = 2 if x.dtype.itemsize == 8 else 1
    storage = Storage(Space.ARENA, tasks * 2 * room * words * i64.itemsize)
    kernel = Sort(
        group.name,
        (Buffer(x.dtype), *(Buffer(r.dtype, True) for r in results), Buffer(i64, True)),
        descending, sifted,
    )  # fmt: skip
    named = {
        "rows": rows, "length": length, "count": count, "x_row": stride, "row_block": block,
        "room": room,
    }  # fmt: skip
    bound = [(p.storage, p.offset * p.dtype.itemsize) for p in (x, *results)]
    cost = _cost(rows, length, sifted)
    return Step(
        group.name, kernel, [*bound, (storage, 0)], tuple(named[s] for s in SORT_SIZES), tasks,
        grain(cost, tasks), group.last.loc, cost,
    )  # fmt: skip


@choice
def _cost(rows: int, length: int, sifted: bool) -> float:
    """Nanoseconds: a few for each element that is sorted."""
    return rows * (length * (0.2 if sifted else 6.0) + 1000.0)
