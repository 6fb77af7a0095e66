"""Running functions and methods with arguments as a caller gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from treadle.errors import InputError
from treadle.interpreter.activations import Settings
from treadle.interpreter.arguments import Misfit, accept
from treadle.interpreter.instances import describe
from treadle.interpreter.machine import Machine
from treadle.ir.graph import Graph
from treadle.ir.program import Function, Object, Parameter, Program
from treadle.ir.schema import REQUIRED
from treadle.ir.types import TENSOR

DEFAULTS = Settings()


def run(program: Program, graph: Graph, args: Sequence[Any], settings: Settings = DEFAULTS) -> Any:
    """The value of `graph` for `args`, one per parameter, with tensors as arrays.

    Raises:
        ScriptError: with the script's traceback, if the program raises or an operator fails.
        UnsupportedError: if an operator has no reference.
    """
    if len(args) != len(graph.params):
        raise InputError(f"{graph.name} takes {len(graph.params)} arguments, got {len(args)}")
    return Machine(program, settings).run(graph, args)


def call(
    program: Program,
    target: Object,
    method: str,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    settings: Settings = DEFAULTS,
) -> Any:
    """Call a method of an object; ``__call__`` is ``forward`` with the module's hooks.

    Raises:
        InputError: if the arguments do not fit the method's signature.
        ScriptError: as `run` does.
    """
    if method == "__call__" and target.cls.kind == "module":
        return _call_with_hooks(program, target, list(args), kwargs or {}, settings)
    function, values = _overload(program, target, method, args, kwargs or {})
    return run(program, function.graph(), values, settings)


def _overload(
    program: Program, target: Object, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Function, list[Any]]:
    """The method, or that of its overloads (``forward__0``, ...) which takes the arguments."""
    methods = target.cls.methods
    names = [method] if method in methods else [n for n in methods if _is_overload(n, method)]
    refusals: list[InputError] = []
    for name in names:
        try:
            return methods[name], bind_arguments(methods[name], (target, *args), kwargs, program)
        except InputError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]
    raise InputError(f"{target.cls.name} has no method {method!r}")


def _is_overload(name: str, method: str) -> bool:
    return name.startswith(f"{method}__") and name[len(method) + 2 :].isdecimal()


def _call_with_hooks(
    program: Program,
    target: Object,
    args: list[Any],
    kwargs: Mapping[str, Any],
    settings: Settings,
) -> Any:
    for hook in target.cls.forward_pre_hooks:
        changed = call(program, target, hook, (tuple(args),), None, settings)
        if changed is not None:
            args = list(changed) if isinstance(changed, tuple) else [changed]
    result = call(program, target, "forward", args, kwargs, settings)
    for hook in target.cls.forward_hooks:
        changed = call(program, target, hook, (tuple(args), result), None, settings)
        result = result if changed is None else changed
    return result


def restore_state(program: Program, target: Object, state: object) -> None:
    """Run ``__setstate__`` of an object that an archive restores."""
    call(program, target, "__setstate__", (state,))


def bind_arguments(
    function: Function, args: Sequence[Any], kwargs: Mapping[str, Any], program: Program
) -> list[Any]:
    """One value per parameter of `function`, defaults filled in and types checked.

    Raises:
        InputError: naming the argument that is missing, unknown or of a wrong type.
    """
    parameters = function.parameters
    positional = [p for p in parameters if not p.keyword_only]
    is_method = bool(parameters) and parameters[0].name == "self"
    name = function.name
    if len(args) > len(positional):
        takes, given = len(positional) - is_method, len(args) - is_method
        raise InputError(f"{name} takes {takes} arguments, got {given}")
    given_values = {p.name: v for p, v in zip(positional, args, strict=False)}
    for key, value in kwargs.items():
        if key in given_values:
            raise InputError(f"{name} got argument {key!r} twice")
        given_values[key] = value
    values = []
    for parameter in parameters:
        if parameter.name in given_values:
            value = admit(name, parameter, given_values.pop(parameter.name), program)
        elif parameter.default is REQUIRED:
            raise InputError(f"{name}: argument {parameter.name!r} is missing")
        else:
            default = parameter.default
            value = default.copy() if isinstance(default, (list, dict)) else default
        values.append(value)
    if given_values:
        raise InputError(f"{name} has no argument {min(given_values)!r}")
    return values


def admit(function: str, parameter: Parameter, value: Any, program: Program) -> Any:
    """`value` as `parameter` takes it.

    Raises:
        InputError: if it is of a wrong type.
    """
    try:
        return accept(value, parameter.type, program)
    except Misfit:
        kind = "a tensor or a NumPy array" if parameter.type == TENSOR else parameter.type
        raise InputError(
            f"{function}: {parameter.name!r} must be {kind}, got {describe(value)}"
        ) from None
