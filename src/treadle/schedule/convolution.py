"""Convolutions: channels-last images against packed weights.

Source of the scheme: Georganas et al., "High-Performance Deep Learning via a Single Building
Block" (2020): a convolution is a batch-reduce matrix product whose taps address shifted rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from treadle.ir.graph import Value
from treadle.ir.loops import Expr
from treadle.ops.lowering import Convolution, ConvolutionSpec
from treadle.passes.abstract import Unplannable
from treadle.schedule.choices import choice
from treadle.schedule.contractions import (
    Operand,
    Product,
    contraction_step,
    pack_steps,
    packed_columns,
    packed_weight,
)  # fmt: skip
from treadle.schedule.filters import Panels, filter_steps
from treadle.schedule.fused import tail_operands
from treadle.schedule.groups import Group, arguments, map_arguments, tensor_type
from treadle.schedule.images import batched, channels_last, image_of, padded_copy, two
from treadle.schedule.machine import Machine
from treadle.schedule.pixels import pixel_steps, reads_pixels
from treadle.schedule.placement import Placement, constant_place
from treadle.schedule.places import Place, broadcast_strides, collapse
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import (
    Packing,
    Step,
)  # fmt: skip
from treadle.schedule.windows import CHANNELS_LAST, grouped_step
from treadle.schedule.winograd import winograd_pays, winograd_steps

LARGE_RESULT = 4096
"""Elements of a result in the order of torch that are worth a kernel which transposes them."""
FEW_IN_GROUP = (1, 2, 4, 8)
"""Channels of groups that are too small to fill vectors with the products of one."""
FEW_TAPS = 9
"""Of more a kernel could not keep those of enough channels in L1."""
FEW_CHANNELS = 16
"""With fewer, the taps of a kernel row are merged with the channels into one long k."""


def convolution_steps(
    group: Group, placement: Placement, machine: Machine, packings: list[Packing]
) -> list[Step]:
    """The steps of a convolution over 1 or 2 spatial dims; those of a constant weight are best."""
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, Convolution)
    values = arguments(node)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    spec = node.op.lower.spec(tensor_type(node.output), *types)
    rank = len(tensor_type(values[1]).sizes)
    origin = batched(placement[values[0]], rank)
    if not origin.dtype.is_floating:
        raise Unplannable(f"{node.op.name} of {origin.dtype.name} is not compiled")
    target = _target(group, placement, rank)
    if reads_pixels(group, spec, values[1], origin, target, placement, machine):
        return pixel_steps(
            group, placement[values[1]], origin, target, placement, machine,
            lambda load: _bias(values, placement, load, rank),
        )  # fmt: skip
    made = target
    if target.strides[1] != 1 and _spreads(target.shape[1], math.prod(target.shape[2:])):
        made = placement.scratch(target, target.shape, CHANNELS_LAST[rank])
    steps = _steps(group, spec, values, origin, made, placement, machine, packings)
    if made is not target:
        steps.append(copy_step("channels_first", made, target, machine))
    return steps


@choice
def _spreads(channels: int, pixels: int) -> bool:
    """Whether so many results are faster transposed afterwards than written far apart."""
    return channels > 1 and pixels > 1 and channels * pixels >= LARGE_RESULT


def _steps(
    group: Group, spec: ConvolutionSpec, values: Sequence[Value], origin: Place, target: Place,
    placement: Placement, machine: Machine, packings: list[Packing],
) -> list[Step]:  # fmt: skip
    """The steps that write the result to `target`."""
    weight: np.ndarray | None = values[1].constant if values[1].is_constant else None
    c_out, c_in, *extents = tensor_type(values[1]).sizes
    if spec.groups > 1 and c_in in FEW_IN_GROUP and c_out == c_in * spec.groups:
        steps, origin = channels_last(origin, placement, machine)
        if weight is None:
            made, taps = _taps_now(placement[values[1]], placement, machine)
        else:
            order = (*range(2, weight.ndim), 1, 0)
            made, taps = [], constant_place(np.ascontiguousarray(weight.transpose(order)))
        step = grouped_step(group, spec, taps, origin, target, placement, machine)
        return [*steps, *made, step]
    if len(extents) == 2:
        out, known = tensor_type(group.result).sizes, weight is not None
        if len(out) == 4 and winograd_pays(spec, tensor_type(values[1]), known, out, machine):
            steps, origin = channels_last(origin, placement, machine)
            return steps + winograd_steps(
                group, spec, values[1], values[2], origin, target, placement, machine, packings
            )
    return _contraction(group, spec, values, origin, target, placement, machine, packings)


def _taps_now(weight: Place, placement: Placement, machine: Machine) -> tuple[list[Step], Place]:
    """A weight [c_out, c_in, kernel...] made at run time, as [kernel..., c_in, c_out]."""
    order = (*range(2, len(weight.shape)), 1, 0)
    shape, strides = ([s[d] for d in order] for s in (weight.shape, weight.strides))
    copy = placement.scratch(weight, shape)
    turned = weight.view(shape, strides, weight.offset)
    return [copy_step("arrange", turned, copy, machine)], copy


def _target(group: Group, placement: Placement, rank: int) -> Place:
    """Where the result goes: channels-last, if there is a choice."""
    order = CHANNELS_LAST[rank]
    if len(tensor_type(group.result).sizes) < rank:
        order = tuple(d - 1 for d in order[1:])
    return batched(placement.result(group.result, order), rank)


def _contraction(
    group: Group, spec: ConvolutionSpec, values: Sequence[Value], origin: Place, target: Place,
    placement: Placement, machine: Machine, packings: list[Packing],
) -> list[Step]:  # fmt: skip
    """A contraction with a weight that is known ahead, or computed at run time."""
    c_out, c_in, *extents = tensor_type(values[1]).sizes
    stride, padding, dilation = (
        two(x, d) for x, d in ((spec.stride, 1), (spec.padding, 0), (spec.dilation, 1))
    )
    kernel = two(extents, 1)
    merged = (
        spec.groups == 1 and origin.shape[1] < FEW_CHANNELS and kernel[1] > 1 and dilation[1] == 1
    )
    steps, image = _image(origin, padding if merged else None, placement, machine)
    padding = (0, 0) if merged else padding
    out = image_of(target)
    groups, columns = spec.groups, c_out // spec.groups
    batch = [(groups, c_in * image.strides[1], 0)] if groups > 1 else []
    rows = [(out.shape[d], image.strides[d]) for d in (0, 2, 3)]

    def spread(strides: Sequence[int]) -> tuple[int, ...]:
        four = (*strides[:2], 0, strides[2]) if len(strides) == 3 else tuple(strides)
        lead = (columns * four[1],) if groups > 1 else ()
        return (*lead, four[0], four[2], four[3], four[1])

    k = c_in * (kernel[1] if merged else 1)
    taps = (kernel[0], 1 if merged else kernel[1])
    product = Product(
        image, columns, k, image.strides[1] if image.shape[1] > 1 else 1, rows, spread, batch,
        taps, stride, dilation, padding, (image.shape[2], image.shape[3]),
    )  # fmt: skip
    if kernel == (1, 1) and padding == (0, 0) and stride == (1, 1):
        _flatten_rows(
            product, [_epilogue_image(placement[v], target) for v in tail_operands(group)], out
        )
    apart = product.step[1] * product.rows[2][1]
    tile = machine.tile(image.dtype, product.num_rows, columns, row_stride=apart)
    panel = packed_columns(machine, image.dtype, tile)

    made, operand = _filters(
        values[1], groups, merged, product, panel, placement, machine, packings
    )  # fmt: skip
    steps += made
    if groups > 1:
        product.batch = [(groups, product.batch[0][1], operand.batch[0])]
    step = contraction_step(
        group, product, operand, tile, target, placement, machine,
        bias=lambda load: _bias(values, placement, load, len(target.shape)),
    )  # fmt: skip
    return [*steps, step]


def _image(
    origin: Place, padding: tuple[int, int] | None, placement: Placement, machine: Machine
) -> tuple[list[Step], Place]:
    """The image with its channels last; with `padding`, a copy that has zeros around it."""
    if padding is not None:
        return padded_copy(image_of(origin), padding, placement, machine)
    steps, copied = channels_last(origin, placement, machine)
    return steps, image_of(copied)


def _filters(
    weight: Value, groups: int, merged: bool, product: Product, panel: int, placement: Placement,
    machine: Machine, packings: list[Packing],
) -> tuple[list[Step], Operand]:  # fmt: skip
    """The weight as the other operand of `product`; what is known ahead is packed ahead."""
    if not weight.is_constant:
        return _packed_now(placement[weight], groups, product.k, panel, placement, machine)
    array: np.ndarray = weight.constant
    arrange = partial(_arranged, groups=groups, merged=merged)
    layout = ("convolution", groups, merged)
    operand, packed = packed_weight(
        lambda storage: Packing(array, layout, arrange, panel, storage),
        product.a.dtype, panel, math.prod(product.taps), product.k, product.columns, groups,
    )  # fmt: skip
    packings.append(packed)
    return [], operand


def _packed_now(
    weight: Place, groups: int, k: int, panel: int, placement: Placement, machine: Machine
) -> tuple[list[Step], Operand]:
    """A weight that is computed at run time, packed like one that is known."""
    taps = math.prod(weight.shape[2:])
    if groups == 1 and 1 < taps <= FEW_TAPS:
        each = math.prod(weight.shape[1:]) * panel
        target = placement.scratch(weight, (-(-weight.shape[0] // panel) * each,))
        panels = Panels(target, panel, each, weight.shape[1] * panel, tuple)
        made = Operand(target, each, k * panel, panel, True, (0,))
        return filter_steps("pack", weight, panels, placement, machine), made
    image = image_of(weight) if len(weight.shape) == 3 else weight
    (c_out, c_in, height, width), strides = image.shape, image.strides
    order = (0, 2, 3, 1)
    copy = placement.scratch(image, [image.shape[d] for d in order])
    turned = image.view(copy.shape, [strides[d] for d in order], image.offset)
    each, columns = height * width * c_in, c_out // groups
    steps, operand = pack_steps(
        copy, [(groups, columns * each)], (each, 1), (columns, each), panel, placement, machine
    )
    return [copy_step("arrange", turned, copy, machine), *steps], replace(
        operand, tap=k * panel, k=panel
    )


def _bias(
    values: Sequence[Value], placement: Placement, load: Callable[[Value], Expr], rank: int
) -> Expr | None:
    """The bias as a value that broadcasts over the result."""
    if values[2] is None:
        return None
    place = placement[values[2]]
    shape = (place.shape[0], *(1,) * (rank - 2))
    strides = (place.strides[0], *(0,) * (rank - 2))
    biased = Value(tensor_type(values[2]), "bias")
    placement.alias(biased, place.view(shape, strides, place.offset))
    return load(biased)


def _epilogue_image(place: Place, target: Place) -> Place:
    """An operand of the epilogue beside a result that is seen as an image."""
    return image_of(place) if len(place.shape) == len(target.shape) else place


def _flatten_rows(product: Product, operands: Sequence[Place], out: Place) -> None:
    """Merge the three row axes where A, the result and every operand walk them as one."""
    strides = [[s for _, s in product.rows]]
    for place in (out, *operands):
        own = broadcast_strides(place, out.shape)
        strides.append([own[0], own[2], own[3]])
    extents, merged = collapse([n for n, _ in product.rows], strides)
    if len(extents) != 1:
        return
    inner = product.spread
    innermost = next((a for a, d in ((-2, 3), (-3, 2), (-4, 0)) if out.shape[d] > 1), -2)
    product.rows = [(1, 0), (1, 0), (extents[0], merged[0][0])]
    product.limit = (1, extents[0])

    def spread(values: Sequence[int]) -> tuple[int, ...]:
        full = inner(values)
        return (*full[:-4], 0, 0, full[innermost], full[-1])

    product.spread = spread


def _arranged(weight: np.ndarray, groups: int, merged: bool) -> np.ndarray:
    """[c_out, c_in, kernel...] as [groups, taps, k, 1, n], a view where that is possible."""
    c_out, c_in, *kernel = weight.shape
    kh, kw = two(kernel, 1)
    n = c_out // groups
    if merged:
        rows: np.ndarray = weight.reshape(1, n, c_in, kh, kw).transpose(0, 3, 4, 2, 1)
        return rows.reshape(1, kh, kw * c_in, 1, n)
    split: np.ndarray = weight.reshape(groups, n, c_in, kh * kw, 1).transpose(0, 3, 2, 4, 1)
    return split
