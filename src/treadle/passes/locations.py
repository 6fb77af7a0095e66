"""`Aliases`: which values may share memory, and who writes to it; made by `passes.alias`.

Every value points to a set of locations. A location is made by an operator's result, a constant,
an attribute, or comes from outside; lists, tuples, dictionaries, futures and objects are locations
too and have contents.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from treadle.ir.graph import Node, Value
from treadle.ir.types import (
    ANY,
    ClassType,
    DictType,
    FutureType,
    ListType,
    OptionalType,
    Primitive,
    TensorType,
    TupleType,
    Type,
    UnionType,
)

Location: TypeAlias = Hashable
OUTSIDE: Location = "outside"
"""All that the graph's parameters reach: callers may pass one tensor twice."""


def holds_memory(type_: Type) -> bool:
    """Whether values of the type can share memory or contain what can."""
    if isinstance(type_, TensorType):
        return True
    match type_:
        case OptionalType(element):
            return holds_memory(element)
        case TupleType(elements) | UnionType(elements):
            return any(map(holds_memory, elements))
        case ListType() | DictType() | FutureType() | ClassType():
            return True
        case Primitive():
            return type_ == ANY or type_.name in ("AnyListType", "AnyTupleType", "AnyClassType")
    return False


def is_container(type_: Type) -> bool:
    """Whether values of the type have contents."""
    if isinstance(type_, OptionalType):
        return is_container(type_.element)
    if isinstance(type_, UnionType):
        return any(map(is_container, type_.options))
    return holds_memory(type_) and not isinstance(type_, TensorType)


@dataclass(frozen=True, slots=True)
class Aliases:
    """What may share memory with what.

    Attributes:
        locations: of each value that holds memory.
        contents: of each location that has some.
        writers: the nodes that write to a location.
        outliving: locations that exist outside of the run.
        escaping: those, and locations of what the graph returns.
    """

    locations: Mapping[Value, frozenset[Location]]
    contents: Mapping[Location, frozenset[Location]]
    writers: Mapping[Location, tuple[Node, ...]]
    outliving: frozenset[Location]
    escaping: frozenset[Location]

    def reachable(self, value: Value) -> frozenset[Location]:
        """The locations of `value` and of all that it contains."""
        return closure(self.locations.get(value, ()), self.contents)

    def is_written(self, value: Value) -> bool:
        """Whether any node may write to what `value` reaches."""
        return any(location in self.writers for location in self.reachable(value))

    def escapes(self, value: Value) -> bool:
        """Whether what `value` reaches is visible outside of the run."""
        return not self.escaping.isdisjoint(self.reachable(value))

    def may_alias(self, a: Value, b: Value) -> bool:
        """Whether a write to what one reaches may be seen through the other."""
        return not self.reachable(a).isdisjoint(self.reachable(b))


def closure(
    start: Iterable[Location], contents: Mapping[Location, Iterable[Location]]
) -> frozenset[Location]:
    """`start` and all that is in it."""
    found = set(start)
    pending = list(found)
    while pending:
        for location in contents.get(pending.pop(), ()):
            if location not in found:
                found.add(location)
                pending.append(location)
    return frozenset(found)
