"""TorchScript's relations between types: subtypes, unification, type variables of schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from treadle.ir.program import Class
from treadle.ir.schema import is_type_variable
from treadle.ir.types import (
    ANY,
    COMPLEX,
    FLOAT,
    INT,
    NONE,
    ClassType,
    DictType,
    FutureType,
    ListType,
    OptionalType,
    Primitive,
    TensorType,
    TupleType,
    Type,
    UnionType,
)

ClassLookup = Callable[[str], "Class | None"]


def no_classes(name: str) -> Class | None:
    """A lookup that knows no class."""
    return None


def is_subtype(a: Type, b: Type, classes: ClassLookup = no_classes) -> bool:
    """Whether every value of type `a` may stand where `b` is expected, without a conversion.

    Lists and dicts are invariant, tuples and futures covariant; ``int``, ``float`` and ``complex``
    are numbers, ``bool`` is not; a class is a subtype of the interfaces whose methods it has.
    """
    if a == b or b == ANY:
        return True
    if isinstance(a, UnionType):
        return all(is_subtype(option, b, classes) for option in a.options)
    if isinstance(b, OptionalType):
        inner = a.element if isinstance(a, OptionalType) else a
        return a == NONE or is_subtype(inner, b.element, classes)
    if isinstance(a, OptionalType):
        return is_subtype(NONE, b, classes) and is_subtype(a.element, b, classes)
    if isinstance(b, UnionType):
        return any(is_subtype(a, option, classes) for option in b.options)
    if isinstance(b, TensorType):
        return isinstance(a, TensorType) and b == TensorType()
    if isinstance(b, Primitive):
        return _is_primitive_subtype(a, b, classes)
    return _is_generic_subtype(a, b, classes)


def _is_primitive_subtype(a: Type, b: Primitive, classes: ClassLookup) -> bool:
    match b.name:
        case "number":
            return a in (INT, FLOAT, COMPLEX)
        case "AnyListType":
            return isinstance(a, ListType)
        case "AnyTupleType":
            return isinstance(a, TupleType)
        case "AnyClassType" | "AnyEnumType":
            known = classes(a.name) if isinstance(a, ClassType) else None
            return known is not None and (known.kind == "enum") == (b.name == "AnyEnumType")
    return False


def _is_generic_subtype(a: Type, b: Type, classes: ClassLookup) -> bool:
    if isinstance(a, ListType) and isinstance(b, ListType):
        return b.element == ANY or _same(a.element, b.element)
    if isinstance(a, DictType) and isinstance(b, DictType):
        return _same(a.key, b.key) and _same(a.value, b.value)
    if isinstance(a, TupleType) and isinstance(b, TupleType):
        if b.name is not None and a.name != b.name:
            return False
        return len(a.elements) == len(b.elements) and all(
            is_subtype(x, y, classes) for x, y in zip(a.elements, b.elements, strict=True)
        )
    if isinstance(a, FutureType) and isinstance(b, FutureType):
        return a.kind == b.kind and is_subtype(a.element, b.element, classes)
    if isinstance(a, ClassType) and isinstance(b, ClassType):
        mine, wanted = classes(a.name), classes(b.name)
        if mine is None or wanted is None or wanted.kind != "interface":
            return False
        return wanted.methods.keys() <= mine.methods.keys()
    return False


def _same(a: Type, b: Type) -> bool:
    """Equality that takes a tensor with known dtype or shape for any other tensor."""
    return a == b or (isinstance(a, TensorType) and isinstance(b, TensorType))


def unify(a: Type, b: Type, classes: ClassLookup = no_classes) -> Type | None:
    """The smallest type that covers both without becoming a union, or None."""
    if is_subtype(a, b, classes):
        return b
    if is_subtype(b, a, classes):
        return a
    if isinstance(a, TensorType) and isinstance(b, TensorType):
        return TensorType()
    if NONE in (a, b):
        return OptionalType(b if a == NONE else a)
    if isinstance(a, OptionalType) or isinstance(b, OptionalType):
        left = a.element if isinstance(a, OptionalType) else a
        right = b.element if isinstance(b, OptionalType) else b
        inner = unify(left, right, classes)
        return None if inner is None else OptionalType(inner)
    if isinstance(a, TupleType) and isinstance(b, TupleType):
        if len(a.elements) != len(b.elements):
            return None
        parts = [unify(x, y, classes) for x, y in zip(a.elements, b.elements, strict=True)]
        return None if None in parts else TupleType(tuple(p for p in parts if p is not None))
    return None


def unify_or_union(a: Type, b: Type, classes: ClassLookup = no_classes) -> Type:
    """The type of a variable that holds an `a` on one path and a `b` on another."""
    found = unify(a, b, classes)
    if found is not None:
        return found
    options: list[Type] = []
    for part in (*flatten_union(a), *flatten_union(b)):
        if part not in options:
            options.append(part)
    return make_union(options)


def flatten_union(type_: Type) -> tuple[Type, ...]:
    """The alternatives of a union or an optional; of another type the type itself."""
    if isinstance(type_, UnionType):
        return tuple(part for option in type_.options for part in flatten_union(option))
    if isinstance(type_, OptionalType):
        return (*flatten_union(type_.element), NONE)
    return (type_,)


def make_union(options: list[Type]) -> Type:
    """The type of values that are of one of `options`: one type, an optional, or a union."""
    rest = [option for option in options if option != NONE]
    if not rest:
        return NONE
    if len(rest) == 1:
        return OptionalType(rest[0]) if NONE in options else rest[0]
    return UnionType(tuple(options))


def has_type_variables(type_: Type) -> bool:
    """Whether a variable occurs in a schema's type."""
    match type_:
        case ListType(element) | OptionalType(element) | FutureType(element):
            return has_type_variables(element)
        case DictType(key, value):
            return has_type_variables(key) or has_type_variables(value)
        case TupleType(elements):
            return any(map(has_type_variables, elements))
    return is_type_variable(type_)


def bind(formal: Type, actual: Type, bound: dict[str, Type], classes: ClassLookup) -> bool:
    """Give the variables of `formal` the types they have in `actual`; whether that works."""
    if not has_type_variables(formal):
        return True
    if isinstance(formal, ClassType):
        if formal.name in bound:
            both = unify(bound[formal.name], actual, classes)
            if both is None:
                return False
            actual = both
        bound[formal.name] = actual
        return True
    match formal, actual:
        case ListType(inner), ListType(element):
            return bind(inner, element, bound, classes)
        case ListType(inner), TupleType(elements):
            return all(bind(inner, element, bound, classes) for element in elements)
        case OptionalType(inner), OptionalType(element):
            return bind(inner, element, bound, classes)
        case OptionalType(inner), _:
            return actual == NONE or bind(inner, actual, bound, classes)
        case FutureType(inner), FutureType(element):
            return bind(inner, element, bound, classes)
        case DictType(key, value), DictType(its_key, its_value):
            return bind(key, its_key, bound, classes) and bind(value, its_value, bound, classes)
        case TupleType(inners), TupleType(elements) if len(inners) == len(elements):
            pairs = zip(inners, elements, strict=True)
            return all(bind(inner, element, bound, classes) for inner, element in pairs)
    return False


def substitute(type_: Type, bound: Mapping[str, Type]) -> Type:
    """`type_` with its variables replaced; one without a type becomes Any."""
    match type_:
        case ListType(element):
            return ListType(substitute(element, bound))
        case OptionalType(element):
            inner = substitute(element, bound)
            return inner if isinstance(inner, OptionalType) else OptionalType(inner)
        case FutureType(element, kind):
            return FutureType(substitute(element, bound), kind)
        case DictType(key, value):
            return DictType(substitute(key, bound), substitute(value, bound))
        case TupleType(elements, name, fields):
            return TupleType(tuple(substitute(e, bound) for e in elements), name, fields)
        case ClassType(name) if is_type_variable(type_):
            return bound.get(name, ANY)
    return type_
