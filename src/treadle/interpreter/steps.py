"""Nodes that give values and move no control: each is one function of the values so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.errors import UnsupportedError
from treadle.interpreter import actions
from treadle.interpreter.actions import UNINITIALIZED
from treadle.interpreter.shortcuts import reference
from treadle.ir import op as ops
from treadle.ir.graph import Node, Value
from treadle.ir.named import tuple_maker
from treadle.ir.op import OpDef
from treadle.ir.program import Object, Program
from treadle.ops import OPS

Environment = dict[Value, Any]


def inputs(values: Environment, node: Node) -> list[Any]:
    """What `node` takes; all of it must have a value."""
    found = [values[v] for v in node.inputs]
    for value in found:
        if value is UNINITIALIZED:
            actions.fail_unset(node.op.name)
    return found


def target_of(values: Environment, node: Node) -> Object:
    """The object that is the first input of `node`."""
    return actions.as_object(inputs(values, node)[0])


def operator(program: Program, values: Environment, node: Node) -> None:
    """Apply the reference of an operator."""
    given = inputs(values, node)
    if node.op.reference is None:
        raise UnsupportedError(f"operator {node.op.name} cannot be interpreted ({node.loc})")
    result = reference(node.op)(*given)
    if len(node.outputs) == 1:
        values[node.outputs[0]] = result
    elif node.outputs:
        for output, part in zip(node.outputs, result, strict=True):
            values[output] = part


def _constant(program: Program, values: Environment, node: Node) -> None:
    value = node.attributes["value"]
    if type(value) in (list, dict):
        value = value.copy()
    values[node.outputs[0]] = value


def _tuple(program: Program, values: Environment, node: Node) -> None:
    make = tuple_maker(node.outputs[0].type)
    values[node.outputs[0]] = make([values[v] for v in node.inputs])


def _unpack(program: Program, values: Environment, node: Node) -> None:
    (parts,) = inputs(values, node)
    for output, part in zip(node.outputs, actions.unpack(parts, len(node.outputs)), strict=True):
        values[output] = part


def _tuple_index(program: Program, values: Environment, node: Node) -> None:
    values[node.outputs[0]] = actions.tuple_index(*inputs(values, node))


def _list(program: Program, values: Environment, node: Node) -> None:
    values[node.outputs[0]] = inputs(values, node)


def _dict(program: Program, values: Environment, node: Node) -> None:
    flat = inputs(values, node)
    values[node.outputs[0]] = dict(zip(flat[::2], flat[1::2], strict=True))


def _get_attribute(program: Program, values: Environment, node: Node) -> None:
    (target,) = inputs(values, node)
    values[node.outputs[0]] = actions.get_attribute(target, node.attributes["name"])


def _set_attribute(program: Program, values: Environment, node: Node) -> None:
    target_of(values, node).attributes[node.attributes["name"]] = values[node.inputs[1]]


def _new_object(program: Program, values: Environment, node: Node) -> None:
    cls = program.classes[node.attributes["name"]]
    values[node.outputs[0]] = Object(cls)


def _function_ref(program: Program, values: Environment, node: Node) -> None:
    function = program.function(node.attributes["name"])
    values[node.outputs[0]] = function


def _isinstance(program: Program, values: Environment, node: Node) -> None:
    (value,) = inputs(values, node)
    types = node.attributes["types"]
    values[node.outputs[0]] = actions.is_one_of(value, types, program)


def _unchecked_cast(program: Program, values: Environment, node: Node) -> None:
    (value,) = inputs(values, node)
    values[node.outputs[0]] = actions.cast(value, node.outputs[0].type, program)


def _uninitialized(program: Program, values: Environment, node: Node) -> None:
    values[node.outputs[0]] = UNINITIALIZED


def _raise(program: Program, values: Environment, node: Node) -> None:
    actions.fail(*inputs(values, node))


def _print(program: Program, values: Environment, node: Node) -> None:
    actions.show(*inputs(values, node))


def _to_list(program: Program, values: Environment, node: Node) -> None:
    """``tolist()``, which has to give what is declared of it."""
    operator(program, values, node)
    values[node.output] = actions.cast(values[node.output], node.output.type, program)


STEPS: dict[OpDef, Callable[[Program, Environment, Node], None]] = {
    ops.CONSTANT: _constant, ops.TUPLE: _tuple, ops.TUPLE_UNPACK: _unpack,
    ops.TUPLE_INDEX: _tuple_index, ops.LIST: _list, ops.LIST_UNPACK: _unpack, ops.DICT: _dict,
    ops.GET_ATTR: _get_attribute, ops.SET_ATTR: _set_attribute, ops.NEW_OBJECT: _new_object,
    ops.FUNCTION_REF: _function_ref, ops.ISINSTANCE: _isinstance,
    ops.UNCHECKED_CAST: _unchecked_cast, ops.UNINITIALIZED: _uninitialized, ops.RAISE: _raise,
    ops.PRINT: _print, OPS["prim.tolist"]: _to_list,
}  # fmt: skip
"""By operator; `operator` is for all others."""
