"""`form_regions`: runs of tensor operators in a graph that is interpreted become regions.

A region is a node with a block. The interpreter runs the block, or lets a plan of it do so: the
block reads tensors and numbers from around it, has no effect, and gives new tensors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from treadle.ir.clone import clone_node
from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.op import LOOP, RAISE, REGION
from treadle.ir.types import TensorType
from treadle.passes.alias import analyse_aliases
from treadle.passes.locations import Aliases, Location
from treadle.passes.region_members import (
    computes,
    find_mask_indexing,
    find_steady,
    fits,
    floats,
    is_calculated_with,
    is_number,
    is_scalar,
    is_scale,
    nodes_of,
    operands_of,
)  # fmt: skip
from treadle.passes.selections import take_selections_apart
from treadle.passes.writes import take_writes_apart


def form_regions(graph: Graph, unfit: Iterable[Node] = ()) -> int:
    """Put runs of tensor operators, of one block each, into `REGION` nodes; return how many.

    Nodes that are `unfit` stay outside.

    Operators join a run if they are pure, compiled, and need nothing but tensors, numbers to
    calculate with, and values that are alike in every execution: constants, arguments, sizes.
    Arithmetic on other numbers steps aside. Results that share memory which somebody may see or
    write, and results that are no tensors, are made again behind the region, by the operators that
    made them in it.

    Operators that write into a tensor are taken apart: one that computes, and joins a run, and a
    `WRITE` of its result; and so are those that select what they have computed.

    The first inputs of a region are tensors, and numbers that stand for tensors without dims (see
    `number_twin`). A plan is made for the values of the others, as many as `fixed` says.

    Does not apply to (1) operators with effects, or of which the result depends on data, (2) runs
    that compute nothing: views alone, (3) branches, unless the condition comes from sizes and both
    arms could join, (4) loops, unless they are short and their number of trips is a constant.
    """
    take_writes_apart(graph)
    take_selections_apart(graph)
    former = _Former(graph, unfit)
    former.form(graph)
    return former.count


@dataclass(slots=True)
class _Run:
    """Operators that will be a region, and what happens to the nodes between them.

    `early` nodes need nothing of the run and move before it; `late` are the values of those that
    stay behind it.
    """

    members: list[Node] = field(default_factory=list)
    inside: set[Value] = field(default_factory=set)
    early: list[Node] = field(default_factory=list)
    late: set[Value] = field(default_factory=set)

    def add(self, node: Node) -> None:
        self.members.append(node)
        self.inside.update(node.outputs)

    def pass_by(self, node: Node) -> None:
        if any(v in self.inside or v in self.late for v in node.inputs):
            self.late.update(node.outputs)
        elif self.members:
            self.early.append(node)


class _Former:
    """Forms the regions of one graph."""

    def __init__(self, graph: Graph, unfit: Iterable[Node]) -> None:
        self.count = 0
        self._aliases = analyse_aliases(graph)
        self._steady: set[Value] = set()
        self._unfit = find_mask_indexing(graph) | set(unfit)
        find_steady(graph, self._aliases, self._steady)

    def form(self, block: Block) -> None:
        """Form the regions of `block` and of the blocks in it."""
        exits = self._exits(block)
        taken = {n for leaving in exits for n in leaving.run.members}
        left = [n for n in block.nodes if n not in taken]
        for leaving in exits:
            self._close(block, leaving)
        for node in left:
            for inner in node.blocks:
                self.form(inner)

    def _exits(self, block: Block) -> list[_Exit]:
        """The runs of a block that will be regions, with what leaves them."""
        while True:
            exits = [_Exit(self._aliases, run) for run in self._runs(block)]
            unfit = {n for leaving in exits for n in leaving.again if n.blocks}
            if not unfit:
                return [e for e in exits if any(map(computes, e.live))]
            self._unfit |= unfit  # too much to do twice

    def _runs(self, block: Block) -> list[_Run]:
        """The runs of a block, in order."""
        runs = [_Run()]
        for node in block.nodes:
            joins, passes = self._joins(node, runs[-1]), floats(node)
            if not joins and not passes:
                runs.append(_Run())
                joins = self._joins(node, runs[-1])
            if joins:
                runs[-1].add(node)
            elif passes:
                runs[-1].pass_by(node)
        return [run for run in runs if run.members]

    # --- what joins ------------------------------------------------------------------------------

    def _joins(self, node: Node, run: _Run) -> bool:
        if node in self._unfit or not fits(node):
            return False
        operands = list(operands_of(node))
        if any(v in run.late for v in operands):
            return False
        if not all(self._may_use(v, node, run) for v in operands):
            return False
        return not is_scalar(node.op) or any(v in run.inside for v in operands)

    def _may_use(self, value: Value, node: Node, run: _Run) -> bool:
        return self._given(value, run) or is_calculated_with(value, node) or is_scale(value, node)

    def _given(self, value: Value, run: _Run) -> bool:
        """Whether a region can have `value`: it is a tensor, in the run, or always the same."""
        if value.is_constant:
            return not self._aliases.is_written(value)
        if value in run.inside or isinstance(value.type, TensorType):
            return True
        return value in self._steady and is_number(value.type)

    # --- what leaves -----------------------------------------------------------------------------

    def _close(self, block: Block, leaving: _Exit) -> None:
        """Make a region of a run."""
        members, live = leaving.run.members, leaving.live
        types = [v.type for v in leaving.kept]
        region = block.add(REGION, (), types, before=members[0], loc=live[0].loc)
        self.count += 1
        for node in leaving.run.early:
            block.move_before(node, region)
        self._make_again(block, region.next, leaving)
        for value, output in zip(leaving.kept, region.outputs, strict=True):
            output.name = value.name
            _redirect(value, output, leaving.inner)
        body = region.add_block()
        for node in live:
            body.move_before(node, body.end)
        body.set_returns(leaving.kept)
        for node in reversed(members):
            if node.owner is block:
                block.erase(node)
        tensors, fixed = _inputs(live)
        for value in (*tensors, *fixed):
            region.add_input(value)
        region.attributes["fixed"] = len(fixed)

    def _make_again(self, block: Block, place: Node, leaving: _Exit) -> None:
        """Copies of nodes before `place`, for those who use their results outside."""
        mapping: dict[Value, Value] = {}
        for node in leaving.again:
            copy = clone_node(node, block, place, mapping)
            for old, new in zip(node.outputs, copy.outputs, strict=True):
                _redirect(old, new, leaving.inner)
                if old in self._steady:
                    self._steady.add(new)


class _Exit:
    """What leaves a run.

    Attributes:
        inner: the nodes of the run, with all that is in their blocks.
        kept: the tensors that leave.
        again: the nodes that are repeated behind the region, because others need their results as
            the operators give them; in order.
        live: the nodes that `kept` needs, in order.
    """

    def __init__(self, aliases: Aliases, run: _Run) -> None:
        self.run = run
        self.inner = {n for member in run.members for n in nodes_of(member)}
        self._aliases = aliases
        again: set[Node] = set()
        while (kept := self._leave(again)) is None:
            pass
        self.kept = kept
        self.again = [n for n in run.members if n in again]
        self.live = _needed(run.members, kept)

    def _leave(self, again: set[Node]) -> list[Value] | None:
        """The tensors that leave; None if a node more has to be repeated, now in `again`."""
        kept: list[Value] = []
        claimed: set[Location] = set()
        for node in self.run.members:
            if node in again:
                continue
            for value in node.outputs:
                if all(u in self.inner and u not in again for u in value.users):
                    continue
                if not self._may_leave(value, claimed):
                    again.add(node)
                    return None
                kept.append(value)
                claimed |= self._aliases.reachable(value)
        return kept

    def _may_leave(self, value: Value, claimed: set[Location]) -> bool:
        """Whether a new tensor may stand for `value`: nobody can tell that it shares no memory."""
        if not isinstance(value.type, TensorType):
            return False
        if not self._aliases.is_written(value) and not self._aliases.escapes(value):
            return True
        locations = self._aliases.reachable(_last(value))
        made = all(isinstance(at, Value) and at.node in self.inner for at in locations)
        return made and claimed.isdisjoint(locations)


def _last(value: Value) -> Value:
    """The value itself; of a result of a loop that does run, what the last trip gives."""
    loop = value.node
    if loop is None or loop.op is not LOOP or loop.inputs[0].constant < 1:
        return value
    return loop.blocks[0].returns[1 + loop.outputs.index(value)]


def _redirect(old: Value, new: Value, inner: set[Node]) -> None:
    """Let the users of `old` that are not in `inner` use `new`."""
    for user in list(old.users):
        if user not in inner:
            for i, value in enumerate(user.inputs):
                if value is old:
                    user.set_input(i, new)


def _needed(members: list[Node], kept: list[Value]) -> list[Node]:
    """The members that `kept` need, in order, and those that may raise on purpose."""
    wanted = set(kept)
    live: list[Node] = []
    for node in reversed(members):
        if any(v in wanted for v in node.outputs) or any(n.op is RAISE for n in nodes_of(node)):
            live.append(node)
            wanted.update(operands_of(node))
    return live[::-1]


def _inputs(members: list[Node]) -> tuple[list[Value], list[Value]]:
    """What members use from outside, without constants: tensors and the like, fixed values."""
    made = {v for m in members for v in m.outputs}
    tensors: dict[Value, None] = {}
    fixed: dict[Value, None] = {}
    for node in members:
        for value in operands_of(node):
            if value not in made and not value.is_constant:
                plain = isinstance(value.type, TensorType) or is_calculated_with(value, node)
                (tensors if plain else fixed)[value] = None
    return [v for v in tensors if v not in fixed], list(fixed)
