"""What surrounds a graph: the functions, classes and objects of one TorchScript program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from treadle.errors import CompileError, UnsupportedError
from treadle.ir.graph import Graph
from treadle.ir.types import Type


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function: its default is `ir.schema.REQUIRED` if it has none."""

    name: str
    type: Type
    default: Any
    keyword_only: bool = False


@dataclass(slots=True)
class Function:
    """A function or method. `graph()` compiles it at first use and keeps the result.

    The graph's parameters are those of the signature (``self`` first for methods); it returns one
    value (None's constant where the source returns nothing). `code` gives the source, `assigns`
    names the attributes to which that gives values, of whatever object.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Type
    compile: Callable[[], Graph]
    code: Callable[[], str] = str
    assigns: frozenset[str] = frozenset()
    _graph: Graph | None = None

    def graph(self) -> Graph:
        """The compiled graph; one per function, not to be changed."""
        if self._graph is None:
            self._graph = self.compile()
        return self._graph


@dataclass(slots=True, eq=False)
class Class:
    """A class of the program. `kind`: module, class, namedtuple, enum, interface.

    `attributes` are declared instance attributes in order; `constants` belong to the class (Final
    attributes; for an enum its members by name).
    """

    name: str
    kind: str
    attributes: dict[str, Type] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, Function] = field(default_factory=dict)
    static_methods: dict[str, Function] = field(default_factory=dict)
    parameters: frozenset[str] = frozenset()
    buffers: frozenset[str] = frozenset()
    forward_hooks: tuple[str, ...] = ()
    forward_pre_hooks: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Object:
    """An instance of a module or script class; tensors are `numpy.ndarray`."""

    cls: Class
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EnumValue:
    """A member of a TorchScript enum."""

    cls: Class
    name: str
    value: Any


@dataclass(frozen=True, eq=False, slots=True)
class UnsupportedTensor:
    """A tensor that Treadle cannot represent; harmless until a model needs it."""

    reason: str

    def fail(self) -> NoReturn:
        """Raise the error that using the tensor gives."""
        raise UnsupportedError(self.reason)

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        self.fail()

    def __getattr__(self, name: str) -> NoReturn:
        """Whoever asks for what arrays have, such as a dtype, uses it."""
        if name.startswith("__"):
            raise AttributeError(name)
        self.fail()


@dataclass(slots=True, eq=False)
class Program:
    """All functions and classes that one source (an archive, a `@script`) defines.

    Both go by qualified name, and are filled while graphs compile: sources are read lazily.
    Of an archive `sources` are the code records by path, `constants` gives what they name
    ``CONSTANTS.c0``, ..., and `version` is that of the file format.
    """

    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, Class] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    constants: Callable[[], tuple[Any, ...]] = tuple
    version: int | None = None

    def function(self, name: str) -> Function:
        """The function of that qualified name, or `CompileError`."""
        try:
            return self.functions[name]
        except KeyError:
            raise CompileError(f"unknown function {name!r}") from None
