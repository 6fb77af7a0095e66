"""The source of a loop that becomes a Python function: its lines, and the names of its values."""

from __future__ import annotations

import math
import time
from typing import Any

from treadle.errors import Error
from treadle.interpreter import actions
from treadle.interpreter.unset import maybe_unset
from treadle.ir.graph import Node, Value
from treadle.ops.scalar import wrap

HIGHEST = 2**63 - 1
_LOWEST = -(2**63)
_MAX_INDENT = 80


class UncompilableError(Exception):
    """Control flow: the machine has to run this loop."""


class LoopWriter:
    """Writes lines, each of one node; whatever is no literal is bound to a name of its own."""

    def __init__(self, loop: Node) -> None:
        self._loop = loop
        self._node = loop
        self._lines: list[str] = []
        self._nodes: list[Node] = []
        self._names: dict[Value, str] = {}
        self._free: list[Value] = []
        self._bound: dict[str, Any] = {
            "unset": actions.UNINITIALIZED, "fail_unset": actions.fail_unset, "wrap": wrap,
            "now": time.monotonic, "late": actions.fail_late, "lowest": _LOWEST,
            "highest": HIGHEST, "Error": Error,
        }  # fmt: skip
        self._maybe_unset = maybe_unset(loop)
        self._depth = 0
        self._count = 0

    def _emit(self, text: str) -> None:
        if self._depth > _MAX_INDENT:
            raise UncompilableError
        self._lines.append(" " * self._depth + text)
        self._nodes.append(self._node)

    def _name(self, value: Value) -> str:
        self._count += 1
        name = self._names[value] = f"v{self._count}"
        return name

    def _bind(self, value: Any, prefix: str) -> str:
        name = f"{prefix}{len(self._bound)}"
        self._bound[name] = value
        return name

    def _raw(self, value: Value) -> str:
        """`value`, which may be unset."""
        if value not in self._names:
            if value.is_constant and not isinstance(value.constant, (list, dict)):
                self._names[value] = self._literal(value.constant)
            else:
                self._free.append(value)
                self._name(value)
        return self._names[value]

    def _use(self, value: Value) -> str:
        """`value`, about to be read."""
        name = self._raw(value)
        if value in self._maybe_unset:
            operator = self._bind(self._node.op.name, "n")
            self._emit(f"if {name} is unset: fail_unset({operator})")
        return name

    def _literal(self, value: Any) -> str:
        if value is None or isinstance(value, bool):
            return str(value)
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return f"({value!r})"
        return self._bind(value, "k")

    def _set(self, node: Node, expression: str) -> None:
        names = ", ".join(self._name(output) for output in node.outputs)
        self._emit(f"{names} = {expression}" if names else expression)
