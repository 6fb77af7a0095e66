"""Operands that are read where they lie, as views of row-major memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from treadle.ir.graph import Graph, Node, Value, replace_uses
from treadle.ir.strides import walking_order
from treadle.ir.types import ANY
from treadle.ops import OPS
from treadle.ops.lowering import MatrixProduct, Reshape, View

MIN_SIZE = 1 << 14
"""Of what is copied sooner than a kernel is made for each way in which it may lie."""


@dataclass(frozen=True, slots=True)
class Lay:
    """How an array lies in row-major memory.

    That has the array's dims in `order`; `cuts` are positions in it, and sizes in the array, of
    dims that are longer there.
    """

    order: tuple[int, ...]
    cuts: tuple[tuple[int, int], ...]


def find_lay(shape: Sequence[int], strides: Sequence[int]) -> tuple[Lay, tuple[int, ...]] | None:
    """How an array lies in row-major memory, and the sizes of that; None if it does not."""
    order = tuple(walking_order(shape, strides))
    walked = [d for d in order if shape[d] > 1]
    if 0 in shape or not walked or strides[walked[-1]] != 1:
        return None
    sizes = dict.fromkeys(order, 1) | {walked[0]: shape[walked[0]]}
    for outer, inner in pairwise(walked):
        sizes[inner], rest = divmod(strides[outer], strides[inner])
        if rest or sizes[inner] < shape[inner]:
            return None
    cuts = tuple((n, shape[d]) for n, d in enumerate(order) if sizes[d] != shape[d])
    return Lay(order, cuts), tuple(sizes[d] for d in order)


def insert_view(graph: Graph, param: Value, lay: Lay) -> None:
    """Let `graph` see `param`, which is the memory now, as the array that it was before."""
    first = next(iter(graph.nodes))
    view = graph.add(OPS["permute"], (), (ANY,), before=first)
    replace_uses(param, view.output)
    value = param
    for dim, size in lay.cuts:
        numbers = [graph.constant(n, ANY, before=view) for n in (dim, 0, size)]
        value = graph.add(OPS["narrow"], [value, *numbers], (ANY,), before=view).output
    dims = [lay.order.index(d) for d in range(len(lay.order))]
    view.set_inputs([value, graph.constant(dims, ANY, before=view)])


def is_read_as_it_lies(value: Value, lay: Lay, size: int) -> bool:
    """Whether all readers of a value of `size` elements gain by reading it as it lies."""
    return bool(value.users) and all(
        is_read_as_it_lies(node.output, lay, size)
        if isinstance(node.op.lower, View | Reshape)
        else _gains(node, value, lay, size)
        for node in value.users
    )


def _gains(node: Node, value: Value, lay: Lay, size: int) -> bool:
    if not isinstance(node.op.lower, MatrixProduct):
        return size >= MIN_SIZE and not lay.cuts
    first, second, *others = node.inputs
    has_rows = lay.order[-1] == len(lay.order) - 1  # the first operand is not packed, but read so
    return (value is second or (value is first and has_rows)) and value not in others
