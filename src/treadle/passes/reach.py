"""What a module reaches: the objects in it, their classes, and the methods that calls run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from treadle.ir.graph import Graph
from treadle.ir.op import CALL_METHOD
from treadle.ir.program import Class, Object
from treadle.ir.types import ClassType


def objects_in(values: list[Any]) -> Iterator[Object]:
    """All objects that Python values contain, each once."""
    pending, seen = list(values), set[int]()
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        if isinstance(value, Object):
            seen.add(id(value))
            yield value
            pending += value.attributes.values()
        elif isinstance(value, list | tuple):
            pending += value
        elif isinstance(value, dict):
            pending += value.values()


def classes_in(root: Object) -> dict[str, Class]:
    """The classes of `root` and of all objects within it, by name."""
    return {each.cls.name: each.cls for each in objects_in([root])}


def called_by(graph: Graph, root: Object, classes: dict[str, Class]) -> set[str]:
    """The names of the method that `graph` was and of all methods of modules that it reaches."""
    pending = [m for m in root.cls.methods.values() if m.name == graph.name]
    found = {m.name for m in pending}
    while pending:
        for node in pending.pop().graph().nodes_of(CALL_METHOD):
            type_, name = node.inputs[0].type, node.attributes["name"]
            cls = classes.get(type_.name) if isinstance(type_, ClassType) else None
            if cls is None:
                continue
            methods = [cls.methods[n] for n in _run_by(name, [cls]) if n in cls.methods]
            pending += [m for m in methods if m.name not in found]
            found.update(m.name for m in methods)
    return found


def reachable_methods(graph: Graph) -> Iterator[Graph]:
    """The graphs of all methods that a call may reach: by name, of any reachable class."""
    constants = [n.attributes.get("value") for n in graph.walk() if not n.inputs]
    classes = {o.cls.name: o.cls for o in objects_in(constants)}
    pending, seen = [graph], {""}
    while pending:
        current = pending.pop()
        for node in current.nodes_of(CALL_METHOD):
            name = node.attributes["name"]
            for one in {*_run_by(name, classes.values())} - seen:
                seen.add(one)
                found = [c.methods[one].graph() for c in classes.values() if one in c.methods]
                pending += found
                yield from found


def _run_by(name: str, classes: Iterable[Class]) -> tuple[str, ...]:
    """The methods that a call of `name` runs: ``__call__`` is ``forward`` between its hooks."""
    if name != "__call__":
        return (name,)
    hooks = [h for c in classes for h in (*c.forward_pre_hooks, *c.forward_hooks)]
    return (name, "forward", *hooks)
