"""Images sampled at positions that come as data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.dtypes import i64
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import op
from treadle.ops.expr import cast, extent, varying
from treadle.ops.lowering import Elements, Loader
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import f32, f64
from treadle.ops.scalar_math import LOOPS, NUMPY, Element
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
BILINEAR, NEAREST, BICUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2


def _infer(name: str, x: Any, grid: Any, mode: int, padding: int) -> tuple[int, ...]:
    """The shape of the result.

    Raises:
        ShapeError: if the operands do not fit each other, or a mode is unknown.
    """
    count = len(x.shape) - 2
    if (
        count not in (2, 3)
        or len(grid.shape) != count + 2
        or grid.shape[-1] != count
        or grid.shape[0] != x.shape[0]
    ):
        raise ShapeError(
            f"{name}: grid {list(grid.shape)} does not fit input {list(x.shape)}: needs"
            " [n, c, h, w] with [n, ..., 2], or [n, c, d, h, w] with [n, ..., 3]"
        )
    if 0 in x.shape[1:]:
        raise ShapeError(f"{name}: input {list(x.shape)} has an empty dim")
    if mode not in (BILINEAR, NEAREST, BICUBIC) or (mode == BICUBIC and count != 2):
        raise ShapeError(f"{name}: interpolation_mode {mode} over {count} dims")
    if padding not in (ZEROS, BORDER, REFLECTION):
        raise ShapeError(f"{name}: padding_mode {padding}; allowed: 0, 1, 2")
    return (*x.shape[:2], *grid.shape[1:-1])


def _source(f: Any, u: Any, size: Any, align: bool) -> Any:
    """Where a coordinate in [-1, 1] falls, in pixels."""
    return (u + 1) * ((size - 1) / 2) if align else (u + 1) * (size / 2) - 0.5


def _inside(f: Any, p: Any, size: Any, padding: int, align: bool) -> Any:
    """A position moved into the image, as the padding says; NaN goes to the border."""
    if padding == ZEROS:
        return p
    if padding == REFLECTION:
        low, high = (0.0, size - 1.0) if align else (-0.5, size - 0.5)
        span = high - low
        if isinstance(span, float) and span == 0:
            return p * 0
        away = f.abs(p - low)
        rest, flips = f.fmod(away, span), f.floor(away / span)
        even = flips - f.floor(flips / 2.0) * 2.0 == 0.0
        p = f.where(even, rest + low, span - rest + low)
    p = f.where(p == p, p, 0.0)
    return f.minimum(f.maximum(p, 0.0), size - 1.0)


def _near(f: Any, p: Any, size: Any) -> tuple[Any, Any]:
    """An index that is safe to read for a whole position `p`, and whether `p` is in the image."""
    inside = (p >= 0.0) & (p <= size - 1.0)
    return f.cast(f.where(inside, p, 0.0), i64), inside


def _mixed(f: Any, pick: Any, sides: Sequence[Sequence[tuple[Any, Any, Any]]]) -> Any:
    """The sum over all corners of value times weights; `sides` has index, inside, weight."""
    total: Any = None
    for corner in itertools.product(*sides):
        inside, weight = corner[0][1], corner[0][2]
        for _, i, w in corner[1:]:
            inside, weight = inside & i, weight * w
        value = f.where(inside, pick([index for index, _, _ in corner]) * weight, 0.0)
        total = value if total is None else total + value
    return total


def cubic_weights(f: Any, t: Any) -> list[Any]:
    """Weights of the four neighbours, Keys' kernel with a = -0.75."""
    a = -0.75

    def far(x: Any) -> Any:
        return ((x - 5.0) * x + 8.0) * x * a - 4.0 * a

    def close(x: Any) -> Any:
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0

    return [far(t + 1.0), close(t), close(1.0 - t), far(2.0 - t)]


def sample(
    f: Any,
    pick: Callable[[list[Any]], Any],
    coordinates: Sequence[Any],
    sizes: Sequence[Any],
    mode: int,
    padding: int,
    align: bool,
) -> Any:
    """The value at `coordinates`, both in the order of the dims; `pick` reads by indices.

    `sizes` of 1 are ints, others may be numbers like the coordinates.
    """
    sides: list[list[tuple[Any, Any, Any]]] = []
    for u, size in zip(coordinates, sizes, strict=True):
        p = _source(f, u, size, align)
        if mode == BICUBIC:
            low = f.floor(p)
            taps = [_inside(f, low + float(k), size, padding, align) for k in (-1, 0, 1, 2)]
            weights = cubic_weights(f, p - low)
        else:
            p = _inside(f, p, size, padding, align)
            low = f.floor(p) if mode == BILINEAR else f.round(p)
            taps = [low] if mode == NEAREST else [low, low + 1.0]
            weights = [1.0] if mode == NEAREST else [1.0 - (p - low), p - low]
        sides.append([(*_near(f, q, size), w) for q, w in zip(taps, weights, strict=True)])
    return _mixed(f, pick, sides)


def _define(schema: str, name: str, samples: Any) -> None:
    def infer(x: TensorType, grid: TensorType, mode: int, padding: int, align: bool) -> TensorType:
        same_dtype(name, x, grid)
        if not x.element.is_floating:
            raise ShapeError(f"{name}: input must be floating, got {x}")
        return tensor(x.element, _infer(name, x, grid, mode, padding))

    def reference(x: Array, grid: Array, mode: int, padding: int, align: bool) -> Array:
        image, points = (tensor(dtype_of(a), a.shape) for a in (x, grid))
        shape = infer(image, points, mode, padding, align).sizes
        wide = accumulation(dtype_of(x)).numpy
        n, c, *rest = np.indices(shape)
        pixels = (n, *rest)
        places = grid[pixels].astype(wide)

        def pick(at: list[Any]) -> Array:
            place = (n, c, *at)
            return np.asarray(x[place].astype(wide))

        result = sample(
            NUMPY,
            pick,
            [places[..., i] for i in reversed(range(grid.shape[-1]))],
            x.shape[2:],
            mode,
            padding,
            align,
        )
        return np.asarray(result).astype(x.dtype)

    def build(
        load: Loader,
        positions: Sequence[Expr],
        result: TensorType,
        x: TensorType,
        grid: TensorType,
        mode: int,
        padding: int,
        align: bool,
    ) -> Expr:
        wide = accumulation(result.element)
        n, c, *rest = positions

        def pick(at: list[Any]) -> Element:
            return Element(cast(load(0, (n, c, *(i.expr for i in at))), wide))

        coordinates = [
            Element(cast(load(1, (n, *rest, extent(i))), wide))
            for i in reversed(range(grid.sizes[-1]))
        ]
        sizes = [Element(varying(size, wide)) if size > 1 else size for size in x.sizes[2:]]
        found = sample(LOOPS, pick, coordinates, sizes, mode, padding, align)
        return cast(found.expr, result.element)

    op(schema, reference=reference, infer=infer, lower=Elements(build), samples=samples)


_IMAGES = (f32(2, 3, 5, 6), f32(2, 4, 7, 2))
_PLANES = tuple(
    (*_IMAGES, mode, padding, align)
    for mode in (BILINEAR, NEAREST, BICUBIC)
    for padding, align in ((ZEROS, True), (ZEROS, False), (BORDER, False), (REFLECTION, True),
                           (REFLECTION, False))
)  # fmt: skip
_EDGES = (
    (f32(1, 1, 1, 1), f32(1, 2, 2, 2), BILINEAR, REFLECTION, True),
    (f32(1, 2, 3, 3), f32(1, 0, 2, 2), BILINEAR, ZEROS, False),
    (f64(1, 2, 3, 3), f64(1, 2, 2, 2), BILINEAR, BORDER, True),
)
_VOLUMES = (
    (f32(1, 2, 3, 4, 5), f32(1, 2, 3, 2, 3), BILINEAR, ZEROS, False),
    (f32(1, 2, 3, 4, 5), f32(1, 2, 3, 2, 3), NEAREST, BORDER, True),
    (f32(1, 1, 2, 2, 2), f32(1, 2, 1, 2, 3), BILINEAR, REFLECTION, False),
)
_TAIL = "(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners)"
_define(f"aten::grid_sampler{_TAIL} -> Tensor", "grid_sampler", (*_PLANES, *_EDGES, *_VOLUMES))
_define(f"aten::grid_sampler_2d{_TAIL} -> Tensor", "grid_sampler_2d", _PLANES[:2])
_define(f"aten::grid_sampler_3d{_TAIL} -> Tensor", "grid_sampler_3d", _VOLUMES)
