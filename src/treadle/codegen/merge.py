"""The stages of `Sort` kernels that put ordered parts of rows together, two runs at a time.

A task makes one part of the result: where it begins in the two runs is found by bisection, so all
tasks are of one size whatever the data. Records differ by their positions at least, so there is one
result. Source: Green, Odeh, Birk 2014, Merge Path - A Visually Intuitive Approach to Parallel
Merging.
"""

from __future__ import annotations

from dataclasses import dataclass

from treadle.codegen.records import SortCode
from treadle.codegen.values import Value
from treadle.ir.dtypes import i64

_STREAMS = 3
"""Parts of a task that are merged side by side: each step waits for the one before it."""
_BISECTIONS = 31
"""Rows have fewer than 2**31 elements."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """Two runs that lie one after the other in `source`: from `start`, `middle`, to `stop`."""

    source: Value
    start: Value
    middle: Value
    stop: Value


class MergeCode(SortCode):
    """Writes the merging stages."""

    def part(self, number: Value, limit: Value) -> tuple[Value, Value]:
        """Where part `number` of a row begins and ends, no further than `limit`."""
        e, chunk = self.e, self.size("chunk")
        start = e.minimum(e.mul(number, chunk), limit)
        return start, e.minimum(e.add(start, chunk), limit)

    def merge(self, task: Value) -> None:
        """Merge what belongs to one part of a row; at last, write the result."""
        e, length = self.e, self.size("length")
        last = self.kernel.stage == "last"
        row, number = e.divide(task, self.size("parts"))
        start, stop = self.part(number, self.size("count") if last else length)
        run = self.size("run")
        pair = e.mul(e.divide(number, e.mul(e.integer(2), run))[0], e.mul(e.integer(2), run))
        ends = (e.add(pair, e.mul(e.integer(n), run)) for n in range(3))
        base, half = e.mul(row, length), self.size("half")
        runs = _Runs(
            self.scratch(e.add(base, half)), *(self.part(number, length)[0] for number in ends)
        )
        other = e.sub(e.mul(self.size("rows"), length), half)
        goal = self.scratch(e.add(base, other))
        self._merged(runs, start, stop, goal)
        if last:
            self.write_results(row, goal, start, stop)

    def _merged(self, runs: _Runs, start: Value, stop: Value, goal: Value) -> None:
        """Write the records at some places of the merged runs to `goal`."""
        e = self.e
        each = e.divide(e.sub(stop, start), e.integer(_STREAMS))[0]
        firsts = [e.add(start, e.mul(e.integer(n), each)) for n in range(_STREAMS)]
        with e.loop(e.integer(0), each, 1, [self._place(runs, f) for f in firsts]) as loop:
            places = [e.add(first, loop.index) for first in firsts]
            pairs = zip(places, loop.carried, strict=True)
            taken = [self._take(runs, place, at) for place, at in pairs]
            for place, (record, _) in zip(places, taken, strict=True):
                self.records.store(e, record, goal, place)
            loop.following = tuple(at for _, at in taken)
        with e.loop(e.add(firsts[-1], each), stop, 1, loop.results[-1:]) as rest:
            record, at = self._take(runs, rest.index, rest.carried[0])
            self.records.store(e, record, goal, rest.index)
            rest.following = (at,)

    def _take(self, runs: _Runs, place: Value, a: Value) -> tuple[Value, Value]:
        """The record that comes to a place, where the first run is at `a`; where it is then."""
        e = self.e
        b = self._other(runs, place, a)
        first, second = (self.records.load(e, runs.source, at) for at in (a, b))
        less = e.compare("icmp ult", first, second)
        left = e.compare("icmp slt", a, runs.middle)
        none = e.compare("icmp sge", b, runs.stop)
        mine = e.binary("and", left, e.binary("or", less, none))
        return e.select(mine, first, second), e.add(a, e.convert("zext", mine, i64))

    def _other(self, runs: _Runs, place: Value, a: Value) -> Value:
        """Where the second run is, if the first is at `a`."""
        e = self.e
        return e.sub(e.add(place, runs.middle), a)

    def _place(self, runs: _Runs, place: Value) -> Value:
        """Where the first run goes on after the records that come before a place."""
        e = self.e
        after = e.sub(place, e.sub(runs.stop, runs.middle))
        low = e.maximum(runs.start, after)
        high = e.minimum(place, runs.middle)
        with e.loop(e.integer(0), e.integer(_BISECTIONS), 1, (low, high)) as loop:
            low, high = loop.carried
            a = e.binary("lshr", e.add(low, high), e.integer(1))
            b = e.maximum(e.sub(self._other(runs, place, a), e.integer(1)), e.integer(0))
            first, second = (self.records.load(e, runs.source, at) for at in (a, b))
            less = e.compare("icmp ult", first, second)
            here = e.compare("icmp slt", low, high)
            more = e.binary("and", here, less)
            fewer = e.binary("and", here, e.binary("xor", less, e.constant_true()))
            after = e.add(a, e.integer(1))
            loop.following = e.select(more, after, low), e.select(fewer, a, high)
        return loop.results[0]
