"""The pointwise family: one body per operator gives reference, type rule and loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np

from treadle.ir.dtypes import DType, bool_, c64, f32, f64, i64
from treadle.ir.op import OpDef, Tolerance
from treadle.ir.schema import Schema, parse_schema
from treadle.ir.types import OptionalType, TensorType
from treadle.ops.declare import DEFAULT, op
from treadle.ops.expr import cast, const, dtype_of
from treadle.ops.lowering import Pointwise
from treadle.ops.promotion import KINDS, accumulation, check_kind, floating, result_dtype
from treadle.ops.scalar_math import LOOPS, NUMPY, Element
from treadle.ops.shapes import broadcast, tensor

Body = Callable[..., Any]
_OPERAND_NAMES = ("other", "exponent")


class Result(Enum):
    """The result's dtype, from the promoted dtype of the operands."""

    KEEP = "the promoted dtype"
    FLOAT = "as KEEP, integers and bool become f32"
    MAGNITUDE = "the promoted dtype; of complex numbers that of their parts"
    NUMBER = "the promoted dtype, bool becomes i64"
    BOOL = "bool; computed in the promoted dtype"
    BITS = "the promoted dtype; bool is computed as bool"


def pointwise(
    schema: str,
    body: Body,
    *,
    result: Result = Result.KEEP,
    operands: Sequence[int] | None = None,
    samples: tuple[tuple[Any, ...], ...] = (),
    tolerance: Tolerance = DEFAULT,
    lower: Any = None,
    divides: bool = False,
    check: Callable[..., None] = lambda *_: None,
    doc: str = "",
    kinds: str = KINDS,
) -> OpDef:
    """Define a pointwise operator.

    Args:
        schema: its schema.
        body: ``body(f, *arguments)``, see `ops.scalar_math`; operands arrive in the dtype of the
            computation, other tensors and values as they are.
        result: the dtype rule.
        operands: positions of the arguments that are promoted; default: tensors and numbers named
            `other` or `exponent`.
        samples: as in `OpDef`.
        tolerance: as in `OpDef`.
        lower: another lowering than the body.
        check: gets the arguments, or their types, and raises if their values are not allowed.
        divides: whether an integer 0 among the last operand makes it fail.
        doc: as in `OpDef`.
        kinds: the categories of numbers that the operands may promote to.
    """
    parsed = parse_schema(schema)
    places = tuple(_operands(parsed) if operands is None else operands)
    kinds = "bi" if result is Result.BITS else kinds
    rule = _Rule(parsed, body, result, places, check, kinds)
    return op(
        schema,
        reference=rule.reference,
        infer=rule.infer,
        lower=Pointwise(rule.build, divides) if lower is None else lower,
        samples=samples,
        tolerance=tolerance,
        doc=doc,
    )


def _operands(schema: Schema) -> list[int]:
    return [
        i
        for i, a in enumerate(schema.arguments)
        if _is_tensor(a.type) or (str(a.type) == "number" and a.name in _OPERAND_NAMES)
    ]


def _is_tensor(type_: Any) -> bool:
    inner = type_.element if isinstance(type_, OptionalType) else type_
    return isinstance(inner, TensorType)


class _Rule:
    """The three rules of a pointwise operator."""

    __slots__ = ("body", "check", "kinds", "name", "operands", "result", "tensors")

    def __init__(
        self,
        schema: Schema,
        body: Body,
        result: Result,
        operands: tuple[int, ...],
        check: Callable[..., None],
        kinds: str,
    ) -> None:
        self.check, self.kinds = check, kinds
        self.name, self.body, self.result, self.operands = schema.base, body, result, operands
        self.tensors = [i for i, a in enumerate(schema.arguments) if _is_tensor(a.type)]

    def _dtypes(self, values: Sequence[Any]) -> tuple[DType, DType]:
        """The dtype of the computation and that of the result."""
        promoted = result_dtype(*(v for v in values if v is not None))
        check_kind(self.name, self.kinds, promoted)
        if self.result is Result.BITS:
            return promoted, promoted
        if self.result is Result.BOOL:
            return promoted, bool_
        if self.result is Result.MAGNITUDE and promoted.is_complex:
            return promoted, f32 if promoted == c64 else f64
        if self.result is Result.NUMBER and promoted == bool_:
            return i64, i64
        final = floating(promoted) if self.result is Result.FLOAT else promoted
        return accumulation(final), final

    def reference(self, *args: Any) -> np.ndarray[Any, Any]:
        self.check(*args)
        compute, final = self._dtypes([args[i] for i in self.operands])
        converted = [
            np.asarray(a).astype(compute.numpy) if i in self.operands and a is not None else a
            for i, a in enumerate(args)
        ]
        values = np.asarray(self.body(NUMPY, *converted))
        shape = broadcast(self.name, *(args[i].shape for i in self.tensors if _present(args[i])))
        return np.asarray(np.broadcast_to(values, shape).astype(final.numpy))

    def infer(self, *args: Any) -> TensorType:
        self.check(*args)
        _, final = self._dtypes([args[i] for i in self.operands])
        shapes = [args[i].sizes for i in self.tensors if args[i] is not None]
        return tensor(final, broadcast(self.name, *shapes))

    def build(self, result: TensorType, *args: Any) -> Any:
        compute, final = self._dtypes([_as_operand(args[i]) for i in self.operands])
        if self.result is not Result.BOOL:  # what is 0-dim shows in the result only
            final = result.element
            compute = final if self.result is Result.BITS else accumulation(final)
        converted = [
            _element(a, compute if i in self.operands else None)
            if i in self.operands or i in self.tensors
            else a
            for i, a in enumerate(args)
        ]
        value = self.body(LOOPS, *converted)
        expr = value.expr if isinstance(value, Element) else const(value, final)
        return cast(expr, final)


def _present(value: Any) -> bool:
    return value is not None


def _as_operand(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | complex):
        return value
    return tensor(dtype_of(value), (1,))


def _element(value: Any, dtype: DType | None) -> Any:
    if value is None:
        return None
    if isinstance(value, bool | int | float):
        if dtype is None:
            return value
        return Element(const(_rounded(value, dtype), dtype))
    return Element(value if dtype is None else cast(value, dtype))


def _rounded(value: float, dtype: DType) -> float:
    """A number as `dtype` holds it."""
    if not dtype.is_floating:
        return value
    with np.errstate(over="ignore"):
        return float(np.asarray(value).astype(dtype.numpy))
