"""`untensor_numbers`: sizes that traced models carry through tensors of one number."""

from __future__ import annotations

import numpy as np

from treadle.ir.graph import Graph, Node, Value, replace_uses
from treadle.ir.types import INT, TensorType
from treadle.ops import OPS
from treadle.passes.alias import analyse_aliases
from treadle.passes.locations import Aliases

_NUMBER_OF = frozenset({"Int.Tensor", "IntImplicit", "ScalarImplicit"})
_OF_INTEGERS = {
    OPS["add.Tensor"]: OPS["add.int"],
    OPS["sub.Tensor"]: OPS["sub.int"],
    OPS["mul.Tensor"]: OPS["mul.int"],
    OPS["floor_divide"]: OPS["floordiv.int"],
    OPS["add.Scalar"]: OPS["add.int"],
    OPS["sub.Scalar"]: OPS["sub.int"],
    OPS["rsub.Scalar"]: OPS["sub.int"],
    OPS["mul.Scalar"]: OPS["mul.int"],
    OPS["remainder.Scalar"]: OPS["remainder.int"],
}
_REVERSED = OPS["rsub.Scalar"]
_REPEAT, _REPEAT_OFTEN = OPS["repeat_interleave.self_Tensor"], OPS["repeat_interleave.self_int"]
_TENSOR = OPS["NumToTensor.Scalar"]


def untensor_numbers(graph: Graph) -> bool:
    """Replace ``int(tensor(n) // tensor(2))`` by ``n // 2``; return whether the graph changed.

    The operands are sizes and other integers, which a node makes tensors of or not, and constants
    of int64 without dims; sums, differences, products, floored quotients and remainders of these
    are calculated with integers. So are counts of repetition. Leaves the tensors to `dce`.

    Does not apply where (1) a tensor on the way is written into, (2) a number is no integer, (3) a
    term is multiplied before it is added (``alpha``).
    """
    aliases = analyse_aliases(graph)
    changed = False
    for node in graph.walk():
        if node.op.name in _NUMBER_OF and _is_integer(node.inputs[0], aliases):
            number = _integer(node.inputs[0], node)
        elif node.op is _REPEAT and _is_integer(node.inputs[1], aliases):
            number = _repeated(node)
        else:
            continue
        assert node.owner is not None
        replace_uses(node.output, number)
        node.owner.erase(node)
        changed = True
    return changed


def _repeated(node: Node) -> Value:
    assert node.owner is not None
    x, count, *rest = node.inputs
    inputs, types = [x, _integer(count, node), *rest], [node.output.type]
    return node.owner.add(_REPEAT_OFTEN, inputs, types, before=node, loc=node.loc).output


def _is_integer(value: Value, aliases: Aliases) -> bool:
    """Whether a value is an integer, or a tensor of one that can be calculated from integers."""
    if aliases.is_written(value):
        return False
    if value.is_constant:
        number = value.constant
        is_tensor = isinstance(number, np.ndarray) and number.dtype == np.int64
        return number.shape == () if is_tensor else type(number) is int
    if not isinstance(value.type, TensorType):
        return value.type == INT
    node = value.node
    if node is None:
        return False
    if node.op is _TENSOR:
        return _is_integer(node.inputs[0], aliases)
    if node.op not in _OF_INTEGERS or not all(v.constant == 1 for v in node.inputs[2:]):
        return False
    return all(_is_integer(v, aliases) for v in node.inputs[:2])


def _integer(value: Value, before: Node) -> Value:
    """The integer that `value` is or holds, calculated in front of `before`."""
    block, node = before.owner, value.node
    assert block is not None
    if value.is_constant:
        return block.constant(int(value.constant), INT, before=before)
    if node is None or not isinstance(value.type, TensorType):
        return value
    if node.op is _TENSOR:
        return _integer(node.inputs[0], before)
    operands = [_integer(v, before) for v in node.inputs[:2]]
    if node.op is _REVERSED:
        operands.reverse()
    return block.add(_OF_INTEGERS[node.op], operands, (INT,), before=before, loc=before.loc).output
