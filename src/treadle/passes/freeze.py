"""`freeze`: a module's attributes become constants of its method's graph."""

from __future__ import annotations

from typing import Any, TypeAlias

from treadle.errors import Error
from treadle.ir.graph import Graph, Node, replace_uses
from treadle.ir.literals import is_literal
from treadle.ir.op import CALL_FUNCTION, CALL_METHOD, GET_ATTR, SET_ATTR
from treadle.ir.program import EnumValue, Function, Object, UnsupportedTensor
from treadle.ir.types import ClassType
from treadle.passes.alias import analyse_aliases
from treadle.passes.constants import constant_type
from treadle.passes.reach import called_by, classes_in, objects_in, reachable_methods
from treadle.passes.sealing import seal

Place: TypeAlias = tuple[str, str]
"""A class and the name of an attribute that it has."""
_NOTHING = object()
_CALLS = (CALL_METHOD, CALL_FUNCTION)


def freeze(graph: Graph, root: Object, whole: Object | None = None) -> bool:
    """Replace ``self`` by the constant object `root`, and reading its attributes by constants.

    `root` is part of the module `whole`, of which a user may call all methods; by default that is
    `root` itself.

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
    whole = whole or root
    written = _set_names(graph) | assigned_names(whole)
    for node in reads:
        value = _attribute(node)
        if node.attributes["name"] not in written and _is_immutable(value):
            _replace(node, value)
            changed = True
    if not graph.nodes_of(CALL_METHOD, CALL_FUNCTION):
        changed |= _freeze_mutable(graph, written, root, whole)
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
    """What ``get_attr`` of a constant module gives; `_NOTHING` of anything else, or if it fails."""
    owner = node.inputs[0].constant
    if not isinstance(owner, Object) or owner.cls.kind != "module":
        return _NOTHING
    name = node.attributes["name"]
    if name in owner.attributes:
        value = owner.attributes[name]
        return _NOTHING if isinstance(value, UnsupportedTensor) else value
    return owner.cls.constants.get(name, _NOTHING)


def _is_immutable(value: Any) -> bool:
    """Whether no one but ``set_attr`` can change it."""
    if isinstance(value, tuple):
        return all(map(_is_immutable, value))
    if isinstance(value, Object | EnumValue):
        return True
    return is_literal(value) and not isinstance(value, list)


def _freeze_mutable(graph: Graph, written: frozenset[str], root: Object, whole: Object) -> bool:
    candidates = [
        (node, value)
        for node in graph.nodes_of(GET_ATTR)
        if node.attributes["name"] not in written and (value := _attribute(node)) is not _NOTHING
    ]
    if not candidates:
        return False
    aliases, elsewhere = analyse_aliases(graph), _written_elsewhere(graph, root, whole)
    frozen = [
        (node, value)
        for node, value in candidates
        if place_of(node) not in elsewhere and not aliases.is_written(node.output)
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


def assigned_names(root: Object) -> frozenset[str]:
    """Names of the attributes to which any method of the modules in `root` assigns."""
    methods = {
        id(method): method
        for each in objects_in([root])
        for name, method in each.cls.methods.items()
        if name not in ("__init__", "__setstate__")
    }
    return frozenset().union(*(method.assigns for method in methods.values()))


def written_in_place(root: Object) -> frozenset[Place]:
    """The attributes into which some method of the modules in `root` writes, calls left out."""
    places: set[Place] = set()
    for cls in classes_in(root).values():
        for method in cls.methods.values():
            places |= _written_by(method, calls=False)
    return frozenset(places)


def _written_elsewhere(graph: Graph, root: Object, whole: Object) -> frozenset[Place]:
    """The attributes into which methods that a user may call instead write in place.

    What `graph` calls is part of it, where it is inlined. Of ``forward`` of the modules within
    `whole`, with its overloads (``forward__1``), only its own writes count: whatever it calls is
    a method of such a module too, or gets what it writes into from outside.
    """
    classes = classes_in(whole)
    part = called_by(graph, root, classes)
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
    return {place_of(n) for n in reads if not written.isdisjoint(aliases.reachable(n.output))}


def _writes(node: Node) -> bool:
    return node.op.schema is not None and node.op.schema.writes


def place_of(read: Node) -> Place:
    """What a ``get_attr`` reads."""
    owner = read.inputs[0]
    constant = owner.constant
    if isinstance(constant, Object):
        return constant.cls.name, read.attributes["name"]
    return str(owner.type), read.attributes["name"]


def _set_names(graph: Graph) -> frozenset[str]:
    """Names of all attributes set in `graph`, and in the methods that constant objects reach."""
    names = {n.attributes["name"] for n in graph.nodes_of(SET_ATTR)}
    if graph.nodes_of(CALL_METHOD):
        for method in reachable_methods(graph):
            names |= {n.attributes["name"] for n in method.nodes_of(SET_ATTR)}
    return frozenset(names)
