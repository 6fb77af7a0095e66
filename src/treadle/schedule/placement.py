"""Placement: the storage, order of dims and strides of every tensor value.

Values get places as the schedule walks the graph. Concatenations cost nothing where their operands
can be written in place, results of the graph are written where the caller wants them, and images
are kept channels-last once a convolution has made them so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from treadle.ir import dtypes
from treadle.ir.dtypes import DType
from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.op import FORK, TUPLE, TUPLE_UNPACK, WAIT
from treadle.ops.lowering import Concat, Reshape, View
from treadle.schedule.groups import is_alias, map_arguments, tensor_operands, tensor_type
from treadle.schedule.places import (
    Place,
    Space,
    Storage,
    dense_strides,
    reshaped_strides,
)  # fmt: skip


class Placement:
    """The places of the values of one graph; filled while the schedule walks it."""

    def __init__(self, graph: Graph) -> None:
        self._places: dict[Value, Place] = {}
        self._concat_of: dict[Value, tuple[Node, int]] = {}
        self._output_of: dict[Value, int] = {}
        self._order_of: dict[Value, Sequence[int] | None] = {}
        self.inputs: list[Storage] = []
        self.outputs: list[Storage] = []
        for param in graph.params:
            storage = Storage(Space.INPUT, _nbytes(param), index=len(self.inputs))
            self.inputs.append(storage)
            self._places[param] = _dense(param, storage)
        for index, value in enumerate(graph.returns):
            self.outputs.append(Storage(Space.OUTPUT, _nbytes(value), index=index))
            made, order = _written_as(value)
            if made not in self._output_of:
                self._output_of[made], self._order_of[made] = index, order
        self._find_concats(graph)

    def _find_concats(self, block: Block) -> None:
        for node in block.nodes:
            if isinstance(node.op.lower, Concat):
                start = 0
                rank = len(tensor_type(node.output).sizes)
                for operand in tensor_operands(node):
                    if len(tensor_type(operand).sizes) != rank:
                        continue
                    inner = source(operand)
                    same = tensor_type(inner).dtype == tensor_type(node.output).dtype
                    if same and _is_computed(inner) and inner not in self._output_of:
                        self._concat_of.setdefault(inner, (node, start))
                    start += tensor_type(operand).sizes[concat_dim(node)]
            for inner_block in node.blocks:
                self._find_concats(inner_block)

    def __getitem__(self, value: Value) -> Place:
        """The place of a value that exists already."""
        inner = source(value)
        if inner.is_constant and inner not in self._places:
            array: np.ndarray = inner.constant
            self._places[inner] = constant_place(array)
        return self._places[inner]

    def __contains__(self, value: Value) -> bool:
        return source(value) in self._places or source(value).is_constant

    def alias(self, value: Value, place: Place) -> None:
        """Let `value` be a view at `place`."""
        self._places[value] = place

    def result(self, value: Value, order: Sequence[int] | None = None) -> Place:
        """A place to write `value` to, dims outermost first in `order` if there is a choice."""
        if value in self._places:
            return self._places[value]
        if value in self._output_of:
            place = _dense(value, self.outputs[self._output_of[value]], self._order_of[value])
        elif value in self._concat_of:
            node, start = self._concat_of[value]
            whole = self.result(node.output, order)
            dim = concat_dim(node)
            offset = whole.offset + start * whole.strides[dim]
            place = whole.view(tensor_type(value).sizes, whole.strides, offset)
        else:
            place = _dense(value, Storage(Space.ARENA, _nbytes(value)), order)
        self._places[value] = place
        return place

    def scratch(
        self, like: Place, shape: Sequence[int], order: Sequence[int] | None = None
    ) -> Place:
        """A dense temporary of the dtype of `like`."""
        nbytes = math.prod(shape) * like.dtype.itemsize
        storage = Storage(Space.ARENA, nbytes)
        return Place(storage, like.dtype, tuple(shape), dense_strides(shape, order))

    def output_place(self, index: int, value: Value) -> Place:
        """Where result number `index` of the graph has to be."""
        return _dense(value, self.outputs[index])


def source(value: Value) -> Value:
    """The value that a wait, or the unpacking of what it gives, stands for."""
    node = value.node
    if node is not None and node.op is WAIT:
        fork = node.inputs[0].node
        assert fork is not None
        assert fork.op is FORK
        return source(fork.blocks[0].returns[0])
    if node is not None and node.op is TUPLE_UNPACK:
        packed = source(node.inputs[0]).node
        assert packed is not None
        assert packed.op is TUPLE
        return source(packed.inputs[node.outputs.index(value)])
    return value


def _written_as(value: Value) -> tuple[Value, Sequence[int] | None]:
    """The value to be computed where `value` is wanted, and the order of its dims there."""
    made = source(value)
    node = made.node
    if node is not None and node.op.name == "permute" and _is_computed(source(node.inputs[0])):
        return source(node.inputs[0]), node.inputs[1].constant
    return made, None


def concat_dim(node: Node) -> int:
    """The dim along which a concatenation joins."""
    assert isinstance(node.op.lower, Concat)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    return node.op.lower.dim(tensor_type(node.output), *types)


def alias_place(node: Node, place: Place) -> Place | None:
    """The place of the result of a view of `place`; None if it needs a copy."""
    result = tensor_type(node.output)
    if isinstance(node.op.lower, Reshape):
        strides = reshaped_strides(place.shape, place.strides, result.sizes)
        return None if strides is None else place.view(result.sizes, strides, place.offset)
    assert isinstance(node.op.lower, View)
    types = map_arguments(node, lambda _, v: tensor_type(v))
    found = node.op.lower.strides(place.strides, place.offset, result, *types)
    return None if found is None else Place(place.storage, result.element, result.sizes, *found)


def wanted_order(value: Value) -> list[int] | None:
    """The order of dims under which a transposition that is then reshaped needs no copy.

    For matrix products, whose rows can be written anywhere; None if `value` has other readers.
    """
    if len(value.users) != 1:
        return None
    (user,) = value.users
    if not isinstance(user.op.lower, View):
        return None
    if not all(isinstance(n.op.lower, Reshape) for n in user.output.users):
        return None
    probe = Place(Storage(Space.ARENA, 0), tensor_type(value).element, tensor_type(value).sizes,
                  dense_strides(tensor_type(value).sizes))  # fmt: skip
    viewed = alias_place(user, probe)
    if (
        viewed is None
        or sorted(viewed.strides) != sorted(probe.strides)
        or len(set(probe.strides)) != len(probe.strides)
    ):
        return None
    order = [probe.strides.index(s) for s in viewed.strides]
    return order if order[-1] == len(order) - 1 else None


def constant_place(array: np.ndarray) -> Place:
    """The place of a constant: the memory of `array`, or of a dense copy."""
    dense = np.ascontiguousarray(array).reshape(array.shape)
    storage = Storage(Space.CONSTANT, dense.nbytes, dense)
    return Place(storage, tensor_dtype(array), array.shape, dense_strides(array.shape))


def tensor_dtype(array: np.ndarray) -> DType:
    """The dtype of an array, which has to be one of ours."""
    dtype = dtypes.from_numpy(array.dtype)
    assert dtype is not None
    return dtype


def _nbytes(value: Value) -> int:
    type_ = tensor_type(value)
    return math.prod(type_.sizes) * type_.element.itemsize


def _dense(value: Value, storage: Storage, order: Sequence[int] | None = None) -> Place:
    type_ = tensor_type(value)
    return Place(storage, type_.element, type_.sizes, dense_strides(type_.sizes, order))


def _is_computed(value: Value) -> bool:
    node = value.node
    return node is not None and not value.is_constant and not is_alias(node)
