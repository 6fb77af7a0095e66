"""Lists of objects in the order that the ``__lt__`` of their class gives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from treadle.errors import ScriptError
from treadle.ir.graph import Node
from treadle.ir.op import OpDef
from treadle.ir.program import Function, Object
from treadle.ir.types import ClassType, ListType, TupleType, Type
from treadle.ops import OPS

SORTED, SORT = OPS["sorted.any"], OPS["sort.any"]
Call = Callable[[Function, tuple[Any, Any]], Any]


def sorts_objects(node: Node) -> bool:
    """Whether a node puts objects, or tuples with objects in them, into order."""
    if node.op not in (SORTED, SORT):
        return False
    type_ = node.inputs[0].type
    return isinstance(type_, ListType) and _has_object(type_.element)


def _has_object(type_: Type) -> bool:
    if isinstance(type_, TupleType):
        return any(map(_has_object, type_.elements))
    return isinstance(type_, ClassType)


def sort_objects(op: OpDef, call: Call, items: list[Any], reverse: bool = False) -> Any:
    """The result of `op`; `call` runs a function of the script."""

    def compare(a: Any, b: Any) -> int:
        return -1 if _is_less(a, b, call) else int(_is_less(b, a, call))

    order = sorted(items, key=functools.cmp_to_key(compare), reverse=reverse)
    if op is SORTED:
        return order
    items[:] = order
    return None


def _is_less(a: Any, b: Any, call: Call) -> bool:
    if isinstance(a, tuple):
        for x, y in zip(a, b, strict=True):
            if _is_less(x, y, call):
                return True
            if _is_less(y, x, call):
                return False
        return False
    if not isinstance(a, Object):
        return bool(a < b)
    less = a.cls.methods.get("__lt__")
    if less is None:
        raise ScriptError(
            f"objects without __lt__, as of {a.cls.name}, have no order", "ValueError"
        )
    return bool(call(less, (a, b)))
