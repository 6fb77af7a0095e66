"""TorchScript's schema matching: which overload a call means, and its implicit conversions.

Source: the rules of torch/csrc/jit/frontend/schema_matching.cpp. Overloads are tried in order of
registration, first without and then with implicit conversions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from treadle.frontends.torchscript.subtyping import (
    bind,
    has_type_variables,
    is_subtype,
    substitute,
)
from treadle.frontends.torchscript.unsupported import is_unsupported
from treadle.ir.graph import Value
from treadle.ir.op import LIST, TUPLE_UNPACK
from treadle.ir.program import Function
from treadle.ir.schema import REQUIRED, Argument, Schema
from treadle.ir.types import (
    BOOL,
    COMPLEX,
    DEVICE,
    FLOAT,
    INT,
    NONE,
    NUMBER,
    STR,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
)
from treadle.ops import OPS

if TYPE_CHECKING:
    from treadle.frontends.torchscript.applications import Applications

_IMPLICIT_OF_TENSOR: dict[Type, str] = {
    FLOAT: "aten::FloatImplicit", COMPLEX: "aten::ComplexImplicit", INT: "aten::IntImplicit",
    NUMBER: "aten::ScalarImplicit",
}  # fmt: skip
_IMPLICIT_OF_NUMBER: dict[Type, str] = {
    FLOAT: "aten::Float",
    COMPLEX: "aten::Complex",
    INT: "aten::Int",
}
_IMPLICIT_OF_BOOL: dict[Type, str] = {FLOAT: "aten::Float", INT: "aten::Int", NUMBER: "aten::Int"}


@dataclass(slots=True)
class CallArguments:
    """The arguments of a call."""

    positional: list[Value]
    keywords: dict[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [str(v.type) for v in self.positional]
        parts += [f"{name}: {v.type}" for name, v in self.keywords.items()]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes, for operators and for functions of the program."""

    name: str
    arguments: tuple[Argument, ...]
    is_vararg: bool = False

    @staticmethod
    def of_schema(schema: Schema) -> Signature:
        """What an operator takes."""
        return Signature(schema.name, schema.arguments, schema.is_vararg)

    @staticmethod
    def of_function(function: Function, *, method: bool = False) -> Signature:
        """That of `function`; of a method without ``self``."""
        arguments = tuple(
            Argument(p.name, p.type, p.default, p.keyword_only) for p in function.parameters
        )
        return Signature(function.name, arguments[method:])


@dataclass(slots=True)
class Matched:
    """The inputs of the node, one per argument, and the types of the type variables."""

    inputs: list[Value] = field(default_factory=list)
    bound: dict[str, Type] = field(default_factory=dict)

    def substitute(self, type_: Type) -> Type:
        """A type of the schema with the types of this call."""
        return substitute(type_, self.bound)


def match(
    emitter: Applications, signature: Signature, call: CallArguments, conversions: bool
) -> Matched | str:
    """The inputs that give `signature` the arguments of `call`, or why that cannot be.

    Conversions are emitted as they are found, also if the match fails later.
    """
    matched = Matched()
    positional = list(call.positional)
    used: set[str] = set()
    for index, argument in enumerate(signature.arguments):
        if positional and not argument.keyword_only:
            if _takes_rest(signature, index, positional):
                rest, positional = positional, []
                value = _pack(emitter, rest, argument.type, conversions)
                if value is None:
                    return f"argument {argument.name} is {argument.type}, got {rest[0].type}"
            else:
                value = positional.pop(0)
        elif (keyword := _keyword_for(argument, signature, call)) is not None:
            value = call.keywords[keyword]
            used.add(keyword)
        elif argument.default is not REQUIRED:
            matched.inputs.append(emitter.constant(argument.default, _default_type(argument)))
            continue
        else:
            return f"argument {argument.name} is missing"
        converted = _bind_and_convert(emitter, argument, value, matched, conversions)
        if converted is None:
            return f"argument {argument.name} is {argument.type}, got {value.type}"
        matched.inputs.append(converted)
    if positional and not signature.is_vararg:
        return f"{len(call.positional)} arguments are too many"
    unknown = call.keywords.keys() - used
    if unknown:
        return f"there is no argument {min(unknown)!r} to give by name"
    matched.inputs += positional
    return matched


def _keyword_for(argument: Argument, signature: Signature, call: CallArguments) -> str | None:
    """The name by which a call gives `argument`; functions call the ``self`` of methods input."""
    if argument.name in call.keywords:
        return argument.name
    is_self = argument.name == "self" and signature.name.startswith("aten::")
    return "input" if is_self and "input" in call.keywords else None


def _default_type(argument: Argument) -> Type | None:
    """The declared type, made precise; None where the value itself has it."""
    if argument.default is None or argument.type == NUMBER:
        return None
    return argument.type.element if isinstance(argument.type, OptionalType) else argument.type


def _takes_rest(signature: Signature, index: int, positional: list[Value]) -> bool:
    """Whether the remaining arguments may be the elements of a list: ``zeros(2, 3)``."""
    argument = signature.arguments[index]
    following = signature.arguments[index + 1 :]
    if following and not following[0].keyword_only:
        return False
    if not isinstance(argument.type, ListType) or argument.size is not None:
        return False
    if has_type_variables(argument.type) or signature.is_vararg:
        return False
    return not isinstance(positional[0].type, (ListType, TupleType))


def _pack(
    emitter: Applications, values: list[Value], type_: Type, conversions: bool
) -> Value | None:
    """A list of `values`, or None if one of them does not fit."""
    assert isinstance(type_, ListType)
    items = [
        convert(emitter, value, type_.element, None, conversions=conversions) for value in values
    ]
    known = [item for item in items if item is not None]
    return emitter.value(LIST, known, type_) if len(known) == len(items) else None


def _bind_and_convert(
    emitter: Applications, argument: Argument, value: Value, matched: Matched, conversions: bool
) -> Value | None:
    type_ = argument.type
    if has_type_variables(type_):
        if _is_empty_literal(value) and isinstance(type_, ListType):
            known = substitute(type_, matched.bound)
            return convert(emitter, value, known, None, conversions=conversions)
        if not bind(type_, value.type, matched.bound, emitter.find_class):
            return None
        type_ = matched.substitute(type_)
    return convert(emitter, value, type_, argument.size, conversions=conversions)


def _is_empty_literal(value: Value) -> bool:
    node = value.node
    return node is not None and node.op is LIST and bool(node.attributes.get("untyped"))


def convert(
    emitter: Applications, value: Value, type_: Type, size: int | None, *, conversions: bool
) -> Value | None:
    """`value` as `type_`, or None if it does not fit.

    With `size` N a single number stands for a list of N equal ones. `conversions` are the implicit
    ones: tensor to number, number to float, str to Device.
    """
    if is_unsupported(value) and (conversions or value.type == type_):
        value.type = type_  # there never is a value, so that it may be of any type
        return value
    if isinstance(type_, OptionalType) and not isinstance(value.type, OptionalType):
        if value.type == NONE:
            return value
        return convert(emitter, value, type_.element, size, conversions=conversions)
    if isinstance(type_, ListType):
        value = _as_list(emitter, value, type_, size)
    if isinstance(value.type, TupleType) and isinstance(type_, TupleType):
        value = _convert_elements(emitter, value, value.type, type_, conversions)
    if conversions:
        value = _convert_implicitly(emitter, value, type_)
    return value if is_subtype(value.type, type_, emitter.find_class) else None


def _as_list(emitter: Applications, value: Value, type_: ListType, size: int | None) -> Value:
    """Repeat a number `size` times, give an empty ``[]`` its type, turn a tuple into a list."""
    if size is not None and value.type in (INT, FLOAT) and value.type == type_.element:
        return emitter.value(LIST, [value] * size, type_)
    if _is_empty_literal(value):
        return emitter.value(LIST, (), type_)
    if isinstance(value.type, TupleType):
        elements = value.type.elements
        if elements and all(
            is_subtype(element, type_.element, emitter.find_class) for element in elements
        ):
            parts = emitter.emit(TUPLE_UNPACK, (value,), elements).outputs
            return emitter.value(LIST, parts, type_)
    return value


def _convert_elements(
    emitter: Applications, value: Value, given: TupleType, wanted: TupleType, conversions: bool
) -> Value:
    if is_subtype(given, wanted, emitter.find_class):
        return value
    if len(given.elements) != len(wanted.elements):
        return value
    parts = emitter.emit(TUPLE_UNPACK, (value,), given.elements).outputs
    converted = [
        convert(emitter, part, type_, None, conversions=conversions)
        for part, type_ in zip(parts, wanted.elements, strict=True)
    ]
    known = [part for part in converted if part is not None]
    return emitter.tuple(known) if len(known) == len(converted) else value


def _convert_implicitly(emitter: Applications, value: Value, type_: Type) -> Value:
    given = value.type
    if isinstance(given, TensorType):
        name = _IMPLICIT_OF_TENSOR.get(type_)
    elif given == NUMBER:
        name = _IMPLICIT_OF_NUMBER.get(type_)
    elif given == BOOL:
        name = _IMPLICIT_OF_BOOL.get(type_)
    else:
        name = "aten::device" if given == STR and type_ == DEVICE else None
    if name is None or not OPS.overloads(name):
        return value
    return emitter.apply(name, (value,))
