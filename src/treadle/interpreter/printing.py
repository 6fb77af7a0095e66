"""The one place where a script's ``print`` writes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from treadle.ops.string import format_value


def print_values(values: Sequence[Any]) -> None:
    """Write `values` to standard output as TorchScript does, a space between them."""
    sys.stdout.write(" ".join(map(format_value, values)) + "\n")
