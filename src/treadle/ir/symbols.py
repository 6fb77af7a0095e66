"""Symbolic sizes: integers that remember how they were computed from the sizes of the inputs.

The binder works on plain integers. To learn how a plan depends on the sizes of its inputs it is run
on `Symbol`s instead: each has a value, so every decision can be taken, and a `Trace` notes the
arithmetic, and as *guards* the outcome of each comparison. `Trace.compile` turns both into a
function that computes anything the binder computed for other sizes, or says that a guard fails.

Whatever cannot be noted (a conversion to float, a size printed into machine code) becomes a guard
that fixes the value: a plan may so turn out to hold for fewer sizes, never for wrong ones. The
idea is that of guarded tracing, as in PyTorch's symbolic shapes (Ansel et al., PyTorch 2, 2024).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv,
    "%": operator.mod,
}  # fmt: skip
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


Linear: TypeAlias = dict[str, int]
"""A sum of symbols, by name, times their factors; the name of the constant is empty."""


# To type checkers a symbol is an int, as to everyone who computes with sizes.
if TYPE_CHECKING:
    from treadle.ir.traces import Trace

    _Integer = int
else:
    _Integer = object


class Symbol(_Integer):
    """An integer with a name in a trace. Comparisons become guards.

    For ``isinstance`` it is an int; for Python's own C code it is not, which therefore asks for its
    value (``range``, slices, NumPy) and thereby fixes it.
    """

    __slots__ = ("linear", "name", "trace", "value")

    def __init__(self, trace: Trace, name: str, value: int, linear: Linear | None = None) -> None:
        self.trace, self.name, self.value = trace, name, value
        self.linear = linear or {name: 1}

    __class__ = property(lambda _: int)

    def _compute(self, name: str, a: Any, b: Any) -> Any:
        if isinstance(a, int) and isinstance(b, int):
            return self.trace.compute(name, a, b)
        fixed = [self.trace.fix(x) if isinstance(x, Symbol) else x for x in (a, b)]
        return OPERATORS[name](*fixed)

    def _guard(self, name: str, other: Any) -> Any:
        if isinstance(other, int) or (isinstance(other, float) and math.isfinite(other)):
            return self.trace.guard(name, self, other)
        return COMPARISONS[name](self.value, other) if isinstance(other, float) else NotImplemented

    def __add__(self, other: Any) -> Any:
        return self._compute("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._compute("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._compute("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._compute("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._compute("*", self, other) if isinstance(other, int | float) else NotImplemented

    def __rmul__(self, other: Any) -> Any:
        return self._compute("*", other, self) if isinstance(other, int | float) else NotImplemented

    def __floordiv__(self, other: Any) -> Any:
        return self._divide("//", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._divide("//", other, self)

    def __mod__(self, other: Any) -> Any:
        return self._divide("%", self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._divide("%", other, self)

    def _divide(self, name: str, a: Any, b: Any) -> Any:
        if b == 0:  # a guard, where b is symbolic
            raise ZeroDivisionError("integer division or modulo by zero")
        return self._compute(name, a, b)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __neg__(self) -> Any:
        return self._compute("-", 0, self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return -self if self < 0 else self

    def __eq__(self, other: object) -> Any:
        return self._guard("==", other)

    def __ne__(self, other: object) -> Any:
        return self._guard("!=", other)

    def __lt__(self, other: Any) -> Any:
        return self._guard("<", other)

    def __le__(self, other: Any) -> Any:
        return self._guard("<=", other)

    def __gt__(self, other: Any) -> Any:
        outcome = self._guard("<=", other)
        return outcome if outcome is NotImplemented else not outcome

    def __ge__(self, other: Any) -> Any:
        outcome = self._guard("<", other)
        return outcome if outcome is NotImplemented else not outcome

    def __bool__(self) -> bool:
        return not self.trace.guard("==", self, 0)

    def __hash__(self) -> int:
        return hash(self.value)

    def __int__(self) -> int:
        return self.trace.fix(self)

    def __str__(self) -> str:
        return str(self.trace.fix(self))

    def __format__(self, specification: str) -> str:
        return format(self.trace.fix(self), specification)

    __repr__ = __str__
    __index__ = __trunc__ = __floor__ = __ceil__ = __int__


def _fixing(name: str) -> Callable[..., Any]:
    """The method `name` of int, on the values of fixed symbols."""
    method = getattr(int, name)

    def call(self: Symbol, *others: Any) -> Any:
        plain = [o.trace.fix(o) if isinstance(o, Symbol) else o for o in others]
        return method(self.trace.fix(self), *plain)

    return call


for _name in (
    "float", "truediv", "rtruediv", "pow", "rpow", "and", "rand", "or", "ror", "xor", "rxor",
    "lshift", "rlshift", "rshift", "rrshift", "invert", "round",
):  # fmt: skip
    setattr(Symbol, f"__{_name}__", _fixing(f"__{_name}__"))
for _name in ("bit_length", "bit_count", "conjugate"):
    setattr(Symbol, _name, _fixing(_name))


def as_int(value: Any) -> int:
    """`value` as an int; a symbol stays one."""
    return value if isinstance(value, Symbol) else int(value)


def is_whole(value: Any) -> bool:
    """Whether `value` is an int, symbolic or not, and not a bool."""
    return type(value) is int or isinstance(value, Symbol)


def plain(value: Any) -> Any:
    """`value`, or the present value of a symbol, without a guard: for estimates only."""
    return value.value if isinstance(value, Symbol) else value


def typical(value: Any) -> Any:
    """A size like `value` for estimates: a symbol's rounded up to a power of two, without guard."""
    if not isinstance(value, Symbol):
        return value
    return 1 << (value.value - 1).bit_length() if value.value > 1 else value.value


def is_zero(value: int) -> bool:
    """Whether `value` is 0 and no symbol: a symbol may become 0 without a guard."""
    return not isinstance(value, Symbol) and value == 0


def source(value: Any) -> str:
    """`value` in generated code: a symbol by its name, lists and tuples by their items."""
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, list):
        return f"[{', '.join(map(source, value))}]"
    if isinstance(value, tuple):
        return f"({''.join(f'{source(item)}, ' for item in value)})"
    return repr(value)


def maximum(numbers: Sequence[int]) -> int:
    """The largest of `numbers`, 0 if there are none; of symbols without a guard."""
    if len(numbers) == 1:
        return numbers[0]
    for number in numbers:
        if isinstance(number, Symbol):
            return number.trace.maximum(numbers)
    return max(numbers, default=0)


def has_symbols(value: Any) -> bool:
    """Whether a structure of tuples, lists and dicts holds a symbol."""
    if isinstance(value, tuple | list):
        return any(map(has_symbols, value))
    if isinstance(value, dict):
        return any(map(has_symbols, value.values()))
    return isinstance(value, Symbol)


def fixed(value: Any) -> Any:
    """A structure of tuples, lists and dicts with all symbols fixed."""
    if not has_symbols(value):
        return value
    if isinstance(value, dict):
        return {key: fixed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [fixed(item) for item in value]
    if isinstance(value, tuple):
        items = map(fixed, value)
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return int(value)
