"""Graphs as TorchScript source, in the form that archives hold."""

from __future__ import annotations

import keyword
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from treadle.errors import UnsupportedError
from treadle.frontends.torchscript.unsupported import is_unsupported
from treadle.ir import op as ops
from treadle.ir.graph import Block, Node
from treadle.ir.named import tuple_maker
from treadle.ir.op import OpDef
from treadle.ir.program import Function
from treadle.ir.schema import REQUIRED
from treadle.ir.types import NONE, OptionalType, TupleType
from treadle.saving.statements import Statements
from treadle.saving.types import type_text

_ENUM_ATTRIBUTES = {"EnumName": "name", "EnumValue": "value"}
_KINDS = {"AnyListType": "list", "AnyTupleType": "tuple"}
_RESERVED = frozenset({"torch", "ops", "CONSTANTS", "fork", "annotate", "range", "print", "int"})


def saved_name(name: str) -> str:
    """The qualified name of a function in an archive, where all are below ``__torch__``."""
    library = "treadle.library."
    return (
        f"__torch__.treadle_library.{name.removeprefix(library)}"
        if name.startswith(library)
        else name
    )


class SourcePrinter(Statements):
    """Prints functions; what has no literal goes into `constants`."""

    def function(self, function: Function, name: str, owner: str | None = None) -> list[str]:
        """The lines of a function; with `owner` a ``self`` of that class is put before."""
        graph = function.graph()
        self._names, self._used, self._lines = {}, set(_RESERVED), []
        parts = [] if owner is None else [f"self: {owner}"]
        for value, parameter in zip(graph.params, function.parameters, strict=True):
            self._used.add(parameter.name)
            self._names[value] = parameter.name
            text = f"{parameter.name}: {type_text(parameter.type)}"
            if parameter.keyword_only and "*" not in parts:
                parts.append("*")
            if parameter.default is not REQUIRED:
                text += f"={self.literal(parameter.default)}"
            parts.append(text)
        self._line(f"def {name}({', '.join(parts)}) -> {type_text(function.result)}:")
        self._depth = 1
        self._body(graph)
        self._line(f"return {self._as(graph.returns[0], function.result)}")
        self._depth = 0
        return self._lines

    def _body(self, block: Block) -> None:
        for node in block.nodes:
            if is_unsupported(node):
                raise UnsupportedError(node.attributes["message"])
            if _is_of_with(node):
                continue
            handler = self._handlers.get(node.op)
            if handler is not None:
                handler(self, node)
            else:
                self._operator(node)

    def _operator(self, node: Node) -> None:
        schema = node.op.schema
        if schema is None:
            raise UnsupportedError(f"operator {node.op.name} cannot be saved")
        prefix = "torch" if schema.namespace == "aten" else f"ops.{schema.namespace}"
        if schema.base == "tolist":
            text = f"{self._use(node.inputs[0])}.tolist()"
            self._set(node, f"annotate({type_text(node.output.type)}, {text})")
            return
        if schema.base in _ENUM_ATTRIBUTES:
            name = _ENUM_ATTRIBUTES[schema.base]
            self._set(node, f"({self._use(node.inputs[0])}).{name}")
            return
        fixed = len(schema.arguments)
        plain, named = [], []
        for argument, value in zip(schema.arguments, node.inputs[:fixed], strict=True):
            is_default = value.is_constant and _same(value.constant, argument.default)
            if argument.keyword_only:
                named += [] if is_default else [f"{argument.name}={self._use(value)}"]
            else:
                plain.append((self._use(value), is_default))
        rest = [(self._use(value), False) for value in node.inputs[fixed:]]
        while not rest and plain and plain[-1][1]:
            plain.pop()
        parts = [text for text, _ in (*plain, *rest)] + named
        self._set(node, f"{prefix}.{schema.base}({', '.join(parts)})")

    def _constant(self, node: Node) -> None:
        value, output = node.attributes["value"], node.outputs[0]
        if isinstance(value, (list, dict)):
            text = f"annotate({type_text(output.type)}, {self.literal(value)})"
            self._set(node, text)
            return
        text = self.literal(value)
        if value is None and isinstance(output.type, OptionalType):
            text = f"annotate({type_text(output.type)}, None)"
        self._names[output] = text

    def _tuple(self, node: Node) -> None:
        type_ = node.output.type
        if isinstance(type_, TupleType) and type_.name and tuple_maker(type_) is not tuple:
            self._set(node, f"{type_.name}({self._arguments(node.inputs)})")
        else:
            self._set(node, f"({''.join(self._use(v) + ', ' for v in node.inputs)})")

    def _unpack(self, node: Node) -> None:
        names = "".join(f"{self._fresh(value)}, " for value in node.outputs)
        self._line(f"{names}= {self._use(node.inputs[0])}" if names else "pass")

    def _index(self, node: Node) -> None:
        self._set(node, f"({self._use(node.inputs[0])})[{self._use(node.inputs[1])}]")

    def _list(self, node: Node) -> None:
        text = f"[{self._arguments(node.inputs)}]"
        self._set(node, f"annotate({type_text(node.output.type)}, {text})")

    def _dict(self, node: Node) -> None:
        flat = [self._use(v) for v in node.inputs]
        pairs = (f"{k}: {v}" for k, v in zip(flat[::2], flat[1::2], strict=True))
        text = f"{{{', '.join(pairs)}}}"
        self._set(node, f"annotate({type_text(node.output.type)}, {text})")

    def _get(self, node: Node) -> None:
        name, base = node.attributes["name"], self._use(node.inputs[0])
        plain = name.isidentifier() and not keyword.iskeyword(name)
        self._set(node, f"({base}).{name}" if plain else f'getattr({base}, "{name}")')

    def _set_attribute(self, node: Node) -> None:
        base, value = map(self._use, node.inputs)
        self._line(f"{base}.{node.attributes['name']} = {value}")

    def _new(self, node: Node) -> None:
        name = node.attributes["name"]
        self._set(node, f"{name}.__new__({name})")

    def _method(self, node: Node) -> None:
        base, *rest = node.inputs
        self._set(node, f"({self._use(base)}).{node.attributes['name']}({self._arguments(rest)})")

    def _call(self, node: Node) -> None:
        name = saved_name(node.attributes["name"])
        self._set(node, f"{name}({self._arguments(node.inputs)})")

    def _isinstance(self, node: Node) -> None:
        types = [_KINDS.get(text := type_text(t), text) for t in node.attributes["types"]]
        wanted = types[0] if len(types) == 1 else f"({', '.join(types)})"
        self._set(node, f"isinstance({self._use(node.inputs[0])}, {wanted})")

    def _cast(self, node: Node) -> None:
        type_ = type_text(node.output.type)
        self._set(node, f"unchecked_cast({type_}, {self._use(node.inputs[0])})")

    def _uninitialized(self, node: Node) -> None:
        self._set(node, f"uninitialized({type_text(node.output.type)})")

    def _raise(self, node: Node) -> None:
        self._line(f"ops.prim.RaiseException({self._arguments(node.inputs)})")

    def _print(self, node: Node) -> None:
        self._line(f"print({self._arguments(node.inputs)})")

    def _enter(self, node: Node) -> None:
        """``with``, of which ``__enter__`` and ``__exit__`` are parts: they are not printed."""
        called = node.prev
        name = self._fresh(called.output, "_w") if called.output.type != NONE else ""
        self._line(f"with {self._use(node.inputs[0])}{f' as {name}' if name else ''}:")
        self._depth += 1
        if not name:
            self._names[called.output] = "None"
        self._line("pass")

    def _exit(self, node: Node) -> None:
        self._depth -= 1

    _handlers: ClassVar[dict[OpDef, Callable[[SourcePrinter, Node], None]]] = {
        ops.CONSTANT: _constant, ops.IF: Statements._if, ops.LOOP: Statements._loop,
        ops.FORK: Statements._task, ops.AWAITABLE: Statements._task, ops.WAIT: Statements._wait,
        ops.TUPLE: _tuple, ops.TUPLE_UNPACK: _unpack, ops.TUPLE_INDEX: _index,
        ops.LIST: _list, ops.LIST_UNPACK: _unpack, ops.DICT: _dict,
        ops.GET_ATTR: _get, ops.SET_ATTR: _set_attribute, ops.NEW_OBJECT: _new,
        ops.CALL_METHOD: _method, ops.CALL_FUNCTION: _call, ops.ISINSTANCE: _isinstance,
        ops.UNCHECKED_CAST: _cast, ops.UNINITIALIZED: _uninitialized, ops.RAISE: _raise,
        ops.PRINT: _print, ops.ENTER: _enter, ops.EXIT: _exit,
    }  # fmt: skip


def _is_of_with(node: Node) -> bool:
    """Whether a call is what a ``with`` does of itself."""
    return node.op is ops.CALL_METHOD and (node.next.op is ops.ENTER or node.prev.op is ops.EXIT)


def _same(value: Any, default: Any) -> bool:
    """Whether a constant is an argument's default (1 is not True, and not 1.0)."""
    return type(value) is type(default) and value is not REQUIRED and bool(np.all(value == default))
