"""`Sort` kernels to LLVM IR: rows are ordered by their keys, eight bits at a time.

A key is an unsigned integer that grows as the elements do. It is kept together with the element's
position in a record, key first. The records of a row are sorted from the lowest digit to the
highest (LSD radix sort), which is stable and costs the same for any data. Where only the first few
are wanted, a row is first sifted: of what comes before the last of those known so far, which is
little, some at a time are sorted.
"""

from __future__ import annotations

from collections.abc import Sequence

from treadle.codegen import memory
from treadle.codegen.arguments import Arguments
from treadle.codegen.casts import cast
from treadle.codegen.emit import Emitter
from treadle.codegen.target import Target
from treadle.codegen.values import PTR, Value
from treadle.ir.dtypes import DType, i32, i64
from treadle.ir.loops import SORT_SIZES, Size, Sort

I128 = DType("i128", "", -1, "i", 16)
_DIGIT = 8
_BUCKETS = 1 << _DIGIT
_PARAMETERS = "ptr %records, ptr %others, i64 %count"


def emit_sort(kernel: Sort, target: Target) -> Emitter:
    """An emitter that holds the body of the kernel's function."""
    writer = _Writer(kernel, target)
    writer.write()
    return writer.e


class _Records:
    """The layout of records: a key of `key` bits over a position of as many."""

    def __init__(self, dtype: DType) -> None:
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


def _order(records: _Records, target: Target) -> str:
    """The text of ``@order(records, others, count)``: sorts `records`, with `others` to help."""
    e = Emitter(target)
    base, others = (Value(f"%{n}", PTR, 1, 0) for n in ("records", "others"))
    count = Value("%count", i64, 1, 0)
    passes = records.bits // _DIGIT
    counters = e.pure(f"alloca [{passes * _BUCKETS} x i32], align 64", PTR, 1, 0)
    lanes = target.vector_bytes // 4
    with e.loop(e.integer(0), e.integer(passes * _BUCKETS), lanes) as loop:
        memory.store(e, e.zero(i32, lanes), memory.pointer(e, counters, loop.index, i32), i32)
    with e.loop(e.integer(0), count) as loop:
        record = records.load(e, base, loop.index)
        for number in range(passes):
            at = _bucket(e, records, counters, record, number)
            memory.store(
                e, e.binary("add", memory.load(e, at, i32, 1), e.constant(i32, 1)), at, i32
            )
    source, goal = base, others
    first = records.load(e, base, e.integer(0))
    for number in range(passes):
        same = memory.load(e, _bucket(e, records, counters, first, number), i32, 1)
        needed = e.compare("icmp slt", e.convert("zext", same, i64), count)
        with e.loop(e.integer(0), e.convert("zext", needed, i64), 1, (source, goal)) as once:
            _distribute(e, records, counters, number, once.carried, count)
            once.following = once.carried[1], once.carried[0]
        source, goal = once.results
    moved = e.compare("icmp ne", source, base)
    with e.branch(moved), e.loop(e.integer(0), count) as loop:
        records.store(e, records.load(e, source, loop.index), base, loop.index)
    return e.finish("order", _PARAMETERS).replace("define", "define internal", 1)


def _bucket(e: Emitter, records: _Records, counters: Value, record: Value, number: int) -> Value:
    """The address of the counter of a record's digit in a pass."""
    shift = records.bits + number * _DIGIT
    shifted = e.binary("lshr", record, e.constant(records.record, shift))
    digit = shifted if records.record is i64 else e.convert("trunc", shifted, i64)
    digit = e.binary("and", digit, e.constant(i64, _BUCKETS - 1))
    return memory.pointer(e, counters, e.add(digit, e.integer(number * _BUCKETS)), i32)


def _distribute(
    e: Emitter, records: _Records, counters: Value, number: int, places: Sequence[Value],
    count: Value,
) -> None:  # fmt: skip
    """One pass: from counts to the first place of each bucket, then every record to its place."""
    source, goal = places
    mine = memory.pointer(e, counters, e.integer(number * _BUCKETS), i32)
    with e.loop(e.integer(0), e.integer(_BUCKETS), 1, [e.constant(i32, 0)]) as loop:
        at = memory.pointer(e, mine, loop.index, i32)
        here = memory.load(e, at, i32, 1)
        memory.store(e, loop.carried[0], at, i32)
        loop.following = (e.binary("add", loop.carried[0], here),)
    with e.loop(e.integer(0), count) as loop:
        record = records.load(e, source, loop.index)
        at = _bucket(e, records, counters, record, number)
        place = memory.load(e, at, i32, 1)
        memory.store(e, e.binary("add", place, e.constant(i32, 1)), at, i32)
        records.store(e, record, goal, e.convert("zext", place, i64))


class _Writer:
    def __init__(self, kernel: Sort, target: Target) -> None:
        self.kernel = kernel
        self.e = Emitter(target)
        self.arguments = Arguments(self.e, kernel.buffers)
        self.dtype = kernel.buffers[0].dtype
        self.records = _Records(self.dtype)
        self.lanes = target.vector_bytes // self.records.key.itemsize
        self.e.declare(_order(self.records, target))

    def size(self, name: str) -> Value:
        """A run-time size by its name."""
        return self.arguments.dim(Size(SORT_SIZES.index(name)))

    def write(self) -> None:
        """Write the whole function."""
        e = self.e
        begin, end = (Value(f"%{n}", i64, 1, 0) for n in ("begin", "end"))
        block = self.size("row_block")
        with e.loop(begin, end) as task:
            each = e.mul(e.integer(2), self.size("room"))
            scratch = self.records.at(e, self.arguments.pointer(3), e.mul(task.index, each))
            others = self.records.at(e, scratch, self.size("room"))
            first = e.mul(task.index, block)
            last = e.minimum(e.add(first, block), self.size("rows"))
            with e.loop(first, last) as row:
                offset = e.mul(row.index, self.size("x_row"))
                x = memory.pointer(e, self.arguments.pointer(0), offset, self.dtype)
                if self.kernel.sifted:
                    found = self._sift(x, scratch, others)
                else:
                    self._collect(x, e.integer(0), self.size("length"), scratch)
                    found = self.size("length")
                self._sort(scratch, others, found)
                self._write_row(row.index, x, scratch)

    def _key(self, x: Value) -> Value:
        """Keys of elements: unsigned, in the order of the result."""
        e, key, lanes = self.e, self.records.key, x.lanes
        sign = e.constant(key, 1 << (self.records.bits - 1), lanes)
        ones = e.constant(key, -1, lanes)
        if x.dtype.kind == "f":
            number = e.convert("bitcast", e.binary("fadd", x, e.zero(x.dtype, lanes)), key)
            spread = e.binary("ashr", number, e.constant(key, self.records.bits - 1, lanes))
            made = e.binary("xor", number, e.binary("or", spread, sign))
            made = e.select(e.compare("fcmp uno", x, x), ones, made)
        else:
            made = e.retype(cast(e, x, key), key)
            made = e.binary("xor", made, sign) if x.dtype.kind == "i" else made
        return e.binary("xor", made, ones) if self.kernel.descending else made

    def _load(self, x: Value, position: Value, lanes: int = 1) -> Value:
        at = memory.pointer(self.e, x, position, self.dtype)
        return memory.load(self.e, at, self.dtype, lanes)

    def _collect(self, x: Value, start: Value, stop: Value, scratch: Value) -> None:
        """Records of elements ``start`` to `stop`."""
        e = self.e
        with e.loop(start, stop) as loop:
            record = self.records.make(e, self._key(self._load(x, loop.index)), loop.index)
            self.records.store(e, record, scratch, loop.index)

    def _sort(self, scratch: Value, others: Value, count: Value) -> None:
        self.e.effect(f"call void @order({scratch}, {others}, {count})")

    def _last_key(self, scratch: Value) -> Value:
        """The key of the last record that is wanted."""
        last = self.e.sub(self.size("count"), self.e.integer(1))
        return self.records.key_of(self.e, self.records.load(self.e, scratch, last))

    def _sift(self, x: Value, scratch: Value, others: Value) -> Value:
        """Collect what may be among the first `count`; how many they are."""
        e, length = self.e, self.size("length")
        full = e.sub(self.size("room"), e.integer(self.lanes))
        start = e.minimum(full, length)
        self._collect(x, e.integer(0), start, scratch)
        self._sort(scratch, others, start)
        begun = self.size("count"), self._last_key(scratch)
        whole = e.binary("and", e.sub(length, start), e.integer(-self.lanes))
        middle = e.add(start, whole)
        with e.loop(start, middle, self.lanes, begun) as loop:
            keys = self._key(self._load(x, loop.index, self.lanes))
            _, limit = loop.carried
            better = e.compare("icmp ult", keys, e.splat(limit, self.lanes))
            some = e.convert("zext", e.any_lane(better), i64)
            with e.loop(e.integer(0), some, 1, loop.carried) as once:
                end = e.add(loop.index, e.integer(self.lanes))
                once.following = self._append(x, loop.index, end, once.carried, scratch)
                once.following = self._prune(once.following, full, scratch, others)
            loop.following = once.results
        return self._append(x, middle, length, loop.results, scratch)[0]

    def _append(
        self, x: Value, start: Value, stop: Value, state: Sequence[Value], scratch: Value
    ) -> tuple[Value, Value]:
        """Add the elements of a range whose keys are below the limit to the records."""
        e, (count, limit) = self.e, state
        with e.loop(start, stop, 1, [count]) as loop:
            key = self._key(self._load(x, loop.index))
            record = self.records.make(e, key, loop.index)
            self.records.store(e, record, scratch, loop.carried[0])
            better = e.convert("zext", e.compare("icmp ult", key, limit), i64)
            loop.following = (e.add(loop.carried[0], better),)
        return loop.results[0], limit

    def _prune(
        self, state: Sequence[Value], full: Value, scratch: Value, others: Value
    ) -> tuple[Value, Value]:
        """Keep the first `count` records if there is no more room."""
        e = self.e
        needed = e.convert("zext", e.compare("icmp sgt", state[0], full), i64)
        with e.loop(e.integer(0), needed, 1, state) as once:
            self._sort(scratch, others, once.carried[0])
            once.following = self.size("count"), self._last_key(scratch)
        count, limit = once.results
        return count, limit

    def _write_row(self, row: Value, x: Value, scratch: Value) -> None:
        """The elements and positions of the first records."""
        e = self.e
        offset = e.mul(row, self.size("count"))
        with e.loop(e.integer(0), self.size("count")) as loop:
            record = self.records.load(e, scratch, loop.index)
            position = self.records.position_of(e, record)
            place = e.add(offset, loop.index)
            values, indices = (self.arguments.pointer(n) for n in (1, 2))
            element = self._load(x, position)
            memory.store(e, element, memory.pointer(e, values, place, self.dtype), self.dtype)
            memory.store(e, position, memory.pointer(e, indices, place, i64), i64)


__all__ = ["emit_sort"]
