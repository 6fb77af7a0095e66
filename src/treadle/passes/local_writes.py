"""`LocalWrites`: writes into tensors that a specialised graph made itself, as new tensors.

After ``x[:, 1:] += y`` the memory of `x` is another value of the graph: the pieces that the write
left, joined with the sum. Whoever uses `x`, or a view of it made before, is given that value, or
the view made anew. So a straight line of operators remains, in which nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from treadle.ir.graph import Block, Node, Value
from treadle.ir.op import CONSTANT, OpDef
from treadle.ir.strides import dense_strides
from treadle.ir.types import TensorType
from treadle.ops.inplace import FUNCTIONAL
from treadle.ops.lowering import Reshape, View
from treadle.ops.shapes import slice_bounds, wrap_dim
from treadle.passes.abstract import Unplannable, as_types, memory_of

if TYPE_CHECKING:
    from treadle.passes.specialiser import Specialiser

Piece: TypeAlias = "tuple[int, int, Value]"
"""Where it starts and ends along a dim, and the values there."""
MAX_PIECES = 1024


class LocalWrites:
    """The newest value of each memory that was written into."""

    def __init__(self, at: Specialiser) -> None:
        self._at = at
        self._newest: dict[Value, Value] = {}
        self._again: dict[tuple[Value, Block], Value] = {}
        self._pieces: dict[Value, tuple[int, list[Piece]]] = {}
        self._arrays: dict[int, tuple[np.ndarray, Value]] = {}

    def fresh(self, abstract: Any) -> Any:
        """`abstract` with each tensor as it is after all writes."""
        if not self._newest:
            return abstract
        if isinstance(abstract, Value):
            return self._fresh(abstract) if isinstance(abstract.type, TensorType) else abstract
        if isinstance(abstract, np.ndarray):
            known = self._arrays.get(id(memory_of(abstract)))
            return abstract if known is None else self._view_of(abstract, *known)
        if type(abstract) in (list, tuple):
            return type(abstract)(map(self.fresh, abstract))
        return abstract

    def write(self, op: OpDef, args: list[Any], origin: Node | None) -> Value:
        """Let `op` write into its first argument.

        Raises:
            Unplannable: if that is visible elsewhere, or lies in its memory in some odd way.
        """
        if op.name not in FUNCTIONAL:
            raise Unplannable(f"{op.name} writes into a tensor that is visible elsewhere")
        target = args[0]
        if isinstance(target, np.ndarray):
            target = self._taken_over(op, target)
        base = self._base_of(op, target)
        new = self._made(op, target, args[1:], origin)
        value = target
        while value is not base:
            assert value.node is not None
            source = value.node.inputs[0]
            new, value = self._replaced(value.node, source, new, origin), source
        self._put(base, new)
        return self._fresh(target)

    def _made(self, op: OpDef, target: Value, rest: list[Any], origin: Node | None) -> Value:
        """What `op` would write into `target`, as a tensor of that type."""
        at, type_ = self._at, as_types(target)
        functional = at.ops[FUNCTIONAL[op.name]]
        assert functional.schema is not None
        if functional.schema.base == "copy":  # no use of what is overwritten
            made = at.apply(at.ops["to.dtype"], [rest[0], type_.element.code, False, False, None])
        else:
            rest = rest[: len(functional.schema.arguments) - 1]
            made = at.apply(functional, [target, *rest], origin)
            made = at.apply(at.ops["as_written"], [made, target], origin)
        return self._apart(at.apply(at.ops["expand"], [at.value(made), [*type_.sizes], False]))

    def _apart(self, value: Any) -> Value:
        """A value that was just made as a view: it stands for memory that no other shows."""
        made = self._at.value(value)
        self._at.layouts.set(made, dense_strides(as_types(made).sizes))
        return made

    # --- whose memory ----------------------------------------------------------------------------

    def _base_of(self, op: OpDef, target: Value) -> Value:
        """The tensor whose memory `target` shows, if nobody outside of this block can see it."""
        layout = self._at.layouts.of(target)
        base, made = layout.base, layout.base.node
        is_own = any(base is value for _, value in self._arrays.values()) or base in self._pieces
        if made is None or (made.op is CONSTANT and not is_own):
            raise Unplannable(f"{op.name} writes into a tensor that is visible elsewhere")
        if made.owner is not self._at.block and made.op is not CONSTANT:
            raise Unplannable(f"{op.name} writes into a tensor that another task made")
        sizes = as_types(target).sizes
        if any(s == 0 and n != 1 for n, s in zip(sizes, layout.strides, strict=True)):
            raise Unplannable(f"{op.name} writes into an expanded tensor")
        return base

    def _taken_over(self, op: OpDef, target: np.ndarray) -> Value:
        """A value for an array made while specialising, which from now on stands for it."""
        memory = memory_of(target)
        if not self._at.evaluation.owns(memory) or not memory.flags.c_contiguous:
            raise Unplannable(f"{op.name} has an effect")
        value = self._at.constant(memory)
        self._arrays[id(memory)] = memory, value
        self._newest.setdefault(value, value)
        return self._view_of(target, memory, value)

    def _put(self, base: Value, new: Value) -> None:
        """Let `new` be what the memory of `base` holds."""
        layouts = self._at.layouts
        layouts.set(new, layouts.of(base).strides)
        self._newest[base] = new

    # --- views made anew -------------------------------------------------------------------------

    def _fresh(self, value: Value) -> Value:
        base = self._at.layouts.of(value).base
        if self._newest.get(base, base) is base:
            return value
        if value is base:
            return self._fresh(self._newest[base])
        key = value, self._at.block
        if key not in self._again:
            self._again[key] = self._made_again(value)
        return self._fresh(self._again[key])

    def _made_again(self, value: Value) -> Value:
        node = value.node
        if node is None or not isinstance(node.op.lower, View | Reshape):
            raise Unplannable("a view of a tensor that is written into cannot be made again")
        args = [self._at.value_of(v) for v in node.inputs]
        result: Value = self._at.apply(node.op, [self._fresh(node.inputs[0]), *args[1:]], node)
        return result

    def _view_of(self, array: np.ndarray, memory: np.ndarray, whole: Value) -> Value:
        """The view of the newest `whole` that `array` is of `memory`."""
        if array.dtype != memory.dtype:
            raise Unplannable("a view of a tensor that is written into has another dtype")
        item = array.itemsize
        start = array.__array_interface__["data"][0] - memory.__array_interface__["data"][0]
        strides = [s // item for s in array.strides]
        value = self._fresh(whole)
        for dim, first, last, step in _slices(memory.shape, array.shape, strides, start // item):
            if step:
                args = [value, dim, first, last, step]
                value = self._at.apply(self._at.ops["slice.Tensor"], args)
            else:
                value = self._at.apply(self._at.ops["select.int"], [value, dim, first])
        return value

    # --- a part replaced -------------------------------------------------------------------------

    def _replaced(self, view: Node, source: Value, new: Value, origin: Node | None) -> Value:
        """`source` with `new` in place of what `view` shows of it."""
        name, args = view.op.name, [self._at.value_of(v) for v in view.inputs[1:]]
        sizes, ops = as_types(source).sizes, self._at.ops
        if name == "slice.Tensor":
            dim, start, end, step = args
            axis = wrap_dim(name, dim, len(sizes))
            first, last = slice_bounds(start, end, sizes[axis])
            if step == 1:
                return self._joined(source, axis, (first, max(first, last), new), origin)
            return self._apart(self._at.apply(ops["slice_scatter"], [source, new, *args], origin))
        if name == "select.int":
            axis = wrap_dim(name, args[0], len(sizes))
            index = args[1] + sizes[axis] if args[1] < 0 else args[1]
            new = self._apart(self._at.apply(ops["unsqueeze"], [new, axis], origin))
            return self._joined(source, axis, (index, index + 1, new), origin)
        if name in ("transpose.int", "t"):
            return self._apart(self._at.apply(view.op, [new, *args], origin))
        if name in _SAME_ORDER:
            return self._apart(self._at.apply(ops["reshape"], [new, list(sizes)], origin))
        raise Unplannable(f"a write into a view by {view.op.name}")

    def _joined(self, source: Value, dim: int, new: Piece, origin: Node | None) -> Value:
        """The pieces of `source` along `dim`, `new` in place of what was there."""
        source = _without_slices_of_all(source)
        size = as_types(source).sizes[dim]
        known = self._pieces.get(source)
        old = known[1] if known and known[0] == dim else [(0, size, source)]
        pieces: list[Piece] = []
        for start, stop, value in old:
            if start < new[0]:
                pieces.append(self._cut((start, min(stop, new[0]), value), start, dim))
        pieces.append(new)
        for start, stop, value in old:
            if stop > new[1]:
                pieces.append(self._cut((max(start, new[1]), stop, value), start, dim))
        pieces = [p for p in pieces if p[0] < p[1]]
        if len(pieces) > MAX_PIECES:
            raise Unplannable(f"a tensor is written in more than {MAX_PIECES} pieces")
        values = [value for _, _, value in pieces] or [source]
        result = values[0]
        if len(values) > 1:
            result = self._apart(self._at.apply(self._at.ops["cat"], [values, dim], origin))
            self._pieces[result] = dim, pieces
        return result

    def _cut(self, piece: Piece, start: int, dim: int) -> Piece:
        """`piece`, of which the value begins at `start`, without what lies outside of it."""
        first, last, value = piece
        if last - first == as_types(value).sizes[dim]:
            return piece
        args = [value, dim, first - start, last - start, 1]
        return first, last, self._apart(self._at.apply(self._at.ops["slice.Tensor"], args))


def _without_slices_of_all(value: Value) -> Value:
    while value.node is not None and value.node.op.name == "slice.Tensor":
        source = value.node.inputs[0]
        if source.type != value.type:
            break
        value = source
    return value


_SAME_ORDER = frozenset({
    "view", "reshape", "unsqueeze", "squeeze", "squeeze.dim", "squeeze.dims", "flatten.using_ints",
    "contiguous", "detach", "alias", "view_as", "reshape_as", "unflatten.int", "ravel",
})  # fmt: skip
"""Views with the elements of their source in its order."""


def _slices(
    whole: Sequence[int], sizes: Sequence[int], strides: Sequence[int], offset: int
) -> list[tuple[int, int, int, int]]:
    """Slices, or selections with step 0, of a row-major tensor that give a view of it.

    From the last dim to the first: dim, start, stop, step.

    Raises:
        Unplannable: if there are none.
    """
    found, steps, rest = [], 1, list(zip(sizes, strides, strict=True))
    for dim in reversed(range(len(whole))):
        first = offset // steps % max(whole[dim], 1)
        size, stride = rest[-1] if rest else (1, 0)
        if rest and (len(rest) > dim or stride < steps * whole[dim]):
            rest.pop()
            step = max(stride // steps, 1)
            stop = first + (size - 1) * step + 1 if size else first
            if size > 1 and (stride % steps or stop > whole[dim]):
                raise Unplannable("a view of a tensor that is written into is not made by slices")
            found.append((dim, first, stop, step))
        else:
            found.append((dim, first, first + 1, 0))
        steps *= whole[dim]
    if rest:
        raise Unplannable("a view of a tensor that is written into is not made by slices")
    return found
