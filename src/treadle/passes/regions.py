"""`form_regions`: runs of tensor operators in a graph that is interpreted become regions.

A region is a node with a block. The interpreter runs the block, or lets a plan of it do so: the
block reads tensors and numbers from around it, has no effect, and gives new tensors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from treadle.ir.clone import clone_node
from treadle.ir.dtypes import bool_, f32
from treadle.ir.graph import Block, Graph, Node, Value, replace_uses
from treadle.ir.op import (
    CONSTANT,
    GET_ATTR,
    IF,
    LIST,
    LIST_UNPACK,
    LOOP,
    RAISE,
    REGION,
    TUPLE,
    TUPLE_INDEX,
    TUPLE_UNPACK,
    OpDef,
)
from treadle.ir.schema import parse_schema
from treadle.ir.types import STR, ListType, OptionalType, TensorType, Type
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL, check_writable
from treadle.ops.lowering import Reshape, View
from treadle.passes.alias import Aliases, Location, analyse_aliases

Array = np.ndarray[Any, Any]
_CONTAINERS = (LIST, TUPLE, LIST_UNPACK, TUPLE_UNPACK, TUPLE_INDEX)
_NUMBERS = frozenset({"int", "float", "bool", "number", "str", "NoneType", "Device"})
_TWINS = frozenset({"add", "sub", "rsub", "mul", "div", "eq", "ne", "lt", "le", "gt", "ge"})
_COPIES = frozenset({"copy", "fill", "zero"})
_MAX_TRIPS = 64
_NEVER_FAIL = frozenset(
    {"add", "sub", "mul", "neg", "lt", "le", "gt", "ge", "eq", "ne", "__not__", "__and__", "__or__",
     "__is__", "__isnot__", "__derive_index", "Float", "Bool", "max", "min"}
)  # fmt: skip


def form_regions(graph: Graph) -> int:
    """Put runs of tensor operators, of one block each, into `REGION` nodes; return how many.

    Operators join a run if they are pure, compiled, and need nothing but tensors, numbers to
    calculate with, and values that are alike in every execution: constants, arguments, sizes.
    Arithmetic on other numbers steps aside. Results that share memory which somebody may see or
    write, and results that are no tensors, are made again behind the region, by the operators that
    made them in it.

    Operators that write into a tensor are taken apart: one that computes, and joins a run, and a
    `WRITE` of its result.

    The first inputs of a region are tensors, and numbers that stand for tensors without dims (see
    `number_twin`). A plan is made for the values of the others, as many as `fixed` says.

    Does not apply to (1) operators with effects, or of which the result depends on data, (2) runs
    that compute nothing: views alone, (3) branches, unless the condition comes from sizes and both
    arms could join, (4) loops, unless they are short and their number of trips is a constant.
    """
    _take_writes_apart(graph)
    former = _Former(graph)
    former.form(graph)
    return former.count


def _write(target: Array, value: Array, op_name: str) -> Array:
    check_writable(op_name, target, value)
    np.copyto(target, value, casting="unsafe")
    return target


WRITE = OpDef(
    "write",
    parse_schema("treadle::write(Tensor(a!) self, Tensor value, str operator) -> Tensor(a!)"),
    reference=_write,
    pure=False,
    doc="Put `value`, which `operator` made, into `self`.",
)


def _take_writes_apart(graph: Graph) -> None:
    for node in graph.walk():
        if node.op.name not in FUNCTIONAL:
            continue
        functional, block = OPS[FUNCTIONAL[node.op.name]], node.owner
        schema = functional.schema
        if schema is None or block is None or schema.base in _COPIES:
            continue
        if functional.lower is None or functional.infer is None:
            continue
        inputs = node.inputs[: len(schema.arguments)]
        made = block.add(functional, inputs, (TensorType(),), before=node, loc=node.loc)
        name = block.constant(functional.name, STR, before=node)
        inputs = [node.inputs[0], made.output, name]
        write = block.add(WRITE, inputs, [node.output.type], before=node, loc=node.loc)
        write.output.name = node.output.name
        replace_uses(node.output, write.output)
        block.erase(node)


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

    def __init__(self, graph: Graph) -> None:
        self.count = 0
        self._aliases = analyse_aliases(graph)
        self._steady: set[Value] = set()
        self._unfit = _indexed_by_masks(graph)
        _find_steady(graph, self._aliases, self._steady)

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
                return [e for e in exits if any(map(_computes, e.live))]
            self._unfit |= unfit  # too much to do twice

    def _runs(self, block: Block) -> list[_Run]:
        """The runs of a block, in order."""
        runs = [_Run()]
        for node in block.nodes:
            joins, floats = self._joins(node, runs[-1]), _floats(node)
            if not joins and not floats:
                runs.append(_Run())
                joins = self._joins(node, runs[-1])
            if joins:
                runs[-1].add(node)
            elif floats:
                runs[-1].pass_by(node)
        return [run for run in runs if run.members]

    # --- what joins ------------------------------------------------------------------------------

    def _joins(self, node: Node, run: _Run) -> bool:
        if node in self._unfit or not _fits(node):
            return False
        operands = list(_operands(node))
        if any(v in run.late for v in operands):
            return False
        if not all(self._given(v, run) or _is_calculated_with(v, node) for v in operands):
            return False
        return not _is_scalar(node.op) or any(v in run.inside for v in operands)

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
        self.inner = {n for member in run.members for n in _nodes_of(member)}
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


def is_number(type_: Type) -> bool:
    """Whether values of the type are numbers, flags or the like: a part of a signature."""
    if isinstance(type_, OptionalType):
        return is_number(type_.element)
    return str(type_) in _NUMBERS


def _redirect(old: Value, new: Value, inner: set[Node]) -> None:
    """Let the users of `old` that are not in `inner` use `new`."""
    for user in list(old.users):
        if user not in inner:
            for i, value in enumerate(user.inputs):
                if value is old:
                    user.set_input(i, new)


def _needed(members: list[Node], kept: list[Value]) -> list[Node]:
    """The members that `kept` need, in order."""
    wanted = set(kept)
    live: list[Node] = []
    for node in reversed(members):
        if any(v in wanted for v in node.outputs):
            live.append(node)
            wanted.update(_operands(node))
    return live[::-1]


def _inputs(members: list[Node]) -> tuple[list[Value], list[Value]]:
    """What members use from outside, without constants: tensors and the like, fixed values."""
    made = {v for m in members for v in m.outputs}
    tensors: dict[Value, None] = {}
    fixed: dict[Value, None] = {}
    for node in members:
        for value in _operands(node):
            if value not in made and not value.is_constant:
                plain = isinstance(value.type, TensorType) or _is_calculated_with(value, node)
                (tensors if plain else fixed)[value] = None
    return [v for v in tensors if v not in fixed], list(fixed)


def number_twin(node: Node) -> OpDef | None:
    """The operator that takes a tensor where `node` takes a number as its second operand."""
    schema = node.op.schema
    if schema is None or schema.base not in _TWINS or schema.overload != "Scalar":
        return None
    return OPS[f"{schema.base}.Tensor"]


def _is_calculated_with(value: Value, node: Node) -> bool:
    """Whether `node` uses `value` as a number only that might be a tensor without dims."""
    if number_twin(node) is None or not is_number(value.type):
        return False
    return [i for i, v in enumerate(node.inputs) if v is value] == [1]


def _nodes_of(node: Node) -> Iterator[Node]:
    """`node`, those in its blocks, and the ends of these."""
    yield node
    for block in node.blocks:
        yield block.end
        for inner in block.nodes:
            yield from _nodes_of(inner)


def _operands(node: Node) -> Iterator[Value]:
    """The values from outside that `node` and its blocks use."""
    nodes = list(_nodes_of(node))
    made = {v for n in nodes if n is not node for v in n.outputs}
    made.update(p for n in nodes for block in n.blocks for p in block.params)
    for inner in nodes:
        yield from (v for v in inner.inputs if v not in made)


def _fits(node: Node) -> bool:
    """Whether the operator may be in a region, as far as its kind tells."""
    if node.op in _CONTAINERS:
        return True
    if node.op is IF or (node.op is LOOP and _is_short(node)):
        inner = [n for block in node.blocks for n in block.nodes]
        return all(n.op in (CONSTANT, RAISE) or _fits(n) for n in inner)
    schema = node.op.schema
    if schema is None or schema.writes or not node.op.pure or node.op.reference is None:
        return False
    if _is_scalar(node.op):
        return True
    return node.op.infer is not None and (node.op.lower is not None or not _gives_tensor(node.op))


def _is_short(loop: Node) -> bool:
    trips, *conditions = (loop.inputs[0], loop.inputs[1], loop.blocks[0].returns[0])
    endless = all(v.is_constant and v.constant is True for v in conditions)
    return endless and trips.is_constant and trips.constant <= _MAX_TRIPS


def _floats(node: Node) -> bool:
    """Whether a node may change places with tensor operators: it has no effect and cannot fail."""
    if node.op in (CONSTANT, LIST, TUPLE, TUPLE_INDEX, TUPLE_UNPACK, GET_ATTR):
        return True
    schema = node.op.schema
    if schema is None or schema.base not in _NEVER_FAIL or not _is_scalar(node.op):
        return False
    return all(is_number(a.type) and str(a.type) != "str" for a in schema.arguments)


def _computes(node: Node) -> bool:
    """Whether a plan gains something from this operator."""
    if node.blocks:
        return any(_computes(n) for block in node.blocks for n in block.nodes)
    if not _gives_tensor(node.op) or _is_alias(node.op):
        return False
    return not isinstance(node.op.lower, View | Reshape)


def _is_alias(op: OpDef) -> bool:
    return op.schema is not None and any(r.alias for r in op.schema.results)


def _is_scalar(op: OpDef) -> bool:
    """Whether an operator is about numbers and strings only."""
    schema = op.schema
    return schema is not None and not any(
        _is_tensor(a.type) for a in (*schema.arguments, *schema.results)
    )


def _gives_tensor(op: OpDef) -> bool:
    return op.schema is not None and any(_is_tensor(r.type) for r in op.schema.results)


def _is_tensor(type_: Type) -> bool:
    if isinstance(type_, OptionalType | ListType):
        return _is_tensor(type_.element)
    return isinstance(type_, TensorType)


def _find_steady(block: Block, aliases: Aliases, steady: set[Value]) -> None:
    """Find values without tensors that are alike in every execution with like arguments."""
    if isinstance(block, Graph):
        steady.update(p for p in block.params if is_number(p.type))
    for node in block.nodes:
        for inner in node.blocks:
            _find_steady(inner, aliases, steady)
        if node.op is IF:
            results = zip(node.outputs, *(b.returns for b in node.blocks), strict=True)
            given = _are_steady(node.inputs, steady)
            steady.update(out for out, *arms in results if given and _are_steady(arms, steady))
        elif _is_question(node.op) and _are_steady(_plain(node.inputs), steady):
            steady.update(v for v in node.outputs if not aliases.is_written(v))


def _indexed_by_masks(graph: Graph) -> set[Node]:
    """Nodes that index by flags, as far as that can be seen: the result's shape is in the data."""
    masks: set[Value] = set()
    found: set[Node] = set()
    for node in graph.walk():
        if node.op is LIST and any(v in masks for v in node.inputs):
            masks.add(node.output)
        elif any(v in masks for v in node.inputs) and _base(node) == "index":
            found.add(node)
        elif _gives_flags(node, masks):
            masks.update(node.outputs)
    return found


def _gives_flags(node: Node, masks: set[Value]) -> bool:
    """Whether the operator gives a tensor of bools, the others being floats."""
    if node.op.infer is None or not _gives_tensor(node.op) or len(node.outputs) != 1:
        return False
    shape = (2, 2)
    arguments = [
        TensorType(bool_ if v in masks else f32, shape)
        if isinstance(v.type, TensorType)
        else v.constant
        for v in node.inputs
    ]
    try:
        return bool(node.op.infer(*arguments).dtype is bool_)
    except Exception:  # the operands do not fit: raised when the model runs
        return False


def _base(node: Node) -> str:
    return node.op.schema.base if node.op.schema is not None else ""


def _are_steady(values: Iterable[Value], steady: set[Value]) -> bool:
    return all(v.is_constant or v in steady for v in values)


def _plain(values: Iterable[Value]) -> list[Value]:
    return [v for v in values if not isinstance(v.type, TensorType)]


def _is_question(op: OpDef) -> bool:
    """Whether an operator gives a value that only types of tensors and plain values decide."""
    if op.schema is None or not op.pure or op.schema.writes or _gives_tensor(op):
        return False
    return op.infer is not None or _is_scalar(op)
