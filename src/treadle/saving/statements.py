"""Lines of TorchScript source: names of values, assignments, branches, loops and tasks."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from typing import Any

from treadle.ir import op as ops
from treadle.ir.graph import Block, Node, Value
from treadle.ir.types import FutureType, Type, UnionType
from treadle.saving.literals import Literals
from treadle.saving.types import type_text

_ENDLESS = 2**63 - 1


class Statements(Literals):
    """Prints the statements that own blocks; a class derived from it prints all others."""

    def __init__(self, constants: list[Any]) -> None:
        super().__init__(constants)
        self._names: dict[Value, str] = {}
        self._used: set[str] = set()
        self._lines: list[str] = []
        self._depth = 0

    def _body(self, block: Block) -> None:
        """Print the nodes of a block."""
        raise NotImplementedError

    def _line(self, text: str) -> None:
        self._lines.append("  " * self._depth + text)

    def _fresh(self, value: Value | None, base: str = "") -> str:
        base = base or (value.name if value is not None else "")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z_]*", base) or keyword.iskeyword(base):
            base = "_v"
        number = 0
        while f"{base}{number}" in self._used:
            number += 1
        name = f"{base}{number}"
        self._used.add(name)
        if value is not None:
            self._names[value] = name
        return name

    def _set(self, node: Node, expression: str) -> None:
        if not node.outputs:
            self._line(expression)
        elif len(node.outputs) == 1:
            self._line(f"{self._fresh(node.outputs[0])} = {expression}")
        else:
            names = "".join(f"{self._fresh(value)}, " for value in node.outputs)
            self._line(f"{names}= {expression}")

    def _use(self, value: Value) -> str:
        return self._names[value]

    def _as(self, value: Value, type_: Any) -> str:
        """`value` where the wider `type_` is declared."""
        text = self._use(value)
        return (
            text
            if type_text(value.type) == type_text(type_)
            else f"annotate({type_text(type_)}, {text})"
        )

    def _arguments(self, values: Sequence[Value]) -> str:
        return ", ".join(map(self._use, values))

    def _assign(self, name: str, value: Value, type_: Type, *, declares: bool) -> None:
        """Give a name one of several values; where these make a union, the first declares it."""
        if isinstance(type_, UnionType):
            text = self._use(value)
            self._line(f"{name} : {type_text(type_)} = {text}" if declares else f"{name} = {text}")
        else:
            self._line(f"{name} = {self._as(value, type_)}")

    def _if(self, node: Node) -> None:
        names = [self._fresh(None, output.name) for output in node.outputs]
        for head, block in zip(
            (f"if {self._use(node.inputs[0])}:", "else:"), node.blocks, strict=True
        ):
            self._line(head)
            with_before = len(self._lines)
            self._depth += 1
            self._body(block)
            for name, output, value in zip(names, node.outputs, block.returns, strict=True):
                self._assign(name, value, output.type, declares=block is node.blocks[0])
            if len(self._lines) == with_before:
                self._line("pass")
            self._depth -= 1
        self._names.update(zip(node.outputs, names, strict=True))

    def _loop(self, node: Node) -> None:
        (block,) = node.blocks
        trips, condition, *starts = node.inputs
        index, *params = block.params
        names = [self._fresh(param) for param in params]
        for name, param, start in zip(names, params, starts, strict=True):
            self._assign(name, start, param.type, declares=True)
        proceed = block.returns[0]
        is_for = _is_true(condition) and _is_true(proceed)
        counted = not is_for and (bool(index.users) or trips.constant != _ENDLESS)
        number = self._fresh(index, "i")
        test = self._fresh(None, "_c")
        limit = self._use(trips)
        if is_for:
            self._line(f"for {number} in range({limit}):")
        else:
            start_test = self._use(condition)
            if counted:
                self._line(f"{number} = 0")
                start_test = f"torch.__and__(torch.lt(0, {limit}), {start_test})"
            self._line(f"{test} = {start_test}")
            self._line(f"while {test}:")
        before = len(self._lines)
        self._depth += 1
        self._body(block)
        next_test = self._use(proceed)
        if counted:
            step = self._fresh(None, "_i")
            self._line(f"{step} = torch.add({number}, 1)")
            next_test = f"torch.__and__(torch.lt({step}, {limit}), {next_test})"
        if not is_for:
            following = self._fresh(None, "_n")
            self._line(f"{following} = {next_test}")
        ends = self._ends(params, block.returns[1:])
        for name, end in zip(names, ends, strict=True):
            self._line(f"{name} = {end}")
        if counted:
            self._line(f"{number} = {step}")
        if not is_for:
            self._line(f"{test} = {following}")
        if len(self._lines) == before:
            self._line("pass")
        self._depth -= 1
        self._names.update(zip(node.outputs, names, strict=True))

    def _ends(self, params: Sequence[Value], ends: Sequence[Value]) -> list[str]:
        """What the carried names become; kept aside first where they depend on one another."""
        texts = [self._as(end, param.type) for param, end in zip(params, ends, strict=True)]
        if not any(end in params and end is not p for p, end in zip(params, ends, strict=True)):
            return texts
        kept = [self._fresh(None, "_k") for _ in texts]
        for name, text in zip(kept, texts, strict=True):
            self._line(f"{name} = {text}")
        return kept

    def _task(self, node: Node) -> None:
        starts = "fork" if node.op is ops.FORK else "awaitable"
        name = self._fresh(None, f"__{starts}_function")
        (block,) = node.blocks
        self._line(f"def {name}():")
        self._depth += 1
        self._body(block)
        self._line(f"return {self._use(block.returns[0])}")
        self._depth -= 1
        self._set(node, f"{starts}({name})")

    def _wait(self, node: Node) -> None:
        type_ = node.inputs[0].type
        awaits = isinstance(type_, FutureType) and type_.kind == "Await"
        name = "ops.prim.awaitable_wait" if awaits else "torch.wait"
        self._set(node, f"{name}({self._use(node.inputs[0])})")


def _is_true(value: Value) -> bool:
    return value.is_constant and value.constant is True
