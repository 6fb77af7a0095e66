"""`Sort` kernels to LLVM IR: rows are ordered by their keys, eight bits at a time.

A key is an unsigned integer that grows as the elements do. It is kept together with the element's
position in a record, key first. The records of a row are sorted from the lowest digit to the
highest (LSD radix sort), which is stable and costs the same for any data. Where only the first few
are wanted, a row is first sifted: of what comes before the last of those known so far, which is
little, some at a time are sorted. Long rows are sorted by parts, which `merge` puts together.
"""

from __future__ import annotations

from collections.abc import Sequence

from treadle.codegen import memory
from treadle.codegen.casts import cast
from treadle.codegen.emit import Emitter
from treadle.codegen.merge import MergeCode
from treadle.codegen.records import Records
from treadle.codegen.target import Target
from treadle.codegen.values import PTR, Value
from treadle.ir.dtypes import i32, i64
from treadle.ir.loops import Sort

_FEW = 32
"""Records that are faster put in order by comparing each with each."""
_PARAMETERS = "ptr %records, ptr %others, i64 %count"


def emit_sort(kernel: Sort, target: Target) -> Emitter:
    """An emitter that holds the body of the kernel's function."""
    writer = _Writer(kernel, target)
    writer.write()
    return writer.e


def _order(records: Records, target: Target) -> str:
    """The text of ``@order(records, others, count)``: sorts `records`, with `others` to help."""
    e = Emitter(target)
    base, others = (Value(f"%{n}", PTR, 1, 0) for n in ("records", "others"))
    count = Value("%count", i64, 1, 0)
    passes = -(-records.bits // records.digit)
    counters = e.pure(f"alloca [{passes << records.digit} x i32], align 64", PTR, 1, 0)
    few = e.compare("icmp sle", count, e.integer(_FEW))
    with e.branch(few):
        _rank(e, records, base, others, count)
    with e.branch(e.binary("xor", few, e.constant_true())):
        _by_digits(e, records, counters, (base, others), count)
    return e.finish("order", _PARAMETERS).replace("define", "define internal", 1)


def _rank(e: Emitter, records: Records, base: Value, others: Value, count: Value) -> None:
    """Every record to the place that is the number of those before it."""
    with e.loop(e.integer(0), count) as loop:
        record = records.load(e, base, loop.index)
        with e.loop(e.integer(0), count, 1, [e.integer(0)]) as inner:
            other = records.load(e, base, inner.index)
            before = e.convert("zext", e.compare("icmp ult", other, record), i64)
            inner.following = (e.add(inner.carried[0], before),)
        records.store(e, record, others, inner.results[0])
    with e.loop(e.integer(0), count) as loop:
        records.store(e, records.load(e, others, loop.index), base, loop.index)


def _by_digits(
    e: Emitter, records: Records, counters: Value, places: tuple[Value, Value], count: Value
) -> None:
    """A pass for each digit, from the lowest on."""
    base, others = places
    passes, buckets = -(-records.bits // records.digit), 1 << records.digit
    lanes = e.target.vector_bytes // 4
    with e.loop(e.integer(0), e.integer(passes * buckets), lanes) as loop:
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


def _bucket(e: Emitter, records: Records, counters: Value, record: Value, number: int) -> Value:
    """The address of the counter of a record's digit in a pass."""
    shift = records.bits + number * records.digit
    shifted = e.binary("lshr", record, e.constant(records.record, shift))
    digit = shifted if records.record is i64 else e.convert("trunc", shifted, i64)
    digit = e.binary("and", digit, e.constant(i64, (1 << records.digit) - 1))
    return memory.pointer(e, counters, e.add(digit, e.integer(number << records.digit)), i32)


def _distribute(
    e: Emitter, records: Records, counters: Value, number: int, places: Sequence[Value],
    count: Value,
) -> None:  # fmt: skip
    """One pass: from counts to the first place of each bucket, then every record to its place."""
    source, goal = places
    mine = memory.pointer(e, counters, e.integer(number << records.digit), i32)
    with e.loop(e.integer(0), e.integer(1 << records.digit), 1, [e.constant(i32, 0)]) as loop:
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


class _Writer(MergeCode):
    def __init__(self, kernel: Sort, target: Target) -> None:
        super().__init__(kernel, target)
        self.e.declare(_order(self.records, target))

    def write(self) -> None:
        """Write the whole function."""
        begin, end = (Value(f"%{n}", i64, 1, 0) for n in ("begin", "end"))
        write = {"rows": self._rows, "parts": self._part}.get(self.kernel.stage, self.merge)
        with self.e.loop(begin, end) as task:
            write(task.index)

    def _rows(self, task: Value) -> None:
        """Order the rows of a task, one after the other, in the scratch memory of the task."""
        e, block = self.e, self.size("row_block")
        scratch = self.scratch(e.mul(task, e.mul(e.integer(2), self.size("room"))))
        others = self.records.at(e, scratch, self.size("room"))
        first = e.mul(task, block)
        last = e.minimum(e.add(first, block), self.size("rows"))
        with e.loop(first, last) as row:
            x = self.row_of(row.index)
            if self.kernel.sifted:
                found = self._sift(x, scratch, others)
            else:
                self._collect(x, e.integer(0), self.size("length"), scratch)
                found = self.size("length")
            self._sort(scratch, others, found)
            self.write_results(row.index, scratch, e.integer(0), self.size("count"))

    def _part(self, task: Value) -> None:
        """Order a part of a row, where its records lie among those of all rows."""
        e, length = self.e, self.size("length")
        row, part = e.divide(task, self.size("parts"))
        start, stop = self.part(part, length)
        scratch = self.scratch(e.mul(row, length))
        self._collect(self.row_of(row), start, stop, scratch)
        mine = self.records.at(e, scratch, start)
        others = self.records.at(e, mine, e.mul(self.size("rows"), length))
        self._sort(mine, others, e.sub(stop, start))

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

    def _collect(self, x: Value, start: Value, stop: Value, scratch: Value) -> None:
        """Records of elements ``start`` to `stop`."""
        e = self.e
        with e.loop(start, stop) as loop:
            record = self.records.make(e, self._key(self.element(x, loop.index)), loop.index)
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
            keys = self._key(self.element(x, loop.index, self.lanes))
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
            key = self._key(self.element(x, loop.index))
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


__all__ = ["emit_sort"]
