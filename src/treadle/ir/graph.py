"""The graph IR: values, nodes, blocks.

A graph is a block; control flow and forks are nodes that own blocks, whose nodes may use values of
the blocks around them. Every value is defined once. Nodes sit in a linked list, so passes may
insert and erase while they loop over `Block.nodes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from treadle.ir.op import CONSTANT, OpDef
from treadle.ir.types import Type


@dataclass(frozen=True, slots=True)
class Loc:
    """A place in the model's source.

    Of a node that was inlined, `function` is the one whose source this is, and `caller` the place
    of the call, which may itself have been inlined.
    """

    file: str
    line: int
    column: int = 0
    text: str = ""
    function: str = ""
    caller: Loc | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def pointed(self) -> str:
        """The place for the end of a message, with the line."""
        return f" ({self.file}:{self.line}:{self.column + 1})\n    {self.text}"


class Value:
    """A result of a node, or a parameter of a block (then `node` is None)."""

    __slots__ = ("block", "name", "node", "type", "users")

    def __init__(self, type_: Type, name: str = "", node: Node | None = None) -> None:
        self.type = type_
        self.name = name
        self.node = node
        self.block: Block | None = None
        self.users: dict[Node, int] = {}

    @property
    def constant(self) -> Any:
        """The Python value of a constant; None for others (check `is_constant`)."""
        return self.node.attributes["value"] if self.is_constant and self.node else None

    @property
    def is_constant(self) -> bool:
        """Whether a `constant` node makes it."""
        return self.node is not None and self.node.op is CONSTANT

    def __repr__(self) -> str:
        return f"%{self.name or '?'}: {self.type}"


class Node:
    """An application of an operator. Inputs are all arguments of its schema, in order."""

    __slots__ = (
        "attributes",
        "blocks",
        "inputs",
        "loc",
        "next",
        "op",
        "outputs",
        "owner",
        "prev",
    )

    def __init__(
        self,
        op: OpDef,
        inputs: Iterable[Value],
        types: Iterable[Type],
        attributes: dict[str, Any] | None = None,
        loc: Loc | None = None,
    ) -> None:
        self.op = op
        self.inputs: list[Value] = []
        self.outputs = [Value(t, node=self) for t in types]
        self.attributes = attributes or {}
        self.blocks: list[Block] = []
        self.loc = loc
        self.owner: Block | None = None
        self.prev: Node = self
        self.next: Node = self
        for value in inputs:
            self.add_input(value)

    @property
    def output(self) -> Value:
        """The only result."""
        (output,) = self.outputs
        return output

    def add_input(self, value: Value) -> None:
        """Append an operand."""
        self.inputs.append(value)
        value.users[self] = value.users.get(self, 0) + 1

    def set_input(self, index: int, value: Value) -> None:
        """Replace one operand."""
        _drop_use(self.inputs[index], self)
        self.inputs[index] = value
        value.users[self] = value.users.get(self, 0) + 1

    def set_inputs(self, values: Sequence[Value]) -> None:
        """Replace all operands."""
        for old in self.inputs:
            _drop_use(old, self)
        self.inputs = []
        for value in values:
            self.add_input(value)

    def add_output(self, type_: Type, name: str = "") -> Value:
        """Append a result."""
        self.outputs.append(Value(type_, name, self))
        return self.outputs[-1]

    def add_block(self) -> Block:
        """Append a block, owned by this node."""
        self.blocks.append(Block(self))
        return self.blocks[-1]

    def __repr__(self) -> str:
        return f"<{self.op.name} {self.outputs}>"


def _drop_use(value: Value, node: Node) -> None:
    count = value.users[node] - 1
    if count:
        value.users[node] = count
    else:
        del value.users[node]


_RETURN = OpDef("return", None)


class Block:
    """A straight line of nodes with parameters and returned values."""

    __slots__ = ("_end", "owner", "params")

    def __init__(self, owner: Node | None = None) -> None:
        self.owner = owner
        self.params: list[Value] = []
        self._end = Node(_RETURN, (), ())  # sentinel of the list; its inputs are the returns
        self._end.owner = self

    def add_param(self, type_: Type, name: str = "") -> Value:
        """Append a parameter."""
        value = Value(type_, name)
        value.block = self
        self.params.append(value)
        return value

    @property
    def nodes(self) -> Iterator[Node]:
        """The nodes in order.

        While looping, any may be erased and others inserted; those inserted before the next one
        are not visited.
        """
        node = self._end.next
        while node is not self._end:
            following = node.next
            yield node
            node = following
            while node.owner is None:
                node = node.next

    @property
    def returns(self) -> list[Value]:
        """The values that the block gives."""
        return self._end.inputs

    def set_returns(self, values: Sequence[Value]) -> None:
        """Replace what the block gives."""
        self._end.set_inputs(values)

    @property
    def end(self) -> Node:
        """The node after the last; insert before it to append."""
        return self._end

    def append(self, node: Node) -> Node:
        """Put `node`, of no block yet, at the end."""
        return self.insert_before(self._end, node)

    def insert_before(self, place: Node, node: Node) -> Node:
        """Put `node`, of no block yet, before `place`."""
        node.owner = self
        node.prev, node.next = place.prev, place
        place.prev.next = node
        place.prev = node
        return node

    def erase(self, node: Node) -> None:
        """Remove `node`, whose results must have no uses, with its blocks."""
        assert node.owner is self, node
        assert not any(v.users for v in node.outputs), node
        node.prev.next, node.next.prev = node.next, node.prev
        node.owner = None
        for block in node.blocks:
            block.clear()
        node.set_inputs(())

    def clear(self) -> None:
        """Remove all nodes and returns."""
        self.set_returns(())
        node = self._end.prev
        while node is not self._end:
            before = node.prev
            for output in node.outputs:
                output.users.clear()
            self.erase(node)
            node = before

    def move_before(self, node: Node, place: Node) -> None:
        """Move `node`, of any block, before `place` of this one."""
        node.prev.next, node.next.prev = node.next, node.prev
        self.insert_before(place, node)

    def add(
        self,
        op: OpDef,
        inputs: Iterable[Value] = (),
        types: Iterable[Type] = (),
        *,
        before: Node | None = None,
        loc: Loc | None = None,
        **attributes: Any,
    ) -> Node:
        """Make a node and put it `before` another one, or at the end."""
        return self.insert_before(before or self._end, Node(op, inputs, types, attributes, loc))

    def constant(self, value: Any, type_: Type, *, before: Node | None = None) -> Value:
        """The result of a new `constant` node."""
        return self.add(CONSTANT, (), (type_,), before=before, value=value).output


class Graph(Block):
    """The outermost block, with a name."""

    __slots__ = ("name",)

    def __init__(self, name: str = "forward") -> None:
        super().__init__()
        self.name = name

    def walk(self) -> Iterator[Node]:
        """All nodes, a node before those of its blocks."""
        yield from _walk(self)

    def __str__(self) -> str:
        from treadle.ir.text import print_graph  # the printer is built on graphs

        return print_graph(self)

    def nodes_of(self, *ops: OpDef) -> list[Node]:
        """All applications of `ops`, in the order of `walk`."""
        return [n for n in self.walk() if n.op in ops]


def _walk(block: Block) -> Iterator[Node]:
    for node in block.nodes:
        yield node
        for inner in node.blocks:
            yield from _walk(inner)


def replace_uses(old: Value, new: Value) -> None:
    """Let every user of `old` use `new`."""
    for node in list(old.users):
        for i, value in enumerate(node.inputs):
            if value is old:
                node.set_input(i, new)
