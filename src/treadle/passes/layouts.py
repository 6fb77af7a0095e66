"""`Layouts`: where the tensors of a specialised graph lie in memory, as PyTorch places them.

A plan puts tensors where it likes. What leaves it, though, has the strides that PyTorch gives, and
shares memory with the arguments and with other results where it does there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from treadle.ir.formats import Operand, has_format, inherited_strides, operand_of
from treadle.ir.graph import Block, Graph, Value
from treadle.ir.op import OpDef
from treadle.ir.strides import dense_order, dense_strides, is_contiguous, reshaped_strides
from treadle.ir.types import TensorType
from treadle.ops.lowering import Reshape, View
from treadle.ops.shapes import wrap_dim
from treadle.passes.abstract import Unplannable, as_types
from treadle.passes.alias import MAY_GIVE_ARGUMENT
from treadle.passes.stride_rules import (
    LIKE_FIRST,
    ROW_MAJOR,
    argument_of,
    asks_for_format,
    base_of,
    gives_view,
    result_strides,
)

_COPY_IF_NEEDED = frozenset({"reshape", "reshape_as", "flatten", "ravel"})


@dataclass(frozen=True, slots=True)
class StridedType:
    """The type of an argument that is not row-major: its strides, in elements."""

    type: TensorType
    strides: tuple[int, ...]


ArgumentType: TypeAlias = TensorType | StridedType


@dataclass(frozen=True, slots=True)
class Layout:
    """A strided view of the memory of `base`: a parameter, or what an operator made."""

    base: Value
    strides: tuple[int, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class ResultView:
    """A result of type `type`: a strided view of input or output number `index` of a plan."""

    of_input: bool
    index: int
    type: TensorType
    strides: tuple[int, ...]
    offset: int


class Layouts:
    """The layouts of values that are not row-major in memory of their own."""

    def __init__(self) -> None:
        self._known: dict[Value, Layout] = {}
        self._stand_in: dict[Value, Value] = {}

    def of(self, value: Value) -> Layout:
        """The layout of a tensor."""
        known = self._known.get(value)
        return known or Layout(value, dense_strides(_sizes(value)), 0)

    def set(self, value: Value, strides: tuple[int, ...]) -> None:
        """Let `value` have memory of its own, with these strides."""
        self._known[value] = Layout(value, strides, 0)

    def share(self, value: Value, other: Layout) -> None:
        """Let `value` be `other`."""
        self._known[value] = other

    def note(self, op: OpDef, args: Sequence[Any], outputs: Sequence[Value]) -> None:
        """Note where an operator, which is in the graph, puts its results.

        Raises:
            Unplannable: if a view cannot be had without a copy.
        """
        if gives_view(op):
            layout = self._view(op, args, outputs[0])
            if layout is not None:
                self._known[outputs[0]] = layout
                return
        elif self._are_row_major(args):
            return
        operands = [self._operand(a) for a in tensors_in(args)]
        for output in outputs:
            strides = result_strides(op, _sizes(output), operands, args)
            if strides is not None:
                self.set(output, strides)

    def settle(
        self, op: OpDef, args: Sequence[Any], result: Any, clone: Callable[[Value], Value]
    ) -> Any:
        """The result of an operator that was made of others: in new memory, if it has to be."""
        if gives_view(op) and base_of(op) not in MAY_GIVE_ARGUMENT:
            return result
        if isinstance(result, tuple):
            return tuple(self.settle(op, args, r, clone) for r in result)
        if isinstance(result, list):
            return [self.settle(op, args, r, clone) for r in result]
        if not isinstance(result, Value):
            return result
        layout = self.of(result)
        if layout.base in [self.of(a).base for a in tensors_in(args) if isinstance(a, Value)]:
            return result if gives_view(op) else clone(result)
        if result not in self._known:
            return result
        if base_of(op) in ROW_MAJOR or self._are_row_major(args):
            del self._known[result]
        elif base_of(op) in LIKE_FIRST:
            first = self._operand(next(tensors_in(args)))
            self.set(result, inherited_strides(_sizes(result), [first]))
        else:
            sizes = _sizes(result)
            self.set(result, inherited_strides(sizes, [(sizes, layout.strides)]))
        return result

    def _view(self, op: OpDef, args: Sequence[Any], output: Value) -> Layout | None:
        """The layout of a view; None if the operator makes a copy."""
        source = next(iter(tensors_in(args)))
        if not isinstance(source, Value):
            return None
        whole, sizes, base = self.of(source), _sizes(output), base_of(op)
        if not isinstance(op.lower, View | Reshape):
            return whole if source.type == output.type and not _copies(op, args) else None
        if isinstance(op.lower, View):
            found = op.lower.strides(whole.strides, whole.offset, output.type, *map(as_types, args))
            if found is None:
                raise Unplannable(f"{op.name} needs a copy")
            return Layout(whole.base, *found)
        if base == "contiguous":
            return whole if has_format(sizes, whole.strides, args[1]) else None
        if self._is_row_major(source):
            return Layout(whole.base, dense_strides(sizes), whole.offset)
        strides = reshaped_strides(_sizes(source), whole.strides, sizes)
        if strides is not None and base != "ravel":
            return Layout(whole.base, strides, whole.offset)
        if base in _COPY_IF_NEEDED:
            return None
        raise Unplannable(f"{op.name} of a tensor with such strides fails")

    def _are_row_major(self, args: Sequence[Any]) -> bool:
        return all(self._is_row_major(a) for a in tensors_in(args))

    def _is_row_major(self, tensor: Value | np.ndarray) -> bool:
        if isinstance(tensor, np.ndarray):
            return tensor.flags.c_contiguous
        return tensor not in self._known or is_contiguous(
            _sizes(tensor), self._known[tensor].strides
        )

    def _operand(self, tensor: Value | np.ndarray) -> Operand:
        if isinstance(tensor, Value):
            return _sizes(tensor), self.of(tensor).strides
        return operand_of(tensor)

    def of_memory(self, args: Sequence[Any]) -> list[Any]:
        """Arguments of ``as_strided`` that mean the same of the tensor whose memory is shown.

        Raises:
            Unplannable: if that has gaps, or may begin elsewhere.
        """
        source, size, stride, start = args
        layout = self.of(source)
        if dense_order(_sizes(layout.base), self.of(layout.base).strides) is None:
            raise Unplannable("as_strided of memory with gaps")
        if start is not None and layout.base.node is None:
            raise Unplannable("as_strided from the start of memory that is an argument's")
        return [layout.base, size, stride, layout.offset if start is None else start]

    # --- questions -------------------------------------------------------------------------------

    def answers(self, op: OpDef) -> bool:
        """Whether `op` asks for what is known here."""
        return op.name in _QUESTIONS

    def answer(self, op: OpDef, args: Sequence[Any]) -> Any:
        """What `op`, a question about strides, gives."""
        return _QUESTIONS[op.name](*self._operand(args[0]), *args[1:])

    # --- what leaves -----------------------------------------------------------------------------

    def wait(self, inner: Sequence[Value], outputs: Sequence[Value], block: Block) -> None:
        """Let `outputs`, in `block`, be what a task gave: its values `inner`."""
        for given, output in zip(inner, outputs, strict=True):
            if self.of(given).base is given and not _is_visible(given, block):
                self._stand_in.setdefault(given, output)
                if given in self._known:
                    self.set(output, self._known[given].strides)
        for given, output in zip(inner, outputs, strict=True):
            layout = self.of(given)
            base = self._stand_in.get(layout.base, layout.base)
            if base is not output:
                self.share(output, Layout(base, layout.strides, layout.offset))

    def results(
        self, graph: Graph, values: Sequence[Value]
    ) -> tuple[list[Value], tuple[ResultView, ...]]:
        """The tensors whose memory `values` are views of, and the views.

        No views if `values` are just these, row-major.

        Raises:
            Unplannable: if several share memory that a task made and did not give.
        """
        self._give_own_memory(graph, values)
        outputs: dict[Value, int] = {}
        views = []
        for value in values:
            layout = self.of(value)
            if layout.base in graph.params:
                of_input, index = True, graph.params.index(layout.base)
            else:
                of_input, index = False, outputs.setdefault(layout.base, len(outputs))
            assert isinstance(value.type, TensorType)
            views.append(ResultView(of_input, index, value.type, layout.strides, layout.offset))
        if list(outputs) == list(values) and not any(v in self._known for v in values):
            return list(outputs), ()
        return list(outputs), tuple(views)

    def _give_own_memory(self, graph: Graph, values: Sequence[Value]) -> None:
        """Take those of `values` whose memory a task made for new tensors; each has to be alone."""
        seen: dict[Value, Value] = {}
        for value in values:
            layout = self.of(value)
            made = layout.base.node
            if made is None or made.owner is graph:
                continue
            if seen.setdefault(layout.base, value) is not value:
                raise Unplannable("results share memory that a task made")
        for value in seen.values():
            sizes = _sizes(value)
            self.set(value, inherited_strides(sizes, [(sizes, self.of(value).strides)]))


def _copies(op: OpDef, args: Sequence[Any]) -> bool:
    """Whether a conversion is asked for a copy, or for a memory format."""
    return bool(argument_of(op, args, "copy")) or asks_for_format(op, args)


def tensors_in(args: Any) -> Iterator[Value | np.ndarray]:
    """The tensors among arguments and in their lists."""
    for arg in args:
        if isinstance(arg, np.ndarray):
            yield arg
        elif isinstance(arg, Value):
            if isinstance(arg.type, TensorType):
                yield arg
        elif isinstance(arg, list | tuple):
            yield from tensors_in(arg)


def _is_visible(value: Value, block: Block) -> bool:
    """Whether nodes of `block` can use `value`."""
    owner = value.node.owner if value.node is not None else value.block
    around: Block | None = block
    while around is not None and around is not owner:
        around = around.owner.owner if around.owner is not None else None
    return around is owner


def _sizes(value: Value) -> tuple[int, ...]:
    assert isinstance(value.type, TensorType)
    return value.type.sizes


def _stride_of(sizes: Sequence[int], strides: Sequence[int], dim: int) -> int:
    return strides[wrap_dim("stride", dim, len(sizes))]


_QUESTIONS: dict[str, Callable[..., Any]] = {
    "stride": lambda _, strides: list(strides),
    "stride.int": _stride_of,
    "is_contiguous": has_format,
    "is_contiguous.memory_format": has_format,
}
