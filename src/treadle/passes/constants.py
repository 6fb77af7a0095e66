"""Types of constants that passes make."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.dtypes import from_numpy
from treadle.ir.literals import literal_type
from treadle.ir.subtype import is_assignable
from treadle.ir.types import TensorType, Type


def constant_type(value: Any, declared: Type) -> Type:
    """The most exact type of `value` that still fits what was declared."""
    exact: Type | None = literal_type(value)
    if isinstance(value, np.ndarray):
        exact = TensorType(from_numpy(value.dtype), value.shape)
    return exact if exact is not None and is_assignable(exact, declared) else declared
