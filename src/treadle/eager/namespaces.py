"""``treadle.linalg``, ``fft`` and ``special``: operators by their names without a prefix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.eager.table import FUNCTIONS, function_names
from treadle.left_out import missing


def find(module: str, name: str) -> Callable[..., Any]:
    """The function `name` of torch's module `module`.

    Raises:
        AttributeError: if there is no such operator.
    """
    if not name.startswith("_"):
        try:
            return FUNCTIONS[f"{module}_{name}"]
        except KeyError:
            pass
    raise AttributeError(missing(f"module 'treadle.{module}'", name))


def names(module: str) -> list[str]:
    """The functions of torch's module `module`."""
    prefix = f"{module}_"
    return [n[len(prefix) :] for n in function_names() if n.startswith(prefix)]
