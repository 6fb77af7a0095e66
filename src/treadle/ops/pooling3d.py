"""Pooling over three dims."""

from __future__ import annotations

from treadle.ops.adaptive_pooling import adaptive_averaging
from treadle.ops.declare import op
from treadle.ops.pooling import avg_pooling, max_pooling
from treadle.ops.samples import f32

max_pool3d = op(
    "aten::max_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, "
    "int[3] dilation=1, bool ceil_mode=False) -> Tensor",
    **max_pooling("max_pool3d", 3),
    samples=(
        (f32(1, 2, 4, 5, 6), [2, 2, 2], [], [0], [1], False),
        (f32(2, 4, 5, 6), [3], [2], [1], [1], True),
    ),
    kinds="if",
)
avg_pool3d = op(
    "aten::avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, "
    "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
    **avg_pooling("avg_pool3d", 3),
    samples=(
        (f32(1, 2, 4, 5, 6), [2, 2, 2], [], [0], False, True, None),
        (f32(1, 2, 4, 5, 6), [3], [2], [1], False, False, None),
    ),
    kinds="ld",
)
adaptive_avg_pool3d = op(
    "aten::adaptive_avg_pool3d(Tensor self, int[3] output_size) -> Tensor",
    **adaptive_averaging("adaptive_avg_pool3d", 3),
    samples=((f32(1, 2, 4, 5, 6), [2, 3, 1]), (f32(2, 4, 4, 4), [1, 1, 1])),
    kinds="f",
)
