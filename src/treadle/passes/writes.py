"""`take_writes_apart`: operators that write into a tensor compute first, and write then."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.graph import Graph, replace_uses
from treadle.ir.op import OpDef
from treadle.ir.schema import parse_schema
from treadle.ir.types import STR, TensorType
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL, check_writable

Array = np.ndarray[Any, Any]
_COPIES = frozenset({"copy", "fill", "zero"})


def _write(target: Array, value: Array, op_name: str) -> Array:
    check_writable(op_name, target, value)
    np.copyto(target, value, casting="unsafe")
    return target


WRITE = OpDef(
    "write",
    parse_schema("treadle::write(Tensor(a!) self, Tensor value, str operator) -> Tensor(a!)"),
    reference=_write,
    pure=False,
    doc="Put `value`, which `operator` made, into `self`.",
)


def take_writes_apart(graph: Graph) -> None:
    """Make ``y = relu_(x)`` a new tensor ``relu(x)`` and a `WRITE` of it, in place.

    Does not apply to copies and fills, which compute nothing, and operators that no plan runs.
    """
    for node in graph.walk():
        if node.op.name not in FUNCTIONAL:
            continue
        functional, block = OPS[FUNCTIONAL[node.op.name]], node.owner
        schema = functional.schema
        if schema is None or block is None or schema.base in _COPIES:
            continue
        if functional.lower is None or functional.infer is None:
            continue
        inputs = node.inputs[: len(schema.arguments)]
        made = block.add(functional, inputs, (TensorType(),), before=node, loc=node.loc)
        name = block.constant(functional.name, STR, before=node)
        inputs = [node.inputs[0], made.output, name]
        write = block.add(WRITE, inputs, [node.output.type], before=node, loc=node.loc)
        write.output.name = node.output.name
        replace_uses(node.output, write.output)
        block.erase(node)
