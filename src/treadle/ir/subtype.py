"""Which types of values fit where others are declared."""

from __future__ import annotations

from treadle.ir.schema import is_type_variable
from treadle.ir.types import (
    ANY,
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    NONE,
    NUMBER,
    STR,
    ClassType,
    DictType,
    FunctionType,
    FutureType,
    ListType,
    OptionalType,
    Primitive,
    TensorType,
    TupleType,
    Type,
    UnionType,
)

_GENERAL = {"AnyListType": ListType, "AnyTupleType": TupleType, "AnyEnumType": ClassType}
_NUMBERS = (INT, FLOAT, BOOL, COMPLEX, NUMBER)


def is_assignable(given: Type, declared: Type) -> bool:
    """Whether a value of type `given` may stand where `declared` is written.

    Tensor types fit each other unless dtype, rank or a size of both is known and differs. Classes
    fit by name, or if one may be an interface, so all pairs of classes do. A type variable and Any
    take everything; a value of type Any fits everywhere, checked when it runs.
    """
    if given == declared or ANY in (given, declared) or is_type_variable(declared):
        return True
    if isinstance(given, UnionType):
        return all(is_assignable(option, declared) for option in given.options)
    if isinstance(declared, OptionalType):
        return given == NONE or is_assignable(
            given.element if isinstance(given, OptionalType) else given, declared.element
        )
    if isinstance(declared, UnionType):
        options = declared.options
        if isinstance(given, OptionalType):
            return is_assignable(NONE, declared) and is_assignable(given.element, declared)
        return any(is_assignable(given, option) for option in options)
    if isinstance(declared, Primitive):
        return _primitive(given, declared)
    return _structured(given, declared)


def _primitive(given: Type, declared: Primitive) -> bool:
    if declared == NUMBER:
        return given in _NUMBERS or isinstance(given, TensorType)  # a 0-dim tensor wraps a number
    if declared.name in _GENERAL:
        return isinstance(given, _GENERAL[declared.name])
    if given == NUMBER:
        return declared in _NUMBERS
    return declared.name == "Device" and given == STR


def _structured(given: Type, declared: Type) -> bool:
    match given, declared:
        case TensorType(), TensorType():
            return _tensor(given, declared)
        case ListType(a), ListType(b):
            return is_assignable(a, b)
        case DictType(k, v), DictType(key, value):
            return is_assignable(k, key) and is_assignable(v, value)
        case TupleType(a), TupleType(b):
            return len(a) == len(b) and all(map(is_assignable, a, b))
        case FutureType(a, kind), FutureType(b, other):
            return kind == other and is_assignable(a, b)
        case (ClassType(), ClassType()) | (FunctionType(), FunctionType()):
            return True
        case (TupleType(_, name), ClassType(other)) | (ClassType(name), TupleType(_, other)):
            return name == other
    return False


def _tensor(given: TensorType, declared: TensorType) -> bool:
    if given.dtype and declared.dtype and given.dtype != declared.dtype:
        return False
    if given.shape is None or declared.shape is None:
        return True
    return len(given.shape) == len(declared.shape) and all(
        a == b or isinstance(a, str) or isinstance(b, str)
        for a, b in zip(given.shape, declared.shape, strict=True)
    )
