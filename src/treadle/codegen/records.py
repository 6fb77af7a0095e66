"""What the stages of `Sort` kernels share: records of keys and positions, sizes, results."""

from __future__ import annotations

from treadle.codegen import memory
from treadle.codegen.arguments import Arguments
from treadle.codegen.emit import Emitter
from treadle.codegen.target import Target
from treadle.codegen.values import Value
from treadle.ir.dtypes import DType, i32, i64
from treadle.ir.loops import SORT_SIZES, Size, Sort

I128 = DType("i128", "", -1, "i", 16)
_DIGIT = 8
_LONG_DIGIT = 11
"""Of parts of long rows: fewer passes, more counters."""


class Records:
    """The layout of records: a key of `key` bits over a position of as many.

    Keys are ordered by `digit` bits at a time.
    """

    def __init__(self, dtype: DType, digit: int) -> None:
        self.digit = digit
        wide = dtype.itemsize == 8
        self.key, self.record = (i64, I128) if wide else (i32, i64)
        self.bits = self.key.itemsize * 8

    def at(self, e: Emitter, base: Value, position: Value) -> Value:
        """The address of a record."""
        return memory.pointer(e, base, position, self.record)

    def load(self, e: Emitter, base: Value, position: Value) -> Value:
        """A record."""
        return memory.load(e, self.at(e, base, position), self.record, 1)

    def store(self, e: Emitter, value: Value, base: Value, position: Value) -> None:
        """Write a record."""
        memory.store(e, value, self.at(e, base, position), self.record)

    def make(self, e: Emitter, key: Value, position: Value) -> Value:
        """A record of a key and a position."""
        high = e.convert("zext", key, self.record)
        high = e.binary("shl", high, e.constant(self.record, self.bits))
        low = position if self.record is i64 else e.convert("zext", position, self.record)
        return e.binary("or", high, low)

    def key_of(self, e: Emitter, record: Value) -> Value:
        """The key in a record."""
        shifted = e.binary("lshr", record, e.constant(self.record, self.bits))
        return e.convert("trunc", shifted, self.key)

    def position_of(self, e: Emitter, record: Value) -> Value:
        """The position in a record, i64."""
        if self.record is I128:
            return e.convert("trunc", record, i64)
        return e.binary("and", record, e.constant(i64, (1 << self.bits) - 1))


class SortCode:
    """A kernel's emitter and arguments; where its records are and where its results go."""

    def __init__(self, kernel: Sort, target: Target) -> None:
        self.kernel = kernel
        self.e = Emitter(target)
        self.arguments = Arguments(self.e, kernel.buffers)
        self.dtype = kernel.buffers[0].dtype
        self.records = Records(self.dtype, _DIGIT if kernel.stage == "rows" else _LONG_DIGIT)
        self.lanes = target.vector_bytes // self.records.key.itemsize

    def size(self, name: str) -> Value:
        """A run-time size by its name."""
        return self.arguments.dim(Size(SORT_SIZES.index(name)))

    def scratch(self, position: Value) -> Value:
        """The address of record number `position` of the scratch memory."""
        return self.records.at(self.e, self.arguments.pointer(3), position)

    def row_of(self, row: Value) -> Value:
        """The address of a row of x."""
        offset = self.e.mul(row, self.size("x_row"))
        return memory.pointer(self.e, self.arguments.pointer(0), offset, self.dtype)

    def element(self, x: Value, position: Value, lanes: int = 1) -> Value:
        """Elements of a row."""
        at = memory.pointer(self.e, x, position, self.dtype)
        return memory.load(self.e, at, self.dtype, lanes)

    def write_results(self, row: Value, source: Value, start: Value, stop: Value) -> None:
        """Write the elements and positions of some records of a row."""
        e = self.e
        x, first = self.row_of(row), e.mul(row, self.size("count"))
        values, indices = (self.arguments.pointer(n) for n in (1, 2))
        with e.loop(start, stop) as loop:
            position = self.records.position_of(e, self.records.load(e, source, loop.index))
            place = e.add(first, loop.index)
            element = self.element(x, position)
            memory.store(e, element, memory.pointer(e, values, place, self.dtype), self.dtype)
            memory.store(e, position, memory.pointer(e, indices, place, i64), i64)
