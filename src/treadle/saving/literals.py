"""Python values as TorchScript source."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from treadle.errors import UnsupportedError
from treadle.ir.program import EnumValue
from treadle.ops.device import Device


class Literals:
    """Writes values; those without a literal go into `constants`, which the archive holds."""

    def __init__(self, constants: list[Any]) -> None:
        self._constants = constants

    def literal(self, value: Any) -> str:
        """A Python value as source."""
        match value:
            case None | bool() | int():
                return str(value)
            case float():
                return repr(value) if math.isfinite(value) else _unusual(value)
            case complex():
                return f"torch.Complex({self.literal(value.real)}, {self.literal(value.imag)})"
            case str() if value.isascii() and value.isprintable():
                escaped = value.replace("\\", "\\\\").replace('"', '\\"')
                return f'"{escaped}"'
            case EnumValue(cls, name, _):
                return f"{cls.name}.{name}"
            case Device():
                return f'torch.device("{value}")'
            case tuple():
                return f"({''.join(self.literal(part) + ', ' for part in value)})"
            case list():
                return f"[{', '.join(map(self.literal, value))}]"
            case dict():
                pairs = (f"{self.literal(k)}: {self.literal(v)}" for k, v in value.items())
                return f"{{{', '.join(pairs)}}}"
        return self._shared(value)

    def _shared(self, value: Any) -> str:
        if not isinstance(value, (str, np.ndarray)):
            raise UnsupportedError(f"a constant {type(value).__name__} cannot be saved")
        for number, known in enumerate(self._constants):
            if known is value:
                return f"CONSTANTS.c{number}"
        self._constants.append(value)
        return f"CONSTANTS.c{len(self._constants) - 1}"


def _unusual(value: float) -> str:
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
