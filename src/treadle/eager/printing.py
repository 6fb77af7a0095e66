"""How a tensor is shown: as torch does, over NumPy's formatting of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.eager.dtypes import dtype_of_array

_PREFIX = "tensor("
_THRESHOLD = 1000  # more elements are summarised
_UNSAID = ("float32", "int64", "bool", "complex64")  # what values of this look tell of themselves


def format_array(array: np.ndarray[Any, Any]) -> str:
    """``tensor([1., 2.])``, with size and dtype where the values do not show them."""
    dtype = dtype_of_array(array)
    parts = [_values(array if array.dtype.kind in "biufc" else array.astype(np.float32))]
    if array.size > _THRESHOLD or (not array.size and array.shape != (0,)):
        parts.append(f"size={tuple(array.shape)}")
    if dtype._element.torch_name not in _UNSAID or (not array.size and array.dtype != np.float32):
        parts.append(f"dtype={dtype}")
    return f"{_PREFIX}{', '.join(parts)})"


def _values(array: np.ndarray[Any, Any]) -> str:
    if not array.size:
        return "[]"
    with np.errstate(all="ignore"):
        finite = array[np.isfinite(array)] if array.dtype.kind in "fc" else array
        whole = array.dtype.kind not in "fc" or bool((finite == np.round(finite)).all())
    return np.array2string(
        array,
        max_line_width=80,
        precision=4,
        separator=", ",
        prefix=_PREFIX,
        threshold=_THRESHOLD,
        edgeitems=3,
        floatmode="maxprec_equal" if whole else "fixed",
    )
