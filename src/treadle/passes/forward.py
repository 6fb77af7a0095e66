"""`known_result`: results that follow from how a node's operands were made, or from their types.

One small rule each, tried in order by `passes.fold`. Edits nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.ir.graph import Node, Value
from treadle.ir.literals import is_literal
from treadle.ir.op import (
    ISINSTANCE,
    LIST,
    LIST_UNPACK,
    TUPLE,
    TUPLE_INDEX,
    TUPLE_UNPACK,
    UNCHECKED_CAST,
)
from treadle.ir.subtype import is_assignable
from treadle.ir.types import (
    ANY,
    NONE,
    DictType,
    ListType,
    OptionalType,
    Primitive,
    TensorType,
    TupleType,
    Type,
    UnionType,
)
from treadle.passes.locations import Aliases


@dataclass(frozen=True, slots=True)
class Known:
    """A Python value that a node is known to give."""

    value: Any


# Every tensor of a model that Treadle runs answers these alike.
_SAME_FOR_ALL = frozenset(
    {"device", "is_cuda", "is_cpu", "is_mps", "is_mkldnn", "is_quantized", "is_sparse",
     "requires_grad", "is_nested", "is_meta"}
)  # fmt: skip


def known_result(node: Node, aliases: Aliases) -> list[Value | Known] | None:
    """What stands for each result of `node`; None if nothing is known."""
    if node.op in _STRUCTURAL:
        return _STRUCTURAL[node.op](node, aliases)
    schema = node.op.schema
    if schema is None or len(node.outputs) != 1 or schema.writes:
        return None
    rule = _BY_BASE.get(schema.base)
    found = rule(node, aliases) if rule is not None else None
    return found if found is not None else _from_type(node)


def definite(type_: Type) -> bool:
    """Whether a value of static type `type_` has exactly that type when it runs."""
    match type_:
        case TensorType():
            return True
        case Primitive():
            return type_ != ANY and type_.name not in ("number", "AnyListType", "AnyTupleType")
        case ListType(element):
            return definite(element)
        case DictType(key, value):
            return definite(key) and definite(value)
        case TupleType(elements, name):
            return name is None and all(map(definite, elements))
    return False


# --- tuples and lists ---------------------------------------------------------------------------


def _elements(value: Value, aliases: Aliases) -> list[Value | Known] | None:
    """The elements of a tuple, or of a list that nobody changes."""
    if aliases.locations.get(value) and isinstance(value.type, ListType):
        own = aliases.locations[value]
        if any(at in aliases.writers for at in own):
            return None
    if value.is_constant and isinstance(value.constant, list | tuple):
        return [Known(item) for item in value.constant]
    if value.node is not None and value.node.op in (LIST, TUPLE):
        return list(value.node.inputs)
    return None


def _unpack(node: Node, aliases: Aliases) -> list[Value | Known] | None:
    elements = _elements(node.inputs[0], aliases)
    return elements if elements is not None and len(elements) == len(node.outputs) else None


def _item(node: Node, aliases: Aliases) -> list[Value | Known] | None:
    elements = _elements(node.inputs[0], aliases)
    index = node.inputs[1].constant
    if elements is None or type(index) is not int or not -len(elements) <= index < len(elements):
        return None
    element = elements[index]
    if isinstance(element, Value) and not is_assignable(element.type, node.output.type):
        return None
    return [element]


def _length(node: Node, aliases: Aliases) -> list[Value | Known] | None:
    elements = _elements(node.inputs[0], aliases)
    return None if elements is None else [Known(len(elements))]


# --- types --------------------------------------------------------------------------------------


def _cast(node: Node, aliases: Aliases) -> list[Value | Known] | None:
    (value,) = node.inputs
    given, wanted = value.type, node.output.type
    if ANY in (given, wanted) and given != wanted:
        return None
    return [value] if is_assignable(given, wanted) else None


def _isinstance(node: Node, aliases: Aliases) -> list[Value | Known] | None:
    given, types = node.inputs[0].type, node.attributes["types"]
    if isinstance(types, tuple | list) and given in types:
        return [Known(True)]
    if not definite(given) or not all(map(definite, types)):
        return None
    return [Known(any(is_assignable(given, t) for t in types))]


def _is_none(node: Node, expected: bool) -> list[Value | Known] | None:
    """``x is None``; `expected` is the answer if it is."""
    types = [v.type for v in node.inputs]
    if types[0] == NONE and types[1] == NONE:
        return [Known(expected)]
    if NONE not in types:
        return None
    other = types[0] if types[1] == NONE else types[1]
    value = node.inputs[types.index(other)]
    if value.is_constant:
        return [Known((value.constant is None) == expected)]
    if isinstance(other, OptionalType | UnionType) or other == ANY:
        return None
    return [Known(not expected)]


def _undropped(node: Node, aliases: Aliases) -> list[Value | Known] | None:
    """A dropout outside of training gives its operand itself."""
    x, p, train = node.inputs
    drops_none = train.is_constant and train.constant is False
    is_probability = p.is_constant and 0 <= p.constant <= 1  # else it raises
    return [x] if drops_none and is_probability else None


def _sizes(node: Node, aliases: Aliases) -> list[Value | Known] | None:
    type_ = node.inputs[0].type
    if not isinstance(type_, TensorType) or type_.shape is None or len(node.inputs) != 2:
        return None
    dim = node.inputs[1].constant
    if type(dim) is not int or not -len(type_.shape) <= dim < len(type_.shape):
        return None
    size = type_.shape[dim]
    return [Known(size)] if isinstance(size, int) else None


def _rank(node: Node, aliases: Aliases) -> list[Value | Known] | None:
    type_ = node.inputs[0].type
    return [Known(type_.rank)] if isinstance(type_, TensorType) and type_.rank is not None else None


def _from_type(node: Node) -> list[Value | Known] | None:
    """A question that the operator answers from types and constants alone."""
    op, schema = node.op, node.op.schema
    if isinstance(node.output.type, TensorType) or not op.pure or schema is None:
        return None
    if schema.base in _SAME_FOR_ALL and op.reference is not None and _is_tensor(node):
        return [Known(op.reference(np.zeros((), np.float32)))]
    tensors = [v for v in node.inputs if isinstance(v.type, TensorType)]
    if op.infer is None or not tensors or not all(_is_settled(v) for v in node.inputs):
        return None
    arguments = [v.type if isinstance(v.type, TensorType) else v.constant for v in node.inputs]
    try:
        answer = op.infer(*arguments)
    except Exception:  # a wrong argument: raised when the model runs
        return None
    return [Known(answer)] if is_literal(answer) else None


def _is_tensor(node: Node) -> bool:
    return len(node.inputs) == 1 and isinstance(node.inputs[0].type, TensorType)


def _is_settled(value: Value) -> bool:
    return value.type.is_concrete if isinstance(value.type, TensorType) else value.is_constant


_Rule = Callable[[Node, Aliases], "list[Value | Known] | None"]
_STRUCTURAL: dict[Any, _Rule] = {
    TUPLE_UNPACK: _unpack,
    LIST_UNPACK: _unpack,
    TUPLE_INDEX: _item,
    UNCHECKED_CAST: _cast,
    ISINSTANCE: _isinstance,
}
_BY_BASE: dict[str, _Rule] = {
    "__getitem__": _item,
    "len": _length,
    "dim": _rank,
    "size": _sizes,
    "__is__": lambda node, _: _is_none(node, True),
    "__isnot__": lambda node, _: _is_none(node, False),
    "alpha_dropout": _undropped,
    "dropout": _undropped,
    "feature_alpha_dropout": _undropped,
    "feature_dropout": _undropped,
}
