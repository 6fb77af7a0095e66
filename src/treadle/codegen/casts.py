"""Conversions between dtypes, and between a dtype in memory and the type it is computed in."""

from __future__ import annotations

from treadle.codegen.emit import Emitter
from treadle.codegen.values import Value, compute_dtype
from treadle.ir.dtypes import DType, bf16, bool_, f16, f32, i8, i16, i32, i64


def cast(e: Emitter, x: Value, dtype: DType) -> Value:
    """`x` converted to `dtype`; 16-bit floats are rounded to, and stay f32."""
    goal = compute_dtype(dtype)
    result = _convert(e, x, goal)
    if dtype is f16:
        return widen(e, narrow(e, result, f16), f16)
    return widen(e, narrow(e, result, bf16), bf16) if dtype is bf16 else result


def _convert(e: Emitter, x: Value, goal: DType) -> Value:
    source = x.dtype
    if source is goal:
        return x
    if goal is bool_:
        zero = e.zero(source, x.lanes)
        return e.compare("fcmp une" if source.kind == "f" else "icmp ne", x, zero)
    if source.kind == "f":
        return _from_float(e, x, goal)
    if goal.kind == "f":
        return e.convert("sitofp" if source.kind == "i" else "uitofp", x, goal)
    if source.kind == "b" or source.itemsize < goal.itemsize:
        return e.convert("sext" if source.kind == "i" else "zext", x, goal)
    if source.itemsize > goal.itemsize:
        return e.convert("trunc", x, goal)
    return e.retype(x, goal)


def _from_float(e: Emitter, x: Value, goal: DType) -> Value:
    if goal.kind == "f":
        opcode = "fpext" if goal.itemsize > x.dtype.itemsize else "fptrunc"
        return e.convert(opcode, x, goal)
    # Out of range (and NaN) gives what the processor's conversion to i32 or i64 gives, wrapped.
    middle = i64 if goal.itemsize >= 4 and goal is not i32 else i32
    return _convert(e, e.convert("fptosi", x, middle), goal)


def memory_type(dtype: DType) -> str:
    """LLVM's type of one element in memory."""
    special = {"bool": "i8", "f16": "half", "bf16": "i16", "f32": "float", "f64": "double"}
    return special.get(dtype.name, f"i{dtype.itemsize * 8}")


def widen(e: Emitter, x: Value, dtype: DType) -> Value:
    """A value as loaded from memory, in the type it is computed in."""
    if dtype is bool_:
        return e.compare("icmp ne", x, e.zero(x.dtype, x.lanes))
    if dtype is f16:
        half = "half" if x.lanes == 1 else f"<{x.lanes} x half>"
        text = f"fpext {half} {x.name} to {'float' if x.lanes == 1 else f'<{x.lanes} x float>'}"
        return e.pure(text, f32, x.lanes, x.depth)
    if dtype is bf16:
        wide = e.convert("zext", x, i32)
        return e.convert("bitcast", e.binary("shl", wide, e.constant(i32, 16, x.lanes)), f32)
    return x


def narrow(e: Emitter, x: Value, dtype: DType) -> Value:
    """`x` as it is stored; the reverse of `widen`, rounding half to even."""
    if dtype is bool_:
        text = f"zext {x} to {'i8' if x.lanes == 1 else f'<{x.lanes} x i8>'}"
        return e.pure(text, i8, x.lanes, x.depth)
    if dtype is f16:
        half = "half" if x.lanes == 1 else f"<{x.lanes} x half>"
        return e.pure(f"fptrunc {x} to {half}", f16, x.lanes, x.depth)
    if dtype is bf16:
        return _to_bf16(e, x)
    return x


def _to_bf16(e: Emitter, x: Value) -> Value:
    bits = e.convert("bitcast", x, i32)
    sixteen = e.constant(i32, 16, x.lanes)
    odd = e.binary("and", e.binary("lshr", bits, sixteen), e.constant(i32, 1, x.lanes))
    rounded = e.binary("add", bits, e.binary("add", odd, e.constant(i32, 0x7FFF, x.lanes)))
    quiet = e.binary("or", bits, e.constant(i32, 0x400000, x.lanes))
    kept = e.select(e.compare("fcmp uno", x, x), quiet, rounded)
    return e.convert("trunc", e.binary("lshr", kept, sixteen), i16)
