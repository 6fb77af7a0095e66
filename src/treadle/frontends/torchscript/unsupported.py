"""Operators that Treadle lacks: the program may hold them as long as they are not reached.

Library code such as ``interpolate`` names many operators in branches that a model never takes. A
node stands for such a call; running it raises. What could touch files, the network or Python is
refused outright.
"""

from __future__ import annotations

from typing import Any, NoReturn

from treadle.errors import UnsupportedError
from treadle.ir.graph import Node, Value
from treadle.ir.op import OpDef

NAME = "unsupported"
_REFUSED_NAMES = frozenset({
    "aten::from_file", "aten::save", "aten::load", "prim::PythonOp", "prim::IgnoredPythonOp",
    "prim::rpc_async", "prim::rpc_sync", "prim::rpc_remote",
})  # fmt: skip
_NAMESPACES = frozenset({"aten", "prim"})


def is_refused(name: str) -> bool:
    """Whether a program that names operator `name` is refused, reached or not."""
    return name in _REFUSED_NAMES or name.partition("::")[0] not in _NAMESPACES


def unsupported_operator(message: str) -> OpDef:
    """An operator that raises `message` when it runs."""

    def fail(*inputs: Any) -> NoReturn:
        raise UnsupportedError(message)

    return OpDef(NAME, None, reference=fail, pure=False, doc=message)


def is_unsupported(item: Value | Node | None) -> bool:
    """Whether a node, or the node that gives a value, is such a call."""
    node = item.node if isinstance(item, Value) else item
    return node is not None and node.op.name == NAME
