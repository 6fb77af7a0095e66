"""The strides that PyTorch gives to what an operator makes: rules over sizes and strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from treadle.ir.formats import (
    LAST_FORMAT,
    PRESERVE,
    Operand,
    format_strides,
    inherited_strides,
    is_channels_last,
)  # fmt: skip
from treadle.ir.op import OpDef
from treadle.ops.lowering import Decompose, Pointwise
from treadle.passes.alias import MAY_GIVE_ARGUMENT

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
    return argument_of(op, args, "memory_format") not in (None, PRESERVE)


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
        return format_strides(argument_of(op, args, "memory_format"), sizes)
    base = base_of(op)
    if base in LIKE_FIRST and operands and tuple(operands[0][0]) == tuple(sizes):
        return inherited_strides(sizes, operands[:1])
    if isinstance(op.lower, Pointwise) and base not in ROW_MAJOR:
        return inherited_strides(sizes, operands)
    if base in _IMAGES and operands and is_channels_last(*operands[0]):
        return format_strides(LAST_FORMAT[len(sizes)], sizes)
    return None


def places_results(op: OpDef) -> bool:
    """Whether `result_strides` knows what PyTorch does for `op`."""
    if op.schema is None or op.schema.writes or gives_view(op) or op.lower is None:
        return False
    known = base_of(op) in LIKE_FIRST or base_of(op) in ROW_MAJOR
    return known or not isinstance(op.lower, Decompose)
