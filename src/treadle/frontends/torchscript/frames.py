"""The names that a function has given values, by block; what conditions tell of their types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from treadle.frontends.torchscript.symbols import Item
from treadle.ir.graph import Value
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


@dataclass(slots=True)
class Condition:
    """A condition: its value, whether it is known, and what it tells of names' types."""

    make: Callable[[], Value]
    known: bool | None = None
    when_true: dict[str, Type] = field(default_factory=dict)
    when_false: dict[str, Type] = field(default_factory=dict)

    def negated(self, make: Callable[[], Value]) -> Condition:
        """The opposite condition, whose value `make` imports."""
        known = None if self.known is None else not self.known
        return Condition(make, known, self.when_false, self.when_true)
