"""Functions that torch's Python interface writes otherwise than the operators below them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.eager.dtypes import as_dtype, as_element, dtype
from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError
from treadle.ops.inplace import can_cast as _can_cast
from treadle.ops.promotion import promote
from treadle.tensor import Tensor


def norm(
    input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The p-norm of all elements, or along `dim`.

    Source:
        torch.norm; of its matrix norms only ``"fro"``, which is the 2-norm of all elements.
    """
    if isinstance(p, str) and p != "fro":
        raise InputError(f"norm: argument p must be a number or 'fro', got {p!r}")
    order = 2 if isinstance(p, str) or p is None else p
    result: Tensor = FUNCTIONS["linalg_vector_norm"](input, order, dim, keepdim, dtype=dtype)
    return result


def promote_types(type1: Any, type2: Any) -> dtype:
    """The dtype that holds values of both."""
    return as_dtype(promote(as_element(type1), as_element(type2)).torch_name)


def can_cast(from_: Any, to: Any) -> bool:
    """Whether an operator may write values of one dtype into a tensor of the other."""
    return _can_cast(as_element(from_), as_element(to))


ADAPTERS: dict[str, Callable[..., Any]] = {
    "norm": norm,
    "promote_types": promote_types,
    "can_cast": can_cast,
}
