"""Fourier transforms: ``torch.fft``'s functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from treadle.eager import namespaces

if TYPE_CHECKING:
    from treadle._fft import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        function = globals()[name] = namespaces.find("fft", name)
        return function


def __dir__() -> list[str]:
    return namespaces.names("fft")
