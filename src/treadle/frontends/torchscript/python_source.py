"""What a Python function or class says: its source, parameters, overloads and annotations."""

from __future__ import annotations

import ast
import enum
import inspect
import sys
import textwrap
import types
from typing import Any, ForwardRef

import numpy as np

from treadle.errors import UnsupportedError
from treadle.frontends.torchscript.importer import (
    read_parameters,
)
from treadle.frontends.torchscript.parser import Source, parse_function
from treadle.frontends.torchscript.python_scope import PythonScope
from treadle.frontends.torchscript.subtyping import is_subtype
from treadle.frontends.torchscript.symbols import (
    Constant,
)
from treadle.ir.program import Class, Parameter
from treadle.ir.schema import REQUIRED
from treadle.ir.types import (
    BOOL,
    COMPLEX,
    DEVICE,
    FLOAT,
    INT,
    NONE,
    NUMBER,
    STR,
    TENSOR,
    Type,
)
from treadle.ops.device import Device

SIMPLE: dict[type, Type] = {
    bool: BOOL, int: INT, float: FLOAT, complex: COMPLEX, str: STR, type(None): NONE,
    np.ndarray: TENSOR, Device: DEVICE,
}  # fmt: skip
"""The types of Python values that are the same in a script."""


def overloads_of(function: types.FunctionType) -> list[types.FunctionType]:
    """The signatures that ``torch.jit._overload`` has noted of a function."""
    table = getattr(sys.modules.get("torch._jit_internal"), "_overloaded_fns", {})
    found: list[types.FunctionType] = table.get(
        f"__torch__.{function.__module__}.{function.__qualname__}", []
    )
    return found


def declared(function: types.FunctionType) -> tuple[Source, ast.FunctionDef]:
    """The source of an overload's signature, and its tree."""
    source = source_of(function)
    return source, parse_function(source)


def _may_be(given: Type, wanted: Type) -> bool:
    """Whether a default of the type `given` may stand for a parameter of type `wanted`."""
    return (
        is_subtype(given, wanted, lambda name: None)
        or wanted in (TENSOR, NUMBER)
        or (given in (INT, BOOL) and is_subtype(FLOAT, wanted, lambda name: None))
        or not isinstance(wanted, type(STR))
    )


def source_of(function: types.FunctionType) -> Source:
    """The source of a Python function."""
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise UnsupportedError(f"the source of {function.__qualname__} is not available") from None
    return Source(textwrap.dedent("".join(lines)), inspect.getfile(function), first)


def parameters_of(
    source: Source,
    scope: PythonScope,
    node: ast.FunctionDef,
    function: types.FunctionType,
    owner: Class | None,
) -> tuple[Parameter, ...]:
    """The parameters, with the defaults that Python has for them."""
    arguments = node.args
    bare = ast.arguments(
        posonlyargs=[], args=[*arguments.posonlyargs, *arguments.args], vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs, kw_defaults=[None] * len(arguments.kwonlyargs),
        kwarg=arguments.kwarg, defaults=[],
    )  # fmt: skip
    stripped = ast.FunctionDef(name=node.name, args=bare, body=node.body, decorator_list=[])
    ast.copy_location(stripped, node)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is not inspect.Parameter.empty
    }
    found = []
    for parameter in read_parameters(source, scope, stripped, owner):
        default = REQUIRED
        if parameter.name in defaults:
            value = defaults[parameter.name]
            constant = scope.symbol(value)
            if not isinstance(constant, Constant):
                raise source.compile_error(
                    f"the default of {parameter.name!r} is no constant", node
                )
            default = constant.value
            if type(default) in SIMPLE and not _may_be(SIMPLE[type(default)], parameter.type):
                raise source.compile_error(
                    f"the default of {parameter.name!r} is a {type(default).__name__}, "
                    f"expected {parameter.type}",
                    node,
                )
            if parameter.type == FLOAT:
                default = float(default)
        found.append(Parameter(parameter.name, parameter.type, default, parameter.keyword_only))
    return tuple(found)


def kind_of(value: type) -> str:
    """What kind of class of a program a Python class becomes."""
    if issubclass(value, enum.Enum):
        return "enum"
    if issubclass(value, tuple) and hasattr(value, "_fields"):
        return "namedtuple"
    return "interface" if getattr(value, "_is_script_interface", False) else "class"


def left_out(function: types.FunctionType, owner: Class | None) -> ast.stmt | None:
    """What takes the place of a function that is marked to stay with Python."""
    modifier = str(getattr(function, "_torchscript_modifier", ""))
    if not modifier.startswith(("unused", "ignore")):
        return None
    name, message = "NotImplementedError", "Cannot call @unused methods"
    if modifier.startswith("ignore"):
        message = f"{function.__qualname__} is marked @ignore: a script cannot call Python"
    elif owner is None:
        name = "RuntimeError"
        message = "This Python function is annotated to be ignored and cannot be run"
    call = ast.Call(ast.Name(name, ast.Load()), [ast.Constant(message)], [])
    return ast.fix_missing_locations(ast.Raise(call, lineno=1, col_offset=0))


def annotations_of(value: type) -> dict[str, Any]:
    """The annotations of a class and of those it derives from."""
    found: dict[str, Any] = {}
    for owner in reversed(value.__mro__[:-1]):
        if owner.__module__.partition(".")[0] not in ("treadle", "torch"):
            found.update(inspect.get_annotations(owner))
    return found


def annotation_text(annotation: Any) -> str:
    """An annotation as it is written."""
    if isinstance(annotation, str):
        return annotation
    if isinstance(annotation, ForwardRef):
        return annotation.__forward_arg__
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return str(annotation)
