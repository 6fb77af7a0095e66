"""`freeze`: a module's attributes become constants of its method's graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from treadle.errors import Error
from treadle.ir.graph import Graph, Node, replace_uses
from treadle.ir.literals import is_literal
from treadle.ir.op import CALL_FUNCTION, CALL_METHOD, GET_ATTR, SET_ATTR
from treadle.ir.program import Class, EnumValue, Function, Object
from treadle.ir.types import ClassType
from treadle.passes.alias import analyse_aliases
from treadle.passes.constants import constant_type
from treadle.passes.sealing import seal

Place: TypeAlias = tuple[str, str]
"""A class and the name of an attribute that it has."""
_NOTHING = object()
_CALLS = (CALL_METHOD, CALL_FUNCTION)


def freeze(graph: Graph, root: Object) -> bool:
    """Replace ``self`` by the constant object `root`, and reading its attributes by constants.

    Nested modules become constant objects, so that `inline` finds their methods; tensors keep their
    identity, so tied weights stay tied, and are read-only from then on. Run it after `inline`.
    Leaves no ``self`` parameter.

    Does not apply to attributes that (1) any ``set_attr`` of that name writes, here, in a method
    that is still called, or in another method of the modules, which a user may call, (2) an
    operator writes into (in place), here or in such a method, (3) hold tensors, lists or
    dictionaries while calls are left, since those may write into them, (4) belong to objects of
    script classes. `mutable_attributes` names them.
    """
    changed = _bind_self(graph, root)
    reads = graph.nodes_of(GET_ATTR)
    if not reads:
        return changed
    written = _set_names(graph) | _assigned(root)
    for node in reads:
        value = _attribute(node)
        if node.attributes["name"] not in written and _is_immutable(value):
            _replace(node, value)
            changed = True
    if not graph.nodes_of(CALL_METHOD, CALL_FUNCTION):
        changed |= _freeze_mutable(graph, written, root)
    return changed


def mutable_attributes(graph: Graph) -> tuple[str, ...]:
    """Names of the attributes that `freeze` left to be read at run time."""
    return tuple(sorted({n.attributes["name"] for n in graph.nodes_of(GET_ATTR)}))


def _bind_self(graph: Graph, root: Object) -> bool:
    if not graph.params or graph.params[0].type != ClassType(root.cls.name):
        return False
    param = graph.params.pop(0)
    first = next(iter(graph.nodes), graph.end)
    replace_uses(param, graph.constant(root, param.type, before=first))
    return True


def _attribute(node: Node) -> Any:
    """What ``get_attr`` of a constant module gives; `_NOTHING` of anything else."""
    owner = node.inputs[0].constant
    if not isinstance(owner, Object) or owner.cls.kind != "module":
        return _NOTHING
    name = node.attributes["name"]
    if name in owner.attributes:
        return owner.attributes[name]
    return owner.cls.constants.get(name, _NOTHING)


def _is_immutable(value: Any) -> bool:
    """Whether no one but ``set_attr`` can change it."""
    if isinstance(value, tuple):
        return all(map(_is_immutable, value))
    if isinstance(value, Object | EnumValue):
        return True
    return is_literal(value) and not isinstance(value, list)


def _freeze_mutable(graph: Graph, written: frozenset[str], root: Object) -> bool:
    candidates = [
        (node, value)
        for node in graph.nodes_of(GET_ATTR)
        if node.attributes["name"] not in written and (value := _attribute(node)) is not _NOTHING
    ]
    if not candidates:
        return False
    aliases, elsewhere = analyse_aliases(graph), _written_elsewhere(graph, root)
    frozen = [
        (node, value)
        for node, value in candidates
        if _place(node) not in elsewhere and not aliases.is_written(node.output)
    ]
    for node, value in frozen:
        seal(value)
        _replace(node, value)
    return bool(frozen)


def _replace(node: Node, value: Any) -> None:
    block, output = node.owner, node.output
    assert block is not None
    constant = block.constant(value, constant_type(value, output.type), before=node)
    constant.name = output.name
    if constant.node is not None:
        constant.node.loc = node.loc
    replace_uses(output, constant)
    block.erase(node)


def _assigned(root: Object) -> frozenset[str]:
    """Names of the attributes to which any method of the modules in `root` assigns."""
    methods = {
        id(method): method
        for each in _objects([root])
        for name, method in each.cls.methods.items()
        if name not in ("__init__", "__setstate__")
    }
    return frozenset().union(*(method.assigns for method in methods.values()))


def written_in_place(root: Object) -> frozenset[Place]:
    """The attributes into which some method of the modules in `root` writes, calls left out."""
    places: set[Place] = set()
    for cls in _classes(root).values():
        for method in cls.methods.values():
            places |= _written_by(method, calls=False)
    return frozenset(places)


def _written_elsewhere(graph: Graph, root: Object) -> frozenset[Place]:
    """The attributes into which methods that a user may call instead write in place.

    What `graph` calls is part of it, where it is inlined. Of ``forward`` of the modules within
    `root`, with its overloads (``forward__1``), only its own writes count: whatever it calls is
    a method of such a module too, or gets what it writes into from outside.
    """
    classes = _classes(root)
    part = _called_by(graph, root, classes)
    places: set[Place] = set()
    for cls in classes.values():
        for name, method in cls.methods.items():
            if name.startswith("__") or method.name in part:
                continue
            is_inner = name.startswith("forward") and cls is not root.cls
            places |= _written_by(method, calls=not is_inner)
    return frozenset(places)


def _written_by(method: Function, *, calls: bool) -> set[Place]:
    """The attributes into which a method may write in place, by what it calls too if asked for."""
    try:
        graph = method.graph()
    except Error:  # then nobody can call it
        return set()
    writes = [n for n in graph.walk() if _writes(n) or (calls and n.op in _CALLS)]
    if not writes:
        return set()
    aliases = analyse_aliases(graph)
    written = {at for at, nodes in aliases.writers.items() if not set(writes).isdisjoint(nodes)}
    reads = graph.nodes_of(GET_ATTR)
    return {_place(n) for n in reads if not written.isdisjoint(aliases.reachable(n.output))}


def _writes(node: Node) -> bool:
    return node.op.schema is not None and node.op.schema.writes


def _classes(root: Object) -> dict[str, Class]:
    return {each.cls.name: each.cls for each in _objects([root])}


def _place(read: Node) -> Place:
    owner = read.inputs[0]
    constant = owner.constant
    if isinstance(constant, Object):
        return constant.cls.name, read.attributes["name"]
    return str(owner.type), read.attributes["name"]


def _called_by(graph: Graph, root: Object, classes: dict[str, Class]) -> set[str]:
    """The names of the method that `graph` was and of all methods of modules that it reaches."""
    pending = [m for m in root.cls.methods.values() if m.name == graph.name]
    found = {m.name for m in pending}
    while pending:
        for node in pending.pop().graph().nodes_of(CALL_METHOD):
            type_, name = node.inputs[0].type, node.attributes["name"]
            cls = classes.get(type_.name) if isinstance(type_, ClassType) else None
            if cls is None:
                continue
            called = (name, *(("forward", *_hooks({cls.name: cls})) if name == "__call__" else ()))
            methods = [cls.methods[n] for n in called if n in cls.methods]
            pending += [m for m in methods if m.name not in found]
            found.update(m.name for m in methods)
    return found


def _set_names(graph: Graph) -> frozenset[str]:
    """Names of all attributes set in `graph`, and in the methods that constant objects reach."""
    names = {n.attributes["name"] for n in graph.nodes_of(SET_ATTR)}
    if graph.nodes_of(CALL_METHOD):
        for method in _reachable_methods(graph):
            names |= {n.attributes["name"] for n in method.nodes_of(SET_ATTR)}
    return frozenset(names)


def _reachable_methods(graph: Graph) -> Iterator[Graph]:
    """The graphs of all methods that a call may reach: by name, of any reachable class."""
    constants = [n.attributes.get("value") for n in graph.walk() if not n.inputs]
    classes = {o.cls.name: o.cls for o in _objects(constants)}
    pending, seen = [graph], {""}
    while pending:
        current = pending.pop()
        for node in current.nodes_of(CALL_METHOD):
            name = node.attributes["name"]
            called = (name, "forward", *_hooks(classes)) if name == "__call__" else (name,)
            for one in set(called) - seen:
                seen.add(one)
                found = [c.methods[one].graph() for c in classes.values() if one in c.methods]
                pending += found
                yield from found


def _hooks(classes: dict[str, Any]) -> list[str]:
    return [h for c in classes.values() for h in (*c.forward_pre_hooks, *c.forward_hooks)]


def _objects(values: list[Any]) -> Iterator[Object]:
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
