"""Operators that are functions of TorchScript: old versions of operators, and composite ones.

An archive names operators as they were when it was written. `Library.overloads` gives the functions
that a name then stood for, and those that no single operator of Treadle stands for.
Source: torch/csrc/jit/operator_upgraders (behaviour), ATen's native/transformers.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence

from treadle.frontends.torchscript.functional import SOURCE, definition_of
from treadle.frontends.torchscript.given_results import CHECK_OUT, WRITTEN_INTO
from treadle.frontends.torchscript.importer import make_function
from treadle.frontends.torchscript.library_source import COMPOSITES, UPGRADERS
from treadle.frontends.torchscript.parser import Source, parse
from treadle.frontends.torchscript.symbols import (
    Builtin,
    FunctionSymbol,
    Namespace,
    Special,
    Symbol,
)
from treadle.ir.program import Class, Function, Program

_OLD: dict[str, tuple[int, tuple[str, ...]]] = {
    "aten::div": (4, ("div_tensor", "div_scalar", "div_tensor_out")),
    "aten::div_": (4, ("div_tensor_in_place", "div_scalar_in_place")),
    "aten::full": (5, ("full",)),
    "aten::linspace": (8, ("linspace",)),
    "aten::logspace": (9, ("logspace",)),
}  # the operator changed with this version of the file format
_TENSOR_CASTS = {
    "byte": 0, "char": 1, "short": 2, "int": 3, "long": 4, "half": 5, "float": 6, "double": 7,
    "bool": 11, "bfloat16": 15,
}  # fmt: skip
_CASTS = "".join(
    f"def to_{name}(self: Tensor) -> Tensor:\n  return torch.to(self, {code})\n\n"
    for name, code in _TENSOR_CASTS.items()
)
_COMPOSITE: dict[str, tuple[str, ...]] = {
    "aten::_native_multi_head_attention": ("_native_multi_head_attention",),
    "aten::_nested_tensor_from_mask": ("_nested_tensor_from_mask",),
    "aten::_nested_tensor_from_mask_left_aligned": ("_nested_tensor_from_mask_left_aligned",),
    "aten::_transformer_encoder_layer_fwd": ("_transformer_encoder_layer_fwd",),
    "aten::to_padded_tensor": ("to_padded_tensor",),
    "aten::logspace": ("logspace_of_steps",),
    "aten::tensordot": tuple(
        f"tensordot_of_{kind}" for kind in ("count", "lists", "pair", "tensor")
    ),
    CHECK_OUT: ("check_out",),
    WRITTEN_INTO: ("written_into",),
    **{f"aten::{name}": (f"to_{name}",) for name in _TENSOR_CASTS},
}  # fmt: skip
_REPLACED = {
    "__torch__.torch.nn.modules.transformer._detect_is_causal_mask": "detect_is_causal_mask"
}
"""Functions of PyTorch that ask for data what makes results no other, only sooner."""
_SPECIALS = frozenset({"float", "int", "isinstance", "range"})
_PREFIX = "treadle.library."
_OPERATORS = {"torch": "aten"}


class Library:
    """The functions that stand for operators in one program.

    Args:
        program: where the functions go when they are first used.
        version: of the file format; None for scripts, which mean today's operators.
    """

    declares_attributes = False
    defers_unsupported = False

    def __init__(self, program: Program, version: int | None = None) -> None:
        self._program = program
        self._version = version

    def overloads(self, name: str) -> Sequence[Function]:
        """What stands for operator `name`, to be tried before its own overloads."""
        until, functions = _OLD.get(name, (0, ()))
        if self._version is None or self._version >= until:
            composite = definition_of(name)
            functions = (composite,) if composite else _COMPOSITE.get(name, ())
        return [self._function(function) for function in functions]

    def replacement(self, name: str) -> Function | None:
        """What stands for a function that archives have of PyTorch, if anything does."""
        return self._function(_REPLACED[name]) if name in _REPLACED else None

    def _function(self, name: str) -> Function:
        qualified = _PREFIX + name
        if qualified not in self._program.functions:
            source, node = _definitions()[name]
            self._program.functions[qualified] = make_function(source, self, node, qualified)
        return self._program.functions[qualified]

    def lookup(self, name: str) -> Symbol | None:
        """What a name in the library's own source stands for."""
        if name in _definitions():
            return FunctionSymbol(self._function(name))
        if name in _SPECIALS:
            return Special(name)
        return Namespace(name) if name in ("torch", "prim") else None

    def member(self, path: str, name: str) -> Symbol | None:
        """``torch.name``: today's operator."""
        return Builtin(f"{_OPERATORS.get(path, path)}::{name}")

    def library(self, name: str) -> Sequence[Function]:
        """Nothing: the library's own source means today's operators."""
        return ()

    def find_class(self, name: str) -> Class | None:
        """There are no classes here."""
        return None

    def prepare(self, function: Function) -> bool:
        """Nothing to do: the functions say what they return."""
        return True


@functools.cache
def _definitions() -> dict[str, tuple[Source, ast.FunctionDef]]:
    found = {}
    texts = {"upgraders": UPGRADERS, "composites": COMPOSITES + _CASTS, "functional": SOURCE}
    for file, text in texts.items():
        source = Source(text, f"treadle/{file}")
        for node in parse(source).body:
            assert isinstance(node, ast.FunctionDef)
            found[node.name] = (source, node)
    return found
