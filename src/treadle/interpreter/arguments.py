"""Arguments from Python, as the types of a script's parameters take them.

Source: torch/csrc/jit/python/pybind_utils.cpp, ``toIValue`` (behaviour read off torch 2.13).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from treadle import draws
from treadle.frontends.torchscript.python_scope import as_constant
from treadle.interpreter.instances import is_instance
from treadle.ir.named import tuple_maker
from treadle.ir.program import EnumValue, Object, Program
from treadle.ir.types import (
    ANY,
    BOOL,
    COMPLEX,
    DEVICE,
    FLOAT,
    GENERATOR,
    INT,
    NONE,
    NUMBER,
    STR,
    ClassType,
    DictType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
    UnionType,
)
from treadle.ops.device import Device, parse_device
from treadle.ops.primitives import TensorKey


class Misfit(TypeError):
    """A value that a parameter of some type does not take."""


def accept(value: Any, type_: Type, program: Program) -> Any:
    """`value` as a parameter of `type_` takes it: ints as floats, tensors of one number, ...

    What gives an array is left as it is, for others to make one of it.

    Raises:
        Misfit: if the parameter does not take it.
    """
    reader = _READERS.get(type_)
    if reader is not None:
        return reader(value)
    match type_:
        case TensorType():
            return _tensor(value)
        case OptionalType(element):
            return None if value is None else accept(value, element, program)
        case UnionType(options):
            return _one_of(value, options, program)
        case ListType(element) if isinstance(value, (list, tuple)):
            return [accept(part, element, program) for part in value]
        case DictType(key, element) if isinstance(value, Mapping):
            return {_key(k, key, program): accept(v, element, program) for k, v in value.items()}
        case TupleType(elements) if isinstance(value, (list, tuple)):
            return _tuple(value, type_, elements, program)
        case ClassType(name) if isinstance(value, enum.Enum):
            return _member(value, name, program)
    if not is_instance(value, type_, program):
        raise Misfit
    return value


def _tensor(value: Any) -> Any:
    if isinstance(value, np.generic):
        return np.asarray(value)
    if not hasattr(value, "__array__"):
        raise Misfit
    return value


def _key(value: Any, type_: Type, program: Program) -> Any:
    made = accept(value, type_, program)
    return TensorKey(getattr(made, "_array", made)) if hasattr(made, "__array__") else made


def _tuple(
    value: list[Any] | tuple[Any, ...],
    type_: TupleType,
    elements: tuple[Type, ...],
    program: Program,
) -> tuple[Any, ...]:
    if len(value) != len(elements):
        raise Misfit
    parts = [accept(v, t, program) for v, t in zip(value, elements, strict=True)]
    return tuple_maker(type_)(parts)


def _one_of(value: Any, options: tuple[Type, ...], program: Program) -> Any:
    """`value` if one of the types has it as it is; nothing is converted."""
    for option in options:
        try:
            made = accept(value, option, program)
        except Misfit:
            continue
        if _is_unchanged(made, value):
            return made
    raise Misfit


def _is_unchanged(made: Any, value: Any) -> bool:
    if isinstance(made, (list, tuple)) and isinstance(value, (list, tuple)):
        return all(map(_is_unchanged, made, value))
    if isinstance(made, dict):
        return all(map(_is_unchanged, made.values(), value.values()))
    return type(made) is type(value) or isinstance(made, EnumValue)


def _member(value: enum.Enum, name: str, program: Program) -> EnumValue:
    cls = program.classes.get(name)
    member = cls.constants.get(value.name) if cls is not None else None
    if not isinstance(member, EnumValue) or member.value != value.value:
        raise Misfit
    return replace(member)


def _scalar(value: Any) -> Any:
    """A Python number; tensors of one element and NumPy's numbers are read."""
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.size == 1:
            return array.item()
    return value


def _converted(kinds: tuple[type, ...], make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A reader of numbers of the classes `kinds`."""

    def read(value: Any) -> Any:
        number = _scalar(value)
        if type(number) not in kinds:
            raise Misfit
        return make(number)

    return read


def _int(value: Any) -> int:
    number = _scalar(value)
    if type(number).__name__ == "dtype":
        constant = as_constant(number)
        number = None if constant is None else constant.value
    if type(number) not in (int, bool) or not -(2**63) <= number < 2**63:
        raise Misfit
    return int(number)


def _plain(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise Misfit
        return value

    return read


def _bool(value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise Misfit
    return bool(value)


def _device(value: Any) -> Device:
    if type(value).__name__ not in ("device", "Device", "str"):
        raise Misfit
    return value if isinstance(value, Device) else parse_device(str(value))


def _any(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return type(value)([_any(v) for v in value]) if type(value) in (list, tuple) else value
    if isinstance(value, dict):
        return {k: _any(v) for k, v in value.items()}
    known = (bool, int, float, complex, str, Device, Object, EnumValue, type(None))
    if not isinstance(value, known) and not hasattr(value, "__array__"):
        raise Misfit
    return value


def _generator(value: Any) -> draws.Source:
    source = getattr(value, "_source", value)
    if not isinstance(source, draws.Source):
        raise Misfit
    return source


def _identity(value: Any) -> Any:
    return value


_READERS: dict[Type, Callable[[Any], Any]] = {
    INT: _int, BOOL: _bool, STR: _plain(str), NONE: _plain(type(None)), DEVICE: _device, ANY: _any,
    GENERATOR: _generator,
    FLOAT: _converted((bool, int, float), float),
    COMPLEX: _converted((bool, int, float, complex), complex),
    NUMBER: _converted((bool, int, float, complex), _identity),
}  # fmt: skip
