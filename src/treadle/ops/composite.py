"""Operators made of others: one body gives the reference, the type rule and the lowering.

A body is written in operands that have arithmetic and `Operand.op`. It is run three times over:
on arrays, through the references of its parts; on types, through their type rules; and on values of
a graph, through the emitter that `Decompose` gets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import DType, from_numpy
from treadle.ir.op import OpDef, Tolerance
from treadle.ir.schema import REQUIRED
from treadle.ir.types import TensorType
from treadle.ops.declare import DEFAULT, op, shown
from treadle.ops.inplace import FUNCTIONAL
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.promotion import KINDS, check_kind
from treadle.ops.registry import OPS

Body = Callable[..., Any]
_NUMBERS = (bool, int, float, complex)
_SEVERAL = (list, tuple)
_PLAIN = (*_NUMBERS, str, type(None))
_REFUSALS = (ValueError, IndexError, TypeError, ArithmeticError)
"""What Python says of sizes that do not fit."""


class Operand:
    """A tensor of a composite's body; arithmetic and `op` make further ones."""

    __slots__ = ("emit", "value")

    def __init__(self, emit: Emitter, value: Any) -> None:
        self.emit, self.value = emit, value

    @property
    def type(self) -> TensorType:
        """Its concrete type."""
        return self.emit.type(self.value)

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        value = self.value
        return value.shape if type(value) is np.ndarray else self.type.sizes

    @property
    def dtype(self) -> DType:
        """Its element type."""
        return self.type.element

    def op(self, name: str, *args: Any) -> Any:
        """The result(s) of operator `name` on this and `args`; defaults fill what is not given."""
        return apply(self.emit, name, self, *args)

    def apply(self, name: str, *args: Any) -> Any:
        """The result(s) of operator `name` on `args` alone, which may hold operands."""
        return apply(self.emit, name, *args)

    def given(self, array: Any, dtype: DType | None = None) -> Operand:
        """A constant: `array`, in `dtype` or that of this."""
        return Operand(self.emit, np.asarray(array, (dtype or self.dtype).numpy))

    def to(self, dtype: DType) -> Operand:
        """This in another dtype."""
        return self if self.dtype == dtype else _one(self.op("to.dtype", dtype.code))

    def sum(self, *dims: int, keepdim: bool = False) -> Operand:
        """The sum over `dims`, or over all."""
        name = "sum.dim_IntList" if dims else "sum"
        return _one(self.op(name, list(dims), keepdim) if dims else self.op(name))

    def mean(self) -> Operand:
        """The mean of all elements."""
        return _one(self.op("mean"))

    def reshape(self, *shape: int) -> Operand:
        """This under another shape."""
        return _one(self.op("reshape", list(shape)))

    def where(self, condition: Operand, other: Operand | float) -> Operand:
        """This where `condition` holds, else `other`."""
        name = "where.self" if isinstance(other, Operand) else "where.ScalarOther"
        return _one(condition.op(name, self, other))

    def clamp_min(self, least: float) -> Operand:
        """The larger of this and a number."""
        return _one(self.op("clamp_min", least))

    def _binary(self, name: str, other: Any) -> Operand:
        kind = "Scalar" if isinstance(other, _NUMBERS) else "Tensor"
        return _one(self.op(f"{name}.{kind}", other))

    def __add__(self, other: Any) -> Operand:
        return self._binary("add", other)

    def __radd__(self, other: Any) -> Operand:
        return self._binary("add", other)

    def __sub__(self, other: Any) -> Operand:
        return self._binary("sub", other)

    def __rsub__(self, other: float) -> Operand:
        return _one(self.op("rsub.Scalar", other))

    def __mul__(self, other: Any) -> Operand:
        return self._binary("mul", other)

    def __rmul__(self, other: Any) -> Operand:
        return self._binary("mul", other)

    def __truediv__(self, other: Any) -> Operand:
        return self._binary("div", other)

    def __neg__(self) -> Operand:
        return _one(self.op("neg"))

    def __abs__(self) -> Operand:
        return _one(self.op("abs"))

    def __lt__(self, other: Any) -> Operand:
        return self._binary("lt", other)

    def __le__(self, other: Any) -> Operand:
        return self._binary("le", other)

    def __gt__(self, other: Any) -> Operand:
        return self._binary("gt", other)

    def __ge__(self, other: Any) -> Operand:
        return self._binary("ge", other)


def _one(value: Any) -> Operand:
    assert isinstance(value, Operand), value
    return value


def apply(emit: Emitter, name: str, *args: Any) -> Any:
    """The result(s) of operator `name` as operands; `args` may hold operands."""
    found = OPS[name]
    schema = found.schema
    assert schema is not None
    rest = [a.default for a in schema.arguments[len(args) :]]
    assert REQUIRED not in rest, f"{name} needs more arguments"
    return wrapped(emit, emit(found, *map(unwrapped, args), *rest))


def wrapped(emit: Emitter, value: Any) -> Any:
    """`value` with tensors, also in lists and tuples, as operands."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, _SEVERAL):
        return type(value)([wrapped(emit, v) for v in value])
    return Operand(emit, value)


def unwrapped(value: Any) -> Any:
    """`value` with operands as what they stand for."""
    if type(value) is Operand:
        return value.value
    if isinstance(value, _SEVERAL):
        return type(value)(map(unwrapped, value))
    return value


class _Arrays:
    """The emitter that runs references."""

    def __call__(self, op: OpDef | str, *args: Any) -> Any:
        found = OPS[op] if isinstance(op, str) else op
        assert found.reference is not None
        return found.reference(*args)

    def type(self, value: Any) -> TensorType:
        dtype = from_numpy(value.dtype)
        if dtype is None:
            raise ShapeError(f"tensors have no dtype {value.dtype}")
        return TensorType(dtype, value.shape)


class _Types:
    """The emitter that runs type rules."""

    def __call__(self, op: OpDef | str, *args: Any) -> Any:
        found = OPS[op] if isinstance(op, str) else op
        if found.infer is None:
            raise UnsupportedError(f"the result of {found.name} depends on data")
        return found.infer(*map(_described, args))

    def type(self, value: Any) -> TensorType:
        found = _described(value)
        assert isinstance(found, TensorType)
        return found


def _described(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_described, value))
    return _Arrays().type(value) if isinstance(value, np.ndarray) else value


def composite(
    schema: str,
    body: Body,
    *,
    samples: tuple[tuple[Any, ...], ...] = (),
    tolerance: Tolerance = DEFAULT,
    doc: str = "",
    planned: bool = True,
    kinds: str = KINDS,
) -> OpDef:
    """Define the operator of `schema` by ``body(*arguments)``, tensors as operands.

    `planned`: its parts can be compiled. `kinds`: of numbers that its first tensor may hold.
    """
    arrays, types, name = _Arrays(), _Types(), schema.partition("(")[0]

    def build(emit: Emitter, *args: Any) -> Any:
        operands = [wrapped(emit, a) for a in args]
        first = _first_operand(operands) if kinds != KINDS else None
        if first is not None:
            check_kind(name.partition("::")[2], kinds, first.dtype)
        return unwrapped(body(*operands))

    def infer(*args: Any) -> Any:
        try:
            return build(types, *args)
        except _REFUSALS as refusal:
            base = name.partition("::")[2]
            raise ShapeError(f"{base}: {refusal}; got {shown(args)}") from refusal

    return op(
        schema,
        reference=lambda *args: build(arrays, *args),
        infer=infer,
        lower=Decompose(build, checks=True) if planned else None,
        samples=samples,
        tolerance=tolerance,
        doc=doc,
    )


def _first_operand(values: Any) -> Operand | None:
    for value in values:
        found = _first_operand(value) if isinstance(value, list | tuple) else value
        if isinstance(found, Operand):
            return found
    return None


def alias(original: OpDef, *schemas: str) -> list[OpDef]:
    """Define operators of other names with the rules and samples of `original`."""
    return [
        op(
            schema,
            reference=original.reference,
            infer=original.infer,
            lower=original.lower,
            samples=original.samples,
            tolerance=original.tolerance,
        )
        for schema in schemas
    ]


def renamed(original: OpDef | str, *names: str) -> list[OpDef]:
    """`alias` under other names with the same arguments."""
    found = OPS[original] if isinstance(original, str) else original
    assert found.schema is not None
    head, _, rest = found.schema.text.partition("(")
    _, dot, overload = head.partition(".")
    made = alias(found, *(f"aten::{n}{dot}{overload}({rest}" for n in names))
    functional = FUNCTIONAL.get(found.name)
    if functional is not None:
        FUNCTIONAL.update((twin.name, functional) for twin in made)
    return made


def made_of(body: Body) -> Decompose:
    """The lowering of a body, for an operator whose reference is something simpler."""
    return Decompose(lambda emit, *args: unwrapped(body(*(wrapped(emit, a) for a in args))))
