"""Operators that Treadle lacks: the program may hold them as long as they are not reached.

Library code such as ``interpolate`` names many operators in branches that a model never takes. A
node stands for such a call; running it raises. What could touch files, the network or Python is
refused outright.
"""

from __future__ import annotations

from treadle.ir.graph import Node, Value
from treadle.ir.op import UNSUPPORTED

REMOTE_CALLS = frozenset({"rpc_async", "rpc_sync", "rpc_remote"})
_REASONS = {
    "aten::from_file": "it reads files", "aten::load": "it reads files",
    "aten::save": "it writes files", "prim::PythonOp": "it runs Python",
    "prim::IgnoredPythonOp": "it runs Python",
    **{f"prim::{name}": "it calls other machines" for name in REMOTE_CALLS},
}  # fmt: skip
_CPP_CLASSES = "__torch__.torch.classes."
_NAMESPACES = frozenset({"aten", "prim", "torchvision"})
_REMOTE_NAMESPACES = frozenset({"c10d", "_c10d_functional", "c10d_functional", "rpc"})


def is_refused(name: str) -> bool:
    """Whether a program that names operator `name` is refused, reached or not."""
    return name in _REASONS or name.partition("::")[0] not in _NAMESPACES


def refusal(name: str) -> str:
    """Why a program that names operator `name` is refused."""
    namespace = name.partition("::")[0]
    if namespace in _REMOTE_NAMESPACES:
        return f"operator {name} is refused: it calls other machines"
    if name in _REASONS:
        return f"operator {name} is refused: {_REASONS[name]}"
    return f"operator {name} is refused: Treadle has none in namespace {namespace}"


def is_cpp_class(name: str) -> bool:
    """Whether a qualified name is that of a class of PyTorch's own, written in C++."""
    return name.startswith(_CPP_CLASSES)


def lacks_cpp_class(name: str) -> str:
    """Why a program that needs such a class is refused."""
    short = name.removeprefix(_CPP_CLASSES)
    reason = ": quantised models are not supported" if short.startswith("quantized.") else ""
    return f"C++ class {short} is refused{reason}"


def is_unsupported(item: Value | Node | None) -> bool:
    """Whether a node, or the node that gives a value, is such a call."""
    node = item.node if isinstance(item, Value) else item
    return node is not None and node.op.name == UNSUPPORTED.name
