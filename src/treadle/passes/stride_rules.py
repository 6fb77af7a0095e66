"""The strides that PyTorch gives to what an operator makes: rules over sizes and strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from treadle.ir.op import OpDef
from treadle.ir.strides import dense_strides, is_contiguous, same_strides
from treadle.ops.lowering import Decompose, Pointwise
from treadle.passes.alias import MAY_GIVE_ARGUMENT

Operand: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""Sizes and strides."""

LIKE_FIRST = frozenset(
    {"clone", "flip", "sort", "gelu", "zeros_like", "ones_like", "full_like", "empty_like",
     "rand_like", "randn_like", "bernoulli", "fill", "zero", "index_fill", "index_copy",
     "index_add", "index_put", "put", "addmm"}
)  # fmt: skip
"""Operators that place their result as their first operand, though they are not pointwise."""
ROW_MAJOR = frozenset(
    {"softmax", "log_softmax", "_softmax", "_log_softmax", "layer_norm", "native_layer_norm",
     "topk", "masked_fill", "masked_scatter", "stack"}
)  # fmt: skip
"""Operators made of pointwise ones that give contiguous results all the same."""
_IMAGES = frozenset(
    {"conv2d", "conv3d", "convolution", "_convolution", "conv_transpose2d", "batch_norm",
     "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "upsample_nearest2d",
     "upsample_bilinear2d", "pixel_shuffle"}
)  # fmt: skip
"""Operators that keep channels last."""
_CHANNELS_LAST = {4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
_PRESERVE, _LAST_FORMAT = 1, {4: 2, 5: 3}
"""Codes of memory formats; those of channels last by rank."""


def gives_view(op: OpDef) -> bool:
    """Whether a result of `op` may share the memory of an argument."""
    schema = op.schema
    if schema is None:
        return False
    return schema.base in MAY_GIVE_ARGUMENT or any(r.alias is not None for r in schema.results)


def base_of(op: OpDef) -> str:
    """The name of `op` without its overload; empty if it has no schema."""
    return op.schema.base if op.schema is not None else ""


def takes_memory_format(op: OpDef) -> bool:
    """Whether `op` can be asked for a memory format."""
    return op.schema is not None and any(a.name == "memory_format" for a in op.schema.arguments)


def asks_for_format(op: OpDef, args: Sequence[Any]) -> bool:
    """Whether `args` ask for a memory format, rather than for that of an argument."""
    return argument_of(op, args, "memory_format") not in (None, _PRESERVE)


def argument_of(op: OpDef, args: Sequence[Any], name: str) -> Any:
    """The argument of that name; None if there is none."""
    arguments = op.schema.arguments if op.schema is not None else ()
    return next((v for a, v in zip(arguments, args, strict=False) if a.name == name), None)


def result_strides(
    op: OpDef, sizes: Sequence[int], operands: Sequence[Operand], args: Sequence[Any]
) -> tuple[int, ...] | None:
    """The strides of what `op` makes, as PyTorch chooses them; None for row-major ones.

    Source: PyTorch 2.13, by experiment; for pointwise operators `inherited_strides`.
    """
    if asks_for_format(op, args):
        return _format_strides(argument_of(op, args, "memory_format"), sizes)
    base = base_of(op)
    if base in LIKE_FIRST and operands and tuple(operands[0][0]) == tuple(sizes):
        return inherited_strides(sizes, operands[:1])
    if isinstance(op.lower, Pointwise) and base not in ROW_MAJOR:
        return inherited_strides(sizes, operands)
    if base in _IMAGES and operands and _is_channels_last(*operands[0]):
        return _format_strides(_LAST_FORMAT[len(sizes)], sizes)
    return None


def inherited_strides(sizes: Sequence[int], operands: Sequence[Operand]) -> tuple[int, ...]:
    """Dense strides in the order of the operands' dims; where they differ, of the first that says.

    Source: TensorIterator of PyTorch, `reorder_dimensions`.
    """
    rank = len(sizes)
    if all(tuple(s) == tuple(sizes) and is_contiguous(s, t) for s, t in operands):
        return dense_strides(sizes)
    spread = [_broadcast(sizes, *operand) for operand in operands]
    order = list(range(rank))[::-1]  # innermost first

    def compare(inner: int, outer: int) -> int:
        for strides in spread:
            a, b = strides[inner], strides[outer]
            if a == 0 or b == 0:
                continue
            if a != b:
                return -1 if a < b else 1
            if sizes[inner] > sizes[outer]:
                return 1
        return 0

    for i in range(1, rank):
        moving = i
        for other in range(i - 1, -1, -1):
            found = compare(order[other], order[moving])
            if found > 0:
                order[other], order[moving] = order[moving], order[other]
                moving = other
            elif found < 0:
                break
    return dense_strides(sizes, order[::-1])


def places_results(op: OpDef) -> bool:
    """Whether `result_strides` knows what PyTorch does for `op`."""
    if op.schema is None or op.schema.writes or gives_view(op) or op.lower is None:
        return False
    known = base_of(op) in LIKE_FIRST or base_of(op) in ROW_MAJOR
    return known or not isinstance(op.lower, Decompose)


def operand_of(array: np.ndarray) -> Operand:
    """Sizes and strides of an array, in elements."""
    size = max(array.itemsize, 1)
    return array.shape, tuple(s // size for s in array.strides)


def _broadcast(sizes: Sequence[int], own: Sequence[int], strides: Sequence[int]) -> list[int]:
    """`strides` over `sizes`, 0 where the operand has no dim or one of size 1."""
    padded = [0] * (len(sizes) - len(own))
    return padded + [0 if n == 1 else s for n, s in zip(own, strides, strict=True)]


def _format_strides(memory_format: int, sizes: Sequence[int]) -> tuple[int, ...] | None:
    """The strides of a memory format; None for row-major."""
    if memory_format in _LAST_FORMAT.values():
        return dense_strides(sizes, _CHANNELS_LAST.get(len(sizes)))
    return None


def _is_channels_last(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    order = _CHANNELS_LAST.get(len(sizes))
    return order is not None and same_strides(sizes, strides, dense_strides(sizes, order))


def has_format(sizes: Sequence[int], strides: Sequence[int], memory_format: int = 0) -> bool:
    """Whether elements lie as a memory format asks, which is row by row by default."""
    if memory_format in _LAST_FORMAT.values():
        return _LAST_FORMAT.get(len(sizes)) == memory_format and _is_channels_last(sizes, strides)
    return is_contiguous(sizes, strides)
