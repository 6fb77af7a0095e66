"""Winograd's minimal filtering F(2x2, 3x3), for 3x3 convolutions of stride 1.

It needs 2.25 times fewer multiplications: two transforms around sixteen matrix products. Source:
Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), section 4.1. Its error is
that of the direct sum (both about 4e-7 of the largest output for 64 to 512 channels).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from treadle.ir.dtypes import bool_, f32, i64
from treadle.ir.graph import Value
from treadle.ir.loops import (
    CONTRACTION_SIZES,
    Access,
    Accumulator,
    Buffer,
    Call,
    Const,
    Dim,
    Expr,
    Extent,
    Index,
    Load,
    LoopNest,
    Stage,
    Store,
    Tile,
)  # fmt: skip
from treadle.ir.types import TensorType
from treadle.ops.expr import add, compare, const, select, sub
from treadle.ops.lowering import ConvolutionSpec
from treadle.schedule.contractions import (
    Operand,
    Product,
    finish_contraction,
    packed_columns,
)  # fmt: skip
from treadle.schedule.fused import Fused
from treadle.schedule.groups import Group
from treadle.schedule.machine import Machine
from treadle.schedule.nests import NestBuilder
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, broadcast_strides
from treadle.schedule.steps import (
    Packing,
    Step,
    count_tasks,
    grain,
    stream_cost,
    task_axes,
)  # fmt: skip
from treadle.schedule.winograd_filters import POINTS, filters_now, known_filters

MIN_CHANNELS = 32
MAX_SCRATCH_BYTES = 128 << 20
"""Larger images would not stay in any cache between the transforms."""
MIN_GAIN_PERCENT = 90
"""Winograd has to be estimated to take less than this part of the direct time."""


@dataclass(frozen=True, slots=True)
class _Tiles:
    """The 2x2 tiles of a result [n, c, height, width], and the padding of its input."""

    images: int
    high: int
    wide: int
    pad: tuple[int, int]

    @property
    def count(self) -> int:
        return self.images * self.high * self.wide


def winograd_pays(
    spec: ConvolutionSpec, weight: TensorType, known: bool, out: Sequence[int], machine: Machine
) -> bool:
    """Whether the transforms cost less than the multiplications they save.

    Those of the filters cost nothing if the weight is `known`.
    """
    if weight.sizes[2:] != (3, 3) or weight.element != f32 or spec.groups != 1:
        return False
    if set(spec.stride) != {1} or set(spec.dilation) != {1} or max(spec.padding) > 2:
        return False
    c_out, c_in = weight.sizes[:2]
    if min(c_in, c_out) < MIN_CHANNELS:
        return False
    n, _, height, width = out
    tiles = n * -(-height // 2) * -(-width // 2)
    if 4 * POINTS * tiles * (c_in + c_out) > MAX_SCRATCH_BYTES:
        return False
    direct = 2 * n * height * width * c_in * c_out * 9
    products = 2 * tiles * POINTS * c_in * c_out
    moved = 2 * (2 * POINTS * tiles * (c_in + c_out) + n * height * width * (c_in + c_out))
    weights = 4 * (POINTS - 9 if known else 2 * POINTS + 9) * c_in * c_out
    # Whole picoseconds, so that sizes may be symbols.
    flop, byte = round(1000 / machine.flops_per_ns), round(1000 / machine.bytes_per_ns)
    return 100 * (products * flop + (moved + weights) * byte) < MIN_GAIN_PERCENT * direct * flop


def winograd_steps(
    group: Group, spec: ConvolutionSpec, weight: Value, bias: Value | None, image: Place,
    target: Place, placement: Placement, machine: Machine, packings: list[Packing],
) -> list[Step]:  # fmt: skip
    """Transform the image, multiply at sixteen points, transform back with the epilogue."""
    n, c_out, height, width = target.shape
    c_in = image.shape[1]
    tiles = _Tiles(n, -(-height // 2), -(-width // 2), (spec.padding[0], spec.padding[1]))
    spectrum = placement.scratch(image, (POINTS, tiles.count, c_in))
    products = placement.scratch(image, (POINTS, tiles.count, c_out))
    before = _input_step(image, spectrum, tiles, machine)
    tile = machine.tile(f32, tiles.count, c_out, row_stride=c_in)
    panel = packed_columns(machine, f32, tile)
    if weight.is_constant:
        filters: list[Step] = []
        operand = known_filters(weight.constant, panel, packings)
    else:
        filters, operand = filters_now(placement[weight], panel, placement, machine)
    multiply = _product_step(spectrum, products, operand, tile, machine)
    after = _output_step(group, bias, products, target, tiles, placement, machine)
    return [*filters, before, multiply, after]


def _input_step(image: Place, spectrum: Place, tiles: _Tiles, machine: Machine) -> Step:
    """``B^T d B`` of every 4x4 patch d; lanes run along the channels."""
    builder = NestBuilder()
    channels = image.shape[1]
    axes = task_axes(builder, [tiles.images, tiles.high, tiles.wide, channels], 8)
    rows = [_clamped(builder, Index(1), tiles.pad[0], i, image.shape[2]) for i in range(4)]
    columns = [_clamped(builder, Index(2), tiles.pad[1], j, image.shape[3]) for j in range(4)]
    terms = tuple((a, builder.dim(s)) for a, s in ((0, image.strides[0]), (3, image.strides[1])))
    steps = [builder.dim(image.strides[d]) for d in (2, 3)]
    buffer = builder.buffer(image)
    patch: list[list[Expr]] = []
    for (y, y_inside), row in zip(rows, range(4), strict=True):
        patch.append([])
        for x, x_inside in columns:
            access = Access(buffer, terms, 0, ((y, steps[0]), (x, steps[1])))
            inside = Call("and", (y_inside, x_inside), bool_)
            patch[row].append(select(inside, Load(access, f32), const(0, f32)))
    half = _combine_columns([list(line) for line in zip(*patch, strict=True)])
    points = _combine_columns([list(line) for line in zip(*half, strict=True)])
    per_tile = [tiles.high * tiles.wide * channels, tiles.wide * channels, channels, 1]
    numbered = tuple((a, builder.dim(s)) for a, s in enumerate(per_tile))
    written = builder.buffer(spectrum, written=True)
    stores = tuple(
        Store(
            Access(written, numbered, builder.dim(p * spectrum.strides[0])), points[p // 4][p % 4]
        )
        for p in range(POINTS)
    )
    nest = LoopNest("winograd_input", tuple(builder.buffers), axes, (Stage((), (), stores),))
    return _step("winograd_input", nest, builder, axes, spectrum, tiles.count * channels, machine)


def _combine_columns(lines: Sequence[Sequence[Expr]]) -> list[list[Expr]]:
    """``B^T`` applied to each line of four: (a - c, b + c, c - b, b - d)."""
    return [[sub(a, c), add(b, c), sub(c, b), sub(b, d)] for a, b, c, d in lines]


def _clamped(
    builder: NestBuilder, tile: Expr, pad: int, offset: int, size: int
) -> tuple[Expr, Expr]:
    """The position of an element of a patch, clamped to the image, and whether it was inside."""
    shift = builder.generic(Const(offset - pad, i64))
    position = Call("add", (Call("mul", (tile, Const(2, i64)), i64), shift), i64)
    limit = Extent(builder.size(size - 1))
    clamped = Call("min", (Call("max", (position, Const(0, i64)), i64), limit), i64)
    return clamped, compare("eq", position, clamped)


def _product_step(
    spectrum: Place, products: Place, operand: Operand, tile: Tile, machine: Machine
) -> Step:
    """One matrix product [tiles, c_in] x [c_in, c_out] at each point."""
    tiles, c_in = spectrum.shape[1:]
    c_out = products.shape[2]
    product = Product(
        spectrum, c_out, c_in, 1, [(1, 0), (1, 0), (tiles, c_in)], lambda strides: tuple(strides),
        [(POINTS, tiles * c_in, operand.batch[0])],
    )  # fmt: skip
    builder = NestBuilder(sizes=[0] * len(CONTRACTION_SIZES))
    for place in (spectrum, operand.place):
        builder.buffers.append(Buffer(f32))
        builder.bound.append((place.storage, place.offset * f32.itemsize))
    strides = [tiles * c_out, 0, 0, c_out, 1]
    store = builder.store(products, strides, range(5), Accumulator(0, f32))
    return finish_contraction(
        "winograd_product", builder, product, operand, tile, (store,),
        machine, None,
    )  # fmt: skip


def _output_step(
    group: Group, bias: Value | None, products: Place, target: Place, tiles: _Tiles,
    placement: Placement, machine: Machine,
) -> Step:  # fmt: skip
    """``A^T m A`` of every tile, finished by the pointwise nodes of the group.

    In tiles that stick out of the result, outputs outside are stored first and to the place of
    one inside, which is stored after them.
    """
    assert group.anchor is not None
    builder = NestBuilder()
    channels = target.shape[1]
    axes = task_axes(builder, [tiles.images, tiles.high, tiles.wide, channels], 8)
    per_tile = [tiles.high * tiles.wide * channels, tiles.wide * channels, channels, 1]
    numbered = tuple((a, builder.dim(s)) for a, s in enumerate(per_tile))
    read, written = builder.buffer(products), builder.buffer(target, written=True)
    points = [
        Load(Access(read, numbered, builder.dim(p * products.strides[0])), f32)
        for p in range(POINTS)
    ]
    lines = [_sums([points[4 * i + j] for i in range(4)]) for j in range(4)]
    outputs = [_sums([lines[j][a] for j in range(4)]) for a in range(2)]
    stores: list[Store] = []
    for a, b in reversed(list(itertools.product(range(2), range(2)))):
        where = _Pixel(builder, target.shape, a, b)
        total = outputs[a][b]
        if bias is not None:
            place = placement[bias]
            total = add(total, builder.load(place, [place.strides[0]], [3]))
        fused = Fused(group, {group.anchor.output: total}, lambda v, w=where: w.load(placement[v]))  # type: ignore[misc]
        stores.append(Store(where.access(target, written), fused(group.result)))
    nest = LoopNest(
        f"winograd+{group.name}", tuple(builder.buffers), axes, (Stage((), (), tuple(stores)),)
    )
    return _step(nest.name, nest, builder, axes, target, tiles.count * channels, machine)


def _sums(line: Sequence[Expr]) -> list[Expr]:
    """``A^T`` applied to four values: (a + b + c, b - c - d)."""
    a, b, c, d = line
    return [add(add(a, b), c), sub(sub(b, c), d)]


@dataclass(frozen=True, slots=True)
class _Pixel:
    """Output (a, b) of the current tile as a position in operands of the result's shape."""

    builder: NestBuilder
    shape: tuple[int, ...]
    a: int
    b: int

    def load(self, place: Place) -> Expr:
        return Load(self.access(place), place.dtype)

    def access(self, place: Place, buffer: int | None = None) -> Access:
        strides = broadcast_strides(place, self.shape)
        terms: list[tuple[int, Dim]] = []
        indirect: list[tuple[Expr, Dim]] = []
        offset = 0
        for axis, dim in ((0, 0), (3, 1)):
            if strides[dim]:
                terms.append((axis, self.builder.dim(strides[dim])))
        for axis, dim, shift in ((1, 2, self.a), (2, 3, self.b)):
            if not strides[dim]:
                continue
            if shift and self.shape[dim] % 2:
                indirect.append((self._last(axis, dim), self.builder.dim(strides[dim])))
            else:
                terms.append((axis, self.builder.dim(2 * strides[dim])))
                offset += shift * strides[dim]
        if buffer is None:
            buffer = self.builder.buffer(place)
        return Access(buffer, tuple(terms), self.builder.dim(offset), tuple(indirect))

    def _last(self, axis: int, dim: int) -> Expr:
        """The second row or column of a tile, or the first where that is outside."""
        position = Call("add", (Call("mul", (Index(axis), Const(2, i64)), i64), Const(1, i64)), i64)
        return Call("min", (position, Extent(self.builder.size(self.shape[dim] - 1))), i64)


def _step(
    name: str, nest: LoopNest, builder: NestBuilder, axes: Sequence[object], target: Place,
    elements: int, machine: Machine,
) -> Step:  # fmt: skip
    cost = stream_cost(machine, elements, 2 * POINTS * elements * 4, 2 * POINTS)
    tasks = count_tasks(nest.axes, builder.sizes)
    return Step(
        name, nest, builder.bound, tuple(builder.sizes), tasks, grain(cost, tasks),
        None, cost,
    )  # fmt: skip
