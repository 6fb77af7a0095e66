"""What the pickles of an archive hold, besides Python's own values and NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class PickledObject:
    """An instance of a class of the archive (or of ``torch.classes``), compared by identity.

    `state` is what the pickle gives to restore it: usually a dict of attributes, else the argument
    of the class's ``__setstate__``; None if the pickle gives none.
    """

    type_name: str
    state: object = None


@dataclass(frozen=True, slots=True)
class PickledEnum:
    """The member with `value` of an enumeration of the archive."""

    type_name: str
    value: object


@dataclass(frozen=True, slots=True)
class Device:
    """A ``torch.device``; `index` is None where the text has none."""

    type: str
    index: int | None = None

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"
