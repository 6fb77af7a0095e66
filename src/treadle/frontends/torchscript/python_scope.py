"""The names that a scripted Python function may use: its globals, closure, and ``torch``'s names.

Other Python functions and classes that it names are imported with it.
"""

from __future__ import annotations

import builtins
import enum
import math
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from treadle.frontends.torchscript.contexts import AUTOCASTS
from treadle.frontends.torchscript.functional import operator_of
from treadle.frontends.torchscript.library import Library
from treadle.frontends.torchscript.specials import SPECIAL_NAMES
from treadle.frontends.torchscript.symbols import (
    BooleanDispatch,
    Builtin,
    Constant,
    ExceptionClass,
    Namespace,
    Special,
    Symbol,
    TypeSymbol,
)
from treadle.ir.dtypes import BY_TORCH_NAME
from treadle.ir.program import Class, Function, Program
from treadle.ir.types import TENSOR
from treadle.ops import OPS
from treadle.ops.device import Device, parse_device

Resolve = Callable[[Any], Symbol | None]

_ROOTS = {
    "torch": "torch",
    "treadle": "torch",
    "math": "math",
    "cmath": "cmath",
    "typing": "typing",
}
_GRADIENT_MODES = frozenset({"no_grad", "enable_grad", "inference_mode", "set_grad_enabled"})
_NUMBERS = {name: getattr(math, name) for name in ("pi", "e", "inf", "nan", "tau")}
_DTYPE_ALIASES = {
    "float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64",
    "short": "int16",
}  # fmt: skip
_ENUMERATIONS = {
    "contiguous_format": 0, "preserve_format": 1, "channels_last": 2, "channels_last_3d": 3,
    "strided": 0,
}  # fmt: skip
_JIT: dict[str, Symbol] = {
    "fork": Special("fork"), "_fork": Special("fork"), "wait": Builtin("aten::wait"),
    "_wait": Builtin("aten::wait"), "annotate": Special("annotate"),
    "isinstance": Special("isinstance"), "is_scripting": Special("is_scripting"),
    "is_tracing": Special("is_tracing"), "_unwrap_optional": Special("unwrap"),
    "Future": Special("Future"), "Attribute": Special("identity"),
    "_awaitable": Special("awaitable"), "_awaitable_wait": Builtin("prim::awaitable_wait"),
    "_awaitable_nowait": Builtin("prim::awaitable_nowait"),
    "strict_fusion": Special("no_grad"), "optimized_execution": Special("no_grad"),
}  # fmt: skip
_JIT_MODULES = ("torch.jit", "torch._jit", "treadle.jit", "treadle.runtime.future")
_MATH = {"remainder": "aten::mathremainder"}
_CMATH = {"phase": "aten::angle", "rect": "aten::polar"}
_ASSERTS = frozenset({"_assert", "_check"})


def builtin_member(path: str, name: str) -> Symbol | None:
    """What ``path.name`` stands for, `path` being ``torch``, ``math`` or below them."""
    match path:
        case "torch":
            return _torch_member(name)
        case "torch.jit":
            return _JIT.get(name)
        case "torch.nn" | "torch.utils":
            return Namespace(f"{path}.{name}")
        case "torch.nn.functional":
            return Builtin(operator_of(name))
        case "torch.fft" | "torch.linalg" | "torch.special":
            return Builtin(f"aten::{path[6:]}_{name}")
        case "torch._VF" | "torch._C._VariableFunctions" | "torch._C._nn":
            return Builtin(f"aten::{name}")
        case "torch.ops":
            return Namespace(f"torch.ops.{name}")
        case "math":
            if name in _NUMBERS:
                return Constant(_NUMBERS[name])
            return Builtin(_MATH.get(name, f"aten::{name}"))
        case "cmath":
            return Builtin(_CMATH.get(name, f"aten::{name}"))
        case "typing":
            return Special("identity") if name == "cast" else None
    if path.startswith("torch.ops."):
        return Builtin(f"{path[10:]}::{name}")
    return None


def _torch_member(name: str) -> Symbol | None:
    if name in ("cpu", "cuda", "fft", "jit", "linalg", "nn", "ops", "special", "utils"):
        return Namespace(f"torch.{name}")
    if name in ("fork", "wait"):
        return _JIT[name]
    if name == "Tensor":
        return TypeSymbol(TENSOR)
    if name in _GRADIENT_MODES:
        return Special("no_grad")
    if name in _ASSERTS:
        return Special("assert")
    if name in _NUMBERS:
        return Constant(_NUMBERS[name])
    if name in _ENUMERATIONS:
        return Constant(_ENUMERATIONS[name])
    torch_name = _DTYPE_ALIASES.get(name, name)
    if torch_name in BY_TORCH_NAME:
        return Constant(BY_TORCH_NAME[torch_name].code)
    return Builtin(f"aten::{name}")


class PythonScope:
    """The scope of one Python function.

    Args:
        names: its globals and the variables that it closes over.
        resolve: what functions and classes stand for; they belong to the whole program.
        prepare: makes sure that the type of a function's result is known.
        classes: the classes of the program by qualified name.
    """

    declares_attributes = True
    defers_unsupported = False

    def __init__(
        self,
        names: Mapping[str, Any],
        resolve: Resolve,
        prepare: Callable[[Function], bool],
        program: Program,
    ) -> None:
        self._names = names
        self._resolve = resolve
        self._prepare = prepare
        self._classes = program.classes
        self._library = Library(program)
        self._modules: dict[str, types.ModuleType] = {}

    def lookup(self, name: str) -> Symbol | None:
        """What a global, a closed-over variable or one of Python's names stands for."""
        if name in self._names:
            return self.symbol(self._names[name])
        known = getattr(builtins, name, None)
        if isinstance(known, type) and issubclass(known, BaseException):
            return ExceptionClass(f"builtins.{name}")
        return Special(name) if name in SPECIAL_NAMES or known is not None else None

    def member(self, path: str, name: str) -> Symbol | None:
        """What ``path.name`` stands for in a module."""
        if not path.startswith("python:"):
            found = builtin_member(path, name)
            choice = dispatched(getattr(sys.modules.get(path), name, None))
            if choice is not None:
                return self._dispatch(choice, found)
            return found if self._is_operator(found) else self._of_torch(path, name, found)
        module = self._modules.get(path)
        return self.symbol(getattr(module, name)) if hasattr(module, name) else None

    def _is_operator(self, symbol: Symbol | None) -> bool:
        """Whether a symbol stands for something by itself; names of torch may be Python's."""
        if not isinstance(symbol, Builtin) or symbol in _JIT.values():
            return symbol is not None
        return bool(OPS.overloads(symbol.name) or self._library.overloads(symbol.name))

    def _of_torch(self, path: str, name: str, known: Symbol | None) -> Symbol | None:
        """A module, function or class of the torch that the script's author has imported."""
        value = getattr(sys.modules.get(path), name, None)
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)):
            return self.symbol(value) or known
        return _known_function(value) or known if isinstance(value, type) else known

    def find_class(self, name: str) -> Class | None:
        """The class of the program with a qualified name, or None."""
        return self._classes.get(name)

    def library(self, name: str) -> Iterable[Function]:
        """The functions that stand for composite operators."""
        return self._library.overloads(name)

    def prepare(self, function: Function) -> bool:
        """Make sure that the type of the result is known; false if that needs itself."""
        return self._prepare(function)

    def symbol(self, value: Any) -> Symbol | None:
        """What a Python object stands for in a script."""
        if isinstance(value, types.ModuleType):
            return self._module(value)
        if isinstance(value, types.GenericAlias):
            return self._resolve(value)
        constant = as_constant(value)
        if constant is not None:
            return constant
        known = _known_function(value)
        choice = dispatched(value)
        if choice is not None:
            return self._dispatch(choice, known)
        return known if self._is_operator(known) else self._resolve(value) or known

    def _dispatch(self, choice: Mapping[str, Any], known: Symbol | None) -> Symbol:
        """A function of torch that is one of two, as an argument says."""
        other = known if self._is_operator(known) else self.symbol(choice["if_false"])
        return BooleanDispatch(
            self.symbol(choice["if_true"]), other, choice["index"], choice["arg_name"],
            choice["default"],
        )  # fmt: skip

    def _module(self, module: types.ModuleType) -> Namespace:
        root, _, rest = module.__name__.partition(".")
        if root in _ROOTS:
            return Namespace(_ROOTS[root] + ("." + rest if rest else ""))
        path = f"python:{module.__name__}"
        self._modules[path] = module
        return Namespace(path)


def as_constant(value: Any) -> Constant | None:
    """The constant that a Python value is in a script; None for functions, classes, objects."""
    if isinstance(value, enum.Enum):
        return None
    if value is None or type(value) in (bool, int, float, complex, str, np.ndarray, Device):
        return Constant(value)
    if isinstance(value, np.generic):
        return Constant(value.item())
    if isinstance(value, (list, tuple)):
        parts = [as_constant(part) for part in value]
        if all(part is not None for part in parts):
            return Constant(type(value)(part.value for part in parts if part is not None))
        return None
    dtype = BY_TORCH_NAME.get(str(value).removeprefix("torch.").removeprefix("treadle."))
    if dtype is not None and type(value).__name__ in ("dtype", "DType"):
        return Constant(dtype.code)
    if type(value).__name__ == "device":
        return Constant(parse_device(str(value)))
    if hasattr(value, "__array__") and not isinstance(value, type):
        return Constant(np.asarray(value))
    return None


def dispatched(value: Any) -> Mapping[str, Any] | None:
    """How torch chooses between two functions that it shows as the one function `value`."""
    table = getattr(sys.modules.get("torch._jit_internal"), "boolean_dispatched", {})
    is_choice = isinstance(value, types.FunctionType) and value in table
    return table[value] if is_choice else None


def _known_function(value: Any) -> Symbol | None:
    """Functions of Python, ``math`` and ``torch``, by where they were defined."""
    module = getattr(value, "__module__", None) or ""
    name = getattr(value, "__name__", "")
    if module == "torch.autograd.profiler" and name == "record_function":
        return Special("no_grad")
    if name == "autocast" and module in AUTOCASTS:
        return AUTOCASTS[module]
    if module == "builtins" and name in SPECIAL_NAMES:
        return Special(name)
    if module in ("math", "cmath"):
        return builtin_member(module, name)
    if module == "_warnings" and name == "warn":
        return Builtin("aten::warn")
    root = module.partition(".")[0]
    if name.lstrip("_").startswith("has_torch_function"):
        return Special("never")
    if root in ("torch", "treadle") and isinstance(
        value, (types.FunctionType, types.BuiltinFunctionType)
    ):
        if module.startswith(_JIT_MODULES) and name in _JIT:
            return _JIT[name]
        return builtin_member("torch", name)
    return None
