"""What a name may stand for while a function is imported, besides a value of the graph."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from treadle.ir.graph import Value
from treadle.ir.program import Class, Function
from treadle.ir.types import Type

if TYPE_CHECKING:
    from treadle.frontends.torchscript.frames import Frame


@dataclass(frozen=True, slots=True)
class Special:
    """A function of Python or TorchScript that the importer knows by name: ``len``, ``fork``."""

    name: str


IGNORED_CONTEXT = Special("no_grad")  # an object that means nothing here, whatever it is asked


@dataclass(frozen=True, slots=True)
class Builtin:
    """All overloads of an operator, ``aten::add``; `receiver` is the object of a method."""

    name: str
    receiver: Value | None = None


@dataclass(frozen=True, slots=True)
class Namespace:
    """A module of names: ``torch``, ``ops.prim``, ``math``, ``__torch__.package``."""

    path: str


@dataclass(frozen=True, slots=True)
class FunctionSymbol:
    """A function of the program; of a method named on its class also the name."""

    function: Function
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Overloads:
    """Functions of the program of which a call means the first that takes its arguments."""

    functions: tuple[Function, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BooleanDispatch:
    """One of two functions, as the constant argument at `index` or of the name `argument` says."""

    if_true: Symbol | None
    if_false: Symbol | None
    index: int
    argument: str
    default: bool


@dataclass(frozen=True, slots=True)
class Method:
    """A method of an object of the program."""

    receiver: Value
    cls: Class
    name: str


@dataclass(frozen=True, slots=True)
class ClassSymbol:
    """A class of the program."""

    cls: Class


@dataclass(frozen=True, slots=True)
class ExceptionClass:
    """A class of exceptions."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class ExceptionValue:
    """An exception that was made, but not raised yet."""

    text: Value
    class_name: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name whose value has types on two ways that no type covers: reading it is an error."""

    message: str


@dataclass(frozen=True, slots=True)
class TypeSymbol:
    """A type used as a value: ``torch.Tensor``, ``List[int]``."""

    type: Type


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A function defined inside the one that is imported."""

    node: ast.FunctionDef
    frame: Frame


@dataclass(frozen=True, slots=True)
class Constant:
    """A Python value known while importing: a number, string, tensor, tuple of these."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """Things to iterate over whose number is known: the modules of a ModuleList, a tuple's."""

    items: tuple[Symbol | Value, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """``range(start, stop, step)``."""

    start: Value | None
    stop: Value
    step: Value | None


@dataclass(frozen=True, slots=True, eq=False)
class Enumerate:
    """``enumerate(inner, start)``."""

    inner: Symbol | Value
    start: Value | None


@dataclass(frozen=True, slots=True, eq=False)
class Zip:
    """``zip(*parts)``."""

    parts: tuple[Symbol | Value, ...]


Symbol: TypeAlias = (
    Special | Builtin | Namespace | FunctionSymbol | Overloads | BooleanDispatch | Method
    | ClassSymbol | TypeSymbol | Closure | ExceptionClass | ExceptionValue | Conflict | Constant
    | Sequence | Range | Enumerate | Zip
)  # fmt: skip
Item: TypeAlias = Symbol | Value


class Scope(Protocol):
    """What surrounds a function: the names it may use, and the classes of its program."""

    def lookup(self, name: str) -> Symbol | None:
        """What a free name of the function stands for."""

    def member(self, path: str, name: str) -> Symbol | None:
        """What ``path.name`` stands for, `path` being that of a `Namespace`."""

    def find_class(self, name: str) -> Class | None:
        """The class with a qualified name."""

    def library(self, name: str) -> Iterable[Function]:
        """The functions that stand for operator `name`, to be tried before its overloads."""

    def prepare(self, function: Function) -> bool:
        """Make sure that the type of `function`'s result is known; false if that needs itself."""

    @property
    def defers_unsupported(self) -> bool:
        """Whether operators that Treadle lacks are errors only when they are reached."""

    @property
    def declares_attributes(self) -> bool:
        """Whether assignments in ``__init__`` declare attributes."""


def describe(item: Item) -> str:
    """How messages call `item`."""
    match item:
        case Value():
            return f"a value of type {item.type}"
        case Special(name) | Builtin(name):
            return f"the function {name}"
        case Namespace(path):
            return f"the module {path}"
        case FunctionSymbol(function, _):
            return f"the function {function.name}"
        case Method(_, cls, name):
            return f"the method {cls.name}.{name}"
        case ClassSymbol(cls):
            return f"the class {cls.name}"
    return f"a {type(item).__name__.lower()}"
