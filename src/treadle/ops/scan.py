"""Running sums and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import boolean, f16, f32, i64
from treadle.ops.shapes import dtype_from_code, tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _running(schema: str, name: str, function: Any, combine: str, neutral: int) -> None:
    """A scan along one dim; integers become i64."""

    def infer(x: TensorType, dim: int, dtype: int | None) -> TensorType:
        wrap_dim(name, dim, len(x.sizes))
        wide = x.element.is_floating or x.element.is_complex
        default = x.element if wide else i64_dtype
        return tensor(dtype_from_code(name, dtype, default), x.sizes)

    def reference(x: Array, dim: int, dtype: int | None) -> Array:
        final = infer(tensor(dtype_of(x), x.shape), dim, dtype).element
        wide = x.astype(accumulation(final).numpy)
        result = function(wide.reshape(x.shape or (1,)), axis=dim).reshape(x.shape)
        return np.asarray(result.astype(final.numpy))

    def build(emit: Emitter, x: Any, dim: int, dtype: int | None) -> Any:
        """By doubling: after step s, each element has combined the 2 * s elements up to it."""
        final = infer(emit.type(x), dim, dtype)
        if not final.sizes or 0 in final.sizes:
            return emit("to.dtype", x, final.element.code, False, True, None)
        axis = wrap_dim(name, dim, len(final.sizes))
        size, sides = final.sizes[axis], [0] * (2 * (len(final.sizes) - axis))
        y = emit("to.dtype", x, accumulation(final.element).code, False, False, None)
        step = 1
        while step < size:
            sides[-2] = step
            behind = emit("narrow", y, axis, 0, size - step)
            behind = emit("constant_pad_nd", behind, list(sides), neutral)
            y = emit(combine, y, behind, *([1] if combine == "add.Tensor" else []))
            step *= 2
        return emit("to.dtype", y, final.element.code, False, False, None)

    inplace(
        op(
            schema,
            reference=reference,
            infer=infer,
            lower=Decompose(build),
            samples=(
                (f32(3, 7), 1, None),
                (i64(5), -1, None),
                (f32(), 0, None),
                (f32(0, 2), 0, None),
                (boolean(4), 0, None),
                (f16(5), 0, None),
            ),
        )
    )


_running(
    "aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
    "cumsum",
    np.cumsum,
    "add.Tensor",
    0,
)
_running(
    "aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
    "cumprod",
    np.cumprod,
    "mul.Tensor",
    1,
)
