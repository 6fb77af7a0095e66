"""Tensors of a module that plans hold packed: nobody may write into them any more.

A write into a tensor that was packed would be seen by some operators and not by others. So what
`freeze` makes a constant is read-only from then on, and so is what Python gets of a module, unless
the module itself changes it: that is read in every run, and a write takes effect as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def seal(value: Any) -> None:
    """Make the arrays in a value read-only; not those of objects in it."""
    if isinstance(value, np.ndarray):
        value.flags.writeable = False
    elif isinstance(value, list | tuple):
        for each in value:
            seal(each)
    elif isinstance(value, dict):
        for each in value.values():
            seal(each)


def read_only(value: Any) -> Any:
    """`value` with views for the arrays in it, into which nobody can write."""
    if isinstance(value, np.ndarray):
        view = value.view()
        view.flags.writeable = False
        return view
    if isinstance(value, list):
        return [read_only(v) for v in value]
    if type(value) is tuple:
        return tuple(map(read_only, value))
    if isinstance(value, dict):
        return {k: read_only(v) for k, v in value.items()}
    return value
