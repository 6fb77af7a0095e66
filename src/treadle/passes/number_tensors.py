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
}
_TENSOR = OPS["NumToTensor.Scalar"]


def untensor_numbers(graph: Graph) -> bool:
    """Replace ``int(tensor(n) // tensor(2))`` by ``n // 2``; return whether the graph changed.

    The operands are sizes and other integers that a node makes tensors of, and constants of int64
    without dims; sums, differences, products and floored quotients of these are calculated with
    integers. Leaves the tensors to `dce`.

    Does not apply where (1) a tensor on the way is written into, (2) a number is no integer, (3) a
    term is multiplied before it is added (``alpha``).
    """
    aliases = analyse_aliases(graph)
    changed = False
    for node in graph.walk():
        if node.op.name in _NUMBER_OF and _is_integer(node.inputs[0], aliases):
            assert node.owner is not None
            replace_uses(node.output, _integer(node.inputs[0], node))
            node.owner.erase(node)
            changed = True
    return changed


def _is_integer(tensor: Value, aliases: Aliases) -> bool:
    """Whether a tensor is one number that can be calculated from integers."""
    if aliases.is_written(tensor):
        return False
    if tensor.is_constant:
        array = tensor.constant
        return isinstance(array, np.ndarray) and array.shape == () and array.dtype == np.int64
    node = tensor.node
    if node is None:
        return False
    if node.op is _TENSOR:
        return node.inputs[0].type == INT
    if node.op not in _OF_INTEGERS or not all(v.constant == 1 for v in node.inputs[2:]):
        return False
    return all(isinstance(v.type, TensorType) and _is_integer(v, aliases) for v in node.inputs[:2])


def _integer(tensor: Value, before: Node) -> Value:
    """The number that `tensor` holds, calculated in front of `before`."""
    block, node = before.owner, tensor.node
    assert block is not None
    assert node is not None
    if tensor.is_constant:
        return block.constant(int(tensor.constant), INT, before=before)
    if node.op is _TENSOR:
        return node.inputs[0]
    operands = [_integer(v, before) for v in node.inputs[:2]]
    return block.add(_OF_INTEGERS[node.op], operands, (INT,), before=before, loc=before.loc).output
