"""A small evaluator of graphs through `OpDef.reference`: what passes must not change."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from treadle.ir import op as ops
from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.types import TensorType, Type


class ScriptRaisedError(Exception):
    """What a ``raise`` node does."""


def evaluate(graph: Graph, arguments: list[Any]) -> list[Any]:
    """The results of `graph`; arguments may be written into, constants stay as they are."""
    environment = dict(zip(graph.params, arguments, strict=True))
    return _block(graph, environment, {})


def _block(block: Block, env: dict[Value, Any], copies: dict[int, Any]) -> list[Any]:
    for node in block.nodes:
        results = _node(node, env, copies)
        for value, result in zip(node.outputs, results, strict=True):
            env[value] = result
    return [env[v] for v in block.returns]


def _node(node: Node, env: dict[Value, Any], copies: dict[int, Any]) -> list[Any]:
    op, inputs = node.op, [env[v] for v in node.inputs]
    if op is ops.CONSTANT:
        return [copy.deepcopy(node.attributes["value"], copies)]
    if op is ops.IF:
        return _block(node.blocks[0 if inputs[0] else 1], env, copies)
    if op is ops.REGION:  # a plan gives tensors of its own
        return copy.deepcopy(_block(node.blocks[0], env, copies))
    if op is ops.LOOP:
        return _loop(node, inputs, env, copies)
    if op in (ops.FORK, ops.AWAITABLE):
        return _block(node.blocks[0], env, copies)
    if op in (ops.WAIT, ops.UNCHECKED_CAST):
        return inputs
    if op is ops.TUPLE:
        return [tuple(inputs)]
    if op is ops.LIST:
        return [inputs]
    if op in (ops.TUPLE_UNPACK, ops.LIST_UNPACK):
        return list(inputs[0])
    if op is ops.TUPLE_INDEX:
        return [inputs[0][inputs[1]]]
    if op is ops.GET_ATTR:
        return [inputs[0].attributes[node.attributes["name"]]]
    if op is ops.SET_ATTR:
        inputs[0].attributes[node.attributes["name"]] = inputs[1]
        return []
    if op is ops.UNINITIALIZED:
        return [None]
    if op is ops.RAISE:
        raise ScriptRaisedError(*inputs)
    if op is ops.PRINT:
        return []
    assert op.reference is not None, op
    result = op.reference(*inputs)
    if not node.outputs:
        return []
    return [result] if len(node.outputs) == 1 else list(result)


def _loop(
    node: Node, inputs: list[Any], env: dict[Value, Any], copies: dict[int, Any]
) -> list[Any]:
    trips, condition, *carried = inputs
    body, i = node.blocks[0], 0
    while condition and i < trips:
        env.update(zip(body.params, [i, *carried], strict=True))
        condition, *carried = _block(body, env, copies)
        i += 1
    return carried


def random_argument(type_: Type, generator: np.random.Generator, sizes: dict[str, int]) -> Any:
    """An argument of `type_`; symbolic sizes get one number each."""
    if isinstance(type_, TensorType):
        assert type_.shape is not None, "a tensor parameter in a test needs a shape"
        shape = [
            d if isinstance(d, int) else sizes.setdefault(d, int(generator.integers(1, 4)))
            for d in type_.shape
        ]
        dtype = np.dtype(np.float32) if type_.dtype is None else type_.dtype.numpy
        if dtype.kind == "f":
            return generator.standard_normal(shape).astype(dtype)
        return generator.integers(0, 2 if dtype.kind == "b" else 5, shape).astype(dtype)
    match str(type_):
        case "int":
            return int(generator.integers(0, 4))
        case "float":
            return float(generator.standard_normal())
        case "bool":
            return bool(generator.integers(0, 2))
        case "List[int]":
            return [1, 2, 3]
    raise NotImplementedError(f"no random argument of type {type_}")


__all__ = ["ScriptRaisedError", "evaluate", "random_argument"]
