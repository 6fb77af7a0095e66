"""Shorter ways to the result of operators that no plan runs: views, single numbers, copies.

Each takes the usual case in a few steps of NumPy, and leaves all else, errors too, to the
operator's reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.ir.op import OpDef
from treadle.ops import OPS

Array = np.ndarray[Any, Any]
_ALL = (slice(None),)
_shortcuts: dict[OpDef, Callable[..., Any]] = {}


def reference(op: OpDef) -> Callable[..., Any]:
    """What gives the result of `op` on arrays and Python values."""
    assert op.reference is not None
    return _shortcuts.get(op, op.reference)


def _shortcut(name: str) -> Callable[[Callable[..., Any]], None]:
    """Let a function, which gives None for what it leaves to the reference, speak for `name`."""
    op = OPS[name]
    full = op.reference
    assert full is not None

    def add(short: Callable[..., Any]) -> None:
        def shortened(*args: Any) -> Any:
            result = short(*args)
            return full(*args) if result is None else result

        _shortcuts[op] = shortened

    return add


@_shortcut("select.int")
def _select(x: Array, dim: int, index: int) -> Array | None:
    shape = x.shape
    if not 0 <= dim < len(shape) or not -shape[dim] <= index < shape[dim]:
        return None
    if dim == 0:
        return x[index, ...]
    place: Any = (*_ALL * dim, index, ...)
    result: Array = x[place]
    return result


@_shortcut("slice.Tensor")
def _slice(x: Array, dim: int, start: int | None, end: int | None, step: int) -> Array | None:
    if not 0 <= dim < x.ndim or step < 1:
        return None
    place = (*_ALL * dim, slice(start, end, step))
    return x[place]


@_shortcut("transpose.int")
def _transpose(x: Array, dim0: int, dim1: int) -> Array | None:
    rank = x.ndim
    fits = -rank <= dim0 < rank and -rank <= dim1 < rank
    return x.swapaxes(dim0, dim1) if fits else None


@_shortcut("permute")
def _permute(x: Array, dims: Sequence[int]) -> Array | None:
    return x.transpose(dims) if sorted(dims) == list(range(x.ndim)) else None


@_shortcut("t")
def _t(x: Array) -> Array | None:
    return x.T if x.ndim <= 2 else None


@_shortcut("unsqueeze")
def _unsqueeze(x: Array, dim: int) -> Array | None:
    rank = x.ndim
    if not -rank - 1 <= dim <= rank:
        return None
    place = (*_ALL * (dim % (rank + 1)), None, ...)
    return x[place]


@_shortcut("view")
def _view(x: Array, size: Sequence[int]) -> Array | None:
    if not x.flags.c_contiguous or not x.size or min(size, default=1) < 1:
        return None
    return x.reshape(size) if np.prod(size) == x.size else None


@_shortcut("item")
def _item(x: Array) -> Any:
    return x.item() if x.size == 1 else None


@_shortcut("Bool.Tensor")
def _bool(x: Array) -> bool | None:
    return bool(x.item()) if x.size == 1 else None


@_shortcut("Int.Tensor")
def _int(x: Array) -> int | None:
    return x.item() if x.size == 1 and x.dtype.kind == "i" else None


@_shortcut("Float.Tensor")
def _float(x: Array) -> float | None:
    return x.item() if x.size == 1 and x.dtype.kind == "f" else None


@_shortcut("copy_")
def _copy(x: Array, source: Array, non_blocking: bool) -> Array | None:
    if x.dtype != source.dtype or x.shape != source.shape:
        return None
    np.copyto(x, source)
    return x
