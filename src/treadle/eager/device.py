"""Where tensors are, and modes of autograd: there is one device and no autograd."""

from __future__ import annotations

from contextlib import ContextDecorator
from typing import Any

from treadle.errors import InputError


class device:  # noqa: N801  torch's name, which scripts use in isinstance
    """The place of a tensor: ``device("cpu")``.

    Raises:
        InputError: for any other place.
    """

    __slots__ = ()
    type = "cpu"
    index = None

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        if str(type).partition(":")[0] != "cpu":
            raise InputError(f"there is only the device cpu, got {str(type)!r}")

    def __repr__(self) -> str:
        return "device(type='cpu')"

    def __str__(self) -> str:
        return "cpu"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device)

    def __hash__(self) -> int:
        return hash(device)


CPU = device()


class no_grad(ContextDecorator):  # noqa: N801  torch's name
    """A block, or a function, in which no gradients are recorded: as everywhere in Treadle."""

    def __enter__(self) -> None:
        """Change nothing."""

    def __exit__(self, *error: object) -> None:
        """Change nothing."""


class inference_mode(no_grad):  # noqa: N801  torch's name
    """As `no_grad`; also ``inference_mode(True)``."""

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode


class enable_grad(no_grad):  # noqa: N801  torch's name
    """As `no_grad`: there are no gradients to enable."""


class set_grad_enabled(no_grad):  # noqa: N801  torch's name
    """As `no_grad`, whatever `mode` says."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode


def is_grad_enabled() -> bool:
    """False: Treadle records no gradients."""
    return False


def is_inference_mode_enabled() -> bool:
    """True: there is no other mode."""
    return True
