"""Views that are remembered: in contiguous memory a view's place depends on shapes alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.passes.abstract import Unplannable
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]
Place = tuple[tuple[int, ...], tuple[int, ...], int]

MAX_PLACES = 64


class ViewCall:
    """A call of an operator that gives a view of its only tensor, or several; called as a program.

    Args:
        run: makes the view in any case, slowly.
    """

    __slots__ = ("_places", "_run")

    def __init__(self, run: Callable[[Sequence[Any]], Any]) -> None:
        self._run = run
        self._places: dict[tuple[tuple[int, ...], int], Place | list[Place]] = {}

    def __call__(self, tensor: Any) -> tuple[Any]:
        """The view, or the tuple of views, alone in a tuple."""
        array = tensor._array if type(tensor) is Tensor else tensor
        if type(array) is not np.ndarray or not array.flags.c_contiguous:
            return (self._run((tensor,)),)
        place = self._places.get((array.shape, array.itemsize))
        if place is None:
            result = self._run((tensor,))
            self._remember(array, result)
            return (result,)
        dtype = array.dtype
        if isinstance(place, list):
            return (tuple([Tensor(np.ndarray(n, dtype, array, o, s)) for n, s, o in place]),)
        shape, strides, offset = place
        return (Tensor(np.ndarray(shape, dtype, array, offset, strides)),)

    def _remember(self, array: Array, result: Any) -> None:
        """Keep the places of the views if they lie in `array`, with elements of the same dtype."""
        views = result if isinstance(result, tuple) else (result,)
        if not array.size or not all(_lies_in(array, view) for view in views):
            return
        if len(self._places) >= MAX_PLACES:
            self._places.clear()
        start = array.ctypes.data
        places = [
            (v._array.shape, v._array.strides, v._array.ctypes.data - start if v._array.size else 0)
            for v in views
        ]
        key = array.shape, array.itemsize
        self._places[key] = places if isinstance(result, tuple) else places[0]


def _lies_in(array: Array, view: Any) -> bool:
    if not isinstance(view, Tensor) or view._array is array or view._array.dtype != array.dtype:
        return False
    return not view._array.size or np.may_share_memory(view._array, array)


class InPlaceCall:
    """A call of an in-place operator: the result of the functional one, written into `tensor`.

    Args:
        program: the functional operator's.
        run: does it in any case, slowly.
    """

    __slots__ = ("_program", "_run")

    def __init__(self, program: Callable[..., Any], run: Callable[[Sequence[Any]], Any]) -> None:
        self._program, self._run = program, run

    def __call__(self, tensor: Any, *others: Any) -> tuple[Any]:
        """The tensor that was written into, alone in a tuple."""
        target = tensor._array if type(tensor) is Tensor else tensor
        if type(target) is not np.ndarray or not target.flags.writeable:
            return (self._run((tensor, *others)),)
        try:
            result = self._program(tensor, *others)[0]._array
        except Unplannable:
            return (self._run((tensor, *others)),)
        if result.dtype != target.dtype or result.shape != target.shape:
            return (self._run((tensor, *others)),)
        np.copyto(target, result)
        return (tensor,)


class CastCall:
    """A call of ``to(dtype)``: the tensor itself if it has that dtype.

    Args:
        program: that of a copy in `dtype`, NumPy's.
        run: does it in any case, slowly.
    """

    __slots__ = ("_dtype", "_program", "_run")

    def __init__(
        self, program: Callable[..., Any], run: Callable[[Sequence[Any]], Any], dtype: Any
    ) -> None:
        self._program, self._run, self._dtype = program, run, dtype

    def __call__(self, tensor: Any, _: Any) -> tuple[Any]:
        """The converted tensor, alone in a tuple."""
        if tensor._array.dtype == self._dtype:
            return (tensor,)
        try:
            result: tuple[Any] = self._program(tensor)
        except Unplannable:
            return (self._run((tensor,)),)
        return result
