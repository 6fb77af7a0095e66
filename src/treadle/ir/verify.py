"""`verify`: the invariants of a graph, checked after every pass in tests."""

from __future__ import annotations

from treadle.errors import VerifyError
from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.op import (
    AWAITABLE,
    CALL_FUNCTION,
    CALL_METHOD,
    CONSTANT,
    DICT,
    FORK,
    GET_ATTR,
    IF,
    ISINSTANCE,
    LIST,
    LIST_UNPACK,
    LOOP,
    REGION,
    SET_ATTR,
    TUPLE,
    TUPLE_INDEX,
    TUPLE_UNPACK,
    UNCHECKED_CAST,
    WAIT,
    OpDef,
)
from treadle.ir.schema import Argument
from treadle.ir.subtype import is_assignable
from treadle.ir.text import print_graph
from treadle.ir.types import ListType, OptionalType, Type

_CONTEXT_LINES = 6
_MANY = 1 << 30
# operator: (fewest inputs, most inputs, results or None for any, attributes)
_SHAPES: dict[OpDef, tuple[int, int, int | None, tuple[str, ...]]] = {
    CONSTANT: (0, 0, 1, ("value",)),
    IF: (1, 1, None, ()),
    LOOP: (2, _MANY, None, ()),
    FORK: (0, 0, 1, ()),
    AWAITABLE: (0, 0, 1, ()),
    WAIT: (1, 1, 1, ()),
    TUPLE: (0, _MANY, 1, ()),
    TUPLE_UNPACK: (1, 1, None, ()),
    TUPLE_INDEX: (2, 2, 1, ()),
    LIST: (0, _MANY, 1, ()),
    LIST_UNPACK: (1, 1, None, ()),
    DICT: (0, _MANY, 1, ()),
    GET_ATTR: (1, 1, 1, ("name",)),
    SET_ATTR: (2, 2, 0, ("name",)),
    CALL_METHOD: (1, _MANY, 1, ("name",)),
    CALL_FUNCTION: (0, _MANY, 1, ("name",)),
    ISINSTANCE: (1, 1, 1, ("types",)),
    UNCHECKED_CAST: (1, 1, 1, ()),
}
_BLOCKS: dict[OpDef, int] = {IF: 2, LOOP: 1, FORK: 1, AWAITABLE: 1, REGION: 1}


def verify(graph: Graph) -> None:
    """Check that `graph` is what every pass may rely on.

    1. Links, owners and blocks point at each other; every node occurs once.
    2. Every value is defined once, before its uses, in a block around them.
    3. Every value's `users` are exactly the nodes (and ends of blocks) that use it.
    4. Inputs and results fit the operator's schema in number and type.
    5. Structural operators have the inputs, results, attributes and blocks that `ir.op` says; the
       returns of blocks fit the results.

    Raises:
        VerifyError: with the rule that is broken and the text around the node.
    """
    _Verifier(graph).run()


class _Verifier:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.defined: set[Value] = set()
        self.visible: set[Value] = set()
        self.nodes: set[Node] = set()
        self.uses: dict[Value, dict[Node, int]] = {}

    def run(self) -> None:
        if self.graph.owner is not None:
            raise VerifyError(f"graph {self.graph.name} is owned by a node")
        self.block(self.graph)
        for value in self.defined:
            if value.users != self.uses.get(value, {}):
                self.fail(value.node, f"{value!r} has wrong users: {list(value.users)}")

    def fail(self, node: Node | None, message: str) -> None:
        raise VerifyError(f"{message}\n{_around(self.graph, node)}")

    def block(self, block: Block) -> None:
        before = set(self.visible)
        for param in block.params:
            if param.block is not block or param.node is not None:
                self.fail(block.owner, f"parameter {param!r} does not belong to its block")
            self.define(param, block.owner)
        previous, node = block.end, block.end.next
        while node is not block.end:
            if node.prev is not previous or node.owner is not block or node in self.nodes:
                # Without the text: printing would follow the same links.
                raise VerifyError(f"{node.op.name} is wrongly linked into its block ({node!r})")
            self.nodes.add(node)
            self.node(node)
            previous, node = node, node.next
        if block.end.prev is not previous:
            raise VerifyError("the end of a block is wrongly linked")
        self.read(block.end, block.owner)
        self.visible = before

    def define(self, value: Value, node: Node | None) -> None:
        if value in self.defined:
            self.fail(node, f"{value!r} is defined twice")
        self.defined.add(value)
        self.visible.add(value)

    def read(self, node: Node, place: Node | None) -> None:
        for value in node.inputs:
            if value not in self.visible:
                self.fail(place, f"{node.op.name} uses {value!r}, which is not defined there")
            uses = self.uses.setdefault(value, {})
            uses[node] = uses.get(node, 0) + 1

    def node(self, node: Node) -> None:
        self.read(node, node)
        if node.op.schema is not None:
            self.schema(node)
        elif node.op in _SHAPES:
            self.shape(node)
        if len(node.blocks) != _BLOCKS.get(node.op, 0):
            self.fail(node, f"{node.op.name} has {len(node.blocks)} blocks")
        for block in node.blocks:
            if block.owner is not node:
                self.fail(node, f"a block of {node.op.name} belongs to another node")
            self.block(block)
        self.blocks(node)
        for value in node.outputs:
            if value.node is not node:
                self.fail(node, f"result {value!r} belongs to another node")
            self.define(value, node)

    def schema(self, node: Node) -> None:
        schema = node.op.schema
        assert schema is not None
        wanted, given = len(schema.arguments), len(node.inputs)
        if given < wanted or (given > wanted and not schema.is_vararg):
            self.fail(node, f"{node.op.name} takes {wanted} inputs, got {given}")
        for argument, value in zip(schema.arguments, node.inputs, strict=False):
            if not _accepts(argument, value.type):
                message = f"{node.op.name}: {argument.name} is {argument.type}, got {value.type}"
                self.fail(node, message)
        results = len(schema.results)
        if len(node.outputs) != results and not (results == 0 and not schema.text.endswith("()")):
            self.fail(node, f"{node.op.name} has {results} results, got {len(node.outputs)}")
        for result, value in zip(schema.results, node.outputs, strict=False):
            if not is_assignable(value.type, result.type):
                self.fail(node, f"{node.op.name} gives {result.type}, got {value.type}")

    def shape(self, node: Node) -> None:
        fewest, most, results, attributes = _SHAPES[node.op]
        if not fewest <= len(node.inputs) <= most:
            self.fail(node, f"{node.op.name} has {len(node.inputs)} inputs")
        if results is not None and len(node.outputs) != results:
            self.fail(node, f"{node.op.name} has {len(node.outputs)} results")
        for name in attributes:
            if name not in node.attributes:
                self.fail(node, f"{node.op.name} lacks the attribute {name}")
        if node.op is DICT and len(node.inputs) % 2:
            self.fail(node, "dict has a key without a value")

    def blocks(self, node: Node) -> None:
        """The parameters and returns of control flow."""
        types = [v.type for v in node.outputs]
        if node.op is LOOP:
            (body,) = node.blocks
            carried = [v.type for v in node.inputs[2:]]
            counts = {len(carried), len(types), len(body.params) - 1, len(body.returns) - 1}
            if len(counts) != 1:
                self.fail(node, "loop: inputs, parameters, returns and results differ in number")
            self.fit(node, carried, [p.type for p in body.params[1:]], "starts")
            self.fit(node, [v.type for v in body.returns[1:]], types, "returns")
        elif node.op in (IF, REGION):
            for block in node.blocks:
                if block.params or len(block.returns) != len(types):
                    message = f"{node.op.name}: a block takes values or returns a wrong number"
                    self.fail(node, message)
                self.fit(node, [v.type for v in block.returns], types, "returns")
        elif node.op in (FORK, AWAITABLE) and (
            node.blocks[0].params or len(node.blocks[0].returns) != 1
        ):
            self.fail(node, f"{node.op.name}: the block takes values or returns not exactly one")

    def fit(self, node: Node, given: list[Type], wanted: list[Type], verb: str) -> None:
        for g, w in zip(given, wanted, strict=True):
            if not is_assignable(g, w):
                self.fail(node, f"{node.op.name} {verb} {g} where it needs {w}")


def _accepts(argument: Argument, given: Type) -> bool:
    if is_assignable(given, argument.type):
        return True
    wanted = argument.type.element if isinstance(argument.type, OptionalType) else argument.type
    if argument.size is None or not isinstance(wanted, ListType):
        return False
    return is_assignable(given, wanted.element)  # int[2] takes an int


def _around(graph: Graph, node: Node | None) -> str:
    """The lines of the graph near `node`; the whole graph if it is None or short."""
    text = print_graph(graph)
    lines = text.split("\n")
    if node is None or len(lines) <= 2 * _CONTEXT_LINES:
        return text
    position = _line_of(graph, node)
    first = max(0, position - _CONTEXT_LINES)
    return "\n".join(lines[first : position + _CONTEXT_LINES + 1])


def _line_of(graph: Graph, node: Node) -> int:
    """About the number of the line that prints `node`."""
    mark, node.op = node.op, OpDef(f"{node.op.name}<here>", None)
    try:
        lines = print_graph(graph).split("\n")
    finally:
        node.op = mark
    return next((i for i, line in enumerate(lines) if "<here>(" in line), 0)
