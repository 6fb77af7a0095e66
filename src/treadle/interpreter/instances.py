"""Whether a value is of a type, while a program runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from treadle.ir.program import Class, EnumValue, Object, Program
from treadle.ir.types import (
    ANY,
    ClassType,
    DictType,
    FunctionType,
    FutureType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
    UnionType,
)
from treadle.ops.primitives import PYTHON_CLASSES, TensorKey

_CONTAINERS = {"AnyListType": list, "AnyTupleType": tuple, "AnyEnumType": EnumValue}


def is_instance(value: Any, type_: Type, program: Program) -> bool:
    """Whether `value` is of `type_`. Of lists and dicts the first element is looked at."""
    match type_:
        case TensorType(dtype):
            if not isinstance(value, np.ndarray):
                return False
            return dtype is None or value.dtype == dtype.numpy
        case OptionalType(element):
            return value is None or is_instance(value, element, program)
        case UnionType(options):
            return any(is_instance(value, option, program) for option in options)
        case ListType(element):
            return type(value) is list and _first_is(value, element, program)
        case DictType(key, element):
            return (
                type(value) is dict
                and _first_is(map(_as_key, value), key, program)
                and _first_is(value.values(), element, program)
            )
        case TupleType(elements):
            return (
                isinstance(value, tuple)
                and len(value) == len(elements)
                and all(is_instance(v, t, program) for v, t in zip(value, elements, strict=True))
            )
        case ClassType(name):
            return _is_of_class(value, name, program)
        case FutureType() | FunctionType():
            return True
    if type_ == ANY:
        return True
    if type_ in PYTHON_CLASSES:
        return type(value) in PYTHON_CLASSES[type_]
    return isinstance(value, _CONTAINERS.get(str(type_), object))


def _as_key(key: Any) -> Any:
    return key.tensor if isinstance(key, TensorKey) else key


def _first_is(items: Iterable[Any], type_: Type, program: Program) -> bool:
    return all(is_instance(item, type_, program) for item in _first(items))


def _first(items: Iterable[Any]) -> list[Any]:
    for item in items:
        return [item]
    return []


def _is_of_class(value: Any, name: str, program: Program) -> bool:
    if not isinstance(value, (Object, EnumValue)):
        return False
    return value.cls.name == name or _implements(value.cls, program.classes.get(name))


def _implements(cls: Class, interface: Class | None) -> bool:
    return (
        interface is not None
        and interface.kind == "interface"
        and interface.methods.keys() <= cls.methods.keys()
    )


def describe(value: Any) -> str:
    """The type of `value`, for messages."""
    if isinstance(value, np.ndarray):
        return f"a tensor of {value.dtype.name} and shape {list(value.shape)}"
    if isinstance(value, (Object, EnumValue)):
        return value.cls.name
    return "None" if value is None else type(value).__name__
