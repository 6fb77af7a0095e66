"""Questions about dtypes, and what TorchScript answers or drops without a look at values."""

from __future__ import annotations

from typing import Any

from treadle.ir.dtypes import f32
from treadle.ops.container import define_builtin
from treadle.ops.inplace import can_cast
from treadle.ops.promotion import promote, result_dtype
from treadle.ops.shapes import dtype_from_code


def _dtype(code: int) -> Any:
    return dtype_from_code("dtype", code, f32)


define_builtin(
    "aten::can_cast(ScalarType from_, ScalarType to) -> bool",
    lambda given, wanted: can_cast(_dtype(given), _dtype(wanted)),
)
define_builtin(
    "aten::promote_types(ScalarType type1, ScalarType type2) -> ScalarType",
    lambda a, b: promote(_dtype(a), _dtype(b)).code,
)
define_builtin(
    "aten::result_type.Scalar_Scalar(Scalar scalar1, Scalar scalar2) -> ScalarType",
    lambda a, b: result_dtype(a, b).code,
)
define_builtin("aten::has_torch_function(...) -> bool", lambda *values: False)
define_builtin("aten::is_vulkan_available() -> bool", lambda: False)
define_builtin("prim::rangelist(int n) -> int[]", lambda n: list(range(n)))


for _schema in ("_assert_async(Tensor self)", "_assert_async.msg(Tensor self, str assert_msg)"):
    define_builtin(f"aten::{_schema} -> ()", lambda *values: None)  # TorchScript drops them
