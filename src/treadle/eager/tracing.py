"""`trace`, which torch and Treadle call two things."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any, overload

import numpy as np

from treadle import runtime
from treadle.eager.table import FUNCTIONS
from treadle.runtime.trace import CAPACITY
from treadle.tensor import Tensor


@overload
def trace(input: Tensor | np.ndarray[Any, Any]) -> Tensor: ...


@overload
def trace(
    path: str | os.PathLike[str] | None = None, *, capacity: int = CAPACITY
) -> AbstractContextManager[runtime.Trace]: ...


def trace(*args: Any, **kwargs: Any) -> Any:
    """Of a matrix, the sum of its diagonal; of a path or nothing, a recording of all threads.

    ``with treadle.trace("trace.json"):`` records while the block runs; see `runtime.trace`.
    ``treadle.trace(x)`` is torch's.
    """
    if "input" in kwargs or (args and hasattr(args[0], "__dlpack__")):
        return FUNCTIONS["trace"](*args, **kwargs)
    return runtime.trace(*args, **kwargs)


trace.__module__ = "treadle"  # scripts find the operator by it
