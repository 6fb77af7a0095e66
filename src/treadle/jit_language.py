"""What scripts say besides Python's own words, under the names of ``torch.jit``.

In a script these have a meaning of their own; run by Python they do what the script would do, or
leave what they mark as it is.
"""

from __future__ import annotations

import builtins
import contextlib
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

_T = TypeVar("_T")
_Function = TypeVar("_Function", bound=Callable[..., Any])

__all__ = [
    "Attribute",
    "Final",
    "annotate",
    "export",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "optimized_execution",
    "script_if_tracing",
    "strict_fusion",
    "unused",
]


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a module, with the type that a script gives it."""

    value: Any
    type: Any


def annotate(the_type: Any, the_value: _T) -> _T:
    """`the_value`, which a script takes to be of `the_type`."""
    return the_value


def is_scripting() -> bool:
    """Whether a script asks; Python is told no."""
    return False


def is_tracing() -> bool:
    """False: nothing is traced here."""
    return False


def _marked(modifier: str) -> Callable[[_Function], _Function]:
    def mark(function: _Function) -> _Function:
        function._torchscript_modifier = modifier  # type: ignore[attr-defined]
        return function

    return mark


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Mark a function that Python alone calls; a script that reaches a call of it raises."""
    return _marked("ignore")(drop) if callable(drop) else _marked("ignore")


def unused(function: _Function) -> _Function:
    """Mark a function whose body is not compiled; a script that reaches a call of it raises."""
    return _marked("unused")(function)


def export(function: _Function) -> _Function:
    """Mark a method that is compiled though nothing calls it."""
    return _marked("export")(function)


def interface(cls: type[_T]) -> type[_T]:
    """Mark a class whose methods others implement."""
    cls._is_script_interface = True  # type: ignore[attr-defined]
    return cls


def script_if_tracing(function: _Function) -> _Function:
    """`function` itself, since nothing is traced here."""
    return function


@contextlib.contextmanager
def strict_fusion() -> Iterator[None]:
    """A block of a script that PyTorch is to fuse; here everything that can be is planned."""
    yield


@contextlib.contextmanager
def optimized_execution(should_optimize: bool) -> Iterator[None]:
    """A block for which PyTorch's optimiser is on or off; plans are as they are."""
    yield


def isinstance(obj: Any, target_type: Any) -> bool:
    """Whether `obj` is of a type such as ``List[int]``, looking into containers.

    `target_type` may be a tuple of types. Empty containers are of every type of their kind.
    """
    if builtins.isinstance(target_type, tuple):
        return any(isinstance(obj, option) for option in target_type)
    origin, parts = typing.get_origin(target_type), typing.get_args(target_type)
    if target_type is Any:
        return True
    if target_type is None:
        return obj is None
    if origin in (typing.Union, types.UnionType):
        return any(isinstance(obj, option) for option in parts)
    if origin is None:
        plain: type = target_type
        return builtins.isinstance(obj, plain)
    if not builtins.isinstance(obj, origin):
        return False
    if origin is list:
        return all(isinstance(part, parts[0]) for part in obj)
    if origin is dict:
        return all(isinstance(k, parts[0]) and isinstance(v, parts[1]) for k, v in obj.items())
    if origin is tuple:
        return len(obj) == len(parts) and all(map(isinstance, obj, parts))
    return True
