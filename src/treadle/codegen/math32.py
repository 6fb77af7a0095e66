"""Transcendental functions of f32, inline and vectorised: exp, log, tanh, sigmoid, erf, ...

The polynomials are our own fits (``tests/codegen/derive_coefficients.py``); argument reductions are
the textbook ones (Muller, Elementary Functions, chapters 10 and 11). FMA is explicit everywhere, so
an element's result does not depend on the lane or the loop it is computed in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from treadle.codegen.emit import Emitter
from treadle.codegen.values import Value
from treadle.ir.dtypes import f32, i32

_EXPM1 = (0.500000006335745449, 0.166665278591293789, 0.0416663078047150186,
          0.00836803434648999416, 0.00139438526077781837)  # fmt: skip
_LOG = (0.33333312009824035, -0.250000015296398046, 0.200021451749653707, -0.166684019949759311,
        0.142194271496413106, -0.123991081686674543, 0.11882626506263919, -0.117089617279262187,
        0.0679728901859989155)  # fmt: skip
_ERF_SMALL = (0.12837916706236089, -0.376126384759913215, 0.112837826220621843,
              -0.0268654383105151144, 0.00522105341253767494, -0.000848439655060189337,
              0.000112682538941994375, -9.67359081175078254e-6)  # fmt: skip
_ERF_LARGE = (-0.00011725974000380451, 1.12916050315410608, 0.634298037349921464,
              0.106824607648558084, -0.0237208224967158757, 0.00329652831787106281,
              -0.000078880214592092087, -0.0000694966200656425761, 0.0000131138152193200609,
              -8.21240512755941523e-7)  # fmt: skip
_CDF_ABOVE = (0.398942254465712002, 0.0336343301533097144, 0.00466246188081707302,
              0.000166426973903037383, 6.31975941161960589e-6, 2.2819267551100766e-8)  # fmt: skip
_CDF_BELOW = (1.0, 0.250974927917039655, 0.0285172417169081257, 0.00187092952028439971,
              0.0000727954469038342056, 1.19716033716880972e-6)  # fmt: skip
_CDF_LIMIT = 5.515  # beyond, float32 knows only 0 and 1

_LN2_HIGH = 0.693145751953125  # ln 2 in 15 bits: a multiple by n < 2^9 is exact
_LN2_LOW = math.log(2) - _LN2_HIGH


def constant(e: Emitter, like: Value, value: float) -> Value:
    """A constant in as many lanes as `like`."""
    return e.constant(like.dtype, value, like.lanes)


def fma(e: Emitter, a: Value, b: Value, c: Value) -> Value:
    """``a * b + c``, rounded once."""
    lanes = max(a.lanes, b.lanes, c.lanes)
    return e.intrinsic("fma", a.dtype, [e.splat(v, lanes) for v in (a, b, c)])


def polynomial(e: Emitter, x: Value, table: tuple[float, ...]) -> Value:
    """The polynomial with coefficients `table`, lowest first, by Horner's rule."""
    result = constant(e, x, table[-1])
    for c in reversed(table[:-1]):
        result = fma(e, result, x, constant(e, x, c))
    return result


def power_of_two(e: Emitter, n: Value) -> Value:
    """``2**n`` for integral floats n with -127 < n < 128."""
    number = e.convert("fptosi", n, i32)
    biased = e.binary("add", number, e.constant(i32, 127, n.lanes))
    return e.convert("bitcast", e.binary("shl", biased, e.constant(i32, 23, n.lanes)), f32)


def scale(e: Emitter, x: Value, n: Value) -> Value:
    """``x * 2**n`` for integral floats n, rounded once."""
    if e.target.has_avx512 and x.lanes % 16 == 0:
        return e.by_parts(_scale_vector, [x, n], 16)
    # 2**n may exceed the exponent range where the result does not: scale in two steps.
    half = e.intrinsic("floor", f32, [e.binary("fmul", n, constant(e, x, 0.5))])
    x = e.binary("fmul", x, power_of_two(e, half))
    return e.binary("fmul", x, power_of_two(e, e.binary("fsub", n, half)))


def _scale_vector(e: Emitter, args: Sequence[Value]) -> Value:
    x, n = args
    name = "llvm.x86.avx512.mask.scalef.ps.512"
    vector = "<16 x float>"
    e.declare(f"declare {vector} @{name}({vector}, {vector}, {vector}, i16, i32)")
    text = f"call {vector} @{name}({x}, {n}, {vector} zeroinitializer, i16 -1, i32 4)"
    return e.pure(text, f32, 16, max(x.depth, n.depth))


def _reduce(e: Emitter, x: Value) -> tuple[Value, Value]:
    """N and r with ``x = n ln 2 + r``, abs(r) <= ln(2) / 2."""
    n = e.intrinsic("roundeven", f32, [e.binary("fmul", x, constant(e, x, 1 / math.log(2)))])
    r = fma(e, n, constant(e, x, -_LN2_HIGH), x)
    return n, fma(e, n, constant(e, x, -_LN2_LOW), r)


def _expm1_reduced(e: Emitter, r: Value) -> Value:
    """``exp(r) - 1`` for abs(r) <= ln(2) / 2."""
    return fma(e, e.binary("fmul", r, r), polynomial(e, r, _EXPM1), r)


def negative(e: Emitter, x: Value) -> Value:
    """``-x``, which costs nothing as the factor of an FMA."""
    return e.pure(f"fneg {x}", x.dtype, x.lanes, x.depth)


def _at_least(e: Emitter, x: Value, low: float) -> Value:
    """The larger of `x` and a constant; NaN stays NaN (the constant is compared first)."""
    bottom = constant(e, x, low)
    return e.select(e.compare("fcmp ogt", bottom, x), bottom, x)


def _clamp(e: Emitter, x: Value, low: float, high: float) -> Value:
    """`x` limited to [low, high]; NaN stays NaN."""
    top, x = constant(e, x, high), _at_least(e, x, low)
    return e.select(e.compare("fcmp olt", top, x), top, x)


def exp(e: Emitter, x: Value) -> Value:
    """E to the power x."""
    return _exp_from(e, _clamp(e, x, -105.0, 89.0))


def _exp_from(e: Emitter, x: Value) -> Value:
    """``exp(x)`` for x where neither n nor the result leaves its range by much."""
    n, r = _reduce(e, x)
    return scale(e, e.binary("fadd", _expm1_reduced(e, r), constant(e, x, 1.0)), n)


def _expm1_negative(e: Emitter, y: Value) -> tuple[Value, Value]:
    """``exp(y) - 1`` for y <= 0, and what rounding took from it."""
    n, r = _reduce(e, _clamp(e, y, -80.0, 0.0))
    factor, p = power_of_two(e, n), _expm1_reduced(e, r)
    high = e.binary("fsub", factor, constant(e, y, 1.0))
    t = fma(e, factor, p, high)
    return t, fma(e, factor, p, e.binary("fsub", high, t))


def _estimate_vector(e: Emitter, args: Sequence[Value]) -> Value:
    name = "llvm.x86.avx512.rcp14.ps.512"
    e.declare(f"declare <16 x float> @{name}(<16 x float>, <16 x float>, i16)")
    text = f"call <16 x float> @{name}({args[0]}, <16 x float> zeroinitializer, i16 -1)"
    return e.pure(text, f32, 16, args[0].depth)


def _estimate(e: Emitter, d: Value) -> Value:
    """``1 / d`` for normal d, nearly; cheaper than a division where there is AVX-512."""
    one = constant(e, d, 1.0)
    if not e.target.has_avx512 or d.lanes % 16:
        return e.binary("fdiv", one, d)
    guess = e.by_parts(_estimate_vector, [d], 16)
    negated = negative(e, d)
    return fma(e, guess, fma(e, negated, guess, one), guess)


def _quotient(e: Emitter, a: Value, d: Value, d_low: Value, a_low: Value | None = None) -> Value:
    """``(a + a_low) / (d + d_low)``, the low parts being lost bits; one rounding remains."""
    inverse = _estimate(e, d)
    q = e.binary("fmul", a, inverse)
    negated = negative(e, q)
    rest = fma(e, negated, d_low, fma(e, negated, d, a))
    if a_low is not None:
        rest = e.binary("fadd", rest, a_low)
    return fma(e, rest, inverse, q)


def tanh(e: Emitter, x: Value) -> Value:
    """Hyperbolic tangent, from ``t = expm1(-2 abs(x))`` as ``-t / (t + 2)``."""
    magnitude = e.intrinsic("fabs", f32, [x])
    t, low = _expm1_negative(e, e.binary("fmul", magnitude, constant(e, x, -2.0)))
    two = constant(e, x, 2.0)
    divisor = e.binary("fadd", t, two)
    lost = e.binary("fsub", t, e.binary("fsub", divisor, two))
    quotient = _quotient(e, t, divisor, e.binary("fadd", lost, low), low)
    return e.intrinsic("copysign", f32, [quotient, x])


def sigmoid(e: Emitter, x: Value) -> Value:
    """``1 / (1 + exp(-x))``, from ``exp(-abs(x))``."""
    one = constant(e, x, 1.0)
    magnitude = e.intrinsic("fabs", f32, [x])
    t = _exp_from(e, _at_least(e, negative(e, magnitude), -105.0))
    above = e.select(e.compare("fcmp oge", x, constant(e, x, 0.0)), one, t)
    divisor = e.binary("fadd", t, one)
    lost = e.binary("fsub", t, e.binary("fsub", divisor, one))
    return _quotient(e, above, divisor, lost)


def erf(e: Emitter, x: Value) -> Value:
    """The error function: ``x + x P(x*x)`` below 1, ``1 - exp(-polynomial)`` above."""
    a = e.intrinsic("fabs", f32, [x])
    small = fma(e, a, polynomial(e, e.binary("fmul", a, a), _ERF_SMALL), a)
    limited = _clamp(e, a, 0.0, 4.0)
    decay = negative(e, polynomial(e, limited, _ERF_LARGE))
    large = negative(e, _expm1_negative(e, decay)[0])
    result = e.select(e.compare("fcmp olt", a, constant(e, x, 1.0)), small, large)
    return e.intrinsic("copysign", f32, [result, x])


def normal_cdf(e: Emitter, x: Value) -> Value:
    """The distribution function of the normal distribution, within 2e-7: ``1/2 + x P / Q``.

    P and Q are polynomials of ``x*x`` with positive coefficients, so nothing cancels.
    """
    zero, one, half = (constant(e, x, c) for c in (0.0, 1.0, 0.5))
    limited = _clamp(e, x, -_CDF_LIMIT, _CDF_LIMIT)
    square = e.binary("fmul", limited, limited)
    above = e.binary("fmul", limited, polynomial(e, square, _CDF_ABOVE))
    inverse = _estimate(e, polynomial(e, square, _CDF_BELOW))
    result = fma(e, above, inverse, half)
    low = e.compare("fcmp ole", x, constant(e, x, -_CDF_LIMIT))
    high = e.compare("fcmp oge", x, constant(e, x, _CDF_LIMIT))
    return e.select(high, one, e.select(low, zero, result))


def log(e: Emitter, x: Value) -> Value:
    """Natural logarithm."""
    denormal = e.compare("fcmp olt", x, constant(e, x, 2.0**-126))
    scaled = e.select(denormal, e.binary("fmul", x, constant(e, x, 2.0**23)), x)
    bits = e.convert("bitcast", scaled, i32)
    # Subtracting sqrt(1/2) leaves in the exponent field how many times 2 to divide by.
    offset = e.binary("sub", bits, e.constant(i32, 0x3F3504F3, x.lanes))
    n = e.binary("ashr", offset, e.constant(i32, 23, x.lanes))
    mantissa = e.binary("sub", bits, e.binary("shl", n, e.constant(i32, 23, x.lanes)))
    f = e.binary("fsub", e.convert("bitcast", mantissa, f32), constant(e, x, 1.0))
    exponent = e.convert("sitofp", n, f32)
    correction = e.select(denormal, constant(e, x, -23.0), constant(e, x, 0.0))
    exponent = e.binary("fadd", exponent, correction)
    square = e.binary("fmul", f, f)
    cubic = e.binary("fmul", e.binary("fmul", square, f), polynomial(e, f, _LOG))
    tail = fma(e, exponent, constant(e, x, _LN2_LOW), cubic)
    tail = fma(e, square, constant(e, x, -0.5), tail)
    result = fma(e, exponent, constant(e, x, _LN2_HIGH), e.binary("fadd", f, tail))
    return log_special(e, x, result)


def log_special(e: Emitter, x: Value, result: Value) -> Value:
    """`result`, except where `x` is zero, negative, infinite or NaN."""
    zero, infinity = constant(e, x, 0.0), constant(e, x, math.inf)
    result = e.select(e.compare("fcmp une", x, x), x, result)
    result = e.select(e.compare("fcmp oeq", x, infinity), x, result)
    result = e.select(e.compare("fcmp olt", x, zero), constant(e, x, math.nan), result)
    return e.select(e.compare("fcmp oeq", x, zero), constant(e, x, -math.inf), result)
