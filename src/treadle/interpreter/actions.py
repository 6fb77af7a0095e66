"""What structural operators do with values: the same in the machine and in compiled loops."""

from __future__ import annotations

from typing import Any, NoReturn

from treadle.errors import DeadlineExceeded, ScriptError, UnsupportedError
from treadle.interpreter.instances import describe, is_instance
from treadle.interpreter.printing import print_values
from treadle.ir.program import Object, Program, UnsupportedTensor
from treadle.ir.types import Type


class _Uninitialized:
    """The value of ``uninitialized(T)``; using it is an error."""

    def __repr__(self) -> str:
        return "an uninitialised value"


UNINITIALIZED = _Uninitialized()


def fail_unset(operator: str) -> NoReturn:
    """Raise the error of using a value that was never given."""
    raise ScriptError(f"{operator} uses an uninitialised value", "TypeError")


def fail_late() -> NoReturn:
    """Raise the error of a run that takes too long."""
    raise DeadlineExceeded("the run took longer than its timeout")


def unpack(parts: Any, count: int) -> Any:
    """`parts`, which must be `count` many."""
    if len(parts) != count:
        raise ScriptError(f"{len(parts)} values cannot be unpacked into {count}", "ValueError")
    return parts


def tuple_index(parts: tuple[Any, ...], index: int) -> Any:
    """``parts[index]``."""
    if not -len(parts) <= index < len(parts):
        raise ScriptError("tuple index out of range", "IndexError")
    return parts[index]


def as_object(target: Any) -> Object:
    """`target`, which must have attributes."""
    if not isinstance(target, Object):
        raise ScriptError(f"{describe(target)} has no attributes", "TypeError")
    return target


def get_attribute(target: Any, name: str) -> Any:
    """``target.name``."""
    owner = as_object(target)
    if name not in owner.attributes:
        raise ScriptError(f"{owner.cls.name} has no value for {name!r}", "AttributeError")
    value = owner.attributes[name]
    if isinstance(value, UnsupportedTensor):
        raise UnsupportedError(f"{owner.cls.name}.{name}: {value.reason}")
    return value


def set_attribute(target: Any, value: Any, name: str) -> None:
    """``target.name = value``."""
    as_object(target).attributes[name] = value


def is_one_of(value: Any, types: tuple[Type, ...], program: Program) -> bool:
    """Whether `value` is of one of `types`."""
    return any(is_instance(value, t, program) for t in types)


def cast(value: Any, wanted: Type, program: Program) -> Any:
    """`value`, which must be of the type that is `wanted`."""
    if not is_instance(value, wanted, program):
        raise ScriptError(f"expected a value of type {wanted}, got {describe(value)}", "TypeError")
    return value


def fail(message: str, class_name: str | None = None) -> NoReturn:
    """Raise what the script raises."""
    name = str(class_name).rpartition(".")[2] if class_name is not None else "RuntimeError"
    if name == "RuntimeError" and message.startswith("AssertionError: "):
        name = "AssertionError"
    if name == "AssertionError":
        message = message.removeprefix("AssertionError: ") or "assertion failed"
    raise ScriptError(message, name)


def show(*values: Any) -> None:
    """Print as TorchScript does."""
    print_values(list(values))
