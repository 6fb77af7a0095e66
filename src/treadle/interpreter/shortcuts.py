"""How the interpreter runs an operator: its reference, with strides as PyTorch's, or a shorter way.

Short ways are for operators that no plan runs: views, single numbers, copies. Each takes the usual
case in a few steps of NumPy, and leaves all else, errors too, to the operator's reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.ir.formats import laid_out, operand_of, suggested_format
from treadle.ir.op import OpDef
from treadle.ir.strides import dense_strides, same_strides
from treadle.ops import OPS
from treadle.passes.abstract import arrays_in
from treadle.passes.stride_rules import (
    argument_of,
    asks_for_format,
    base_of,
    places_results,
    result_strides,
    takes_memory_format,
)  # fmt: skip

Array = np.ndarray[Any, Any]
_ALL = (slice(None),)
_ways: dict[OpDef, Callable[..., Any]] = {}


def reference(op: OpDef) -> Callable[..., Any]:
    """What gives the result of `op` on arrays and Python values."""
    way = _ways.get(op)
    if way is None:
        assert op.reference is not None
        if places_results(op):
            way = _placing(op)
        elif takes_memory_format(op):
            way = _formatting(op)
        else:
            way = op.reference
        _ways[op] = way
    return way


def _placing(op: OpDef) -> Callable[..., Any]:
    """The reference of `op`, with results whose elements lie where PyTorch puts them."""
    full = op.reference
    assert full is not None
    takes_format = takes_memory_format(op)

    def run(*args: Any) -> Any:
        result = full(*args)
        if takes_format and asks_for_format(op, args):
            return _placed(op, result, args)
        if type(result) is tuple:
            return tuple(_placed(op, r, args) if type(r) is np.ndarray else r for r in result)
        if type(result) is not np.ndarray or result.ndim < 2:
            return result
        if result.flags.c_contiguous and all(a.flags.c_contiguous for a in arrays_in(args)):
            return result
        return _placed(op, result, args)

    return run


def _formatting(op: OpDef) -> Callable[..., Any]:
    """The reference of `op`, which may give its argument, in the memory format asked for."""
    full = op.reference
    assert full is not None
    is_conversion = base_of(op) == "to"

    def run(*args: Any) -> Any:
        result = full(*args)
        if not asks_for_format(op, args):
            return result
        if is_conversion and result is args[0]:
            format_asked = argument_of(op, args, "memory_format")
            if suggested_format(*operand_of(result)) == format_asked:
                return result
        return _placed(op, result, args)

    return run


def _placed(op: OpDef, result: Array, args: tuple[Any, ...]) -> Array:
    """`result`, copied if PyTorch's has other strides."""
    operands = [operand_of(a) for a in arrays_in(args)]
    wanted = result_strides(op, result.shape, operands, args) or dense_strides(result.shape)
    if same_strides(result.shape, operand_of(result)[1], wanted):
        return result
    placed = laid_out(np.empty(result.nbytes, np.uint8), result.dtype, result.shape, wanted)
    np.copyto(placed, result)
    return placed


def _shortcut(name: str) -> Callable[[Callable[..., Any]], None]:
    """Let a function, which gives None for what it leaves to the reference, speak for `name`."""
    op = OPS[name]
    full = op.reference
    assert full is not None

    def add(short: Callable[..., Any]) -> None:
        def shortened(*args: Any) -> Any:
            result = short(*args)
            return full(*args) if result is None else result

        _ways[op] = shortened

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
