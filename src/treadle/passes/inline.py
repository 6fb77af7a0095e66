"""`inline`: calls of known functions and methods become their bodies."""

from __future__ import annotations

from treadle.errors import CompileError, UnsupportedError
from treadle.ir.clone import clone_nodes
from treadle.ir.graph import Graph, Loc, Node, Value, replace_uses
from treadle.ir.literals import literal_type
from treadle.ir.op import CALL_FUNCTION, CALL_METHOD, TUPLE, TUPLE_INDEX
from treadle.ir.program import Class, Function, Object, Program
from treadle.ir.schema import REQUIRED
from treadle.ir.types import INT, NONE, ClassType, OptionalType, TupleType

MAX_DEPTH = 200
MAX_NODES = 500_000


def inline(graph: Graph, program: Program) -> bool:
    """Replace calls by the bodies of what they call, and those of the calls in there.

    A method is found through its receiver: a constant object, or a static type that is a module or
    a script class. ``__call__`` of a module becomes its pre-hooks, ``forward`` and its hooks.
    Bodies keep their own source locations, to which the callers' are added. Blocks of forks stay,
    their calls are inlined too.

    Does not apply to (1) functions that the program does not have, (2) methods of interfaces whose
    object is unknown, (3) functions that call themselves.

    Raises:
        CompileError: if calls nest too deep or the graph gets too large.
    """
    inliner = _Inliner(program)
    pending = [n for n in graph.walk() if n.op in (CALL_FUNCTION, CALL_METHOD)]
    inliner.size = sum(1 for _ in graph.walk())
    changed = False
    while pending:
        node = pending.pop()
        added = inliner.expand(node)
        changed |= added is not None
        pending += added or ()
    return changed


def expand_hooks(graph: Graph, program: Program) -> None:
    """Replace ``__call__`` of modules by calls of their pre-hooks, ``forward`` and their hooks."""
    inliner = _Inliner(program)
    for node in graph.nodes_of(CALL_METHOD):
        if node.attributes["name"] == "__call__":
            inliner.expand_hooks(node)


class _Inliner:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.callers: dict[Node, tuple[int, ...]] = {}
        self.size = 0

    def expand(self, node: Node) -> list[Node] | None:
        """Replace one call; give the new calls, or None if it has to stay."""
        function = self.callee(node)
        if function is None and node.attributes["name"] == "__call__":
            return self.expand_hooks(node)
        callers = self.callers.pop(node, ())
        if function is None or id(function) in callers:
            return None
        if len(callers) >= MAX_DEPTH:
            raise CompileError(f"calls nest deeper than {MAX_DEPTH} (at {function.name})")
        body = function.graph()
        block = node.owner
        assert block is not None
        arguments = self.arguments(node, function)
        mapping = dict(zip(body.params, arguments, strict=True))
        start = node.prev
        (result,) = clone_nodes(body, block, node, mapping)
        calls: list[Node] = []
        new = start.next
        while new is not node:
            added = self.count(new)
            for inner in added:
                inner.loc = _called(inner.loc, function, node.loc)
            calls += [n for n in added if n.op in (CALL_FUNCTION, CALL_METHOD)]
            new = new.next
        for call in calls:
            self.callers[call] = (*callers, id(function))
        replace_uses(node.output, result)
        block.erase(node)
        return calls

    def count(self, node: Node) -> list[Node]:
        """`node` and all in its blocks; counted towards the limit."""
        nodes = [node]
        for block in node.blocks:
            for inner in block.nodes:
                nodes += self.count(inner)
        self.size += 1
        if self.size > MAX_NODES:
            raise CompileError(f"the model has more than {MAX_NODES} operations once inlined")
        return nodes

    def callee(self, node: Node) -> Function | None:
        name = node.attributes["name"]
        if node.op is CALL_FUNCTION:
            return self.program.functions.get(name)
        cls = self.class_of(node.inputs[0])
        return cls.methods.get(name) if cls is not None else None

    def class_of(self, receiver: Value) -> Class | None:
        if isinstance(receiver.constant, Object):
            return receiver.constant.cls
        if not isinstance(receiver.type, ClassType):
            return None
        cls = self.program.classes.get(receiver.type.name)
        return cls if cls is not None and cls.kind in ("module", "class") else None

    def arguments(self, node: Node, function: Function) -> list[Value]:
        """The inputs, and the defaults of those that the call leaves out."""
        block = node.owner
        assert block is not None
        values = list(node.inputs)
        if len(values) > len(function.parameters):
            raise CompileError(_wrong_count(node, function))
        for parameter in function.parameters[len(values) :]:
            if parameter.default is REQUIRED:
                raise CompileError(_wrong_count(node, function))
            type_ = literal_type(parameter.default) or parameter.type
            values.append(block.constant(parameter.default, type_, before=node))
        return values

    def expand_hooks(self, node: Node) -> list[Node] | None:
        """Replace ``__call__`` by calls of the pre-hooks, ``forward`` and the hooks."""
        receiver, *arguments = node.inputs
        cls, block = self.class_of(receiver), node.owner
        if cls is None or block is None or "forward" not in cls.methods:
            return None
        calls: list[Node] = []

        def call(name: str, *inputs: Value) -> Value:
            result = cls.methods[name].result
            calls.append(block.add(CALL_METHOD, (receiver, *inputs), (result,), before=node))
            calls[-1].attributes["name"] = name
            calls[-1].loc = node.loc
            if isinstance(result, OptionalType):
                raise UnsupportedError(f"{cls.name}.{name}: a hook with an optional result")
            return calls[-1].output

        def packed() -> Value:
            type_ = TupleType(tuple(a.type for a in arguments))
            return block.add(TUPLE, arguments, (type_,), before=node).output

        for hook in cls.forward_pre_hooks:
            value = call(hook, packed())
            if isinstance(value.type, TupleType):
                arguments = [
                    block.add(
                        TUPLE_INDEX, (value, block.constant(i, INT, before=node)), (t,), before=node
                    ).output
                    for i, t in enumerate(value.type.elements)
                ]
            elif value.type != NONE:
                arguments = [value]
        forward = CALL_METHOD
        result = block.add(forward, (receiver, *arguments), (node.output.type,), before=node)
        result.attributes["name"], result.loc = "forward", node.loc
        calls.append(result)
        output = result.output
        for hook in cls.forward_hooks:
            value = call(hook, packed(), output)
            output = output if value.type == NONE else value
        replace_uses(node.output, output)
        block.erase(node)
        return calls


def _called(loc: Loc | None, function: Function, caller: Loc | None) -> Loc | None:
    """The place `loc` in the body of `function`, which is called at `caller`."""
    if loc is None or caller is None:
        return loc
    return Loc(loc.file, loc.line, loc.column, loc.text, function.name, caller)


def _wrong_count(node: Node, function: Function) -> str:
    where = f" ({node.loc})" if node.loc else ""
    wanted, given = len(function.parameters), len(node.inputs)
    return f"{function.name} takes {wanted} arguments, got {given}{where}"
