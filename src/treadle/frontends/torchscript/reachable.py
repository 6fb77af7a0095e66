"""Compiling all that a method may call, so that what is wrong with it is said before it runs."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.errors import CompileError, UnsupportedError
from treadle.frontends.torchscript.unsupported import is_unsupported
from treadle.ir.graph import Block, Node
from treadle.ir.op import CALL_FUNCTION, CALL_METHOD, FORK
from treadle.ir.program import Class, Function, Program
from treadle.ir.types import ClassType

_Call = tuple[Function, Node]


def compile_reachable(program: Program, cls: Class, method: str = "forward") -> list[Function]:
    """Compile a method, its overloads and what they call, as far as the types of objects tell.

    Raises:
        CompileError: if one of the functions is not TorchScript.
        UnsupportedError: if the method cannot run without an operator that Treadle lacks.
    """
    hooks = (*cls.forward_pre_hooks, *cls.forward_hooks) if method == "forward" else ()
    overloads = [name for name in cls.methods if name.startswith(f"{method}__")]
    starts = [cls.methods[name] for name in (method, *hooks, *overloads) if name in cls.methods]
    found = compile_called(program, starts)
    if method in cls.methods:
        _check_certain(program, cls.methods[method])
    return found


def compile_called(program: Program, starts: Sequence[Function]) -> list[Function]:
    """Compile functions and what they call; all of them.

    Raises:
        CompileError: if one of them is not TorchScript, or calls itself.
    """
    calls: dict[int, tuple[Function, list[_Call]]] = {}
    pending = list(starts)
    while pending:
        function = pending.pop()
        if id(function) not in calls:
            called = [(_called(program, node), node) for node in function.graph().walk()]
            calls[id(function)] = (function, [(c, node) for c, node in called if c is not None])
            pending += [c for c, _ in calls[id(function)][1]]
    _check_no_recursion(starts, calls)
    return [function for function, _ in calls.values()]


def _check_no_recursion(
    starts: Sequence[Function], calls: dict[int, tuple[Function, list[_Call]]]
) -> None:
    """Raise if a function may call itself, as PyTorch does."""
    left: set[int] = set()
    path: set[int] = set()
    stack: list[tuple[Function, Node | None, bool]] = [
        (function, None, False) for function in starts
    ]
    while stack:
        function, node, done = stack.pop()
        key = id(function)
        if done:
            path.discard(key)
            left.add(key)
        elif key in path:
            place = "" if node is None or node.loc is None else node.loc.pointed()
            raise CompileError(
                f"function {function.name} calls itself: recursive calls are not supported{place}"
            )
        elif key not in left:
            path.add(key)
            stack.append((function, node, True))
            stack += [(called, call, False) for called, call in calls[key][1]]


def _check_certain(program: Program, method: Function) -> None:
    """Raise if something unsupported stands where control always comes."""
    pending: list[Block] = [method.graph()]
    seen: set[int] = set()
    while pending:
        block = pending.pop()
        if id(block) in seen:
            continue
        seen.add(id(block))
        for node in block.nodes:
            if is_unsupported(node):
                raise UnsupportedError(node.attributes["message"])
            called = _called(program, node)
            if called is not None:
                pending.append(called.graph())
            if node.op is FORK:
                pending += node.blocks


def _called(program: Program, node: Node) -> Function | None:
    if node.op is CALL_FUNCTION:
        return program.functions.get(node.attributes["name"])
    if node.op is CALL_METHOD:
        receiver = node.inputs[0].type
        cls = program.classes.get(receiver.name) if isinstance(receiver, ClassType) else None
        if cls is not None and cls.kind != "interface":
            return cls.methods.get(node.attributes["name"])
    return None
