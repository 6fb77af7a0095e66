"""`make_schedule`: walks a specialised graph and decides everything about its plan."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.ir.graph import Block, Graph, Node
from treadle.ir.op import FORK, WAIT
from treadle.ir.symbols import is_zero
from treadle.ops.lowering import (
    Concat,
    Convolution,
    Elements,
    Fold,
    Fourier,
    MatrixProduct,
    Order,
    Recurrence,
    Rows,
    Scan,
    Scatter,
    Sieve,
    Window,
)  # fmt: skip
from treadle.passes.abstract import Unplannable
from treadle.schedule.contractions import Operand
from treadle.schedule.convolution import convolution_steps
from treadle.schedule.elements import elements_step
from treadle.schedule.fourier import fourier_step
from treadle.schedule.groups import Group, form_groups, is_alias, tensor_operands, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.matmul import matmul_steps
from treadle.schedule.memory import plan_memory
from treadle.schedule.order import order_steps
from treadle.schedule.placement import Placement, alias_place, concat_dim
from treadle.schedule.places import Place, same_strides, walking_order
from treadle.schedule.pointwise import copy_step, pointwise_step
from treadle.schedule.recurrence import recurrence_steps
from treadle.schedule.rows import rows_steps
from treadle.schedule.scans import scan_steps
from treadle.schedule.scatter import fold_steps, scatter_steps
from treadle.schedule.sieve import sieve_steps
from treadle.schedule.steps import Fork, Instruction, Join, Packing, Schedule, Step
from treadle.schedule.windows import window_step


def make_schedule(graph: Graph, machine: Machine) -> Schedule:
    """The schedule of a straight-line graph of concrete types.

    Raises:
        Unplannable: if a node has a form that is not compiled for its operands.
    """
    scheduler = _Scheduler(Placement(graph), machine)
    main = scheduler.reserve()
    scheduler.fill(main, graph)
    for index, value in enumerate(graph.returns):
        target = scheduler.placement.output_place(index, value)
        place = scheduler.placement[value]
        if place.storage is not target.storage:
            scheduler.sequences[main].append(copy_step("output", place, target, machine))
    sequences = [
        [i for i in s if not (isinstance(i, Step) and is_zero(i.num_tasks))]
        for s in scheduler.sequences
    ]
    memory = plan_memory(sequences)
    placement = scheduler.placement
    return Schedule(
        sequences, placement.inputs, placement.outputs, scheduler.packings, memory.offsets,
        memory.arena_bytes, memory.local_bytes,
    )  # fmt: skip


class _Scheduler:
    def __init__(self, placement: Placement, machine: Machine) -> None:
        self.placement = placement
        self.sequences: list[list[Instruction]] = []
        self.packings: list[Packing] = []
        self._machine = machine
        self._futures: dict[Node, int] = {}
        self._packed: dict[tuple[object, ...], Operand] = {}  # in the sequence being filled

    def reserve(self) -> int:
        """The number of a new, empty sequence."""
        self.sequences.append([])
        return len(self.sequences) - 1

    def fill(self, number: int, block: Block) -> None:
        """Write the instructions of `block` to sequence `number`; every fork is joined in it."""
        sequence = self.sequences[number]
        outer, self._packed = self._packed, {}
        open_futures: dict[int, None] = {}
        for item in form_groups(block):
            if isinstance(item, Group):
                sequence += self._group(item)
            elif item.op is FORK:
                body = self.reserve()
                self.fill(body, item.blocks[0])
                future = self._futures[item] = len(self._futures)
                open_futures[future] = None
                sequence.append(Fork(body, future))
            elif item.op is WAIT:
                sequence += self._wait(item, open_futures)
            elif is_alias(item):
                sequence += self._alias(item)
            else:
                sequence += self._concat(item)
        sequence += [Join(future) for future in open_futures]
        self._packed = outer

    def _wait(self, node: Node, open_futures: dict[int, None]) -> list[Instruction]:
        fork = node.inputs[0].node
        assert fork is not None
        future = self._futures[fork]
        if future not in open_futures:
            if fork.owner is not node.owner:
                raise Unplannable("a task that waits for a future of its caller")
            return []
        del open_futures[future]
        return [Join(future)]

    def _group(self, group: Group) -> Sequence[Instruction]:
        rule = group.anchor.op.lower if group.anchor else None
        match rule:
            case None:
                return [pointwise_step(group, self.placement, self._machine)]
            case Rows():
                return rows_steps(group, self.placement, self._machine)
            case Window():
                return [window_step(group, self.placement, self._machine)]
            case Elements():
                return [elements_step(group, self.placement, self._machine)]
            case Scatter():
                return scatter_steps(group, self.placement, self._machine)
            case Fold():
                return fold_steps(group, self.placement, self._machine)
            case Fourier():
                return [fourier_step(group, self.placement, self._machine)]
            case Sieve():
                return sieve_steps(group, self.placement, self._machine)
            case Scan():
                return scan_steps(group, self.placement, self._machine)
            case Order():
                return order_steps(group, self.placement, self._machine)
            case Convolution():
                return convolution_steps(group, self.placement, self._machine, self.packings)
            case MatrixProduct():
                return matmul_steps(
                    group, self.placement, self._machine, self.packings, self._packed
                )
            case Recurrence():
                return recurrence_steps(group, self.placement, self._machine, self.packings)
        raise Unplannable(f"{group.name} is not compiled")

    def _alias(self, node: Node) -> list[Step]:
        """Make the result of a view; copy first where strides cannot express it."""
        operand = self.placement[tensor_operands(node)[0]]
        place = alias_place(node, operand)
        steps: list[Step] = []
        if place is None:
            copy = self.placement.scratch(operand, operand.shape)
            steps.append(copy_step("contiguous", operand, copy, self._machine))
            place = alias_place(node, copy)
            assert place is not None
        self.placement.alias(node.output, place)
        return steps

    def _concat(self, node: Node) -> list[Step]:
        """Copy those operands that could not be written to their part of the result."""
        assert isinstance(node.op.lower, Concat)
        values = list(tensor_operands(node))
        rank = len(tensor_type(node.output).sizes)
        first = next(p for p in map(self.placement.__getitem__, values) if len(p.shape) == rank)
        whole = self.placement.result(node.output, walking_order(first.shape, first.strides))
        dim, start = concat_dim(node), 0
        steps: list[Step] = []
        for value in values:
            shape = tensor_type(value).sizes
            if len(shape) != len(whole.shape):
                continue  # torch lets an empty 1-d tensor stand anywhere
            part = whole.view(shape, whole.strides, whole.offset + start * whole.strides[dim])
            if not _same(self.placement[value], part):
                steps.append(copy_step("concat", self.placement[value], part, self._machine))
            start += shape[dim]
        return steps


def _same(a: Place, b: Place) -> bool:
    return (
        a.storage is b.storage
        and a.offset == b.offset
        and same_strides(a.shape, a.strides, b.strides)
    )


__all__ = ["Schedule", "make_schedule"]
