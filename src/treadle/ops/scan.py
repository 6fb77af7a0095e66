"""Running sums and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.dtypes import f32 as f32_dtype
from treadle.ir.dtypes import f64 as f64_dtype
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.expr import cast
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Scan
from treadle.ops.promotion import accumulation, dtype_of
from treadle.ops.samples import boolean, f16, f32, i64
from treadle.ops.shapes import dtype_from_code, tensor, wrap_dim

Array = np.ndarray[Any, Any]


def _running(schema: str, name: str, function: Any, combine: str) -> None:
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

    def element(result: TensorType, x: Expr, *_: Any) -> Expr:
        """In twice the precision, which costs nothing and is what torch does."""
        wide = f64_dtype if result.element == f32_dtype else accumulation(result.element)
        return cast(cast(x, result.element), wide)

    def scanned(result: TensorType, x: TensorType, dim: int, *_: Any) -> int:
        return wrap_dim(name, dim, len(x.sizes))

    inplace(
        op(
            schema,
            reference=reference,
            infer=infer,
            lower=Scan(scanned, element, combine),
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
    "sum",
)
_running(
    "aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
    "cumprod",
    np.cumprod,
    "prod",
)
