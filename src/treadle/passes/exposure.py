"""`expose`: what a method keeps and says becomes parameters and results of its graph."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from treadle.ir.clone import clone_graph
from treadle.ir.graph import Graph, Node, Value
from treadle.ir.op import GET_ATTR, LIST, NEW_OBJECT, SET_ATTR, TUPLE
from treadle.ir.program import Object
from treadle.ir.types import ANY, ClassType, ListType, Type
from treadle.ops import OPS
from treadle.passes.alias import analyse_aliases
from treadle.passes.locations import Aliases, Location, is_container

WARN = OPS["warn.text"]
Slot: TypeAlias = "tuple[Object, str]"
"""An object, and the name of an attribute that it has."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """A graph without effects, for one that assigns to attributes and warns.

    It has a parameter more for each slot that is `read`, and returns a tuple: the result, the
    values of the slots that are `assigned`, and the warnings, each as the operands of ``warn``.
    """

    graph: Graph
    read: tuple[Slot, ...]
    assigned: tuple[Slot, ...]


def expose(graph: Graph) -> Exposed | None:
    """A copy of `graph` with its effects exposed; None if there are none, or it cannot be.

    Objects that are not made in the graph are replaced by some that are, with the attributes that
    the graph uses. Needs `freeze`.

    Does not apply to (1) attributes of objects that are not known, (2) lists and the like that are
    read first, and into which something is written, (3) those that two attributes share.
    """
    accesses = graph.nodes_of(GET_ATTR, SET_ATTR)
    warnings = graph.nodes_of(WARN)
    slots = {slot: None for node in accesses if (slot := _slot_of(node)) is not None}
    if not slots and not warnings:
        return None
    aliases = analyse_aliases(graph)
    read = [slot for slot in slots if not _is_assigned_first(graph, accesses, slot)]
    if not _are_unwritten(accesses, read, aliases) or not _are_separate(accesses, aliases):
        return None
    written = {_slot_of(node) for node in accesses if node.op is SET_ATTR}
    assigned = [slot for slot in slots if slot in written]
    copy = clone_graph(graph)
    _Rewriting(copy).run(read, assigned)
    return Exposed(copy, tuple(read), tuple(assigned))


def _slot_of(node: Node) -> Slot | None:
    owner = node.inputs[0].constant
    return (owner, node.attributes["name"]) if isinstance(owner, Object) else None


def _is_assigned_first(graph: Graph, accesses: list[Node], slot: Slot) -> bool:
    """Whether every run assigns to the slot before anything reads it."""
    first = next(node for node in accesses if _slot_of(node) == slot)
    return first.op is SET_ATTR and first.owner is graph


def _are_unwritten(accesses: list[Node], read: list[Slot], aliases: Aliases) -> bool:
    reads = [n.output for n in accesses if n.op is GET_ATTR and _slot_of(n) in read]
    return not any(is_container(value.type) and aliases.is_written(value) for value in reads)


def _are_separate(accesses: list[Node], aliases: Aliases) -> bool:
    """Whether no two slots may hold the same list, or others that can be changed."""
    held: dict[Slot, frozenset[Location]] = {}
    for node in accesses:
        slot, value = _slot_of(node), node.outputs[0] if node.outputs else node.inputs[1]
        if slot is not None and is_container(value.type):
            held[slot] = held.get(slot, frozenset()) | aliases.reachable(value)
    return all(a.isdisjoint(b) for a, b in combinations(held.values(), 2))


class _Rewriting:
    """Exposes the effects of a graph, in place."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._first = next(iter(graph.nodes), graph.end)
        self._stand_ins: dict[Object, Value] = {}

    def run(self, read: list[Slot], assigned: list[Slot]) -> None:
        """Expose what is read and assigned, and all warnings."""
        types = {_slot_of(n): _type_of(n) for n in self._graph.nodes_of(GET_ATTR, SET_ATTR)}
        for node in self._graph.nodes_of(GET_ATTR, SET_ATTR):
            slot = _slot_of(node)
            if slot is not None:
                node.set_input(0, self._stand_in(slot[0]))
        for owner, name in read:
            given = self._graph.add_param(types[owner, name], name)
            inputs = (self._stand_in(owner), given)
            self._graph.add(SET_ATTR, inputs, before=self._first, name=name)
        said = self._collect_warnings()
        kept = [
            self._graph.add(GET_ATTR, (self._stand_in(owner),), (types[owner, name],), name=name)
            for owner, name in assigned
        ]
        values = self._graph.add(TUPLE, [node.output for node in kept], (ANY,)).output
        returned = (*self._graph.returns, values, said)
        self._graph.set_returns([self._graph.add(TUPLE, returned, (ANY,)).output])

    def _stand_in(self, owner: Object) -> Value:
        """The object in the graph that is used for `owner`."""
        if owner not in self._stand_ins:
            name = owner.cls.name
            made = self._graph.add(
                NEW_OBJECT, (), (ClassType(name),), before=self._first, name=name
            )
            self._stand_ins[owner] = made.output
        return self._stand_ins[owner]

    def _collect_warnings(self) -> Value:
        """The list that each warning is put into instead."""
        said = self._graph.add(LIST, (), (ListType(ANY),), before=self._first).output
        for node in self._graph.nodes_of(WARN):
            assert node.owner is not None
            entry = node.owner.add(TUPLE, node.inputs, (ANY,), before=node).output
            node.owner.add(OPS["append.t"], (said, entry), (ListType(ANY),), before=node)
            node.owner.erase(node)
        return said


def _type_of(node: Node) -> Type:
    return node.outputs[0].type if node.op is GET_ATTR else node.inputs[1].type
