"""Scalar functions over two kinds of operands: NumPy arrays and loop expressions.

A pointwise operator is written once, as ``lambda f, x: x / (1 + f.exp(-x))``. With `NUMPY` as `f`
it is the reference, with `LOOPS` the body of the generated loop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.errors import ScriptError, ShapeError
from treadle.ir.dtypes import DType, bool_, from_numpy
from treadle.ir.loops import Call, Expr
from treadle.ops.expr import cast, checked_divisor, const, dtype_of


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """A loop expression with Python's operators; numbers become constants of its dtype."""

    expr: Expr

    @property
    def dtype(self) -> DType:
        """The dtype of the expression."""
        return dtype_of(self.expr)

    def lift(self, other: Any) -> Expr:
        """`other` as an expression of this element's dtype."""
        if isinstance(other, Element):
            return other.expr
        if isinstance(other, float) and not (self.dtype.is_floating or other.is_integer()):
            raise ShapeError(f"{other} is no number of {self.dtype}")
        return const(other, self.dtype)

    def apply(self, function: str, *others: Any) -> Element:
        """`function` of this element and `others`, in its dtype.

        Raises:
            ShapeError: if it is a function of floating numbers only, and these are not.
        """
        if function in _OF_FLOATS and not self.dtype.is_floating:
            raise ShapeError(f"{function} needs floating numbers, got {self.dtype}")
        return Element(Call(function, (self.expr, *map(self.lift, others)), self.dtype))

    def _reversed(self, function: str, other: Any) -> Element:
        return Element(Call(function, (self.lift(other), self.expr), self.dtype))

    def _compare(self, function: str, other: Any) -> Element:
        return Element(Call(function, (self.expr, self.lift(other)), bool_))

    def __add__(self, other: Any) -> Element:
        return self.apply("add", other)

    def __radd__(self, other: Any) -> Element:
        return self._reversed("add", other)

    def __sub__(self, other: Any) -> Element:
        return self.apply("sub", other)

    def __rsub__(self, other: Any) -> Element:
        return self._reversed("sub", other)

    def __mul__(self, other: Any) -> Element:
        return self.apply("mul", other)

    def __rmul__(self, other: Any) -> Element:
        return self._reversed("mul", other)

    def __truediv__(self, other: Any) -> Element:
        return self.apply("div", other)

    def __rtruediv__(self, other: Any) -> Element:
        return self._reversed("div", other)

    def __neg__(self) -> Element:
        return self.apply("neg")

    def __and__(self, other: Any) -> Element:
        return self.apply("and", other)

    def __or__(self, other: Any) -> Element:
        return self.apply("or", other)

    def __xor__(self, other: Any) -> Element:
        return self.apply("xor", other)

    def __lt__(self, other: Any) -> Element:
        return self._compare("lt", other)

    def __le__(self, other: Any) -> Element:
        return self._compare("le", other)

    def __gt__(self, other: Any) -> Element:
        return self._compare("gt", other)

    def __ge__(self, other: Any) -> Element:
        return self._compare("ge", other)

    def __eq__(self, other: object) -> Any:
        return self._compare("eq", other)

    def __ne__(self, other: object) -> Any:
        return self._compare("ne", other)

    __hash__ = None  # type: ignore[assignment]


_UNARY = (
    "abs", "acos", "asin", "atan", "ceil", "cos", "cosh", "erf", "exp", "exp2", "expm1", "floor",
    "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "normal_cdf", "reciprocal",
    "round", "rsqrt",
    "sigmoid", "sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
)  # fmt: skip
_OF_FLOATS = frozenset(_UNARY) - {"abs", "isfinite", "isinf", "isnan", "sign"} | {"div"}
_BINARY = {
    "atan2": "atan2", "floordiv": "floordiv", "fmod": "fmod", "maximum": "max", "minimum": "min",
    "pow": "pow", "remainder": "remainder", "shift_left": "shift_left",
    "shift_right": "shift_right", "truncdiv": "truncdiv",
}  # fmt: skip


_QUOTIENTS = frozenset(("floordiv", "fmod", "remainder", "truncdiv"))


class LoopMath:
    """The functions as loop expressions."""

    def __getattr__(self, name: str) -> Any:
        if name in _BINARY:
            return lambda a, b: _binary(_BINARY[name], a, b)
        if name in _UNARY:
            return lambda x: _unary(name, x)
        raise AttributeError(name)

    def where(self, condition: Element, a: Any, b: Any) -> Element:
        """`a` where `condition`, else `b`; one of them must be an element.

        Raises:
            ShapeError: if the condition is not of bools.
        """
        if condition.dtype != bool_:
            raise ShapeError(f"a condition is of bools, got {condition.dtype}")
        like = a if isinstance(a, Element) else b
        args = (condition.expr, like.lift(a), like.lift(b))
        return Element(Call("select", args, like.dtype))

    def invert(self, x: Element) -> Element:
        """The complement: logical of bool, bitwise of integers."""
        return x.apply("not")

    def dtype(self, x: Element) -> DType:
        """The dtype of `x`."""
        return x.dtype

    def cast(self, x: Any, dtype: DType) -> Element:
        """`x` as `dtype`."""
        return Element(cast(x.expr, dtype) if isinstance(x, Element) else const(x, dtype))


def _unary(name: str, x: Element) -> Element:
    if name.startswith("is"):
        return Element(Call(name, (x.expr,), bool_))
    return x.apply(name)


def _binary(name: str, a: Any, b: Any) -> Element:
    like: Element = a if isinstance(a, Element) else b
    first, second = like.lift(a), like.lift(b)
    if name in _QUOTIENTS and not like.dtype.is_floating:
        second = checked_divisor(second)
    return Element(Call(name, (first, second), like.dtype))


class NumpyMath:
    """The functions on arrays."""

    where = staticmethod(np.where)
    invert = staticmethod(np.invert)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, _NUMPY_NAMES.get(name, name))

    def dtype(self, x: Any) -> DType:
        """The dtype of `x`."""
        found = from_numpy(x.dtype)
        assert found is not None
        return found

    def cast(self, x: Any, dtype: DType) -> Any:
        """`x` as `dtype`."""
        return np.asarray(x).astype(dtype.numpy)

    def erf(self, x: Any) -> Any:
        """The error function."""
        return _each(math.erf, x)

    def normal_cdf(self, x: Any) -> Any:
        """The distribution function of the normal distribution."""
        return 0.5 * (1.0 + self.erf(x * math.sqrt(0.5)))

    def sign(self, x: Any) -> Any:
        """-1, 0 or 1; 0 for NaN."""
        return ((x > 0).astype(np.int8) - (x < 0).astype(np.int8)).astype(x.dtype)

    def rsqrt(self, x: Any) -> Any:
        """One over the square root."""
        return 1 / np.sqrt(x)

    def sigmoid(self, x: Any) -> Any:
        """The logistic function."""
        return 1 / (1 + np.exp(-x))

    def truncdiv(self, a: Any, b: Any) -> Any:
        """Quotient towards zero."""
        if _divided(a, b).kind == "f":
            return np.trunc(a / b)
        quotient = np.abs(a) // np.abs(b)
        return np.where((a < 0) != (b < 0), -quotient, quotient).astype(np.result_type(a, b))

    def floordiv(self, a: Any, b: Any) -> Any:
        """Quotient, rounded down."""
        _divided(a, b)
        return np.floor_divide(a, b)

    def remainder(self, a: Any, b: Any) -> Any:
        """Remainder with the sign of the divisor."""
        _divided(a, b)
        return np.remainder(a, b)

    def fmod(self, a: Any, b: Any) -> Any:
        """Remainder with the sign of the dividend."""
        _divided(a, b)
        return np.fmod(a, b)

    def pow(self, a: Any, b: Any) -> Any:
        """Power; of integers to a negative one, what is left of the fraction."""
        if np.result_type(a, b).kind not in "iu" or not np.any(np.less(b, 0)):
            return np.power(a, b)
        odd = np.where(np.remainder(b, 2) == 1, a, 1)
        fraction = np.where(np.abs(a) == 1, odd, 0)
        return np.where(np.less(b, 0), fraction, np.power(a, np.maximum(b, 0)))


def _divided(a: Any, b: Any) -> np.dtype[Any]:
    """The dtype of a quotient.

    Raises:
        ScriptError: of integers by zero.
    """
    dtype = np.result_type(a, b)
    if dtype.kind in "biu" and not np.all(b):
        raise ScriptError("integer division by zero", "ZeroDivisionError")
    return dtype


_NUMPY_NAMES = {
    "atan2": "arctan2", "round": "rint",
    "shift_left": "left_shift", "shift_right": "right_shift",
    "acos": "arccos", "asin": "arcsin", "atan": "arctan",
    "acosh": "arccosh", "asinh": "arcsinh", "atanh": "arctanh",
}  # fmt: skip


def _each(function: Any, x: Any) -> Any:
    """A function of one float on every element, in double precision."""
    x = np.asarray(x)
    flat = [function(v) for v in x.astype(np.float64).ravel().tolist()]
    return np.array(flat, np.float64).reshape(x.shape).astype(x.dtype)


LOOPS = LoopMath()
NUMPY = NumpyMath()
