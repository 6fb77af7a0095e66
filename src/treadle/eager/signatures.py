"""Signatures of functions of operators, for `inspect` and for help: they come from the schemas."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Sequence

from treadle.ir.schema import REQUIRED, Argument, Schema
from treadle.ir.types import ListType


def signature_of(schemas: Sequence[Schema]) -> inspect.Signature | None:
    """The signature that a function of these overloads has; None if there are several."""
    if len(schemas) != 1:
        return None
    return inspect.Signature([_parameter(a) for a in schemas[0].arguments])


def _parameter(argument: Argument) -> inspect.Parameter:
    anywhere, named = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    default = inspect.Parameter.empty if argument.default is REQUIRED else argument.default
    if isinstance(argument.type, ListType) and isinstance(default, list):
        default = tuple(default)
    return inspect.Parameter(
        python_name(argument), named if argument.keyword_only else anywhere, default=default
    )


def python_name(argument: Argument) -> str:
    """What torch's functions call an argument of an operator."""
    name = "input" if argument.name == "self" else argument.name
    return f"{name}_" if keyword.iskeyword(name) else name
