"""The text form of graphs: `print_graph` writes it, `parse_graph` reads it back.

::

    graph(%x: f32[B, 4], %flag: bool)
    %w: f32[4, 4] = constant(@w)
    %y: Tensor = if(%flag)
      %a: f32[B, 4] = matmul(%x, %w)  # model.py:31
      return %a
    else
      return %x
    %n: int = loop(3, True, 0) with (%i: int, %n.1: int)
      %s: int = add.int(%n.1, %i)
      return True, %s
    return %y, %n

Small constants stand among the operands; others (tensors, objects) are named, ``@w``, in a
dictionary beside the text. Attributes are keywords: ``get_attr(%self, name="weight")``.
"""

from __future__ import annotations

import re
from typing import Any

from treadle.ir.graph import Block, Graph, Loc, Node, Value
from treadle.ir.literals import (
    is_literal,
    literal_type,
    print_attribute,
    print_literal,
)
from treadle.ir.op import CONSTANT
from treadle.ir.text_parser import MAX_BLOCK_DEPTH, Operators, parse_graph

_PLAIN = re.compile(r"[A-Za-z_][\w.:]*", re.ASCII)


def is_inlined(value: Value) -> bool:
    """Whether the text form writes `value`, a constant, in place of its uses."""
    if not value.is_constant:
        return False
    return is_literal(value.constant) and literal_type(value.constant) == value.type


def print_graph(graph: Graph, constants: dict[str, Any] | None = None, names: bool = True) -> str:
    """The text of `graph`, without a newline at the end.

    Args:
        graph: need not pass `verify`; a value used but not defined prints with its own name.
        constants: gets the constants that the text refers to by name.
        names: whether values keep their names; if not, they are numbered.
    """
    return _Printer(constants if constants is not None else {}, names).graph(graph)


class _Printer:
    def __init__(self, constants: dict[str, Any], keep_names: bool) -> None:
        self.constants, self.keep_names = constants, keep_names
        self.reference = {id(value): name for name, value in constants.items()}
        self.names: dict[Value, str] = {}
        self.taken: set[str] = set()
        self.number = 0

    def graph(self, graph: Graph) -> str:
        if self.keep_names:
            self._reserve(graph)
        name = "" if graph.name == "forward" else " " + _graph_name(graph.name)
        lines = [f"graph{name}{self._params(graph)}"]
        self._body(graph, "", lines)
        return "\n".join(lines)

    def _reserve(self, block: Block) -> None:
        """Give their own names to the values that have one, the first of each name first."""
        for value in block.params:
            self._keep(value)
        for node in block.nodes:
            for value in node.outputs:
                if not is_inlined(value):
                    self._keep(value)
            for inner in node.blocks:
                self._reserve(inner)

    def _keep(self, value: Value) -> None:
        name = re.sub(r"[^A-Za-z0-9_.]", "_", value.name).lstrip(".")
        if name and name not in self.taken:
            self.names[value] = name
            self.taken.add(name)

    def name(self, value: Value) -> str:
        if value not in self.names:
            stem = re.sub(r"[^A-Za-z0-9_.]", "_", value.name).lstrip(".") if self.keep_names else ""
            self.names[value] = self._fresh(re.sub(r"\.\d+$", "", stem))
            self.taken.add(self.names[value])
        return "%" + self.names[value]

    def _fresh(self, stem: str) -> str:
        if stem and not stem.isdigit():
            count = 1
            while f"{stem}.{count}" in self.taken:
                count += 1
            return f"{stem}.{count}"
        while str(self.number) in self.taken:
            self.number += 1
        return str(self.number)

    def operand(self, value: Value) -> str:
        return print_literal(value.constant) if is_inlined(value) else self.name(value)

    def _params(self, block: Block) -> str:
        return f"({', '.join(map(self._definition, block.params))})"

    def _definition(self, value: Value) -> str:
        return f"{self.name(value)}: {value.type}"

    def _body(self, block: Block, indent: str, lines: list[str]) -> None:
        for node in block.nodes:
            if len(node.outputs) != 1 or not is_inlined(node.output):
                self._node(node, indent, lines)
        returns = ", ".join(map(self.operand, block.returns))
        lines.append(f"{indent}return {returns}".rstrip())

    def _node(self, node: Node, indent: str, lines: list[str]) -> None:
        outputs = ", ".join(map(self._definition, node.outputs))
        text = f"{indent}{outputs}{' = ' * bool(outputs)}{node.op.name}({self._arguments(node)})"
        location = f"  # {_printable(node.loc)}" if node.loc else ""
        for i, block in enumerate(node.blocks):
            if i > 0:
                text, location = f"{indent}else", ""
            head = f" with {self._params(block)}" if block.params else ""
            lines.append(text + head + location)
            self._body(block, indent + "  ", lines)
        if not node.blocks:
            lines.append(text + location)

    def _arguments(self, node: Node) -> str:
        if node.op is CONSTANT:
            return self._constant(node)
        parts = list(map(self.operand, node.inputs))
        parts += [f"{k}={print_attribute(v)}" for k, v in node.attributes.items()]
        return ", ".join(parts)

    def _constant(self, node: Node) -> str:
        value = node.attributes.get("value")
        if is_literal(value):
            return print_literal(value)
        if id(value) not in self.reference:
            stem = name = self.name(node.output)[1:]
            count = 0
            while name in self.constants:
                count += 1
                name = f"{stem}.{count}"
            self.constants[name] = value
            self.reference[id(value)] = name
        return "@" + self.reference[id(value)]


def _graph_name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else print_literal(name)


def _printable(loc: Loc) -> str:
    return "".join(c if c.isprintable() else "?" for c in str(loc)).strip()


__all__ = ["MAX_BLOCK_DEPTH", "Operators", "is_inlined", "parse_graph", "print_graph"]
