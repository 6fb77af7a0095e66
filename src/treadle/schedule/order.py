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
PART = 65536
"""Records that are sorted at once. Longer rows are sorted by parts, which are merged:"""
MOST_PARTS = 64
"""at most so many."""
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
    steps += _Rows(group, x, made, descending).steps(machine)
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


class _Rows:
    """The kernels that sort rows `x` into `results`."""

    def __init__(self, group: Group, x: Place, results: Sequence[Place], descending: bool) -> None:
        (self.rows,), ((stride,),) = _rows(x)
        self._group, self._x, self._results, self._descending = group, x, results, descending
        self.length, self.count = x.shape[-1], results[0].shape[-1]
        self._named = {
            "rows": self.rows, "length": self.length, "count": self.count, "x_row": stride,
        }  # fmt: skip

    def steps(self, machine: Machine) -> list[Step]:
        """One kernel; of long rows one for their parts, and one for each time runs are merged."""
        sifted = self.length > SIFTED * (self.count + SPARE)
        levels = 0 if sifted else _levels(self.rows, self.length)
        if levels == 0:
            return [self._whole(sifted, machine)]
        scratch = self._scratch(2 * self.rows * self.length + 1)
        parts = 1 << levels
        self._named |= {"chunk": -(-self.length // parts), "parts": parts}
        tasks, records = self.rows * parts, self.rows * self.length
        steps = [self._step("parts", scratch, {}, tasks, _cost(self.rows, self.length, False))]
        for level in range(levels):
            stage = "last" if level == levels - 1 else "merge"
            named = {"run": 1 << level, "half": records if level % 2 else 0}
            steps.append(self._step(stage, scratch, named, tasks, _merge_cost(records)))
        return steps

    def _whole(self, sifted: bool, machine: Machine) -> Step:
        room = self.count + SPARE + machine.vector_bytes if sifted else self.length
        block = -(-self.rows // MAX_TASKS)
        tasks = -(-self.rows // block)
        scratch = self._scratch(tasks * 2 * room)
        named = {"row_block": block, "room": room}
        cost = _cost(self.rows, self.length, sifted)
        return self._step("rows", scratch, named, tasks, cost, sifted=sifted)

    def _scratch(self, records: int) -> Storage:
        words = 2 if self._x.dtype.itemsize == 8 else 1
        return Storage(Space.ARENA, records * words * i64.itemsize)

    def _step(
        self, stage: str, scratch: Storage, named: dict[str, int], tasks: int, cost: float, *,
        sifted: bool = False,
    ) -> Step:  # fmt: skip
        name, places = self._group.name, (self._x, *self._results)
        written = (*(Buffer(r.dtype, True) for r in self._results), Buffer(i64, True))
        kernel = Sort(name, (Buffer(self._x.dtype), *written), self._descending, sifted, stage)
        sizes = self._named | named
        bound = [(p.storage, p.offset * p.dtype.itemsize) for p in places]
        return Step(
            name, kernel, [*bound, (scratch, 0)], tuple(sizes.get(s, 0) for s in SORT_SIZES), tasks,
            grain(cost, tasks), self._group.last.loc, cost,
        )  # fmt: skip


@choice
def _levels(rows: int, length: int) -> int:
    """How often runs of a row are merged: so many times are its parts doubled."""
    if rows >= MAX_TASKS:
        return 0
    return min(max(length - 1, 0) // PART, MOST_PARTS - 1).bit_length()


@choice
def _cost(rows: int, length: int, sifted: bool) -> float:
    """Nanoseconds: a few for each element that is sorted."""
    return rows * (length * (0.2 if sifted else 6.0) + 1000.0)


@choice
def _merge_cost(records: int) -> float:
    """Nanoseconds."""
    return records * 1.5
