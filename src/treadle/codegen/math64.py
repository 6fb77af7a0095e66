"""Functions computed in f64: exp and log for f64 itself, and the rarer functions of f32.

A rare function of f32 is evaluated here in f64 and rounded once. What f64 has no formula for goes
lane by lane to the C library (`library_call`). Coefficients: as in `math32`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from treadle.codegen.emit import Emitter
from treadle.codegen.math32 import constant, fma, log_special, negative, polynomial
from treadle.codegen.values import Value, scalar_type, vector_type
from treadle.ir.dtypes import f64, i64

_EXPM1 = (0.5, 0.166666666666666803, 0.0416666666666667013, 0.00833333333331903896,
          0.00138888888888682349, 0.00019841269892027005, 0.000024801587356414,
          2.75572387555422141e-6, 2.75572470107074853e-7, 2.51108057465775684e-8,
          2.09229855800107947e-9)  # fmt: skip
_LOG = (0.666666666666666971, 0.399999999998989492, 0.28571428626199111, 0.222222111018790288,
        0.181828913142690015, 0.15331654528864482, 0.146172201017036903)  # fmt: skip
_SIN = (-0.166666666412459862, 0.00833332935284932602, -0.000198393262134819611,
        2.71824161892664388e-6)  # fmt: skip
_COS = (0.0416666666236538034, -0.00138888838093121691, 0.0000247995320972934869,
        -2.72110805489882007e-7)  # fmt: skip
_ATAN = (-0.333333333332745205, 0.199999999848191408, -0.142857129894228909, 0.111110576197592385,
         -0.0908966535327499291, 0.0767478648344132388, -0.0651280666817410921,
         0.0504502124447870565, -0.0255688744907303949)  # fmt: skip
_ASIN = (0.166666666664878628, 0.0750000003679691505, 0.0446428318424790324, 0.0303827904605182637,
         0.0223561112253340682, 0.0175387263079958163, 0.0126083193000917929,
         0.0177427341765042183, -0.00699079508725116602, 0.0312617413737765653)  # fmt: skip

_LN2_HIGH = 0.693147180369123816490
_LN2_LOW = 1.90821492927058770002e-10


def _reduce(e: Emitter, x: Value) -> tuple[Value, Value]:
    n = e.intrinsic("roundeven", f64, [e.binary("fmul", x, constant(e, x, 1 / math.log(2)))])
    r = fma(e, n, constant(e, x, -_LN2_HIGH), x)
    return n, fma(e, n, constant(e, x, -_LN2_LOW), r)


def _expm1_reduced(e: Emitter, r: Value) -> Value:
    return fma(e, e.binary("fmul", r, r), polynomial(e, r, _EXPM1), r)


def _clamp(e: Emitter, x: Value, low: float, high: float) -> Value:
    bottom, top = constant(e, x, low), constant(e, x, high)
    x = e.select(e.compare("fcmp ogt", bottom, x), bottom, x)
    return e.select(e.compare("fcmp olt", top, x), top, x)


def _power_of_two(e: Emitter, n: Value) -> Value:
    # Adding 1.5 * 2**52 leaves n in the low bits: cheaper than a conversion without AVX-512.
    shifted = e.binary("fadd", n, constant(e, n, 1.5 * 2.0**52 + 1023.0))
    bits = e.convert("bitcast", shifted, i64)
    return e.convert("bitcast", e.binary("shl", bits, e.constant(i64, 52, n.lanes)), f64)


def exp(e: Emitter, x: Value) -> Value:
    """E to the power x."""
    n, r = _reduce(e, _clamp(e, x, -746.0, 710.0))
    p = e.binary("fadd", _expm1_reduced(e, r), constant(e, x, 1.0))
    half = e.intrinsic("floor", f64, [e.binary("fmul", n, constant(e, x, 0.5))])
    p = e.binary("fmul", p, _power_of_two(e, half))
    return e.binary("fmul", p, _power_of_two(e, e.binary("fsub", n, half)))


def expm1(e: Emitter, x: Value) -> Value:
    """``exp(x) - 1``, for abs(x) <= 700 (limited to that)."""
    n, r = _reduce(e, _clamp(e, x, -700.0, 700.0))
    scale = _power_of_two(e, n)
    return fma(e, scale, _expm1_reduced(e, r), e.binary("fsub", scale, constant(e, x, 1.0)))


def log(e: Emitter, x: Value) -> Value:
    """Natural logarithm, by ``log(1+f) = 2 atanh(f / (2+f))``."""
    denormal = e.compare("fcmp olt", x, constant(e, x, 2.0**-1022))
    scaled = e.select(denormal, e.binary("fmul", x, constant(e, x, 2.0**54)), x)
    bits = e.convert("bitcast", scaled, i64)
    offset = e.binary("sub", bits, e.constant(i64, 0x3FE6A09E667F3BCD, x.lanes))
    n = e.binary("ashr", offset, e.constant(i64, 52, x.lanes))
    mantissa = e.binary("sub", bits, e.binary("shl", n, e.constant(i64, 52, x.lanes)))
    f = e.binary("fsub", e.convert("bitcast", mantissa, f64), constant(e, x, 1.0))
    correction = e.select(denormal, constant(e, x, -54.0), constant(e, x, 0.0))
    exponent = e.binary("fadd", e.convert("sitofp", n, f64), correction)
    s = e.binary("fdiv", f, e.binary("fadd", f, constant(e, x, 2.0)))
    z = e.binary("fmul", s, s)
    # log(1+f) = f - h + s (h + z P(z)) with h = f*f/2
    h = e.binary("fmul", e.binary("fmul", f, f), constant(e, x, 0.5))
    inner = fma(e, z, polynomial(e, z, _LOG), h)
    low = fma(e, s, inner, e.binary("fmul", exponent, constant(e, x, _LN2_LOW)))
    result = e.binary("fsub", f, e.binary("fsub", h, low))
    return log_special(e, x, fma(e, exponent, constant(e, x, _LN2_HIGH), result))


def sigmoid(e: Emitter, x: Value) -> Value:
    """``1 / (1 + exp(-x))``, from ``exp(-abs(x))``."""
    one = constant(e, x, 1.0)
    magnitude = e.intrinsic("fabs", f64, [x])
    t = exp(e, negative(e, magnitude))
    above = e.select(e.compare("fcmp oge", x, constant(e, x, 0.0)), one, t)
    return e.binary("fdiv", above, e.binary("fadd", t, one))


# --- rare functions, good to f32's precision and range ------------------------------------------


def log1p(e: Emitter, x: Value) -> Value:
    """``log(1 + x)``: the logarithm of the rounded sum, corrected by what rounding lost."""
    one = constant(e, x, 1.0)
    u = e.binary("fadd", x, one)
    lost = e.binary("fsub", x, e.binary("fsub", u, one))
    result = e.binary("fadd", log(e, u), e.binary("fdiv", lost, u))
    finite = e.compare("fcmp olt", u, constant(e, x, math.inf))
    positive = e.compare("fcmp ogt", u, constant(e, x, 0.0))
    result = e.select(e.binary("and", finite, positive), result, log(e, u))
    return e.select(e.compare("fcmp oeq", x, constant(e, x, 0.0)), x, result)


def sinh(e: Emitter, x: Value) -> Value:
    """Hyperbolic sine, from ``t = expm1(abs(x))`` as ``(t + t / (t + 1)) / 2``."""
    t = expm1(e, e.intrinsic("fabs", f64, [x]))
    quotient = e.binary("fdiv", t, e.binary("fadd", t, constant(e, x, 1.0)))
    result = e.binary("fmul", e.binary("fadd", t, quotient), constant(e, x, 0.5))
    return e.intrinsic("copysign", f64, [result, x])


def cosh(e: Emitter, x: Value) -> Value:
    """Hyperbolic cosine."""
    t = exp(e, _clamp(e, e.intrinsic("fabs", f64, [x]), 0.0, 700.0))
    inverse = e.binary("fdiv", constant(e, x, 1.0), t)
    return e.binary("fmul", e.binary("fadd", t, inverse), constant(e, x, 0.5))


def sin_cos(e: Emitter, x: Value, functions: str) -> tuple[Value, ...]:
    """``sin``, ``cos`` (each named in `functions` by s or c) of x, abs(x) < 2**31."""
    n = e.intrinsic("roundeven", f64, [e.binary("fmul", x, constant(e, x, 2 / math.pi))])
    r = fma(e, n, constant(e, x, -1.5707963267948966), x)
    r = fma(e, n, constant(e, x, -6.123233995736766e-17), r)
    z = e.binary("fmul", r, r)
    sine = fma(e, e.binary("fmul", z, r), polynomial(e, z, _SIN), r)
    quartic = fma(e, z, polynomial(e, z, _COS), constant(e, x, -0.5))
    cosine = fma(e, z, quartic, constant(e, x, 1.0))
    shifted = e.binary("fadd", n, constant(e, x, 1.5 * 2.0**52))
    quadrant = e.convert("bitcast", shifted, i64)
    results = []
    for function in functions:
        turn = 0 if function == "s" else 1
        k = e.binary("add", quadrant, e.constant(i64, turn, x.lanes))
        odd = e.binary("shl", k, e.constant(i64, 63, x.lanes))
        swapped = e.compare("icmp slt", odd, e.zero(i64, x.lanes))
        sign = e.binary(
            "and", e.binary("lshr", k, e.constant(i64, 1, x.lanes)), e.constant(i64, 1, x.lanes)
        )
        sign = e.binary("shl", sign, e.constant(i64, 63, x.lanes))
        chosen = e.convert("bitcast", e.select(swapped, cosine, sine), i64)
        results.append(e.convert("bitcast", e.binary("xor", chosen, sign), f64))
    return tuple(results)


def atan(e: Emitter, x: Value) -> Value:
    """Arc tangent: reduced to abs(t) <= tan(pi/8) by the inverse and by a quarter turn."""
    one = constant(e, x, 1.0)
    a = e.intrinsic("fabs", f64, [x])
    large = e.compare("fcmp ogt", a, one)
    t = e.select(large, e.binary("fdiv", one, a), a)
    middle = e.compare("fcmp ogt", t, constant(e, x, math.tan(math.pi / 8)))
    turned = e.binary("fdiv", e.binary("fsub", t, one), e.binary("fadd", t, one))
    t = e.select(middle, turned, t)
    z = e.binary("fmul", t, t)
    result = fma(e, e.binary("fmul", z, t), polynomial(e, z, _ATAN), t)
    quarter = e.select(middle, constant(e, x, math.pi / 4), constant(e, x, 0.0))
    result = e.binary("fadd", result, quarter)
    inverse = e.binary("fsub", constant(e, x, math.pi / 2), result)
    result = e.select(large, inverse, result)
    result = e.select(e.compare("fcmp une", x, x), x, result)
    return e.intrinsic("copysign", f64, [result, x])


def atan2(e: Emitter, y: Value, x: Value) -> Value:
    """The angle of the point (x, y)."""
    lanes = y.lanes
    a, b = e.intrinsic("fabs", f64, [y]), e.intrinsic("fabs", f64, [x])
    infinity = constant(e, x, math.inf)
    both = e.binary("and", e.compare("fcmp oeq", a, infinity), e.compare("fcmp oeq", b, infinity))
    zero = e.binary("and", *(e.compare("fcmp oeq", v, e.zero(f64, lanes)) for v in (a, b)))
    ratio = e.binary("fdiv", a, b)
    ratio = e.select(both, constant(e, x, 1.0), ratio)
    ratio = e.select(zero, constant(e, x, 0.0), ratio)
    angle = atan(e, ratio)
    sign = e.convert("bitcast", x, i64)
    behind = e.compare("icmp slt", sign, e.zero(i64, lanes))
    angle = e.select(behind, e.binary("fsub", constant(e, x, math.pi), angle), angle)
    return e.intrinsic("copysign", f64, [angle, y])


def _asin_small(e: Emitter, x: Value) -> Value:
    z = e.binary("fmul", x, x)
    return fma(e, e.binary("fmul", z, x), polynomial(e, z, _ASIN), x)


def _asin_parts(e: Emitter, x: Value) -> tuple[Value, Value]:
    """Whether abs(x) > 1/2, and asin of abs(x) or of ``sqrt((1 - abs(x)) / 2)`` where it is."""
    a = e.intrinsic("fabs", f64, [x])
    large = e.compare("fcmp ogt", a, constant(e, x, 0.5))
    rest = e.binary("fmul", e.binary("fsub", constant(e, x, 1.0), a), constant(e, x, 0.5))
    root = e.intrinsic("sqrt", f64, [rest])
    return large, _asin_small(e, e.select(large, root, a))


def asin(e: Emitter, x: Value) -> Value:
    """Arc sine; NaN outside [-1, 1]."""
    large, part = _asin_parts(e, x)
    twice = e.binary("fmul", part, constant(e, x, -2.0))
    folded = e.binary("fadd", twice, constant(e, x, math.pi / 2))
    return e.intrinsic("copysign", f64, [e.select(large, folded, part), x])


def acos(e: Emitter, x: Value) -> Value:
    """Arc cosine; NaN outside [-1, 1]."""
    large, part = _asin_parts(e, x)
    negative = e.compare("fcmp olt", x, constant(e, x, 0.0))
    twice = e.binary("fadd", part, part)
    far = e.select(negative, e.binary("fsub", constant(e, x, math.pi), twice), twice)
    signed = e.intrinsic("copysign", f64, [part, x])
    return e.select(large, far, e.binary("fsub", constant(e, x, math.pi / 2), signed))


def pow_(e: Emitter, x: Value, y: Value) -> Value:
    """X to the power y, with C's special cases."""
    one, zero = constant(e, x, 1.0), constant(e, x, 0.0)
    a = e.intrinsic("fabs", f64, [x])
    power = e.binary("fmul", log(e, a), y)
    power = e.select(e.compare("fcmp oeq", a, one), zero, power)
    result = exp(e, power)
    integral = e.compare("fcmp oeq", e.intrinsic("trunc", f64, [y]), y)
    half = e.binary("fmul", y, constant(e, x, 0.5))
    even = e.compare("fcmp oeq", e.intrinsic("trunc", f64, [half]), half)
    odd = e.binary("and", integral, e.binary("xor", even, e.constant_true(x.lanes)))
    signed = e.intrinsic("copysign", f64, [result, x])
    result = e.select(odd, signed, result)
    finite = e.compare("fcmp olt", a, constant(e, x, math.inf))
    invalid = e.binary("and", e.compare("fcmp olt", x, zero), finite)
    invalid = e.binary("and", invalid, e.binary("xor", integral, e.constant_true(x.lanes)))
    result = e.select(invalid, constant(e, x, math.nan), result)
    certain = e.binary("or", e.compare("fcmp oeq", x, one), e.compare("fcmp oeq", y, zero))
    result = e.select(e.compare("fcmp une", y, y), y, result)
    return e.select(certain, one, result)


def library_call(e: Emitter, name: str, args: Sequence[Value]) -> Value:
    """The C library's `name`, for one lane after the other."""
    first = args[0]
    kind = scalar_type(first.dtype)
    e.declare(f"declare {kind} @{name}({', '.join([kind] * len(args))}) #1")
    depth = max(a.depth for a in args)
    if first.lanes == 1:
        text = f"call {kind} @{name}({', '.join(map(str, args))})"
        return e.pure(text, first.dtype, 1, depth)
    vector = vector_type(first.dtype, first.lanes)
    result = Value("poison", first.dtype, first.lanes, 0)
    for lane in range(first.lanes):
        parts = [e.shuffle(a, [lane]) for a in args]
        one = e.pure(f"call {kind} @{name}({', '.join(map(str, parts))})", first.dtype, 1, depth)
        text = f"insertelement {vector} {result.name}, {one}, i32 {lane}"
        result = e.pure(text, first.dtype, first.lanes, depth)
    return result
