"""The names that a function has given values, by block of its source."""

from __future__ import annotations

from treadle.frontends.torchscript.symbols import Item
from treadle.ir.types import Type


class Frame:
    """The names of one block; those of the blocks around it are seen through it.

    Attributes:
        assigned: names that the block gave a new value, as opposed to a refined type.
        declared: types that annotations gave to names.
    """

    def __init__(self, parent: Frame | None = None) -> None:
        self.parent = parent
        self.values: dict[str, Item] = {}
        self.assigned: set[str] = set()
        self.declared: dict[str, Type] = {}

    def lookup(self, name: str) -> Item | None:
        """What `name` stands for here, or None."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.values:
                return frame.values[name]
            frame = frame.parent
        return None

    def declared_type(self, name: str) -> Type | None:
        """The type that an annotation gave to `name`, or None."""
        frame: Frame | None = self
        while frame is not None:
            if name in frame.declared:
                return frame.declared[name]
            frame = frame.parent
        return None

    def assign(self, name: str, item: Item) -> None:
        """Give `name` a new value."""
        self.values[name] = item
        self.assigned.add(name)

    def refine(self, name: str, item: Item) -> None:
        """Let `name` stand for the same value with a narrower type."""
        self.values[name] = item
