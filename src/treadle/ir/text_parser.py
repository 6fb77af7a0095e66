"""Reads the text form of graphs, which `ir.text` describes."""

from __future__ import annotations

import re
from typing import Any, Protocol

from treadle.ir.graph import Block, Graph, Loc, Node, Value
from treadle.ir.literals import Scanner, literal_type
from treadle.ir.op import CONSTANT, OpDef
from treadle.ir.types import Type

MAX_BLOCK_DEPTH = 100
_NAME = re.compile(r"[A-Za-z0-9_][\w.]*", re.ASCII)
_OP = re.compile(r"[A-Za-z_][\w.:]*", re.ASCII)
_KEYWORD = re.compile(r"[A-Za-z_]\w*(?==)", re.ASCII)
_LOC = re.compile(r"(.*):(\d{1,9})$")


class Operators(Protocol):
    """Where the parser finds operators: `ops.registry.OPS`, or a dictionary."""

    def __getitem__(self, name: str, /) -> OpDef: ...

    def __contains__(self, name: object, /) -> bool: ...


def parse_graph(text: str, ops: Operators, constants: dict[str, Any] | None = None) -> Graph:
    """The graph that `text` describes; not verified.

    Args:
        text: as `print_graph` writes it; empty lines, comments and common indentation are free.
        ops: operators by name.
        constants: values of the constants that the text refers to by name.

    Raises:
        ScriptSyntaxError: naming the line.
    """
    return _Parser(text, ops, constants or {}).graph()


class _Parser:
    def __init__(self, text: str, ops: Operators, constants: dict[str, Any]) -> None:
        self.ops, self.constants = ops, constants
        self.lines = [
            (number, line)
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip() and not line.lstrip().startswith("#")
        ]
        self.index = 0
        self.values: dict[str, Value] = {}
        self.seen: set[str] = set()

    def scanner(self) -> Scanner:
        """Of the current line."""
        if self.index == len(self.lines):
            last = self.lines[-1][0] if self.lines else 1
            raise Scanner("", last).error("expected another line, got the end")
        number, line = self.lines[self.index]
        return Scanner(line, number)

    def indent(self) -> int:
        line = self.lines[self.index][1] if self.index < len(self.lines) else ""
        return len(line) - len(line.lstrip(" "))

    def graph(self) -> Graph:
        scanner = self.scanner()
        scanner.expect("graph")
        name = "forward"
        if scanner.at('"'):
            name = scanner.string()
        elif not scanner.at("("):
            name = scanner.match(_OP, "a name")
        graph = Graph(name)
        self._params(scanner, graph)
        self._end(scanner)
        self._body(graph, self.indent(), 0)
        if self.index < len(self.lines):
            raise self.scanner().error("unexpected text after the graph's return")
        return graph

    def _params(self, scanner: Scanner, block: Block) -> list[str]:
        scanner.expect("(")
        names: list[str] = []
        while not scanner.take(")"):
            name, type_ = self._definition(scanner, ",)")
            self._define(scanner, name, block.add_param(type_, name))
            names.append(name)
            if not scanner.at(")"):
                scanner.expect(",")
        return names

    def _definition(self, scanner: Scanner, ends: str) -> tuple[str, Type]:
        scanner.expect("%")
        name = scanner.match(_NAME, "a name")
        scanner.expect(":")
        return name, scanner.type(ends)

    def _define(self, scanner: Scanner, name: str, value: Value) -> None:
        if name in self.seen:
            raise scanner.error(f"%{name} is defined twice")
        self.seen.add(name)
        self.values[name] = value

    def _end(self, scanner: Scanner) -> Loc | None:
        """The end of a line, with its comment."""
        self.index += 1
        if scanner.take("#"):
            match = _LOC.match(scanner.text[scanner.position :].strip())
            return Loc(match[1], int(match[2])) if match else None
        scanner.skip()
        if scanner.position < len(scanner.text):
            raise scanner.error(f"unexpected {scanner.text[scanner.position :][:20]!r}")
        return None

    def _body(self, block: Block, indent: int, depth: int) -> None:
        if depth > MAX_BLOCK_DEPTH:
            raise self.scanner().error(f"blocks nest deeper than {MAX_BLOCK_DEPTH}")
        outer = dict(self.values) if depth else self.values
        while True:
            scanner = self.scanner()
            if self.indent() != indent:
                raise scanner.error(f"expected an indentation of {indent}")
            if re.match(r"\s*return\b(?![\w.:]*\()", scanner.text):
                break
            self._node(scanner, block, indent, depth)
        scanner.expect("return")
        returns: list[Value] = []
        scanner.skip()
        while scanner.position < len(scanner.text) and not scanner.at("#"):
            returns.append(self._operand(scanner, block))
            if not scanner.take(","):
                break
            scanner.skip()
        block.set_returns(returns)
        self._end(scanner)
        self.values = outer

    def _node(self, scanner: Scanner, block: Block, indent: int, depth: int) -> None:
        results: list[tuple[str, Type]] = []
        if scanner.at("%"):
            results.append(self._definition(scanner, ",="))
            while scanner.take(","):
                results.append(self._definition(scanner, ",="))
            scanner.expect("=")
        name = scanner.match(_OP, "an operator")
        if name not in self.ops:
            raise scanner.error(f"unknown operator {name!r}")
        scanner.expect("(")
        if self.ops[name] is CONSTANT:
            inputs: list[Value] = []
            attributes = {"value": self._constant(scanner)}
            scanner.expect(")")
        else:
            inputs, attributes = self._arguments(scanner, block)
        types = [t for _, t in results]
        node = block.append(Node(self.ops[name], inputs, types, attributes))
        self._blocks(scanner, node, indent, depth)
        for (result, _), value in zip(results, node.outputs, strict=True):
            value.name = result
            self._define(scanner, result, value)

    def _constant(self, scanner: Scanner) -> Any:
        if not scanner.take("@"):
            return scanner.literal()
        name = scanner.match(_NAME, "a name")
        if name not in self.constants:
            raise scanner.error(f"no value is given for the constant @{name}")
        return self.constants[name]

    def _arguments(self, scanner: Scanner, block: Block) -> tuple[list[Value], dict[str, Any]]:
        inputs: list[Value] = []
        attributes: dict[str, Any] = {}
        while not scanner.take(")"):
            scanner.skip()
            if _KEYWORD.match(scanner.text, scanner.position):
                keyword = scanner.match(_KEYWORD, "a keyword")
                scanner.expect("=")
                attributes[keyword] = scanner.literal()
            else:
                inputs.append(self._operand(scanner, block))
            if not scanner.at(")"):
                scanner.expect(",")
        return inputs, attributes

    def _operand(self, scanner: Scanner, block: Block) -> Value:
        if scanner.take("%"):
            name = scanner.match(_NAME, "a name")
            if name not in self.values:
                raise scanner.error(f"%{name} is not defined here")
            return self.values[name]
        literal = scanner.literal()
        type_ = literal_type(literal)
        if type_ is None:
            raise scanner.error(f"write {literal!r} as a constant with a type of its own")
        return block.constant(literal, type_)

    def _blocks(self, scanner: Scanner, node: Node, indent: int, depth: int) -> None:
        """The blocks of `node`, whose line `scanner` has read up to its arguments."""
        first = scanner.take("with ")
        block = node.add_block() if first else None
        if block is not None:
            self._params(scanner, block)
        node.loc = self._end(scanner)
        if block is None and self.indent() > indent:
            block = node.add_block()
        while block is not None:
            self._nested(scanner, block, indent, depth)
            if self.index == len(self.lines) or self.indent() != indent:
                return
            scanner = self.scanner()
            if not re.match(r"\s*else(\s|$)", scanner.text):
                return
            scanner.expect("else")
            block = node.add_block()
            if scanner.take("with "):
                self._params(scanner, block)
            self._end(scanner)

    def _nested(self, scanner: Scanner, block: Block, indent: int, depth: int) -> None:
        if self.indent() <= indent:
            raise scanner.error("expected an indented block")
        params = {p.name for p in block.params}
        self._body(block, self.indent(), depth + 1)
        for name in params:
            self.values.pop(name, None)
