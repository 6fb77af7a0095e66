"""Compiling all that a method may call, so that what is wrong with it is said before it runs."""

from __future__ import annotations

from treadle.ir.graph import Node
from treadle.ir.op import CALL_FUNCTION, CALL_METHOD
from treadle.ir.program import Class, Function, Program
from treadle.ir.types import ClassType


def compile_reachable(program: Program, cls: Class, method: str = "forward") -> list[Function]:
    """Compile a method and what it calls, as far as the types of objects tell.

    Raises:
        CompileError: if one of the functions is not TorchScript.
        UnsupportedError: if one uses an operator that Treadle does not implement.
    """
    hooks = (*cls.forward_pre_hooks, *cls.forward_hooks) if method == "forward" else ()
    pending = [cls.methods[name] for name in (method, *hooks) if name in cls.methods]
    found: dict[int, Function] = {}
    while pending:
        function = pending.pop()
        if id(function) in found:
            continue
        found[id(function)] = function
        for node in function.graph().walk():
            called = _called(program, node)
            if called is not None:
                pending.append(called)
    return list(found.values())


def _called(program: Program, node: Node) -> Function | None:
    if node.op is CALL_FUNCTION:
        return program.functions.get(node.attributes["name"])
    if node.op is CALL_METHOD:
        receiver = node.inputs[0].type
        cls = program.classes.get(receiver.name) if isinstance(receiver, ClassType) else None
        if cls is not None and cls.kind != "interface":
            return cls.methods.get(node.attributes["name"])
    return None
