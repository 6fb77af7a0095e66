"""Loads and stores of one or many elements: contiguous, spread, gathered, masked."""

from __future__ import annotations

from treadle.codegen.casts import memory_type, narrow, widen
from treadle.codegen.emit import Emitter
from treadle.codegen.values import PTR, Value
from treadle.ir.dtypes import DType, bf16, bool_, i8, i16, i32


def pointer(e: Emitter, base: Value, position: Value, dtype: DType) -> Value:
    """The address of element `position` (a vector of positions gives one address per lane)."""
    if position.constant == 0 and position.lanes == 1:
        return base
    text = f"getelementptr {memory_type(dtype)}, {base}, {position}"
    return e.pure(text, PTR, position.lanes, max(base.depth, position.depth))


def _loaded_dtype(dtype: DType) -> DType:
    """The dtype that `widen` expects the loaded value to be typed as."""
    return i8 if dtype is bool_ else i16 if dtype is bf16 else dtype


def _vector(dtype: DType, lanes: int) -> str:
    kind = memory_type(dtype)
    return kind if lanes == 1 else f"<{lanes} x {kind}>"


def _suffix(dtype: DType, lanes: int) -> str:
    names = {"half": "f16", "float": "f32", "double": "f64"}
    return f"v{lanes}{names.get(memory_type(dtype), memory_type(dtype))}"


def load(
    e: Emitter,
    address: Value,
    dtype: DType,
    lanes: int,
    mask: Value | None = None,
    *,
    constant: bool = False,
    floor: int = 0,
) -> Value:
    """`lanes` neighbours from `address`, or one element from each of a vector of addresses.

    Lanes outside `mask` are not read and give 0. `constant` memory is not written by the kernel:
    its loads may be shared and hoisted, up to the scope at depth `floor`.
    """
    kind = _vector(dtype, lanes)
    align = dtype.itemsize
    if address.lanes > 1:
        text = _gather(e, address, dtype, lanes, mask)
    elif mask is not None:
        name = f"llvm.masked.load.{_suffix(dtype, lanes)}.p0"
        e.declare(f"declare {kind} @{name}(ptr, <{lanes} x i1>, {kind})")
        text = (
            f"call {kind} @{name}(ptr align {align} {address.name}, {mask}, {kind} zeroinitializer)"
        )
    else:
        text = f"load {kind}, {address}, align {align}"
        if constant:
            text += ", !invariant.load !0"
    typed = _loaded_dtype(dtype)
    if constant:
        depth = max(address.depth, floor, mask.depth if mask is not None else 0)
        loaded = e.pure(text, typed, lanes, depth)
    else:
        loaded = e.here(text, typed, lanes)
    return widen(e, loaded, dtype)


def _all(lanes: int) -> str:
    return f"<{lanes} x i1> splat (i1 true)"


def _gather(e: Emitter, address: Value, dtype: DType, lanes: int, mask: Value | None) -> str:
    kind = _vector(dtype, lanes)
    name = f"llvm.masked.gather.{_suffix(dtype, lanes)}.v{lanes}p0"
    e.declare(f"declare {kind} @{name}(<{lanes} x ptr>, <{lanes} x i1>, {kind})")
    active = str(mask) if mask is not None else _all(lanes)
    pointers = f"<{lanes} x ptr> align {dtype.itemsize} {address.name}"
    return f"call {kind} @{name}({pointers}, {active}, {kind} zeroinitializer)"


def store(
    e: Emitter,
    value: Value,
    address: Value,
    dtype: DType,
    mask: Value | None = None,
    *,
    streaming: bool = False,
) -> None:
    """Write `value` to neighbours from `address`, or to a vector of addresses, where `mask`.

    `streaming` needs `address` aligned to the whole vector.
    """
    lanes = value.lanes
    kind = _vector(dtype, lanes)
    name = narrow(e, value, dtype).name
    align = dtype.itemsize
    if address.lanes > 1:
        active = str(mask) if mask is not None else _all(lanes)
        full = f"llvm.masked.scatter.{_suffix(dtype, lanes)}.v{lanes}p0"
        e.declare(f"declare void @{full}({kind}, <{lanes} x ptr>, <{lanes} x i1>)")
        pointers = f"<{lanes} x ptr> align {align} {address.name}"
        e.effect(f"call void @{full}({kind} {name}, {pointers}, {active})")
    elif mask is not None:
        full = f"llvm.masked.store.{_suffix(dtype, lanes)}.p0"
        e.declare(f"declare void @{full}({kind}, ptr, <{lanes} x i1>)")
        e.effect(f"call void @{full}({kind} {name}, ptr align {align} {address.name}, {mask})")
    elif streaming:
        align = e.target.vector_bytes
        e.effect(f"store {kind} {name}, {address}, align {align}, !nontemporal !2")
    else:
        e.effect(f"store {kind} {name}, {address}, align {align}")


def prefetch(e: Emitter, address: Value) -> None:
    """Ask for the cache line at `address`; any address is allowed."""
    e.declare("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
    e.effect(f"call void @llvm.prefetch.p0({address}, i32 0, i32 3, i32 1)")


def lane_mask(e: Emitter, count: Value, lanes: int) -> Value:
    """Which of the lanes are below `count`."""
    dtype = i8 if lanes >= 32 else i32
    limit = e.convert("trunc", count, dtype)
    return e.compare("icmp ult", e.vector_constant(dtype, range(lanes)), limit)
