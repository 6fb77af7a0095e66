"""Rounded quotients and remainders, of floats and of integers."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.codegen import integers
from treadle.codegen.emit import Emitter
from treadle.codegen.math32 import constant
from treadle.codegen.values import Value


def _float_remainder(e: Emitter, a: Value, b: Value) -> Value:
    """The remainder with the divisor's sign, as Python's ``%``."""
    rest = e.binary("frem", a, b)
    return e.select(_has_other_sign(e, rest, b), e.binary("fadd", rest, b), rest)


def _has_other_sign(e: Emitter, rest: Value, divisor: Value) -> Value:
    """Whether a remainder is not 0 and has not the sign of the divisor."""
    zero = constant(e, rest, 0.0)
    negative = [e.compare("fcmp olt", v, zero) for v in (rest, divisor)]
    return e.binary("and", e.compare("fcmp une", rest, zero), e.binary("xor", *negative))


def remainder(e: Emitter, args: Sequence[Value]) -> Value:
    """What a division leaves, with the sign of the divisor."""
    a, b = args
    if a.dtype.kind == "f":
        return _float_remainder(e, a, b)
    return integers.remainder(e, a, b)


def floordiv(e: Emitter, args: Sequence[Value]) -> Value:
    """The quotient, rounded down."""
    a, b = args
    if a.dtype.kind != "f":
        return integers.floordiv(e, a, b)
    # Exact even where a / b rounds up to the next integer: divide what the remainder leaves.
    zero, rest, quotient = constant(e, b, 0.0), e.binary("frem", a, b), e.binary("fdiv", a, b)
    exact = e.binary("fdiv", e.binary("fsub", a, rest), b)
    below = e.binary("fsub", exact, constant(e, b, 1.0))
    wrong = _has_other_sign(e, rest, b)
    nearest = e.intrinsic("roundeven", a.dtype, [e.select(wrong, below, exact)])
    signed = e.intrinsic("copysign", a.dtype, [nearest, quotient])
    nearest = e.select(e.compare("fcmp oeq", nearest, zero), signed, nearest)
    return e.select(e.compare("fcmp oeq", b, zero), quotient, nearest)


def truncdiv(e: Emitter, args: Sequence[Value]) -> Value:
    """The quotient, rounded to zero."""
    a, b = args
    if a.dtype.kind != "f":
        return integers.truncdiv(e, a, b)
    return e.intrinsic("trunc", a.dtype, [e.binary("fdiv", a, b)])


def fmod(e: Emitter, args: Sequence[Value]) -> Value:
    """What a division leaves, with the sign of the dividend."""
    a, b = args
    return e.binary("frem", a, b) if a.dtype.kind == "f" else integers.truncated_rest(e, a, b)
