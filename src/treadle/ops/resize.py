"""What the ways of resizing images share: sizes, factors, distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.shapes import expect_rank


def resized_shape(name: str, x: TensorType, size: Sequence[int]) -> tuple[int, ...]:
    """The shape of `x` resized to `size`.

    Raises:
        ShapeError: if a dim is empty, or their number differs.
    """
    expect_rank(name, "input", x, len(size) + 2)
    if min(size) < 1 or 0 in x.sizes[1:]:
        raise ShapeError(f"{name}: sizes must be positive, got {list(x.sizes)} to {list(size)}")
    return (*x.sizes[:2], *size)


def linear_step(size: int, out: int, align: bool, factor: float | None) -> float:
    """`step_of` where what keeps its size stays as it is, whatever the factor."""
    return step_of(size, out, align, None if factor is None or size == out else factor)


def step_of(size: int, out: int, align: bool, factor: float | None) -> float:
    """Input positions per output position."""
    if align:
        return (size - 1) / (out - 1) if out > 1 else 0.0
    return 1.0 / factor if factor is not None and factor > 0 else size / out


def target_size(x: Any, size: Sequence[int] | None, factors: Sequence[float] | None) -> list[int]:
    """The sizes that are asked for, directly or by factors.

    Raises:
        ShapeError: unless it is in one of the two ways.
    """
    if (size is None) == (factors is None):
        raise ShapeError("upsample: give either an output size or scale factors")
    if size is not None:
        return list(size)
    if factors is None or len(factors) != len(x.shape) - 2:
        raise ShapeError(f"upsample: scale factors {factors} for {len(x.shape) - 2} dims")
    return [math.floor(d * f) for d, f in zip(x.shape[2:], factors, strict=True)]


def by_vector(schema: str, plain: Any, samples: Any) -> None:
    """The form that takes a size or factors; `align_corners` may stand between them."""

    def arguments(x: Any, size: Any, *rest: Any) -> tuple[Any, ...]:
        *align, factors = rest
        count = len(x.shape) - 2
        return (target_size(x, size, factors), *align, *(factors or [None] * count))

    def build(emit: Emitter, x: Any, *rest: Any) -> Any:
        return emit(plain, x, *arguments(emit.type(x), *rest))

    op(
        schema,
        reference=lambda x, *rest: plain.reference(x, *arguments(x, *rest)),
        infer=lambda x, *rest: plain.infer(x, *arguments(x, *rest)),
        lower=Decompose(build),
        samples=samples,
    )
