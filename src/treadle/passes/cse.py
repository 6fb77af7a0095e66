"""`eliminate_common_subexpressions`: what is computed twice alike is computed once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from treadle.ir.graph import Block, Graph, Node, Value, replace_uses
from treadle.ir.literals import is_literal, print_literal
from treadle.ir.op import CONSTANT, NEW_OBJECT, UNINITIALIZED
from treadle.ops.lowering import View
from treadle.passes.alias import analyse_aliases
from treadle.passes.locations import Aliases, is_container


def eliminate_common_subexpressions(graph: Graph) -> bool:
    """Let users of a node use an earlier one with equal operator, operands and attributes.

    A node in an inner block may be replaced by one of the blocks around it.

    Does not apply to (1) operators with effects or with blocks, (2) results that are lists,
    dictionaries or objects, which have an identity, (3) operands or results that anyone writes
    into, (4) tensors that the caller gets: two results must not become one.
    """
    return _block(graph, {}, analyse_aliases(graph))


def _block(block: Block, known: dict[Hashable, Node], aliases: Aliases) -> bool:
    changed = False
    known = dict(known) if block.owner is not None else known
    for node in block.nodes:
        for inner in node.blocks:
            changed |= _block(inner, known, aliases)
        key = _key(node) if _is_mergeable(node, aliases) else None
        if key is None:
            continue
        earlier = known.setdefault(key, node)
        if earlier is not node and any(v.users for v in node.outputs):
            for old, new in zip(node.outputs, earlier.outputs, strict=True):
                replace_uses(old, new)
            block.erase(node)
            changed = True
    return changed


def _is_mergeable(node: Node, aliases: Aliases) -> bool:
    if node.op is CONSTANT:
        return is_literal(node.attributes["value"]) or not aliases.is_written(node.output)
    schema = node.op.schema
    if not node.op.is_pure_on([v.constant if v.is_constant else None for v in node.inputs]):
        return False
    if node.blocks or node.op in (NEW_OBJECT, UNINITIALIZED):
        return False
    if schema is not None and schema.writes:
        return False
    if any(aliases.is_written(v) for v in (*node.inputs, *node.outputs)):
        return False
    return not any(is_container(v.type) or _is_given_out(node, v, aliases) for v in node.outputs)


def _is_given_out(node: Node, value: Value, aliases: Aliases) -> bool:
    """Whether the caller may get what `node` itself made; conversions make it or give a view."""
    if not isinstance(node.op.lower, View) and aliases.escapes(value):
        return True
    return any(isinstance(at, Value) and at in aliases.escaping for at in aliases.reachable(value))


def _key(node: Node) -> Hashable | None:
    """What equal nodes have in common; None if the attributes cannot be compared."""
    if node.op is CONSTANT:
        return (CONSTANT, node.output.type, _literal_key(node.attributes["value"]))
    inputs = tuple(
        _literal_key(v.constant) if v.is_constant else ("value", id(v)) for v in node.inputs
    )
    types = tuple(v.type for v in node.outputs)
    attributes = tuple(sorted((k, _literal_key(v)) for k, v in node.attributes.items()))
    return (node.op, inputs, types, attributes)


def _literal_key(value: Any) -> Hashable:
    """Literals by their text, which tells 1 from 1.0 and 0.0 from -0.0; the rest by identity."""
    return ("literal", print_literal(value)) if is_literal(value) else ("object", id(value))
