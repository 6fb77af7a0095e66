"""Functions that torch's Python interface writes otherwise than the operators below them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.eager.dtypes import as_dtype, as_element, dtype
from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.ops.inplace import can_cast as _can_cast
from treadle.ops.promotion import promote
from treadle.tensor import Size, Tensor


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


def unique(
    input: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in order; also where each element is among them, and how often.

    Raises:
        UnsupportedError: if `dim` is given: distinct slices are not supported.
    """
    if dim is not None:
        raise UnsupportedError("unique: argument dim")
    found = FUNCTIONS["_unique2"](input, sorted, return_inverse, return_counts)
    wanted = (True, return_inverse, return_counts)
    chosen = tuple(t for t, is_wanted in zip(found, wanted, strict=True) if is_wanted)
    return chosen if len(chosen) > 1 else chosen[0]


def argwhere(input: Any) -> Tensor:
    """The positions of elements that are not zero, one a row."""
    result: Tensor = FUNCTIONS["nonzero"](input)
    return result


def is_nonzero(input: Any) -> bool:
    """Whether the only element of a tensor is not zero."""
    return bool(Tensor(input).item())


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape to which tensors of these shapes broadcast.

    Raises:
        ShapeError: if they do not.
    """
    sizes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    try:
        return Size(np.broadcast_shapes(*sizes))
    except ValueError:
        listed = ", ".join(str(list(s)) for s in sizes)
        raise ShapeError(f"broadcast_shapes: {listed} do not broadcast") from None


ADAPTERS: dict[str, Callable[..., Any]] = {
    "argwhere": argwhere,
    "broadcast_shapes": broadcast_shapes,
    "can_cast": can_cast,
    "is_nonzero": is_nonzero,
    "norm": norm,
    "promote_types": promote_types,
    "unique": unique,
}
