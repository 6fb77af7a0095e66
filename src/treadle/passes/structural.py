"""Structural operators on abstract values: constants, control flow, forks, containers.

`specialise` runs each with the specialiser, which holds the values so far and where nodes go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from treadle.ir.graph import Node, Value
from treadle.ir.named import tuple_maker
from treadle.ir.op import (
    CONSTANT,
    DICT,
    FORK,
    GET_ATTR,
    IF,
    ISINSTANCE,
    LIST,
    LIST_UNPACK,
    LOOP,
    NEW_OBJECT,
    SET_ATTR,
    TUPLE,
    TUPLE_INDEX,
    TUPLE_UNPACK,
    UNCHECKED_CAST,
    UNINITIALIZED,
    WAIT,
    OpDef,
)  # fmt: skip
from treadle.ir.types import FutureType, TensorType, TupleType
from treadle.passes.abstract import (
    AbstractFuture,
    AbstractObject,
    Unplannable,
    flatten,
    is_instance,
    substitute,
)

if TYPE_CHECKING:
    from treadle.passes.specialiser import Specialiser

MAX_TRIPS = 50_000
UNSET: Any = object()


def _constant(at: Specialiser, node: Node) -> None:
    value = node.attributes["value"]
    mutable = isinstance(value, list | dict)
    at.env[node.output] = value.copy() if mutable else value


def _if(at: Specialiser, node: Node) -> None:
    condition = _decided(at, node.inputs[0], "a condition")
    block = node.blocks[0 if condition else 1]
    at.run_block(block)
    for output, value in zip(node.outputs, block.returns, strict=True):
        at.env[output] = at.env[value]


def _loop(at: Specialiser, node: Node) -> None:
    limit = _decided(at, node.inputs[0], "a trip count")
    going = _decided(at, node.inputs[1], "a condition")
    carried = [at.env[v] for v in node.inputs[2:]]
    (block,) = node.blocks
    i = 0
    while going and i < limit:
        if i > MAX_TRIPS:
            raise Unplannable("a loop is too long to unroll")
        for param, value in zip(block.params, [i, *carried], strict=True):
            at.env[param] = value
        at.run_block(block)
        going = _decided(at, block.returns[0], "a condition")
        carried = [at.env[v] for v in block.returns[1:]]
        i += 1
    for output, value in zip(node.outputs, carried, strict=True):
        at.env[output] = value


def _decided(at: Specialiser, value: Value, what: str) -> Any:
    result = at.env[value]
    if isinstance(result, Value):
        raise Unplannable(f"{what} depends on data")
    return result


def _fork(at: Specialiser, node: Node) -> None:
    fork = at.block.add(FORK, (), (FutureType(TensorType()),), loc=node.loc)
    outer, at.block = at.block, fork.add_block()
    try:
        at.run_block(node.blocks[0])
        result = at.tensors(at.env[node.blocks[0].returns[0]])
        values = list(flatten(result))
        types = tuple(v.type for v in values)
        packed = (
            values[0]
            if len(values) == 1
            else at.block.add(TUPLE, values, (TupleType(types),)).output
        )
        at.block.set_returns([packed])
    finally:
        at.block = outer
    fork.output.type = FutureType(packed.type)
    at.env[node.output] = AbstractFuture(fork.output, result)


def _wait(at: Specialiser, node: Node) -> None:
    future = at.env[node.inputs[0]]
    if not isinstance(future, AbstractFuture):
        at.env[node.output] = future
        return
    values = list(flatten(future.result))
    types = [v.type for v in values]
    packed = types[0] if len(types) == 1 else TupleType(tuple(types))
    waited = at.block.add(WAIT, [future.value], (packed,), loc=node.loc).output
    outputs = [waited]
    if len(values) != 1:
        outputs = list(at.block.add(TUPLE_UNPACK, [waited], types).outputs)
    at.layouts.wait(values, outputs, at.block)
    at.env[node.output] = substitute(future.result, iter(outputs))


def _tuple(at: Specialiser, node: Node) -> None:
    make = tuple_maker(node.output.type)
    at.env[node.output] = make([at.env[v] for v in node.inputs])


def _list(at: Specialiser, node: Node) -> None:
    at.env[node.output] = [at.env[v] for v in node.inputs]


def _dict(at: Specialiser, node: Node) -> None:
    items = [at.env[v] for v in node.inputs]
    at.env[node.output] = dict(zip(items[::2], items[1::2], strict=True))


def _unpack(at: Specialiser, node: Node) -> None:
    values = at.env[node.inputs[0]]
    if len(values) != len(node.outputs):
        raise Unplannable(f"unpacks {len(values)} values into {len(node.outputs)}")
    for output, value in zip(node.outputs, values, strict=True):
        at.env[output] = value


def _tuple_index(at: Specialiser, node: Node) -> None:
    at.env[node.output] = at.env[node.inputs[0]][at.env[node.inputs[1]]]


def _forward(at: Specialiser, node: Node) -> None:
    value = at.env[node.inputs[0]]
    if isinstance(node.output.type, TensorType) and not isinstance(value, Value | np.ndarray):
        raise Unplannable("a cast fails")
    at.env[node.output] = value


def _uninitialized(at: Specialiser, node: Node) -> None:
    at.env[node.output] = UNSET


def _isinstance(at: Specialiser, node: Node) -> None:
    value = at.env[node.inputs[0]]
    decided = [is_instance(value, t) for t in node.attributes["types"]]
    at.env[node.output] = any(decided)


def _new_object(at: Specialiser, node: Node) -> None:
    at.env[node.output] = AbstractObject(at.block)


def _get_attribute(at: Specialiser, node: Node) -> None:
    at.env[node.output] = _known_object(at, node).attributes.get(node.attributes["name"], UNSET)


def _set_attribute(at: Specialiser, node: Node) -> None:
    owner = _known_object(at, node)
    if owner.block is not at.block:
        raise Unplannable("an object changes in a task that did not make it")
    owner.attributes[node.attributes["name"]] = at.env[node.inputs[1]]


def _known_object(at: Specialiser, node: Node) -> AbstractObject:
    owner = at.env[node.inputs[0]]
    if not isinstance(owner, AbstractObject):
        name = node.attributes["name"]
        raise Unplannable(f"the attribute {name!r} may change from one call to the next")
    return owner


STRUCTURAL: dict[OpDef, Callable[[Specialiser, Node], None]] = {
    CONSTANT: _constant,
    IF: _if,
    LOOP: _loop,
    FORK: _fork,
    WAIT: _wait,
    TUPLE: _tuple,
    LIST: _list,
    DICT: _dict,
    TUPLE_UNPACK: _unpack,
    LIST_UNPACK: _unpack,
    TUPLE_INDEX: _tuple_index,
    UNCHECKED_CAST: _forward,
    UNINITIALIZED: _uninitialized,
    ISINSTANCE: _isinstance,
    NEW_OBJECT: _new_object,
    GET_ATTR: _get_attribute,
    SET_ATTR: _set_attribute,
}
