"""`Layouts`: where the tensors of a specialised graph lie in memory, as PyTorch places them.

A plan puts tensors where it likes. What leaves it, though, has the strides that PyTorch gives, and
shares memory with the arguments and with other results where it does there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from treadle.ir.graph import Block, Graph, Value
from treadle.ir.op import OpDef
from treadle.ir.strides import dense_strides, is_contiguous, reshaped_strides, same_strides
from treadle.ir.types import TensorType
from treadle.ops.lowering import Decompose, Pointwise, Reshape, View
from treadle.ops.shapes import wrap_dim
from treadle.passes.abstract import Unplannable, as_types
from treadle.passes.alias import MAY_GIVE_ARGUMENT

Operand: TypeAlias = tuple[Sequence[int], Sequence[int]]
"""Sizes and strides."""

_COPY_IF_NEEDED = frozenset({"reshape", "reshape_as", "flatten", "ravel"})
_LIKE_FIRST = frozenset(
    {"clone", "flip", "sort", "gelu", "zeros_like", "ones_like", "full_like", "empty_like",
     "rand_like", "randn_like", "bernoulli", "fill", "zero", "index_fill", "index_copy",
     "index_add", "index_put", "put", "addmm"}
)  # fmt: skip
"""Operators that place their result as their first operand, though they are not pointwise."""
_ROW_MAJOR = frozenset(
    {"softmax", "log_softmax", "_softmax", "_log_softmax", "layer_norm", "native_layer_norm",
     "topk", "masked_fill", "masked_scatter", "stack"}
)  # fmt: skip
"""Operators made of pointwise ones that give contiguous results all the same."""
_IMAGES = frozenset(
    {"conv2d", "conv3d", "convolution", "_convolution", "conv_transpose2d", "batch_norm",
     "max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d", "upsample_nearest2d",
     "upsample_bilinear2d", "pixel_shuffle"}
)  # fmt: skip
"""Operators that keep channels last."""
_CHANNELS_LAST = {4: (0, 2, 3, 1), 5: (0, 2, 3, 4, 1)}
_PRESERVE, _LAST_FORMAT = 1, {4: 2, 5: 3}
"""Codes of memory formats; those of channels last by rank."""


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
        if gives_view(op) and _base(op) not in MAY_GIVE_ARGUMENT:
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
        if _base(op) in _ROW_MAJOR or self._are_row_major(args):
            del self._known[result]
        elif _base(op) in _LIKE_FIRST:
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
        whole, sizes, base = self.of(source), _sizes(output), _base(op)
        if not isinstance(op.lower, View | Reshape):
            return whole if source.type == output.type and not _copies(op, args) else None
        if isinstance(op.lower, View):
            if base == "as_strided" and not self._is_row_major(whole.base):
                raise Unplannable("as_strided of memory that is not row-major")
            found = op.lower.strides(whole.strides, whole.offset, output.type, *map(as_types, args))
            if found is None:
                raise Unplannable(f"{op.name} needs a copy")
            return Layout(whole.base, *found)
        if base == "contiguous":
            return whole if _has_format(sizes, whole.strides, args[1]) else None
        if self._is_row_major(source):
            return Layout(whole.base, dense_strides(sizes), whole.offset)
        strides = reshaped_strides(_sizes(source), whole.strides, sizes)
        if strides is not None:
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


def gives_view(op: OpDef) -> bool:
    """Whether a result of `op` may share the memory of an argument."""
    schema = op.schema
    if schema is None:
        return False
    return schema.base in MAY_GIVE_ARGUMENT or any(r.alias is not None for r in schema.results)


def _base(op: OpDef) -> str:
    return op.schema.base if op.schema is not None else ""


def _copies(op: OpDef, args: Sequence[Any]) -> bool:
    """Whether a conversion is asked for a copy, or for a memory format."""
    return bool(_argument(op, args, "copy")) or asks_for_format(op, args)


def takes_memory_format(op: OpDef) -> bool:
    """Whether `op` can be asked for a memory format."""
    return op.schema is not None and any(a.name == "memory_format" for a in op.schema.arguments)


def asks_for_format(op: OpDef, args: Sequence[Any]) -> bool:
    """Whether `args` ask for a memory format, rather than for that of an argument."""
    return _argument(op, args, "memory_format") not in (None, _PRESERVE)


def _argument(op: OpDef, args: Sequence[Any], name: str) -> Any:
    """The argument of that name; None if there is none."""
    arguments = op.schema.arguments if op.schema is not None else ()
    return next((v for a, v in zip(arguments, args, strict=False) if a.name == name), None)


def result_strides(
    op: OpDef, sizes: Sequence[int], operands: Sequence[Operand], args: Sequence[Any]
) -> tuple[int, ...] | None:
    """The strides of what `op` makes, as PyTorch chooses them; None for row-major ones.

    Source: PyTorch 2.13, by experiment; for pointwise operators `inherited_strides`.
    """
    if asks_for_format(op, args):
        return _format_strides(_argument(op, args, "memory_format"), sizes)
    base = _base(op)
    if base in _LIKE_FIRST and operands and tuple(operands[0][0]) == tuple(sizes):
        return inherited_strides(sizes, operands[:1])
    if isinstance(op.lower, Pointwise) and base not in _ROW_MAJOR:
        return inherited_strides(sizes, operands)
    if base in _IMAGES and operands and _is_channels_last(*operands[0]):
        return _format_strides(_LAST_FORMAT[len(sizes)], sizes)
    return None


def inherited_strides(sizes: Sequence[int], operands: Sequence[Operand]) -> tuple[int, ...]:
    """Dense strides in the order of the operands' dims; where they differ, of the first that says.

    Source: TensorIterator of PyTorch, `reorder_dimensions`.
    """
    rank = len(sizes)
    if all(tuple(s) == tuple(sizes) and is_contiguous(s, t) for s, t in operands):
        return dense_strides(sizes)
    spread = [_broadcast(sizes, *operand) for operand in operands]
    order = list(range(rank))[::-1]  # innermost first

    def compare(inner: int, outer: int) -> int:
        for strides in spread:
            a, b = strides[inner], strides[outer]
            if a == 0 or b == 0:
                continue
            if a != b:
                return -1 if a < b else 1
            if sizes[inner] > sizes[outer]:
                return 1
        return 0

    for i in range(1, rank):
        moving = i
        for other in range(i - 1, -1, -1):
            found = compare(order[other], order[moving])
            if found > 0:
                order[other], order[moving] = order[moving], order[other]
                moving = other
            elif found < 0:
                break
    return dense_strides(sizes, order[::-1])


def places_results(op: OpDef) -> bool:
    """Whether `result_strides` knows what PyTorch does for `op`."""
    if op.schema is None or op.schema.writes or gives_view(op) or op.lower is None:
        return False
    known = _base(op) in _LIKE_FIRST or _base(op) in _ROW_MAJOR
    return known or not isinstance(op.lower, Decompose)


def operand_of(array: np.ndarray) -> Operand:
    """Sizes and strides of an array, in elements."""
    size = max(array.itemsize, 1)
    return array.shape, tuple(s // size for s in array.strides)


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


def _broadcast(sizes: Sequence[int], own: Sequence[int], strides: Sequence[int]) -> list[int]:
    """`strides` over `sizes`, 0 where the operand has no dim or one of size 1."""
    padded = [0] * (len(sizes) - len(own))
    return padded + [0 if n == 1 else s for n, s in zip(own, strides, strict=True)]


def _format_strides(memory_format: int, sizes: Sequence[int]) -> tuple[int, ...] | None:
    """The strides of a memory format; None for row-major."""
    if memory_format in _LAST_FORMAT.values():
        return dense_strides(sizes, _CHANNELS_LAST.get(len(sizes)))
    return None


def _is_channels_last(sizes: Sequence[int], strides: Sequence[int]) -> bool:
    order = _CHANNELS_LAST.get(len(sizes))
    return order is not None and same_strides(sizes, strides, dense_strides(sizes, order))


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


def _has_format(sizes: Sequence[int], strides: Sequence[int], memory_format: int = 0) -> bool:
    if memory_format in _LAST_FORMAT.values():
        return _LAST_FORMAT.get(len(sizes)) == memory_format and _is_channels_last(sizes, strides)
    return is_contiguous(sizes, strides)


def _stride_of(sizes: Sequence[int], strides: Sequence[int], dim: int) -> int:
    return strides[wrap_dim("stride", dim, len(sizes))]


_QUESTIONS: dict[str, Callable[..., Any]] = {
    "stride": lambda _, strides: list(strides),
    "stride.int": _stride_of,
    "is_contiguous": _has_format,
    "is_contiguous.memory_format": _has_format,
}
