"""Families of functions of floating numbers that are computed in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.ir import dtypes
from treadle.ir.dtypes import DType
from treadle.ir.op import OpDef
from treadle.ir.schema import parse_schema
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.pointwise import Body, Result, pointwise
from treadle.ops.promotion import KINDS, check_kind, floating, result_dtype
from treadle.ops.samples import f16, f32, f64, i64
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]
Samples = tuple[tuple[Any, ...], ...]


def of_one(
    name: str,
    body: Body,
    low: float,
    high: float,
    *,
    half: bool = True,
    whole: bool = False,
    argument: str = "self",
    samples: Samples = (),
) -> OpDef:
    """Define ``body(f, x)`` of one number; `x` arrives as f64.

    Samples are drawn from ``[low, high)``; `half`: torch has it for 16-bit floats too; `whole`: it
    has it for complex numbers, which arrive as they are.
    """

    def in_doubles(f: Any, x: Any) -> Any:
        if whole and f.dtype(x).is_complex:
            return body(f, x)
        return body(f, f.cast(x, dtypes.f64))

    return pointwise(
        f"aten::{name}(Tensor {argument}) -> Tensor",
        in_doubles,
        result=Result.FLOAT,
        samples=(
            (f32(3, 7, low=low, high=high),),
            (f64(17, low=low, high=high),),
            *(((f16(5, low=low, high=high),),) if half else ()),
            (f32(low=low, high=high),),
            (f32(0, 4),),
            (i64(5, low=1, high=4),),
            *samples,
        ),
        kinds=KINDS if whole else "bif" if half else "bid",
    )


def in_numpy(
    schema: str,
    function: Callable[..., Array],
    samples: Samples,
    *,
    check: Callable[..., None] = lambda *_: None,
    lower: Any = None,
    kinds: str = "bif",
) -> OpDef:
    """Define ``function(*arguments)`` by NumPy; tensors and numbers arrive as f64 arrays.

    Arguments of type int arrive as they are. The result is of the promoted floating dtype.
    ``check(*arguments)`` raises for what is not allowed; `lower`, if any, is as in `OpDef`;
    `kinds`: of numbers that the operands may promote to.
    """
    parsed = parse_schema(schema)
    plain = [str(a.type) == "int" for a in parsed.arguments]

    def result_type(operands: list[Any]) -> DType:
        promoted = result_dtype(*operands)
        check_kind(parsed.base, kinds, promoted)
        return floating(promoted)

    def infer(*args: Any) -> TensorType:
        check(*args)
        operands = [a for a, is_int in zip(args, plain, strict=True) if not is_int]
        shapes = [a.sizes for a in operands if isinstance(a, TensorType)]
        return tensor(result_type(operands), broadcast(parsed.base, *shapes))

    def reference(*args: Any) -> Array:
        check(*args)
        operands = [a for a, is_int in zip(args, plain, strict=True) if not is_int]
        dtype = result_type(operands)
        broadcast(parsed.base, *(a.shape for a in operands if isinstance(a, np.ndarray)))
        wide = [
            a if is_int else np.asarray(a, np.float64)
            for a, is_int in zip(args, plain, strict=True)
        ]
        return np.asarray(function(*wide)).astype(dtype.numpy)

    return op(schema, reference=reference, infer=infer, lower=lower, samples=samples)
