"""Which operators may be in a region (`passes.regions`), and what they need of what is around."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from treadle.ir.dtypes import bool_, f32
from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.op import (
    CONSTANT,
    GET_ATTR,
    IF,
    LIST,
    LIST_UNPACK,
    LOOP,
    RAISE,
    TUPLE,
    TUPLE_INDEX,
    TUPLE_UNPACK,
    OpDef,
)  # fmt: skip
from treadle.ir.types import ListType, OptionalType, TensorType, Type
from treadle.ops import OPS
from treadle.ops.lowering import Reshape, View
from treadle.passes.locations import Aliases

_CONTAINERS = (LIST, TUPLE, LIST_UNPACK, TUPLE_UNPACK, TUPLE_INDEX)
_NUMBERS = frozenset({"int", "float", "bool", "number", "str", "NoneType", "Device"})
_TWINS = frozenset({"add", "sub", "rsub", "mul", "div", "eq", "ne", "lt", "le", "gt", "ge"})
_SCALED = frozenset({"roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool"})
_MAX_TRIPS = 64
_NEVER_FAIL = frozenset(
    {"add", "sub", "mul", "neg", "lt", "le", "gt", "ge", "eq", "ne", "__not__", "__and__", "__or__",
     "__is__", "__isnot__", "__derive_index", "Float", "Bool", "max", "min"}
)  # fmt: skip


def is_number(type_: Type) -> bool:
    """Whether values of the type are numbers, flags or the like: a part of a signature."""
    if isinstance(type_, OptionalType):
        return is_number(type_.element)
    return str(type_) in _NUMBERS


def number_twin(node: Node) -> OpDef | None:
    """The operator that takes a tensor where `node` takes a number as its second operand."""
    schema = node.op.schema
    if schema is None or schema.base not in _TWINS or schema.overload != "Scalar":
        return None
    return OPS[f"{schema.base}.Tensor"]


def is_calculated_with(value: Value, node: Node) -> bool:
    """Whether `node` uses `value` as a number only that might be a tensor without dims."""
    if number_twin(node) is None or not is_number(value.type):
        return False
    return [i for i, v in enumerate(node.inputs) if v is value] == [1]


def is_scale(value: Value, node: Node) -> bool:
    """Whether `node` uses `value` as a number of which there are few, wherever it comes from.

    Detectors have one for each level of features, and calculate it from sizes of images.
    """
    return _base(node) in _SCALED and is_number(value.type)


def nodes_of(node: Node) -> Iterator[Node]:
    """`node`, those in its blocks, and the ends of these."""
    yield node
    for block in node.blocks:
        yield block.end
        for inner in block.nodes:
            yield from nodes_of(inner)


def operands_of(node: Node) -> Iterator[Value]:
    """The values from outside that `node` and its blocks use."""
    nodes = list(nodes_of(node))
    made = {v for n in nodes if n is not node for v in n.outputs}
    made.update(p for n in nodes for block in n.blocks for p in block.params)
    for inner in nodes:
        yield from (v for v in inner.inputs if v not in made)


def fits(node: Node) -> bool:
    """Whether the operator may be in a region, as far as its kind tells."""
    if node.op in _CONTAINERS:
        return True
    if node.op is IF or (node.op is LOOP and _is_short(node)):
        inner = [n for block in node.blocks for n in block.nodes]
        return all(n.op in (CONSTANT, RAISE) or fits(n) for n in inner)
    schema = node.op.schema
    if schema is None or schema.writes or not node.op.pure or node.op.reference is None:
        return False
    if is_scalar(node.op):
        return True
    return node.op.infer is not None and (node.op.lower is not None or not _gives_tensor(node.op))


def _is_short(loop: Node) -> bool:
    trips, *conditions = (loop.inputs[0], loop.inputs[1], loop.blocks[0].returns[0])
    endless = all(v.is_constant and v.constant is True for v in conditions)
    return endless and trips.is_constant and trips.constant <= _MAX_TRIPS


def floats(node: Node) -> bool:
    """Whether a node may change places with tensor operators: it has no effect and cannot fail."""
    if node.op in (CONSTANT, LIST, TUPLE, TUPLE_INDEX, TUPLE_UNPACK, GET_ATTR):
        return True
    schema = node.op.schema
    if schema is None or schema.base not in _NEVER_FAIL or not is_scalar(node.op):
        return False
    return all(is_number(a.type) and str(a.type) != "str" for a in schema.arguments)


def computes(node: Node) -> bool:
    """Whether a plan gains something from this operator."""
    if node.blocks:
        return any(computes(n) for block in node.blocks for n in block.nodes)
    if not _gives_tensor(node.op) or _is_alias(node.op):
        return False
    return not isinstance(node.op.lower, View | Reshape)


def _is_alias(op: OpDef) -> bool:
    return op.schema is not None and any(r.alias for r in op.schema.results)


def is_scalar(op: OpDef) -> bool:
    """Whether an operator is about numbers and strings only."""
    schema = op.schema
    return schema is not None and not any(
        _is_tensor(a.type) for a in (*schema.arguments, *schema.results)
    )


def _gives_tensor(op: OpDef) -> bool:
    return op.schema is not None and any(_is_tensor(r.type) for r in op.schema.results)


def _is_tensor(type_: Type) -> bool:
    if isinstance(type_, OptionalType | ListType):
        return _is_tensor(type_.element)
    return isinstance(type_, TensorType)


def find_steady(block: Block, aliases: Aliases, steady: set[Value]) -> None:
    """Find values without tensors that are alike in every execution with like arguments."""
    if isinstance(block, Graph):
        steady.update(p for p in block.params if is_number(p.type))
    for node in block.nodes:
        for inner in node.blocks:
            find_steady(inner, aliases, steady)
        if node.op is IF:
            results = zip(node.outputs, *(b.returns for b in node.blocks), strict=True)
            given = _are_steady(node.inputs, steady)
            steady.update(out for out, *arms in results if given and _are_steady(arms, steady))
        elif _is_question(node.op) and _are_steady(_plain(node.inputs), steady):
            steady.update(v for v in node.outputs if not aliases.is_written(v))


def find_mask_indexing(graph: Graph) -> set[Node]:
    """Nodes that index by flags, as far as that can be seen: the result's shape is in the data."""
    masks: set[Value] = set()
    found: set[Node] = set()
    for node in graph.walk():
        if node.op is LIST and any(v in masks for v in node.inputs):
            masks.add(node.output)
        elif any(v in masks for v in node.inputs) and _base(node) == "index":
            found.add(node)
        elif _gives_flags(node, masks):
            masks.update(node.outputs)
    return found


def _gives_flags(node: Node, masks: set[Value]) -> bool:
    """Whether the operator gives a tensor of bools, the others being floats."""
    if node.op.infer is None or not _gives_tensor(node.op) or len(node.outputs) != 1:
        return False
    shape = (2, 2)
    arguments = [
        TensorType(bool_ if v in masks else f32, shape)
        if isinstance(v.type, TensorType)
        else v.constant
        for v in node.inputs
    ]
    try:
        return bool(node.op.infer(*arguments).dtype is bool_)
    except Exception:  # the operands do not fit: raised when the model runs
        return False


def _base(node: Node) -> str:
    return node.op.schema.base if node.op.schema is not None else ""


def _are_steady(values: Iterable[Value], steady: set[Value]) -> bool:
    return all(v.is_constant or v in steady for v in values)


def _plain(values: Iterable[Value]) -> list[Value]:
    return [v for v in values if not isinstance(v.type, TensorType)]


def _is_question(op: OpDef) -> bool:
    """Whether an operator gives a value that only types of tensors and plain values decide."""
    if op.schema is None or not op.pure or op.schema.writes or _gives_tensor(op):
        return False
    return op.infer is not None or is_scalar(op)
