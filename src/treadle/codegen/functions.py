"""Every scalar function of the loop IR by one definition, for scalars and vectors alike.

`call_function` emits one; `ir.loops_functions` tells what operands each takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from treadle.codegen import casts, integers, math32, math64, quotients
from treadle.codegen.emit import Emitter
from treadle.codegen.math32 import constant
from treadle.codegen.values import Value
from treadle.ir.dtypes import DType, f32, f64

Definition = Callable[[Emitter, Sequence[Value]], Value]


def call_function(e: Emitter, function: str, args: Sequence[Value], dtype: DType) -> Value:
    """The result of `function`; scalars among vectors are spread to all lanes."""
    if function == "cast":
        return casts.cast(e, args[0], dtype)
    if function == "select":
        return e.select(*args)
    lanes = max(a.lanes for a in args)
    operands = [e.splat(a, lanes) for a in args]
    return DEFINITIONS[function](e, operands)


def maximum(e: Emitter, a: Value, b: Value) -> Value:
    """The larger; NaN if either is."""
    return _extremum(e, a, b, "gt")


def minimum(e: Emitter, a: Value, b: Value) -> Value:
    """The smaller; NaN if either is."""
    return _extremum(e, a, b, "lt")


def _extremum(e: Emitter, a: Value, b: Value, order: str) -> Value:
    if a.dtype.kind == "b":
        return e.binary("or" if order == "gt" else "and", a, b)
    if a.dtype.kind != "f":
        sign = "u" if a.dtype.kind == "u" else "s"
        return e.intrinsic(f"{sign}{'max' if order == 'gt' else 'min'}", a.dtype, [a, b])
    if b.constant is not None and not math.isnan(b.constant):
        a, b = b, a
    # x86's max gives the second operand if one is NaN: right unless only the first is.
    chosen = e.select(e.compare(f"fcmp o{order}", a, b), a, b)
    if a.constant is not None and not math.isnan(a.constant):
        return chosen
    return e.select(e.compare("fcmp uno", a, a), a, chosen)


def _arithmetic(opcode: str) -> Definition:
    def define(e: Emitter, args: Sequence[Value]) -> Value:
        prefix = "f" if args[0].dtype.kind == "f" else ""
        return e.binary(prefix + opcode, *args)

    return define


def _comparison(name: str) -> Definition:
    def define(e: Emitter, args: Sequence[Value]) -> Value:
        kind = args[0].dtype.kind
        if kind == "f":
            return e.compare(f"fcmp {'une' if name == 'ne' else 'o' + name}", *args)
        sign = "" if name in ("eq", "ne") else ("s" if kind == "i" else "u")
        return e.compare(f"icmp {sign}{name}", *args)

    return define


def _by_type(single: Definition, double: Definition) -> Definition:
    def define(e: Emitter, args: Sequence[Value]) -> Value:
        return (double if args[0].dtype is f64 else single)(e, args)

    return define


def _unary(function: Callable[[Emitter, Value], Value]) -> Definition:
    return lambda e, args: function(e, args[0])


def _rounded(function: Definition) -> Definition:
    """f32's version of a function computed in f64."""

    def define(e: Emitter, args: Sequence[Value]) -> Value:
        wide = function(e, [e.convert("fpext", a, f64) for a in args])
        return e.convert("fptrunc", wide, f32)

    return define


def _library(name: str) -> Definition:
    return lambda e, args: math64.library_call(e, name, args)


def _intrinsic(name: str) -> Definition:
    return lambda e, args: e.intrinsic(name, args[0].dtype, args)


def _rare(inline: Definition, library: str) -> Definition:
    """f32 inline through f64, f64 by the C library."""
    return _by_type(_rounded(inline), _library(library))


def _trigonometric(name: str) -> Definition:
    """sin, cos or tan of f32, through f64; huge arguments go to the C library."""

    def inline(e: Emitter, args: Sequence[Value]) -> Value:
        x = args[0]
        parts = math64.sin_cos(e, x, {"sin": "s", "cos": "c", "tan": "sc"}[name])
        result = e.binary("fdiv", *parts) if name == "tan" else parts[0]
        if name != "cos":
            result = e.select(e.compare("fcmp oeq", x, constant(e, x, 0.0)), x, result)
        huge = e.compare("fcmp ugt", e.intrinsic("fabs", f64, [x]), constant(e, x, 2.0**30))
        return e.unlikely(huge, result, args, lambda x: math64.library_call(e, name, x))

    return _by_type(_rounded(inline), _library(name))


def _neg(e: Emitter, args: Sequence[Value]) -> Value:
    x = args[0]
    if x.dtype.kind == "f":
        return math32.negative(e, x)
    return e.binary("sub", e.zero(x.dtype, x.lanes), x)


def _abs(e: Emitter, args: Sequence[Value]) -> Value:
    x = args[0]
    if x.dtype.kind == "f":
        return e.intrinsic("fabs", x.dtype, [x])
    if x.dtype.kind == "u":
        return x
    return e.intrinsic("smax", x.dtype, [x, _neg(e, [x])])


def _sign(e: Emitter, args: Sequence[Value]) -> Value:
    x = args[0]
    zero, one = e.zero(x.dtype, x.lanes), e.constant(x.dtype, 1, x.lanes)
    above = _comparison("gt")(e, [x, zero])
    if x.dtype.kind == "u":
        return e.select(above, one, zero)
    below = e.select(_comparison("lt")(e, [x, zero]), e.constant(x.dtype, -1, x.lanes), zero)
    return e.select(above, one, below)


def _quotient(numerator: float, function: Definition) -> Definition:
    def define(e: Emitter, args: Sequence[Value]) -> Value:
        return e.binary("fdiv", constant(e, args[0], numerator), function(e, args))

    return define


def _scaled(function: Definition, factor: float) -> Definition:
    def define(e: Emitter, args: Sequence[Value]) -> Value:
        return e.binary("fmul", function(e, args), constant(e, args[0], factor))

    return define


def _exp2(e: Emitter, args: Sequence[Value]) -> Value:
    return math64.exp(e, e.binary("fmul", args[0], constant(e, args[0], math.log(2))))


def _expm1(e: Emitter, args: Sequence[Value]) -> Value:
    x = args[0]
    result = math64.expm1(e, x)
    return e.select(e.compare("fcmp oeq", x, constant(e, x, 0.0)), x, result)


def _pow(e: Emitter, args: Sequence[Value]) -> Value:
    x, y = args
    if x.dtype.kind != "f":
        return integers.power(e, x, y)
    if y.constant in (1.0, 2.0, 3.0, -1.0):
        return _small_power(e, x, int(y.constant))
    return _rare(lambda e, args: math64.pow_(e, *args), "pow")(e, args)


def _small_power(e: Emitter, x: Value, exponent: int) -> Value:
    if exponent == -1:
        return e.binary("fdiv", constant(e, x, 1.0), x)
    result = x
    for _ in range(exponent - 1):
        result = e.binary("fmul", result, x)
    return result


def _normal_cdf(e: Emitter, args: Sequence[Value]) -> Value:
    (x,) = args
    at = e.binary("fmul", x, math32.constant(e, x, math.sqrt(0.5)))
    half = math32.constant(e, x, 0.5)
    return math32.fma(e, half, math64.library_call(e, "erf", [at]), half)


def _isinf(e: Emitter, args: Sequence[Value]) -> Value:
    magnitude = e.intrinsic("fabs", args[0].dtype, [args[0]])
    return e.compare("fcmp oeq", magnitude, constant(e, magnitude, math.inf))


def _isfinite(e: Emitter, args: Sequence[Value]) -> Value:
    magnitude = e.intrinsic("fabs", args[0].dtype, [args[0]])
    return e.compare("fcmp olt", magnitude, constant(e, magnitude, math.inf))


_SQRT = _intrinsic("sqrt")

DEFINITIONS: dict[str, Definition] = {
    **{name: _arithmetic(name) for name in ("add", "sub", "mul", "div")},
    **{name: _comparison(name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{name: _intrinsic(name) for name in ("floor", "ceil", "trunc")},
    **{name: _trigonometric(name) for name in ("sin", "cos", "tan")},
    **{
        name: (lambda opcode: lambda e, args: e.binary(opcode, *args))(name)
        for name in ("and", "or", "xor")
    },
    "not": lambda e, args: e.binary("xor", args[0], e.constant(args[0].dtype, -1, args[0].lanes)),
    "round": _intrinsic("roundeven"),
    "max": lambda e, args: maximum(e, *args),
    "min": lambda e, args: minimum(e, *args),
    "neg": _neg,
    "abs": _abs,
    "sign": _sign,
    "fma": lambda e, args: math32.fma(e, *args),
    "floordiv": quotients.floordiv,
    "remainder": quotients.remainder,
    "truncdiv": quotients.truncdiv,
    "fmod": quotients.fmod,
    "pow": _pow,
    "shift_left": lambda e, args: integers.shift(e, *args, left=True),
    "shift_right": lambda e, args: integers.shift(e, *args, left=False),
    "sqrt": _SQRT,
    "rsqrt": _quotient(1.0, _SQRT),
    "reciprocal": _quotient(1.0, lambda e, args: args[0]),
    "exp": _by_type(_unary(math32.exp), _unary(math64.exp)),
    "exp2": _rare(_exp2, "exp2"),
    "expm1": _rare(_expm1, "expm1"),
    "log": _by_type(_unary(math32.log), _unary(math64.log)),
    "log1p": _rare(_unary(math64.log1p), "log1p"),
    "log2": _rare(_scaled(_unary(math64.log), 1 / math.log(2)), "log2"),
    "log10": _rare(_scaled(_unary(math64.log), 1 / math.log(10)), "log10"),
    "asin": _rare(_unary(math64.asin), "asin"),
    "acos": _rare(_unary(math64.acos), "acos"),
    "atan": _rare(_unary(math64.atan), "atan"),
    "atan2": _rare(lambda e, args: math64.atan2(e, *args), "atan2"),
    "sinh": _rare(_unary(math64.sinh), "sinh"),
    "cosh": _rare(_unary(math64.cosh), "cosh"),
    "tanh": _by_type(_unary(math32.tanh), _library("tanh")),
    "sigmoid": _by_type(_unary(math32.sigmoid), _unary(math64.sigmoid)),
    "erf": _by_type(_unary(math32.erf), _library("erf")),
    "normal_cdf": _by_type(_unary(math32.normal_cdf), _normal_cdf),
    "isnan": lambda e, args: e.compare("fcmp uno", args[0], args[0]),
    "isinf": _isinf,
    "isfinite": _isfinite,
}

__all__ = ["DEFINITIONS", "call_function", "maximum", "minimum"]
