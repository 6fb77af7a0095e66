"""Loops as Python functions: control flow and scalar arithmetic without the machine's overhead.

A loop is compiled if nothing in it calls a function of the program or starts a task. The source is
made of the graph alone: names are numbers, operators are inline expressions or references bound by
name, so nothing of a model's text gets into it. Each line belongs to one node, which is how an
error finds its place.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, ClassVar

from treadle.interpreter import actions
from treadle.interpreter.compiled import CompiledLoop
from treadle.interpreter.expressions import (
    LOOKUPS,
    STATEMENTS,
    WRAPPED,
    directions_of,
    expression_of,
    key_of,
)
from treadle.interpreter.loop_writer import HIGHEST, LoopWriter, UncompilableError
from treadle.interpreter.ordering import sorts_objects
from treadle.interpreter.shortcuts import reference
from treadle.ir import op as ops
from treadle.ir.graph import Block, Node
from treadle.ir.named import tuple_maker
from treadle.ir.op import OpDef
from treadle.ops import OPS

_SMALL = 2**30 - 1  # what Python compares fastest
_CONTEXT = ("program", "deadline", "control")
_file_numbers = itertools.count()


@functools.lru_cache(maxsize=1024)
def compile_loop(loop: Node) -> CompiledLoop | None:
    """`loop` as a Python function; None if the machine has to run it."""
    try:
        return _Generator(loop).compile()
    except (UncompilableError, SyntaxError, RecursionError, MemoryError):
        return None


class _Generator(LoopWriter):
    def compile(self) -> CompiledLoop:
        (block,) = self._loop.blocks
        carried = [self._name(p) for p in block.params[1:]]
        self._depth = 1
        self._body_of_loop(block, "first", "trips")
        self._emit(f"return ({''.join(name + ', ' for name in carried)})")
        free = [self._names[v] for v in self._free]
        arguments = ", ".join(["first", "trips", *carried, *free, *_CONTEXT])
        file = f"<treadle loop {next(_file_numbers)}>"
        source = "\n".join([f"def loop({arguments}):", *self._lines])
        exec(compile(source, file, "exec"), self._bound)  # our own text, see the module's docstring
        return CompiledLoop(
            self._bound["loop"],
            tuple(self._free),
            tuple(p in self._maybe_unset for p in block.params[1:]),
            (self._loop, *self._nodes),
            file,
        )

    def _body_of_loop(self, block: Block, first: str, trips: str) -> None:
        """A loop whose condition holds before the trip numbered `first`, if there is one."""
        node = self._node
        proceed, *ends = block.returns
        index, *params = block.params
        i = self._name(index)
        endless = not (proceed.is_constant and proceed.constant is True)
        counts = not (endless and _is_while(node))
        if endless:
            if counts:
                self._emit(f"{i} = {first}")
            self._emit("while True:")
        else:
            self._emit(f"for {i} in range({first}, {trips}):")
        self._depth += 1
        self._emit("if deadline is not None and now() > deadline: late()")
        self._body(block)
        self._node = node
        targets = [
            (self._names[p], self._raw(e)) for p, e in zip(params, ends, strict=True) if p is not e
        ]
        following = self._use(proceed) if endless else ""
        if targets:
            left, right = zip(*targets, strict=True)
            if following in left:
                raise UncompilableError
            self._emit(f"{', '.join(left)} = {', '.join(right)}")
        if counts and endless:
            test = f"c{self._count}"
            self._emit(f"{test} = {i} + 1")
            self._emit(f"if not {following} or {test} >= {trips}: break")
            self._emit(f"{i} = {test}")
        elif endless:
            self._emit(f"if not {following}: break")
        self._depth -= 1

    def _body(self, block: Block) -> None:
        for node in block.nodes:
            self._node = node
            handler = self._handlers.get(node.op)
            if handler is not None:
                handler(self, node)
            elif node.op.schema is None or node.op.reference is None or sorts_objects(node):
                raise UncompilableError
            else:
                self._operator(node)

    def _operator(self, node: Node) -> None:
        operands = [self._use(v) for v in node.inputs]
        key = key_of(node.op)
        if key in WRAPPED:
            name = self._name(node.output)
            self._emit(f"{name} = {WRAPPED[key].format(*operands)}")
            self._wrap(name, key, node)
        elif key in STATEMENTS:
            text, failure = STATEMENTS[key]
            self._guarded(node, text.format(*operands), failure, operands)
            self._names.update((output, operands[0]) for output in node.outputs)
        elif key in LOOKUPS:
            text, failure = LOOKUPS[key]
            target = f"{self._name(node.output)} = "
            self._guarded(node, target + text.format(*operands), failure, operands, target)
        else:
            text = expression_of(key, node) or f"{self._reference(node)}({', '.join(operands)})"
            self._set(node, text.format(*operands))

    def _reference(self, node: Node) -> str:
        return self._bind(reference(node.op), "r")

    def _guarded(
        self, node: Node, text: str, failure: str, operands: list[str], target: str = ""
    ) -> None:
        """A statement; if it fails as expected the reference runs instead, and says why."""
        if not failure:
            self._emit(text)
            return
        self._emit(f"try: {text}")
        call = f"{self._reference(node)}({', '.join(operands)})"
        self._emit(f"except {failure}: {target}{call}")

    def _wrap(self, name: str, key: str, node: Node) -> None:
        """Bring an integer back into 64 bits; comparisons of small numbers come first."""
        falls, grows = directions_of(key, node)
        if grows and falls:
            far = f"({name} > {_SMALL} or {name} < -{_SMALL}) and not lowest <= {name} <= highest"
            self._emit(f"if {far}: {name} = wrap({name})")
        elif grows:
            self._emit(f"if {name} > {_SMALL} and {name} > highest: {name} = wrap({name})")
        elif falls:
            self._emit(f"if {name} < -{_SMALL} and {name} < lowest: {name} = wrap({name})")

    def _constant(self, node: Node) -> None:
        value = node.attributes["value"]
        if isinstance(value, (list, dict)):
            self._set(node, f"{self._bind(value, 'k')}.copy()")
        else:
            self._names[node.output] = self._literal(value)

    def _if(self, node: Node) -> None:
        condition = self._use(node.inputs[0])
        names = [self._name(output) for output in node.outputs]
        for head, block in zip((f"if {condition}:", "else:"), node.blocks, strict=True):
            self._node = node
            self._emit(head)
            self._depth += 1
            self._body(block)
            self._node = node
            results = [self._raw(value) for value in block.returns]
            self._emit(f"{', '.join(names)} = {', '.join(results)}" if names else "pass")
            self._depth -= 1

    def _region(self, node: Node) -> None:
        """The plan of a region, or its block if that has none for these inputs."""
        plans = self._bind(node.attributes["plans"], "p")
        given = "".join(self._raw(v) + ", " for v in node.inputs)
        names = [self._name(output) for output in node.outputs]
        results = f"t{self._count}"
        self._emit("try:")
        self._emit(f" {results} = ({plans}.call({given}) if control is None")
        self._emit(f"  else {plans}.call({given}control=control))")
        self._emit(f"except Error as error: {results} = {plans}.decline(error)")
        self._emit(f"if {results} is not None: {', '.join(names)}, = {results}")
        self._emit("else:")
        self._depth += 1
        (block,) = node.blocks
        self._body(block)
        self._node = node
        self._emit(f"{', '.join(names)} = {', '.join(self._raw(v) for v in block.returns)}")
        self._depth -= 1

    def _nested(self, node: Node) -> None:
        (block,) = node.blocks
        trips, condition, *starts = node.inputs
        limit, test = self._use(trips), self._use(condition)
        starts_text = [self._raw(start) for start in starts]
        names = [self._name(param) for param in block.params[1:]]
        if names:
            self._emit(f"{', '.join(names)} = {', '.join(starts_text)}")
        self._emit(f"if {test} and 0 < {limit}:")
        self._depth += 1
        self._body_of_loop(block, "0", limit)
        self._depth -= 1
        self._names.update(zip(node.outputs, names, strict=True))

    def _tuple(self, node: Node) -> None:
        parts = "".join(self._raw(v) + ", " for v in node.inputs)
        make = tuple_maker(node.output.type)
        self._set(node, f"({parts})" if make is tuple else f"{self._bind(make, 't')}(({parts}))")

    def _list(self, node: Node) -> None:
        self._set(node, f"[{', '.join(self._use(v) for v in node.inputs)}]")

    def _dict(self, node: Node) -> None:
        flat = [self._use(v) for v in node.inputs]
        pairs = (f"{k}: {v}" for k, v in zip(flat[::2], flat[1::2], strict=True))
        self._set(node, f"{{{', '.join(pairs)}}}")

    def _unpack(self, node: Node) -> None:
        parts = self._use(node.inputs[0])
        unpack = self._bind(actions.unpack, "u")
        names = "".join(self._name(output) + ", " for output in node.outputs)
        text = f"{unpack}({parts}, {len(node.outputs)})"
        self._emit(f"{names}= {text}" if names else text)

    def _action(self, node: Node) -> None:
        action = self._bind(_ACTIONS[node.op], "a")
        operands = [self._use(v) for v in node.inputs]
        self._set(node, f"{action}({', '.join([*operands, *self._extra(node)])})")

    def _to_list(self, node: Node) -> None:
        cast, type_ = self._bind(actions.cast, "a"), self._bind(node.output.type, "k")
        tensor = self._use(node.inputs[0])
        self._set(node, f"{cast}({self._reference(node)}({tensor}), {type_}, program)")

    def _extra(self, node: Node) -> list[str]:
        if node.op in (ops.GET_ATTR, ops.SET_ATTR):
            return [self._bind(node.attributes["name"], "k")]
        if node.op is ops.ISINSTANCE:
            return [self._bind(node.attributes["types"], "k"), "program"]
        if node.op is ops.UNCHECKED_CAST:
            return [self._bind(node.output.type, "k"), "program"]
        return []

    def _uninitialized(self, node: Node) -> None:
        self._set(node, "unset")

    _handlers: ClassVar[dict[OpDef, Callable[[_Generator, Node], None]]] = {
        ops.CONSTANT: _constant, ops.IF: _if, ops.LOOP: _nested, ops.TUPLE: _tuple,
        ops.LIST: _list, ops.DICT: _dict, ops.TUPLE_UNPACK: _unpack, ops.LIST_UNPACK: _unpack,
        ops.TUPLE_INDEX: _action, ops.GET_ATTR: _action, ops.SET_ATTR: _action,
        ops.ISINSTANCE: _action, ops.UNCHECKED_CAST: _action, ops.RAISE: _action,
        ops.PRINT: _action, ops.UNINITIALIZED: _uninitialized,
        ops.REGION: _region, OPS["prim.tolist"]: _to_list,
    }  # fmt: skip


_ACTIONS: dict[OpDef, Callable[..., Any]] = {
    ops.TUPLE_INDEX: actions.tuple_index, ops.GET_ATTR: actions.get_attribute,
    ops.SET_ATTR: actions.set_attribute, ops.ISINSTANCE: actions.is_one_of,
    ops.UNCHECKED_CAST: actions.cast, ops.RAISE: actions.fail, ops.PRINT: actions.show,
}  # fmt: skip


def _is_while(loop: Node) -> bool:
    """Whether nobody counts the trips, of which there may be any number."""
    trips = loop.inputs[0]
    unlimited = trips.is_constant and trips.constant >= HIGHEST
    return unlimited and not loop.blocks[0].params[0].users
