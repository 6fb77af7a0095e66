"""One compiler from TorchScript's syntax trees to graphs, for archives and for ``@script``."""

from __future__ import annotations

import ast
from typing import Any

from treadle.errors import CompileError
from treadle.frontends.torchscript.emitter import class_type
from treadle.frontends.torchscript.parser import Source
from treadle.frontends.torchscript.statements import Statements
from treadle.frontends.torchscript.symbols import Constant, Item, Scope
from treadle.ir.graph import Graph, Value
from treadle.ir.program import Class, Function, Parameter
from treadle.ir.schema import REQUIRED
from treadle.ir.types import (
    COMPLEX,
    FLOAT,
    NONE,
    TENSOR,
    ListType,
    OptionalType,
    Type,
)


class Importer(Statements):
    """Imports one function. `Importer(...).graph()` is all that others need."""

    def __init__(
        self,
        source: Source,
        scope: Scope,
        node: ast.FunctionDef,
        name: str,
        parameters: tuple[Parameter, ...],
        result: Type | None,
    ) -> None:
        self._graph = Graph(name)
        super().__init__(source, scope, self._graph)
        self._node, self._parameters, self._result_type = node, parameters, result

    def graph(self) -> tuple[Graph, Type]:
        """The graph of the function, and its result's type if that was to be inferred."""
        try:
            with self.at(self._node):
                for parameter in self._parameters:
                    value = self._graph.add_param(parameter.type, parameter.name)
                    self.frame.assign(parameter.name, value)
                    self.frame.declared[parameter.name] = parameter.type
                    self.free_names.add(parameter.name)
                result = self.body_value(self._node.body, self._result_type)
            self._graph.set_returns([result])
        except RecursionError:
            raise CompileError(
                f"{self.source.file}: function {self._graph.name} is nested too deeply"
            ) from None
        return self._graph, self._result_type or result.type


def read_parameters(
    source: Source, scope: Scope, node: ast.FunctionDef, owner: Class | None
) -> tuple[Parameter, ...]:
    """The parameters of a function; those without annotation are tensors, ``self`` the owner's."""
    emitter = Importer(source, scope, node, node.name, (), None)
    arguments = node.args
    if arguments.vararg or arguments.kwarg or arguments.posonlyargs:
        raise source.syntax_error(
            "TorchScript has no *args, **kwargs or / parameters: name each of them", node
        )
    positional = arguments.args
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults += arguments.defaults
    found = [
        _parameter(emitter, a, d, False, owner if i == 0 else None)
        for i, (a, d) in enumerate(zip(positional, defaults, strict=True))
    ]
    found += [
        _parameter(emitter, a, d, True, None)
        for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if owner is not None and owner.kind == "module":
        for parameter, argument in zip(found[1:], positional[1:], strict=False):
            if parameter.type == class_type(owner):
                raise source.compile_error("a module cannot be an argument of its method", argument)
    names = [p.name for p in found]
    if len(set(names)) < len(names):
        raise source.syntax_error("two parameters have one name", node)
    return tuple(found)


def _parameter(
    emitter: Importer, node: ast.arg, default: ast.expr | None, keyword: bool, owner: Class | None
) -> Parameter:
    if owner is not None:
        return Parameter(node.arg, class_type(owner), REQUIRED)
    type_ = TENSOR if node.annotation is None else emitter.types.read(node.annotation)
    value = REQUIRED if default is None else literal(emitter, default, type_)
    return Parameter(node.arg, type_, value, keyword)


def literal(emitter: Importer, node: ast.expr, type_: Type | None = None) -> Any:
    """The Python value of a default or a class constant, which must be a literal.

    Nothing is called: names stand for numbers such as ``inf``, enum members and archive constants.
    """
    match node:
        case ast.Constant(value) if isinstance(value, (bool, str, type(None))):
            return value
        case ast.Constant(value) if isinstance(value, (int, float, complex)):
            return _number(value, type_)
        case ast.UnaryOp(ast.USub(), operand):
            value = literal(emitter, operand, type_)
            if isinstance(value, (int, float, complex)):
                return -value
        case ast.BinOp(left, ast.Add() | ast.Sub() as op, right):
            a, b = literal(emitter, left), literal(emitter, right)
            if isinstance(a, (int, float)) and isinstance(b, complex):
                return complex(a, b.imag if isinstance(op, ast.Add) else -b.imag)
        case ast.List(items):
            inner = _element(type_)
            return [literal(emitter, item, inner) for item in items]
        case ast.Tuple(items):
            return tuple(literal(emitter, item) for item in items)
        case ast.Dict(keys, values):
            return {
                literal(emitter, k): literal(emitter, v)
                for k, v in zip(keys, values, strict=True)
                if k is not None
            }
        case ast.Call(ast.Name("annotate" | "unchecked_cast"), [_, inner_node]):
            return literal(emitter, inner_node, type_)
        case ast.Name() | ast.Attribute():
            item: Item = emitter.item(node)
            if isinstance(item, Constant):
                return _number(item.value, type_)
            if isinstance(item, Value) and item.is_constant:
                return item.constant
    raise emitter.syntax_error("this is not a literal", node)


def _number(value: Any, type_: Type | None) -> Any:
    wanted = type_.element if isinstance(type_, OptionalType) else type_
    if isinstance(value, int) and not isinstance(value, bool) and wanted in (FLOAT, COMPLEX):
        return float(value)
    return value


def _element(type_: Type | None) -> Type | None:
    if isinstance(type_, OptionalType):
        type_ = type_.element
    return type_.element if isinstance(type_, ListType) else None


def make_function(
    source: Source, scope: Scope, node: ast.FunctionDef, name: str, owner: Class | None = None
) -> Function:
    """The function that `node` defines, with annotations for its result; compiled when first used.

    `name` is its qualified name, `owner` the class of which it is a method.
    """
    parameters = read_parameters(source, scope, node, owner)
    reader = Importer(source, scope, node, name, (), None)
    result = NONE if node.returns is None else reader.types.read(node.returns)

    def compile_() -> Graph:
        return Importer(source, scope, node, name, parameters, result).graph()[0]

    return Function(
        name, parameters, result, compile_, lambda: source.text_of(node), assigned_attributes(node)
    )


def assigned_attributes(node: ast.FunctionDef) -> frozenset[str]:
    """Names of the attributes to which a function assigns."""
    found: set[str] = set()
    pending: list[ast.stmt] = [node]
    while pending:  # a walk of all expressions would take a tenth of the time of loading
        statement = pending.pop()
        for target in _targets(statement):
            if isinstance(target, ast.Name):
                continue
            found.update(
                part.attr
                for part in ast.walk(target)
                if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
            )
        pending += getattr(statement, "body", ())
        pending += getattr(statement, "orelse", ())
    return frozenset(found)


def _targets(statement: ast.stmt) -> list[ast.expr]:
    """What a statement gives values to."""
    match statement:
        case ast.Assign():
            return statement.targets
        case ast.AugAssign() | ast.AnnAssign() | ast.For():
            return [statement.target]
        case ast.With():
            return [item.optional_vars for item in statement.items if item.optional_vars]
    return []
