"""Checks of data while a kernel runs: what is wrong is reported in the status buffer."""

from __future__ import annotations

from treadle.codegen import memory
from treadle.codegen.arguments import Arguments
from treadle.codegen.emit import Emitter
from treadle.codegen.values import Value
from treadle.ir.dtypes import i32, i64


def checked_index(
    e: Emitter, arguments: Arguments, mask: Value | None, index: Value, extent: Value, *, wrap: bool
) -> Value:
    """`index` if inside the extent, else 0 and a report; with `wrap`, the extent more if below 0.

    Lanes outside of `mask` do not count.
    """
    index, extent = e.unify(index, extent)
    lanes = index.lanes
    position = index
    if wrap:
        negative = e.compare("icmp slt", index, e.zero(i64, lanes))
        position = e.select(negative, e.binary("add", index, extent), index)
    outside = e.compare("icmp uge", position, extent)
    if lanes > 1 and mask is not None:
        outside = e.binary("and", outside, mask)
    checked = e.select(outside, e.zero(i64, lanes), position)
    with e.branch(outside if lanes == 1 else e.any_lane(outside), rare=True):
        if lanes > 1:
            # Any wrong lane will do: the least of the wrong ones.
            least = e.select(outside, index, e.constant(i64, 2**63 - 1, lanes))
            name = f"llvm.vector.reduce.smin.v{lanes}i64"
            e.declare(f"declare i64 @{name}({index.type})")
            index = e.here(f"call i64 @{name}({least})", i64, 1)
            extent = e.shuffle(extent, [0])
        _report(e, arguments, e.integer(1), index, extent)
    return checked


def checked_divisor(
    e: Emitter, arguments: Arguments, mask: Value | None, divisor: Value
) -> Value:  # fmt: skip
    """`divisor`; a zero in it is reported."""
    bad = e.compare("icmp eq", divisor, e.zero(divisor.dtype, divisor.lanes))
    if bad.lanes > 1 and mask is not None:
        bad = e.binary("and", bad, mask)
    with e.branch(bad if bad.lanes == 1 else e.any_lane(bad), rare=True):
        _report(e, arguments, e.integer(2))
    return divisor


def _report(e: Emitter, arguments: Arguments, *numbers: Value) -> None:
    """Write `numbers` to the status buffer, which is the last one."""
    status = arguments.pointer(len(arguments.buffers) - 1)
    for place, number in enumerate(numbers):
        address = memory.pointer(e, status, e.integer(place), i32)
        memory.store(e, e.convert("trunc", number, i32), address, i32)
