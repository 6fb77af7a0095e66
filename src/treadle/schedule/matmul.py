"""Matrix products as contractions: which dims are batch, rows and columns, and where B is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from treadle.ir.graph import Value
from treadle.ir.loops import Expr, Tile
from treadle.ops.lowering import MatrixProduct
from treadle.passes.abstract import Unplannable
from treadle.schedule.contractions import (
    Operand,
    Product,
    contraction_step,
    packed_columns,
    packed_weight,
    run_operand,
)  # fmt: skip
from treadle.schedule.dots import adjacent, dots_pay, dots_step
from treadle.schedule.fused import tail_operands
from treadle.schedule.groups import Group, arguments
from treadle.schedule.machine import Machine
from treadle.schedule.placement import Placement, wanted_order
from treadle.schedule.places import Place, Storage, broadcast_strides, collapse
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Packing, Step


def matmul_steps(
    group: Group, placement: Placement, machine: Machine, packings: list[Packing],
    packed: dict[tuple[object, ...], Operand],
) -> list[Step]:  # fmt: skip
    """The steps of ``A[..., m, k] @ B[..., k, n]`` and what follows it.

    `packed` has what earlier steps of the sequence packed, and gets what these do.
    """
    node = group.anchor
    assert node is not None
    assert isinstance(node.op.lower, MatrixProduct)
    rule, values = node.op.lower, arguments(node)
    a, b = placement[values[0]], placement[values[1]]
    if not a.dtype.is_floating or len(b.shape) < 2:
        raise Unplannable(
            f"{node.op.name} of {a.dtype.name} and {len(b.shape)} dims is not compiled"
        )
    b = _matrix_b(b, rule.transpose_b)
    target = placement.result(group.result, wanted_order(group.result))
    if len(a.shape) == 1:  # one row
        a, target = (p.view((1, *p.shape), (0, *p.strides), p.offset) for p in (a, target))
    constant = values[1].constant if values[1].is_constant else None
    bias = values[rule.bias] if rule.bias is not None else None
    if dots_pay(a, b, rule.transpose_b, constant is not None):
        first, a = adjacent(a, -1, placement, machine)
        second, b = adjacent(b, -2, placement, machine)
        return [*first, *second, dots_step(group, a, b, target, bias, placement, machine)]
    operands = [placement[v] for v in tail_operands(group)]
    if bias is not None:
        operands.append(placement[bias])
    product, b_batch, steps = _product(a, b, target, operands, placement, machine)
    apart = product.rows[2][1]
    shared = all(n == 1 for n in b.shape[:-2])
    together = product.num_rows if shared else a.shape[-2]
    tile = machine.tile(
        a.dtype, product.num_rows, product.columns, row_stride=apart, together=together
    )
    panel = packed_columns(machine, a.dtype, tile)
    if constant is not None and len(b_batch) <= 1 and b.shape[-2:] == _matrix_shape(constant, rule):
        operand, packing = _constant_operand(constant, rule.transpose_b, product, panel, b_batch)
        packings.append(packing)
    else:
        direct = b.strides[-1] == 1 and product.num_rows < 8 * tile.rows
        key = (values[1], panel, direct, b.shape[-2:], b.strides[-2:], *b_batch)
        if key not in packed:
            packs, packed[key] = run_operand(b, b_batch, direct, panel, placement, machine)
            steps += packs
        operand = packed[key]
    product.batch = [(n, s, t) for (n, s, _), t in zip(product.batch, operand.batch, strict=False)]
    return [*steps, _step(group, product, operand, tile, target, placement, machine, bias)]


def _step(
    group: Group, product: Product, operand: Operand, tile: Tile, target: Place,
    placement: Placement, machine: Machine, bias: Value | None,
) -> Step:  # fmt: skip
    def add_bias(load: Callable[[Value], Expr]) -> Expr | None:
        return None if bias is None else load(bias)

    return contraction_step(
        group, product, operand, tile, target, placement, machine, bias=add_bias
    )


def _matrix_b(place: Place, transposed: bool) -> Place:
    """B as [..., k, n]."""
    if not transposed:
        return place
    *lead, n, k = range(len(place.shape))
    order = [*lead, k, n]
    shape, strides = ([x[d] for d in order] for x in (place.shape, place.strides))
    return place.view(shape, strides, place.offset)


def _matrix_shape(array: np.ndarray, rule: MatrixProduct) -> tuple[int, ...]:
    return array.shape[:-3:-1] if rule.transpose_b else array.shape[-2:]


def _product(
    a: Place, b: Place, target: Place, operands: Sequence[Place], placement: Placement,
    machine: Machine,
) -> tuple[Product, list[tuple[int, int]], list[Step]]:  # fmt: skip
    """The product, the batch of B as (extent, stride), and copies that had to come first."""
    rank = len(target.shape)
    batch_shape = target.shape[: rank - 2]
    shared_b = all(s == 0 for s in _lead_strides(b, batch_shape))
    product = _axes(a, b, target, operands, shared_b)
    if product is not None:
        return (*product, [])
    dense = placement.scratch(a, (*batch_shape, *a.shape[-2:]))
    wide = a.view(dense.shape, (*_lead_strides(a, batch_shape), *a.strides[-2:]), a.offset)
    copied = _axes(dense, b, target, operands, shared_b)
    if copied is None:
        raise Unplannable("a matrix product with more batch dims than a kernel has axes")
    return (*copied, [copy_step("contiguous", wide, dense, machine)])


def _lead_strides(place: Place, batch_shape: Sequence[int]) -> tuple[int, ...]:
    """Strides over the batch dims of the result; 0 where the operand broadcasts."""
    lead = place.view(place.shape[:-2], place.strides[:-2], place.offset)
    return broadcast_strides(lead, batch_shape)


def _axes(
    a: Place, b: Place, target: Place, operands: Sequence[Place], shared_b: bool
) -> tuple[Product, list[tuple[int, int]]] | None:
    """Which dims of the result are batch and which rows; None if there are too many."""
    shape = target.shape
    rank = len(shape)
    row_dims = list(range(rank - 1)) if shared_b else [rank - 2]
    batch_dims = [] if shared_b else list(range(rank - 2))
    a_strides = (*_lead_strides(a, shape[:-2]), a.strides[-2], 0)
    b_strides = (*_lead_strides(b, shape[:-2]), 0, 0)
    others = [target.strides, *(broadcast_strides(p, shape) for p in operands)]
    walks = [
        tuple(s if n > 1 else 0 for s, n in zip(walk, shape, strict=True))
        for walk in (a_strides, b_strides, *others)
    ]
    rows, row_walks = _collapsed(shape, walks, row_dims)
    batch, batch_walks = _collapsed(shape, walks, batch_dims)
    if len(rows) > 3 or len(batch) > 2:
        return None
    fill = 3 - len(rows)
    unused = (0,) * fill
    known = {w: (*batch_walks[w], *unused, *row_walks[w]) for w in walks}

    def spread(strides: Sequence[int]) -> tuple[int, ...]:
        key = tuple(s if n > 1 else 0 for s, n in zip(strides, shape, strict=True))
        same_for_all_columns = (*key[:-1], 0)
        found = known.get(key) or known[same_for_all_columns]
        return (*found, strides[-1] if shape[-1] > 1 else 0)

    a_walk, b_walk = walks[0], walks[1]
    row_axes = [(1, 0)] * fill + list(zip(rows, row_walks[a_walk], strict=True))
    batch_axes = [(n, s, 0) for n, s in zip(batch, batch_walks[a_walk], strict=True)]
    product = Product(a, shape[-1], a.shape[-1], a.strides[-1] if a.shape[-1] > 1 else 1,
                      row_axes, spread, batch_axes)  # fmt: skip
    product.limit = (row_axes[1][0], row_axes[2][0])
    return product, list(zip(batch, batch_walks[b_walk], strict=True))


def _collapsed(
    shape: Sequence[int], walks: Sequence[tuple[int, ...]], dims: Sequence[int]
) -> tuple[list[int], dict[tuple[int, ...], tuple[int, ...]]]:
    """`dims` merged where all `walks` allow, and each walk over them."""
    if not dims:
        return [], dict.fromkeys(walks, ())
    extents, merged = collapse([shape[d] for d in dims], [[w[d] for d in dims] for w in walks])
    return extents, {w: tuple(m) for w, m in zip(walks, merged, strict=True)}


def _constant_operand(
    weight: np.ndarray, transposed: bool, product: Product, panel: int,
    batch: Sequence[tuple[int, int]],
) -> tuple[Operand, Packing]:  # fmt: skip
    count = batch[0][0] if batch else 1

    def arrange(w: np.ndarray) -> np.ndarray:
        matrix = np.swapaxes(w, -1, -2) if transposed else w
        return matrix.reshape(count, 1, matrix.shape[-2], 1, matrix.shape[-1])

    def packing(storage: Storage) -> Packing:
        return Packing(weight, ("matmul", transposed), arrange, panel, storage)

    return packed_weight(packing, product.a.dtype, panel, 1, product.k, product.columns, count)
