"""Views that are remembered: in contiguous memory a view's place depends on shapes alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]
Place = tuple[tuple[int, ...], tuple[int, ...], int]

MAX_PLACES = 64


class ViewCall:
    """A call of an operator that gives a view of its only tensor; called as a program is.

    Args:
        run: makes the view in any case, slowly.
    """

    __slots__ = ("_places", "_run")

    def __init__(self, run: Callable[[Sequence[Any]], Any]) -> None:
        self._run = run
        self._places: dict[tuple[tuple[int, ...], int], Place] = {}

    def __call__(self, tensor: Any) -> tuple[Any]:
        """The view alone in a tuple."""
        array = tensor._array if type(tensor) is Tensor else tensor
        if type(array) is not np.ndarray or not array.flags.c_contiguous:
            return (self._run((tensor,)),)
        place = self._places.get((array.shape, array.itemsize))
        if place is None:
            view = self._run((tensor,))
            self._remember(array, view)
            return (view,)
        shape, strides, offset = place
        return (Tensor(np.ndarray(shape, array.dtype, array, offset, strides)),)

    def _remember(self, array: Array, view: Any) -> None:
        """Keep the place of `view` if it lies in `array`, with elements of the same dtype."""
        if not isinstance(view, Tensor) or view._array is array or view._array.dtype != array.dtype:
            return
        if not np.may_share_memory(view._array, array):
            return
        if len(self._places) >= MAX_PLACES:
            self._places.clear()
        offset = view._array.ctypes.data - array.ctypes.data
        key = array.shape, array.itemsize
        self._places[key] = view._array.shape, view._array.strides, offset
