"""Attributes: of namespaces, classes, objects, tensors, tuples and enums."""

from __future__ import annotations

from treadle.frontends.torchscript.displays import Displays
from treadle.frontends.torchscript.operators import NUMBERS
from treadle.frontends.torchscript.symbols import (
    IGNORED_CONTEXT,
    Builtin,
    ClassSymbol,
    Constant,
    FunctionSymbol,
    Item,
    Method,
    Namespace,
    Special,
    describe,
)
from treadle.ir.graph import Value
from treadle.ir.op import GET_ATTR, TUPLE_INDEX
from treadle.ir.program import Class
from treadle.ir.types import (
    DEVICE,
    GENERATOR,
    INT,
    STR,
    ClassType,
    DictType,
    FutureType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
)
from treadle.ops import OPS

_TENSOR_ATTRIBUTES = {
    "shape": "aten::size", "dtype": "prim::dtype", "device": "prim::device", "ndim": "aten::dim",
    "T": "aten::numpy_T", "mT": "aten::mT", "H": "aten::matrix_H", "mH": "aten::mH",
    "data": "aten::detach", "layout": "prim::layout", "is_cuda": "prim::is_cuda",
    "is_cpu": "prim::is_cpu", "requires_grad": "prim::requires_grad", "grad": "prim::grad",
    "itemsize": "prim::itemsize", "nbytes": "prim::nbytes", "real": "aten::real",
    "imag": "aten::imag", "is_quantized": "prim::is_quantized", "is_sparse": "prim::is_sparse",
    "is_leaf": "aten::is_leaf",
}  # fmt: skip


class Attributes(Displays):
    """Imports ``base.name``."""

    def attribute(self, base: Item, name: str) -> Item:
        """What ``base.name`` stands for."""
        if isinstance(base, Namespace):
            found = self.scope.member(base.path, name)
            if found is None:
                raise self.error(f"{base.path} has no {name!r}")
            return found
        if isinstance(base, ClassSymbol):
            return self._class_attribute(base.cls, name)
        if isinstance(base, Value):
            return self._value_attribute(base, name)
        if isinstance(base, Constant):
            return self.attribute(self.materialize(base), name)
        if base == IGNORED_CONTEXT or (isinstance(base, Special) and name == "__init__"):
            return base
        raise self.error(f"{describe(base)} has no attribute {name!r}")

    def _class_attribute(self, cls: Class, name: str) -> Item:
        if name in cls.constants:
            return Constant(cls.constants[name])
        if name == "__new__":
            return Special("__new__")
        if name in cls.static_methods:
            return FunctionSymbol(cls.static_methods[name])
        if name in cls.methods:
            free = self.scope.member(cls.name, name)
            return (
                free
                if isinstance(free, FunctionSymbol)
                else FunctionSymbol(cls.methods[name], name)
            )
        raise self.error(f"class {cls.name} has no {name!r}")

    def _value_attribute(self, value: Value, name: str) -> Item:
        type_ = value.type
        if isinstance(type_, ClassType):
            return self._object_attribute(value, type_, name)
        if isinstance(type_, TupleType) and name in type_.fields:
            index = type_.fields.index(name)
            return self.tuple_index(value, type_, index)
        if isinstance(type_, TensorType) and name in _TENSOR_ATTRIBUTES:
            return self.apply(_TENSOR_ATTRIBUTES[name], (value,))
        if type_ == DEVICE and name in ("type", "index"):
            return self.apply(f"prim::{name}", (value,))
        if isinstance(type_, FutureType) and type_.kind == "Await":
            return self.attribute(self.apply("prim::awaitable_wait", (value,)), name)
        if isinstance(type_, FutureType) and name == "wait":
            return Builtin("aten::wait", value)
        if isinstance(type_, OptionalType):
            raise self.error(
                f"a value of type {type_} has no attribute {name!r}: it may be None, "
                "which `is not None` rules out"
            )
        if isinstance(type_, (TensorType, ListType, DictType)) or type_ in (
            STR, GENERATOR, *NUMBERS,
        ):  # fmt: skip
            return Builtin("prim::tolist" if name == "tolist" else f"aten::{name}", value)
        raise self.error(f"a value of type {type_} has no attribute {name!r}")

    def _object_attribute(self, value: Value, type_: ClassType, name: str) -> Item:
        cls = self.find_class(type_.name)
        if cls is None:
            raise self.unsupported(f"class {type_.name} is not supported")
        if cls.kind == "enum" and name in ("name", "value"):
            return self._enum_attribute(value, cls, name)
        if name in cls.attributes:
            return self.value(GET_ATTR, (value,), cls.attributes[name], name=name)
        if name in cls.constants:
            return Constant(cls.constants[name])
        if f"__{name}_getter" in cls.methods:
            return self.call_method(Method(value, cls, f"__{name}_getter"), [], {})
        if name in cls.methods:
            return Method(value, cls, name)
        if name in cls.static_methods and cls.kind == "module":
            return FunctionSymbol(cls.static_methods[name])
        raise self.error(f"class {cls.name} has no attribute {name!r}")

    def call_method(self, method: Method, args: list[Value], keywords: dict[str, Value]) -> Value:
        """Call a method of an object."""
        raise NotImplementedError

    def _enum_attribute(self, value: Value, cls: Class, name: str) -> Value:
        if name == "name":
            return self.apply("prim::EnumName", (value,))
        members = list(cls.constants.values())
        type_ = self.type_of(members[0].value) if members else INT
        op = OPS.by_name.get(f"prim.EnumValue.{type_}")
        if op is None:
            raise self.error(f"the members of enum {cls.name} must be ints, floats or strings")
        return self.value(op, (value,), type_)

    def tuple_index(self, value: Value, type_: TupleType, index: int) -> Value:
        """An element of a tuple."""
        return self.value(TUPLE_INDEX, (value, self.constant(index)), type_.elements[index])
