"""Special functions: those of ``torch.special``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from treadle.eager import namespaces

if TYPE_CHECKING:
    from treadle._special import *  # noqa: F403
else:

    def __getattr__(name: str) -> Any:
        function = globals()[name] = namespaces.find("special", name)
        return function


def __dir__() -> list[str]:
    return namespaces.names("special")
