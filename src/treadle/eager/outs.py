"""The argument `out`: tensors that results are written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.eager.dtypes import as_dtype
from treadle.errors import InputError, ShapeError
from treadle.ir.strides import check_not_expanded
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]


def put(function: str, result: Array, out: Any) -> None:
    """Write `result` to `out`, a tensor or an array, cast to its dtype.

    A tensor without elements gets the shape of the result, as in torch; there, others do too.

    Raises:
        ShapeError: if the shapes differ.
    """
    target = out._array if isinstance(out, Tensor) else out
    if isinstance(out, Tensor) and not target.size and target.shape != result.shape:
        out._array = result.astype(target.dtype)
        return
    if target.shape != result.shape:
        raise ShapeError(
            f"{function}: a result of shape {list(result.shape)} does not fit into out of shape"
            f" {list(target.shape)}"
        )
    np.copyto(target, result, casting="unsafe")


def made_into(
    function: Callable[..., Tensor], out: Any, dtype: Any, *args: Any, **options: Any
) -> Tensor:
    """`out`, after what `function` makes of its dtype was written to it.

    Raises:
        InputError: if `out` is no tensor, its memory is read-only, or `dtype` is not its own.
        ShapeError: if it has elements, but another shape.
    """
    name = function.__name__
    if not isinstance(out, Tensor):
        raise InputError(f"{name}: argument out must be a tensor, got {type(out).__name__}")
    if dtype is not None and as_dtype(dtype) is not out.dtype:
        raise InputError(f"{name}: argument dtype is {as_dtype(dtype)}, out has {out.dtype}")
    if not out._array.flags.writeable:
        raise InputError(f"{name}: the memory of out is read-only")
    check_not_expanded(name, "out", out._array)
    put(name, function(*args, dtype=out.dtype, **options)._array, out)
    return out
