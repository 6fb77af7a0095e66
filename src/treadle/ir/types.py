"""Types of values: TorchScript's types, and tensor types with dtype and shape where known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from treadle.ir.dtypes import DType


@dataclass(frozen=True, slots=True)
class TensorType:
    """A tensor; `dtype` and `shape` are None where unknown. Dims are sizes or symbol names."""

    dtype: DType | None = None
    shape: tuple[int | str, ...] | None = None

    def __str__(self) -> str:
        if self.dtype is None and self.shape is None:
            return "Tensor"
        name = "Tensor" if self.dtype is None else self.dtype.name
        if self.shape is None:
            return "bool[...]" if name == "bool" else name  # bool alone is the scalar's type
        return f"{name}[{', '.join(map(str, self.shape))}]"

    @property
    def rank(self) -> int | None:
        """The number of dims; None if unknown."""
        return None if self.shape is None else len(self.shape)

    @property
    def is_concrete(self) -> bool:
        """Whether dtype and every size are known."""
        return (
            self.dtype is not None
            and self.shape is not None
            and all(isinstance(d, int) for d in self.shape)
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of a concrete type."""
        assert self.shape is not None
        return tuple(d for d in self.shape if isinstance(d, int))

    @property
    def element(self) -> DType:
        """The dtype of a concrete type."""
        assert self.dtype is not None
        return self.dtype


@dataclass(frozen=True, slots=True)
class Primitive:
    """A type without parameters: int, float, bool, str, NoneType, Device, ..."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListType:
    """A list."""

    element: Type

    def __str__(self) -> str:
        return f"List[{self.element}]"


@dataclass(frozen=True, slots=True)
class DictType:
    """A dict."""

    key: Type
    value: Type

    def __str__(self) -> str:
        return f"Dict[{self.key}, {self.value}]"


@dataclass(frozen=True, slots=True)
class TupleType:
    """A tuple; with `name` and `fields` a NamedTuple."""

    elements: tuple[Type, ...]
    name: str | None = None
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        return f"Tuple[{', '.join(map(str, self.elements)) or '()'}]"


@dataclass(frozen=True, slots=True)
class OptionalType:
    """A value or None."""

    element: Type

    def __str__(self) -> str:
        return f"Optional[{self.element}]"


@dataclass(frozen=True, slots=True)
class UnionType:
    """A value of one of several types."""

    options: tuple[Type, ...]

    def __str__(self) -> str:
        return f"Union[{', '.join(map(str, self.options))}]"


@dataclass(frozen=True, slots=True)
class FutureType:
    """``Future[T]``; `kind` is Future, Await or RRef."""

    element: Type
    kind: str = "Future"

    def __str__(self) -> str:
        return f"{self.kind}[{self.element}]"


@dataclass(frozen=True, slots=True)
class ClassType:
    """A module, script class, enum or interface, by qualified name; the loader knows the rest."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class FunctionType:
    """A function or a method as a value; `name` is for messages."""

    name: str

    def __str__(self) -> str:
        return f"Function[{self.name}]"


Type: TypeAlias = (
    TensorType | Primitive | ListType | DictType | TupleType | OptionalType | UnionType
    | FutureType | ClassType | FunctionType
)  # fmt: skip

TENSOR = TensorType()
INT, FLOAT, BOOL, COMPLEX, NUMBER, STR, NONE, ANY, DEVICE, GENERATOR = map(
    Primitive,
    (
        "int",
        "float",
        "bool",
        "complex",
        "number",
        "str",
        "NoneType",
        "Any",
        "Device",
        "Generator",
    ),
)
PRIMITIVES: dict[str, Primitive] = {
    name: Primitive(name)
    for name in (
        "int", "float", "bool", "complex", "number", "str", "NoneType", "Any", "Device",
        "Generator", "Stream", "Storage", "Capsule", "QScheme", "Layout", "ScalarType",
        "MemoryFormat", "AnyListType", "AnyTupleType", "AnyClassType", "AnyEnumType",
    )
}  # fmt: skip
