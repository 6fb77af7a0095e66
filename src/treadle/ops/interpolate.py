"""The general form of resizing: a mode says how, a size or factors how far."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import UnsupportedError
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.registry import OPS
from treadle.ops.resize import target_size

Array = np.ndarray[Any, Any]


_OPERATORS = {
    ("nearest", 1): "upsample_nearest1d", ("nearest", 2): "upsample_nearest2d",
    ("nearest", 3): "upsample_nearest3d",
    ("nearest-exact", 1): "_upsample_nearest_exact1d",
    ("nearest-exact", 2): "_upsample_nearest_exact2d",
    ("nearest-exact", 3): "_upsample_nearest_exact3d",
    ("linear", 1): "upsample_linear1d", ("bilinear", 2): "upsample_bilinear2d",
    ("trilinear", 3): "upsample_trilinear3d", ("bicubic", 2): "upsample_bicubic2d",
}  # fmt: skip
_ANTIALIASED = {
    ("bilinear", 2): "_upsample_bilinear2d_aa", ("bicubic", 2): "_upsample_bicubic2d_aa",
}  # fmt: skip


def _interpolation(
    x: Any,
    size: Any,
    factor: Any,
    mode: str,
    align: bool | None,
    recompute: bool | None,
    antialias: bool,
) -> tuple[Any, tuple[Any, ...]]:
    """The operator of torch.nn.functional.interpolate and its arguments."""
    count = len(x.shape) - 2
    name = (_ANTIALIASED if antialias else _OPERATORS).get((mode, count))
    if name is None:
        raise UnsupportedError(
            f"interpolate: mode {mode!r} over {count} dims, antialias {antialias}"
        )
    sizes = [size] * count if isinstance(size, int) else size
    factors = [factor] * count if isinstance(factor, int | float) else factor
    target = target_size(x, sizes, factors)
    used = [None] * count if factors is None or recompute else list(factors)
    aligned = () if mode.startswith("nearest") else (bool(align),)
    return OPS[name], (target, *aligned, *used)


def _interpolate(schema: str) -> None:
    def reference(x: Array, *args: Any) -> Any:
        function, rest = _interpolation(x, *args)
        return function.reference(x, *rest)

    def infer(x: TensorType, *args: Any) -> Any:
        function, rest = _interpolation(x, *args)
        return function.infer(x, *rest)

    def build(emit: Emitter, x: Any, *args: Any) -> Any:
        function, rest = _interpolation(emit.type(x), *args)
        return emit(function, x, *rest)

    op(schema, reference=reference, infer=infer, lower=Decompose(build))


_interpolate(
    "aten::__interpolate(Tensor input, int? size=None, float? scale_factor=None, str "
    'mode="nearest", bool? align_corners=None, bool? recompute_scale_factor=None, bool '
    "antialias=False) -> Tensor"
)
_interpolate(
    "aten::__interpolate.scale_list(Tensor input, int? size=None, float[]? "
    'scale_factor=None, str mode="nearest", bool? align_corners=None, bool? '
    "recompute_scale_factor=None, bool antialias=False) -> Tensor"
)
_interpolate(
    "aten::__interpolate.size_list_scale_list(Tensor input, int[]? size=None, float[]? "
    'scale_factor=None, str mode="nearest", bool? align_corners=None, bool? '
    "recompute_scale_factor=None, bool antialias=False) -> Tensor"
)
_interpolate(
    "aten::__interpolate.size_list(Tensor input, int[]? size=None, float? "
    'scale_factor=None, str mode="nearest", bool? align_corners=None, bool? '
    "recompute_scale_factor=None, bool antialias=False) -> Tensor"
)
