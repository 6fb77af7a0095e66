"""The classes of results of several tensors: named tuples, shown as torch shows them."""

from __future__ import annotations

import functools
from collections import namedtuple
from typing import Any


@functools.cache
def return_type(name: str, fields: tuple[str, ...]) -> type[tuple[Any, ...]]:
    """The class of what the function `name` gives: a tuple with these names for its parts."""
    base: Any = namedtuple(name, fields)  # type: ignore[misc]

    def show(self: Any) -> str:
        parts = ",\n".join(f"{field}={part!r}" for field, part in zip(fields, self, strict=True))
        return f"treadle.return_types.{name}(\n{parts})"

    members = {"__slots__": (), "__repr__": show, "__module__": __name__}
    made: type[tuple[Any, ...]] = type(name, (base,), members)
    return made
