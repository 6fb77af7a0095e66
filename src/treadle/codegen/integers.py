"""Integer functions that processors lack or trap on: division, powers, shifts past the width."""

from __future__ import annotations

from treadle.codegen.emit import Emitter
from treadle.codegen.values import Value


def _safe_divisor(e: Emitter, a: Value, b: Value) -> tuple[Value, Value]:
    """Whether ``a / b`` is defined without overflow, and `b`, replaced by 1 where it is not."""
    zero, one = e.zero(b.dtype, b.lanes), e.constant(b.dtype, 1, b.lanes)
    undefined = e.compare("icmp eq", b, zero)
    return undefined, e.select(undefined, one, b)


def _divide(e: Emitter, a: Value, b: Value) -> tuple[Value, Value]:
    """Quotient rounded to zero and its rest; both 0 for a zero divisor; the quotient wraps."""
    signed = a.dtype.kind == "i"
    undefined, divisor = _safe_divisor(e, a, b)
    zero = e.zero(a.dtype, a.lanes)
    if not signed:
        quotient = e.binary("udiv", a, divisor)
    else:
        # The least integer divided by -1 traps: negate instead.
        minus = e.compare("icmp eq", b, e.constant(b.dtype, -1, b.lanes))
        divisor = e.select(minus, e.constant(b.dtype, 1, b.lanes), divisor)
        quotient = e.binary("sdiv", a, divisor)
        quotient = e.select(minus, e.binary("sub", zero, a), quotient)
    quotient = e.select(undefined, zero, quotient)
    rest = e.binary("sub", a, e.binary("mul", quotient, b))
    return quotient, e.select(undefined, zero, rest)


def truncdiv(e: Emitter, a: Value, b: Value) -> Value:
    """The quotient rounded to zero."""
    return _divide(e, a, b)[0]


def truncated_rest(e: Emitter, a: Value, b: Value) -> Value:
    """The remainder with the dividend's sign."""
    return _divide(e, a, b)[1]


def _uneven(e: Emitter, rest: Value, b: Value) -> Value:
    """Whether rounding down differs from rounding to zero."""
    zero = e.zero(b.dtype, b.lanes)
    differ = e.compare("icmp slt", e.binary("xor", rest, b), zero)
    return e.binary("and", e.compare("icmp ne", rest, zero), differ)


def floordiv(e: Emitter, a: Value, b: Value) -> Value:
    """The quotient rounded down."""
    quotient, rest = _divide(e, a, b)
    if a.dtype.kind == "u":
        return quotient
    down = e.binary("sub", quotient, e.constant(a.dtype, 1, a.lanes))
    return e.select(_uneven(e, rest, b), down, quotient)


def remainder(e: Emitter, a: Value, b: Value) -> Value:
    """The remainder with the divisor's sign."""
    rest = _divide(e, a, b)[1]
    if a.dtype.kind == "u":
        return rest
    return e.select(_uneven(e, rest, b), e.binary("add", rest, b), rest)


def power(e: Emitter, base: Value, exponent: Value) -> Value:
    """``base ** exponent``, wrapped; a negative exponent gives the inverse rounded to zero."""
    dtype, lanes = base.dtype, base.lanes
    one, zero = e.constant(dtype, 1, lanes), e.zero(dtype, lanes)
    result, square, rest = one, base, exponent
    known = exponent.constant
    bits = dtype.itemsize * 8 if known is None else max(int(known).bit_length(), 1)
    for bit in range(bits):
        odd = e.compare("icmp ne", e.binary("and", rest, one), zero)
        result = e.select(odd, e.binary("mul", result, square), result)
        if bit + 1 < bits:
            square = e.binary("mul", square, square)
            rest = e.binary("lshr", rest, one)
    if dtype.kind == "u":
        return result
    odd = e.compare("icmp ne", e.binary("and", exponent, one), zero)
    minus = e.constant(dtype, -1, lanes)
    inverse = e.select(odd, base, one)
    unit = e.binary("or", e.compare("icmp eq", base, one), e.compare("icmp eq", base, minus))
    inverse = e.select(unit, inverse, zero)
    return e.select(e.compare("icmp slt", exponent, zero), inverse, result)


def shift(e: Emitter, a: Value, b: Value, *, left: bool) -> Value:
    """A shift by any amount: past the width (or negative) gives 0, or the sign to the right."""
    bits = a.dtype.itemsize * 8
    limit = e.constant(a.dtype, bits - 1, a.lanes)
    past = e.compare("icmp ugt", b, limit)
    amount = e.select(past, limit, b)
    zero = e.zero(a.dtype, a.lanes)
    if left:
        return e.select(past, zero, e.binary("shl", a, amount))
    if a.dtype.kind == "i":
        return e.binary("ashr", a, amount)
    return e.select(past, zero, e.binary("lshr", a, amount))
