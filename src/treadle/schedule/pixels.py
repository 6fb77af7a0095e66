"""1x1 convolutions of images whose pixels lie side by side: products that read and write them so.

The filters are the rows and the pixels the columns, so nothing is turned. Sums are those of images
with their channels last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from treadle.ir.graph import Value
from treadle.ir.loops import Expr
from treadle.ops.lowering import ConvolutionSpec
from treadle.schedule.choices import choice
from treadle.schedule.contractions import Product, contraction_step, packed_columns, run_operand
from treadle.schedule.fused import tail_operands
from treadle.schedule.groups import Group
from treadle.schedule.machine import Machine
from treadle.schedule.placement import Placement
from treadle.schedule.places import Place, dense_strides
from treadle.schedule.steps import Step

MANY_PIXELS = 512
"""Of a weight that is packed ahead; fewer fill no panels."""


def reads_pixels(
    group: Group, spec: ConvolutionSpec, weight: Value, origin: Place, target: Place,
    placement: Placement, machine: Machine,
) -> bool:  # fmt: skip
    """Whether a convolution is such a product, with the bits that it has in any other form."""
    c_out, _, *kernel = placement[weight].shape
    plain = all(n == 1 for n in (*kernel, *spec.stride)) and not any(spec.padding)
    if not plain or spec.groups != 1 or tail_operands(group):
        return False
    if not all(_lie_side_by_side(p) for p in (origin, target)):
        return False
    images, pixels = origin.shape[0], math.prod(target.shape[2:])
    chains = {
        machine.chains(origin.dtype, images * pixels, c_out),
        machine.chains(origin.dtype, c_out, pixels),
    }
    return chains == {1} and _pays(pixels, weight.is_constant)


def _lie_side_by_side(place: Place) -> bool:
    inner = dense_strides(place.shape[2:])
    pairs = zip(place.shape[2:], place.strides[2:], inner, strict=True)
    return place.strides[1] != 1 and all(n == 1 or s == d for n, s, d in pairs)


@choice
def _pays(pixels: int, known: bool) -> bool:
    return not known or pixels >= MANY_PIXELS


def pixel_steps(
    group: Group, weight: Place, origin: Place, target: Place, placement: Placement,
    machine: Machine, bias: Callable[[Callable[[Value], Expr]], Expr | None],
) -> list[Step]:  # fmt: skip
    """The product, after a copy of the pixels as panels if there are many filters."""
    images, c_in, *extents = origin.shape
    c_out, pixels = target.shape[1], math.prod(extents)
    k = weight.strides[1] if c_in > 1 else 1
    rows = [(1, 0), (1, 0), (c_out, weight.strides[0])]
    last = max((d for d, n in enumerate(target.shape) if d > 1 and n > 1), default=-1)

    def spread(strides: Sequence[int]) -> tuple[int, ...]:
        lead = (strides[0],) if images > 1 else ()
        return (*lead, 0, 0, strides[1], strides[last])

    product = Product(weight, pixels, c_in, k, rows, spread, [], limit=(1, c_out))
    tile = machine.tile(origin.dtype, c_out, pixels, row_stride=weight.strides[0])
    panel = packed_columns(machine, origin.dtype, tile)
    batch = [(images, origin.strides[0])] if images > 1 else []
    flat = origin.view(
        (images, c_in, pixels), (origin.strides[0], origin.strides[1], 1), origin.offset
    )
    direct = c_out < 8 * tile.rows
    steps, operand = run_operand(flat, batch, direct, panel, placement, machine)
    product.batch = [(n, 0, apart) for (n, _), apart in zip(batch, operand.batch, strict=False)]
    step = contraction_step(group, product, operand, tile, target, placement, machine, bias=bias)
    return [*steps, step]
