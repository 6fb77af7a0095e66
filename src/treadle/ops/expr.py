"""Scalar expressions, written short: constructors of `ir.loops` expressions for lowering rules."""

from __future__ import annotations

from treadle.errors import ShapeError
from treadle.ir.dtypes import DType, bool_, i64
from treadle.ir.loops import Call, Const, Expr, Extent, Index
from treadle.ir.loops_functions import FUNCTIONS
from treadle.ir.symbols import as_int


def dtype_of(x: Expr) -> DType:
    """The dtype of an expression; positions and extents are i64."""
    return i64 if isinstance(x, Index | Extent) else x.dtype


def const(value: float | int | bool, dtype: DType) -> Expr:
    """A literal, converted to what `dtype` holds."""
    if dtype.kind == "f":
        return Const(float(value), dtype)
    return Const(bool(value) if dtype.kind == "b" else as_int(value), dtype)


def cast(x: Expr, dtype: DType) -> Expr:
    """`x` as `dtype`; nothing if it is."""
    if dtype_of(x) == dtype:
        return x
    if isinstance(x, Const) and x.value == x.value and abs(x.value) < 2**52:
        return const(x.value, dtype)
    return Call("cast", (x,), dtype)


def call(function: str, *args: Expr) -> Expr:
    """A function whose result has the dtype of its first argument.

    Raises:
        ShapeError: if it is a function of floating numbers only, and these are not. LLVM would end
            the process.
    """
    dtype = dtype_of(args[0])
    if FUNCTIONS[function].kinds == "f" and not dtype.is_floating:
        raise ShapeError(f"{function} needs floating numbers, got {dtype}")
    return Call(function, args, dtype)


def compare(function: str, a: Expr, b: Expr) -> Expr:
    """eq, ne, lt, le, gt or ge; operands of one dtype."""
    return Call(function, (a, b), bool_)


def select(condition: Expr, a: Expr, b: Expr) -> Expr:
    """`a` where `condition`, else `b`.

    Raises:
        ShapeError: if the condition is not of bools.
    """
    if dtype_of(condition) != bool_:
        raise ShapeError(f"a condition is of bools, got {dtype_of(condition)}")
    return Call("select", (condition, a, b), dtype_of(a))


def add(a: Expr, b: Expr) -> Expr:
    """``a + b``; integers wrap."""
    return call("add", a, b)


def sub(a: Expr, b: Expr) -> Expr:
    """``a - b``; integers wrap."""
    return call("sub", a, b)


def mul(a: Expr, b: Expr) -> Expr:
    """``a * b``; integers wrap."""
    return call("mul", a, b)


def div(a: Expr, b: Expr) -> Expr:
    """Of floats; integers have floordiv and truncdiv."""
    return call("div", a, b)


def infinite(x: Expr) -> Expr:
    """Whether a float is inf or -inf."""
    return Call("isinf", (x,), bool_)


def extent(size: int) -> Expr:
    """A size of a concrete shape, as an i64 expression."""
    return Const(size, i64)


def varying(size: int, dtype: DType) -> Expr:
    """A size as a number of `dtype` that a kernel gets when it runs, so that one serves all."""
    return Call("cast", (extent(size),), dtype)


def checked_index(index: Expr, size: int | Expr) -> Expr:
    """`index` (i64) if inside ``[0, size)``; else the run fails with an index error."""
    limit = extent(size) if isinstance(size, int) else size
    return Call("checked_index", (index, limit), i64)


def checked_divisor(divisor: Expr) -> Expr:
    """An integer divisor; if it is 0, the run fails with a ZeroDivisionError."""
    known = isinstance(divisor, Const) and divisor.value != 0
    return divisor if known else call("checked_divisor", divisor)


def wrapped_index(index: Expr, size: int) -> Expr:
    """As `checked_index`, negative ones counting from the end."""
    return Call("wrapped_index", (index, extent(size)), i64)
