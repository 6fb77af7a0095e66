"""`fill_memos`: what a module would keep of its first call is computed while compiling.

Attention biases by device: ``if key not in self.memo: self.memo[key] = value``, and then
``self.memo[key]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.errors import Error
from treadle.ir.graph import Block, Graph, Node, Value, replace_uses
from treadle.ir.op import CONSTANT, GET_ATTR, IF
from treadle.ir.program import Object
from treadle.ir.types import DictType
from treadle.passes.alias import analyse_aliases
from treadle.passes.constants import constant_type
from treadle.passes.freeze import Place, assigned_names, place_of
from treadle.passes.locations import Aliases
from treadle.passes.reach import classes_in
from treadle.passes.sealing import seal


def fill_memos(graph: Graph, whole: Object) -> bool:
    """Fill memos as runs of `graph` would, and replace what is read of them by constants.

    A memo is an attribute of a module in `whole` that holds a dict. All methods only ask whether it
    has a key, read a key, and add one that it has not, and none writes into what it reads: so
    entries never change, and are read-only from then on. Needs `freeze` and `fold_constants`.
    Leaves ``if`` on constants, and reads of memos that nobody uses.

    Does not apply to (1) keys to which several places would add different values, (2) keys and
    values that do not follow from constants.
    """
    reads = [n for n in graph.nodes_of(GET_ATTR) if isinstance(_content(n), dict)]
    if not reads:
        return False
    memos = _memos(whole) - _misused(graph, reads)
    reads = [n for n in reads if place_of(n) in memos]
    fills = [_fill_of(n) for n in graph.nodes_of(IF)]
    _add_entries([fill for fill in fills if fill is not None and fill.read in reads])
    return sum(map(_replace_users, reads)) > 0


@dataclass(frozen=True, slots=True)
class _Fill:
    """An ``if key not in memo``, which adds the key in `block`; `read` gives the memo."""

    read: Node
    key: Value
    block: Block


# --- which attributes are memos ------------------------------------------------------------------


def _memos(whole: Object) -> frozenset[Place]:
    """The dicts in modules that methods use as memos only."""
    used: set[Place] = set()
    others: set[Place] = set()
    for cls in classes_in(whole).values():
        for method in cls.methods.values():
            try:
                reads = method.graph().nodes_of(GET_ATTR)
            except Error:  # then nobody can call it
                continue
            reads = [n for n in reads if isinstance(n.output.type, DictType)]
            used.update(map(place_of, reads))
            others |= _misused(method.graph(), reads)
    assigned = assigned_names(whole)
    return frozenset(place for place in used - others if place[1] not in assigned)


def _misused(graph: Graph, reads: list[Node]) -> set[Place]:
    """Of the dicts that `reads` of `graph` give, those which are more than memos."""
    aliases = analyse_aliases(graph) if reads else None
    return {
        place_of(read)
        for read in reads
        if aliases is not None
        and not all(_leaves_entries(n, read.output, aliases) for n in read.output.users)
    }


def _leaves_entries(user: Node, memo: Value, aliases: Aliases) -> bool:
    """Whether all entries of `memo` are as they were after `user`, which uses it.

    What is called here, and has no schema, is looked at by itself.
    """
    if user.inputs.index(memo) != 0 or memo.users[user] != 1:
        return False
    if _base(user) == "__contains__":
        return True
    if _base(user) == "__getitem__":
        places = aliases.reachable(user.output)
        writers = [node for place in places for node in aliases.writers.get(place, ())]
        return all(_base(node) in ("_set_item", "") for node in writers)
    fill = _fill_of(user.owner.owner) if user.owner is not None else None
    return fill is not None and user.owner is fill.block and _adds(user, fill)


def _fill_of(node: Node | None) -> _Fill | None:
    """What ``if key not in memo`` fills, if `node` is one."""
    if node is None or node.op is not IF:
        return None
    asked, block = node.inputs[0].node, node.blocks[1]
    if asked is not None and _base(asked) == "__not__":
        asked, block = asked.inputs[0].node, node.blocks[0]
    if asked is None or _base(asked) != "__contains__":
        return None
    read, key = asked.inputs[0].node, asked.inputs[1]
    return _Fill(read, key, block) if read is not None and read.op is GET_ATTR else None


def _adds(node: Node, fill: _Fill) -> bool:
    """Whether a node of the block adds the key."""
    read = node.inputs[0].node if node.inputs else None
    return (
        _base(node) == "_set_item"
        and read is not None
        and read.op is GET_ATTR
        and read.attributes == fill.read.attributes
        and _same(read.inputs[0], fill.read.inputs[0])
        and _same(node.inputs[1], fill.key)
    )


def _same(a: Value, b: Value) -> bool:
    """Whether two values are one object or one string."""
    x, y = a.constant, b.constant
    return a is b or (x is not None and (x is y or (isinstance(x, str) and x == y)))


def _base(node: Node) -> str:
    return node.op.schema.base if node.op.schema is not None else ""


# --- entries -------------------------------------------------------------------------------------


def _content(read: Node) -> Any:
    """What a node reads of a module that is known."""
    owner = read.inputs[0].constant
    if not isinstance(owner, Object) or owner.cls.kind != "module":
        return None
    return owner.attributes.get(read.attributes["name"])


def _add_entries(fills: list[_Fill]) -> None:
    """Add the entries that all places which would add them agree on."""
    places: dict[tuple[int, str], list[_Fill]] = {}
    for fill in fills:
        memo, key = _content(fill.read), fill.key.constant
        if isinstance(key, str) and key not in memo:
            places.setdefault((id(memo), key), []).append(fill)
    for (_, key), alike in places.items():
        first, *others = map(_entry_of, alike)
        if first is not None and all(_equal(first, other) for other in others):
            seal(first)
            _content(alike[0].read)[key] = first


def _entry_of(fill: _Fill) -> Any:
    """The value that the block adds; None if that has to wait for a run, or is not all it does."""
    entry: Any = None
    known: dict[Value, Any] = {}
    for node in fill.block.nodes:
        if _adds(node, fill):
            value = node.inputs[2]
            entry = value.constant if value.is_constant else known.get(value)
        elif node.op not in (CONSTANT, GET_ATTR) and not _compute(node, known):
            return None
    return entry


def _equal(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return type(a) is type(b) and bool(a == b)
    return a.dtype == b.dtype and np.array_equal(a, b)


def _compute(node: Node, known: dict[Value, Any]) -> bool:
    """Note what an operator gives; False if it has to wait for a run."""
    op = node.op
    if not op.pure or op.reference is None or len(node.outputs) != 1:
        return False
    if not all(v.is_constant or v in known for v in node.inputs):
        return False
    try:
        known[node.output] = op.reference(*(known.get(v, v.constant) for v in node.inputs))
    except Exception:  # it raises when the model runs, where the user sees it
        return False
    return True


def _replace_users(read: Node) -> int:
    """Replace what is read of a memo, as far as the keys are known and there; how much."""
    memo, count = _content(read), 0
    for user in list(read.output.users):
        key, block = user.inputs[1].constant, user.owner
        if not isinstance(key, str) or key not in memo or block is None:
            continue
        if _base(user) == "_set_item":  # in an ``if`` that `fold_constants` removes
            continue
        value = True if _base(user) == "__contains__" else memo[key]
        type_ = constant_type(value, user.output.type)
        replace_uses(user.output, block.constant(value, type_, before=user))
        block.erase(user)
        count += 1
    return count
