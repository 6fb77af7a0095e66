"""Fourier transforms of rows: one kernel, whose lanes are rows, in memory of its own.

The passes are those of Stockham's algorithm, which needs no reordering: a pass of radix r makes r
neighbours of each r numbers that lie a part of the row apart. Real rows are taken for complex ones
of half the length. Source: Van Loan, Computational Frameworks for the Fast Fourier Transform
(1992), sections 1.7 and 4.3.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from treadle.ir.dtypes import DType, c64, f32, f64, i64
from treadle.ir.graph import Value
from treadle.ir.loops import Access, Const, Dim, Expr, Extent, Load, LoopNest, Range, Stage, Store
from treadle.ops.expr import add, call, mul, sub
from treadle.ops.fast_fourier import factors_of
from treadle.ops.lowering import Fourier, FourierSpec
from treadle.schedule.butterflies import Pair, fma, number, times, transform
from treadle.schedule.groups import Group, map_arguments, tensor_operands, tensor_type
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement, constant_place
from treadle.schedule.places import Place, collapse
from treadle.schedule.pointwise import parts_of
from treadle.schedule.steps import Step, count_tasks, grain, stream_cost, task_axes

_ALIGN = 16
"""Rows of a task: at least a vector of them."""


def fourier_step(group: Group, placement: Placement, machine: Machine) -> Step:
    """The kernel of a `Fourier`."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Fourier)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    spec = node.op.lower.spec(tensor_type(node.output), *types)
    (value,) = tensor_operands(node)
    writer = _Writer(spec, placement[value], _target(node.output, placement[value], placement))
    stages = writer.stages()
    builder, rows = writer.builder, writer.extents
    axes = task_axes(builder, rows, 4 * spec.n, _ALIGN)
    kernel = LoopNest(group.name, tuple(builder.buffers), axes, tuple(stages))
    elements = math.prod(rows) * spec.n
    cost = stream_cost(machine, elements, 8 * elements, 2 * spec.n.bit_length())
    tasks = count_tasks(axes, builder.sizes)
    return Step(
        group.name, kernel, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        group.last.loc, cost,
    )  # fmt: skip


def _target(result: Value, origin: Place, placement: Placement) -> Place:
    """Where the result goes: dims in the order of the operand's, if there is a choice."""
    order = sorted(range(len(origin.shape)), key=lambda d: -origin.strides[d])
    return placement.result(result, order)


class _Writer:
    """Writes the stages of one transform of `points` complex numbers, in two local buffers."""

    def __init__(self, spec: FourierSpec, origin: Place, target: Place) -> None:
        self.spec, self.builder = spec, NestBuilder()
        self.points = spec.n if spec.kind == "whole" else spec.n // 2
        self.factors = factors_of(self.points) or [1]
        self.real: DType = f32 if origin.dtype in (f32, c64) else f64
        dims = sorted(
            (d for d in range(len(origin.shape)) if d != spec.dim),
            key=lambda d: -target.strides[d] if origin.shape[d] > 1 else -math.inf,
        )
        strides = [[p.strides[d] for d in dims] for p in (origin, target)]
        self.extents, (self.from_, self.to) = collapse([origin.shape[d] for d in dims], strides)
        self.axis = len(self.extents)
        self.origin, self.target = origin, target
        self.x = self.builder.buffer(_reals(origin))
        self.y = self.builder.buffer(_reals(target), written=True)
        room = 2 * (self.points + 1)
        self.here, self.there = (self.builder.local(self.real, room) for _ in range(2))
        table = _table(tuple(self.factors), spec.n, spec.kind, spec.scale).astype(self.real.numpy)
        self.table = self.builder.buffer(constant_place(table))
        self.swap = int(spec.kind == "to_real" or (spec.kind == "whole" and not spec.forward))

    def stages(self) -> list[Stage]:
        """From the operand to a local buffer, the passes, from there to the result."""
        made = [self._copied(self.origin, inwards=True)]
        if self.spec.kind == "to_real":
            made += self._joined(divides=False)
        before, length, at = 1, self.points, 0
        for radix in self.factors:
            made.append(self._pass(radix, before, length, at))
            at += 2 * (length // radix) * (radix - 1)
            before, length = before * radix, length // radix
            self.here, self.there = self.there, self.here
        if self.spec.kind == "to_half":
            made += self._joined(divides=True)
        return [*made, self._copied(self.target, inwards=False)]

    # --- accesses ---------------------------------------------------------------------------------

    def _range(self, count: int, start: int = 0) -> Range:
        """Positions that are walked by a loop, however few."""
        return Range(Const(start, i64), Extent(self.builder.size(count)))

    def _parts(self, buffer: int, terms: Sequence[tuple[int, int]], at: int) -> list[Access]:
        """Both parts of pair ``at + sum(axis * stride)`` of a buffer; axes of the stage from 0."""
        steps = tuple((self.axis + a, 2 * s) for a, s in terms if s)
        return [Access(buffer, steps, 2 * at + part) for part in (0, 1)]

    def _load(self, terms: Sequence[tuple[int, int]], at: int, swap: int = 0) -> Pair:
        accesses = self._parts(self.here, terms, at)
        return Load(accesses[swap], self.real), Load(accesses[1 - swap], self.real)

    def _store(
        self, terms: Sequence[tuple[int, int]], at: int, pair: Pair, swap: int = 0
    ) -> list[Store]:
        accesses = self._parts(self.there, terms, at)
        return [Store(accesses[part ^ swap], value) for part, value in enumerate(pair)]

    def _factor(self, terms: Sequence[tuple[int, int]], at: int) -> Pair:
        """A complex number of the table, of which `at` counts reals."""
        steps = tuple((self.axis + a, s) for a, s in terms)
        re, im = (Load(Access(self.table, steps, at + part), self.real) for part in (0, 1))
        return re, im

    # --- stages -----------------------------------------------------------------------------------

    def _copied(self, place: Place, *, inwards: bool) -> Stage:
        """All of a row between `place` and the local buffer; at once where it lies in one piece."""
        pairs, dim = place.dtype.is_complex, self.spec.dim
        strides, buffer = (self.from_, self.x) if inwards else (self.to, self.y)
        width = 2 if pairs else 1
        outer: list[tuple[int, Dim]] = [
            (a, self.builder.dim(width * s)) if width * s != 2 else (a, 2)
            for a, s in enumerate(strides) if s
        ]  # fmt: skip
        along, length = place.strides[dim], place.shape[dim]
        whole = not pairs or along == 1 or length == 1
        count, step = (width * length, 1 if pairs else along) if whole else (length, 2 * along)
        stores = []
        for part in (0,) if whole else (0, 1):
            stride: Dim = 1 if step == 1 else self.builder.size(step)
            outside = Access(buffer, (*outer, (self.axis, stride)), part)
            inside = Access(self.here, ((self.axis, 1 if whole else 2),), part)
            source, goal = (outside, inside) if inwards else (inside, outside)
            stores.append(Store(goal, Load(source, self.real)))
        return Stage((self._range(count),), (), tuple(stores))

    def _pass(self, radix: int, before: int, length: int, at: int) -> Stage:
        """`radix` numbers, ``length / radix`` apart, become neighbours among those `before`."""
        rest = length // radix
        ranges: list[Range] = []
        axes: dict[str, int] = {}
        for name, count in (("part", rest), ("inner", before)):
            if count > 1:
                axes[name] = len(ranges)
                ranges.append(self._range(count))

        def terms(part: int) -> list[tuple[int, int]]:
            steps = {"part": part, "inner": 1}
            return [(axis, steps[name]) for name, axis in axes.items()]

        loaded = [self._load(terms(before), before * rest * k, self.swap) for k in range(radix)]
        found = transform(loaded)
        stores: list[Store] = []
        for k, pair in enumerate(found):
            if rest > 1 and k:
                factor = self._factor([(axes["part"], 2 * (radix - 1))], at + 2 * (k - 1))
                pair = times(pair, factor)
            if rest == 1 and self.spec.kind == "whole" and self.spec.scale != 1:
                scale = number(self.spec.scale, pair[0])
                pair = mul(pair[0], scale), mul(pair[1], scale)
            stores += self._store(terms(before * radix), before * k, pair, self.swap)
        return Stage(tuple(ranges), (), tuple(stores))

    def _joined(self, *, divides: bool) -> list[Stage]:
        """Between the transform of a real row and that of its pairs.

        With ``E`` and ``O`` the transforms of the numbers at even and at odd places, those of the
        row are ``E + w^k O``, and those of the pairs ``E + i O``.
        """
        middle, scale = self.points, self.spec.scale
        axis = [(0, 1)]
        (a, b), (c, d) = self._load(axis, 0), self._load([(0, -1)], middle)
        if not divides:
            b, d = self._conjugated(b), self._conjugated(d)
        even, odd = (add(a, c), sub(b, d)), (sub(a, c), add(b, d))
        (re, im) = times(odd, self._factor([(0, 2)], _table_size(self.factors, self.points)))
        half = number(scale / 2 if divides else scale, re)
        first = fma(half, even[0], re), fma(half, even[1], im)
        second = fma(half, even[0], call("neg", re)), fma(half, call("neg", even[1]), im)
        ends = self._ends(divides)
        if divides:
            first, second = ((p, self._conjugated(q)) for p, q in (first, second))
        stores = [*self._store(axis, 0, first), *self._store([(0, -1)], middle, second)]
        between = Stage((self._range(middle // 2 + 1, 1),), (), tuple(stores))
        self.here, self.there = self.there, self.here
        return [between, Stage((), (), tuple(ends))] if middle > 1 else [Stage((), (), tuple(ends))]

    def _ends(self, divides: bool) -> list[Store]:
        """The first and the middle number of the row's transform, which are real."""
        scale = self.spec.scale
        a, b = self._load([], 0)
        if divides:
            total, difference = add(a, b), sub(a, b)
            zero = number(0.0, a)
            factor = number(scale, a)
            return [
                *self._store([], 0, (mul(factor, total), zero)),
                *self._store([], self.points, (mul(factor, difference), zero)),
            ]
        last = self._load([], self.points)[0]
        factor = number(scale, a)
        return self._store([], 0, (mul(factor, add(a, last)), mul(factor, sub(a, last))))

    def _conjugated(self, imaginary: Expr) -> Expr:
        """The imaginary part outside of the row, where the sign of the transform is another."""
        usual = self.spec.forward == (self.spec.kind == "to_half")
        return imaginary if usual else call("neg", imaginary)


def _reals(place: Place) -> Place:
    return parts_of(place) if place.dtype.is_complex else place


def _table_size(factors: Sequence[int], points: int) -> int:
    """Numbers of the table that the passes use."""
    size, length = 0, points
    for radix in factors:
        size += 2 * (length // radix) * (radix - 1)
        length //= radix
    return size


@functools.lru_cache(maxsize=64)
def _table(factors: tuple[int, ...], n: int, kind: str, scale: float) -> np.ndarray:
    """The factors of each pass, then those that join the halves of a real row, in float64."""
    length = math.prod(factors)
    parts: list[np.ndarray] = []
    for radix in factors:
        rest = length // radix
        turns = np.multiply.outer(np.arange(rest), np.arange(1, radix)) / length
        parts.append(np.exp(-2j * math.pi * turns).reshape(-1))
        length = rest
    if kind != "whole":
        turned = np.exp(-2j * math.pi * np.arange(n // 4 + 1) / n)
        parts.append(-0.5j * scale * turned if kind == "to_half" else 1j * scale * turned.conj())
    return np.concatenate(parts or [np.zeros(1)]).view(np.float64)
