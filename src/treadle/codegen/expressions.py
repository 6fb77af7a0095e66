"""Evaluating loop IR expressions: which parts are per lane, addresses, index checks.

An `Evaluator` stands at one place of the loops: it knows the position on every axis, which of them
is spread over the lanes, and the values that earlier stages produced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from treadle.codegen import memory
from treadle.codegen.addresses import Addresses
from treadle.codegen.checks import checked_divisor, checked_index
from treadle.codegen.functions import call_function
from treadle.codegen.values import Value, compute_dtype
from treadle.ir.dtypes import i64
from treadle.ir.loops import (
    Access,
    Call,
    Const,
    Expr,
    Extent,
    Index,
    Load,
    Store,
)
from treadle.ir.loops_walk import visit_operands


@dataclass(slots=True)
class Evaluator(Addresses):
    """Evaluates expressions at one place, loads and stores."""

    def value(self, expr: Expr) -> Value:
        """The value of `expr`: a vector if it differs between lanes, else a scalar."""
        found = self._memo.get(id(expr))
        if found is None:
            if isinstance(expr, Call):
                visit_operands(expr, lambda e: id(e) in self._memo, self.value)
            found = self._evaluate(expr)
            self._memo[id(expr)] = found
            self._kept.append(expr)  # keeps its id from being reused
        return found

    def know(self, values: Mapping[int, Value]) -> None:
        """Take the values of expressions, by their ids, from elsewhere."""
        self._memo.update(values)

    def _evaluate(self, expr: Expr) -> Value:
        if isinstance(expr, Const):
            return self.e.constant(compute_dtype(expr.dtype), expr.value)
        if isinstance(expr, Index):
            return self._index(expr.axis)
        if isinstance(expr, Extent):
            return self.arguments.dim(expr.dim)
        if isinstance(expr, Load):
            return self._load(expr)
        if isinstance(expr, Call):
            return self._call(expr)
        assert self.results is not None
        return self.results(expr)

    def _index(self, axis: int) -> Value:
        position = self.axes[axis]
        if axis != self.lane_axis or self.lanes == 1:
            return position
        iota = self.e.vector_constant(i64, range(self.lanes))
        return self.e.binary("add", position, iota)

    def _call(self, expr: Call) -> Value:
        args = [self.value(a) for a in expr.args]
        if expr.function in ("checked_index", "wrapped_index"):
            if not self.checks:
                return args[0]
            wrap = expr.function == "wrapped_index"
            return checked_index(self.e, self.arguments, self.mask, *args, wrap=wrap)
        if expr.function == "checked_divisor":
            return checked_divisor(self.e, self.arguments, self.mask, args[0])
        if expr.dtype is i64 and expr.function in ("add", "sub", "mul") and args[0].lanes == 1:
            folded = self._integer(expr.function, args)
            if folded is not None:
                return folded
        return call_function(self.e, expr.function, args, expr.dtype)

    def _integer(self, function: str, args: Sequence[Value]) -> Value | None:
        """Index arithmetic on constants is done now."""
        if all(a.constant is not None for a in args):
            return getattr(self.e, function)(*args)  # type: ignore[no-any-return]
        return None

    def _load_group(self, expr: Load, size: int, place: int) -> Value:
        """Lanes that read one place of their group; lane 0 is the first of one."""
        terms = tuple(t for t in expr.access.terms if t[1] != 1)
        axis = self.lane_axis
        assert axis is not None
        whole = self.value(
            Load(replace(expr.access, terms=(*terms, (axis, 1)), indirect=()), expr.dtype)
        )
        return self.e.shuffle(whole, [lane // size * size + place for lane in range(self.lanes)])

    def _load(self, expr: Load) -> Value:
        group = _group(expr.access, self.lanes, self.lane_axis, self.axes)
        if group is not None:
            return self._load_group(expr, *group)
        if self.mask is None and self.gap(expr.access) == 2:
            return self._load_alternate(expr)
        address, stride = self._address(expr.access, backwards=True)
        buffer = self.arguments.buffers[expr.access.buffer]
        lanes = self.lanes if stride or address.lanes > 1 else 1
        mask = self.mask if lanes > 1 else None
        reverse = range(lanes - 1, -1, -1)
        loaded = memory.load(
            self.e,
            address,
            buffer.dtype,
            lanes,
            self.e.shuffle(mask, reverse) if stride < 0 and mask is not None else mask,
            constant=not buffer.written,
            floor=self.floor,
        )
        return self.e.shuffle(loaded, reverse) if stride < 0 else loaded

    def _load_alternate(self, expr: Load) -> Value:
        """Every other element, by two loads that meet: nothing past the last one is read."""
        buffer, count = self.arguments.buffers[expr.access.buffer], self.lanes
        start = self.address(expr.access)
        low, high = (
            memory.load(
                self.e, memory.pointer(self.e, start, self.e.integer(at), buffer.dtype),
                buffer.dtype, count, constant=not buffer.written, floor=self.floor,
            )
            for at in (0, count - 1)
        )  # fmt: skip
        return self.e.mix(low, high, [*range(0, count, 2), *range(count + 1, 2 * count, 2)])

    def store_together(self, stores: Sequence[Store]) -> None:
        """Stores that fill the gaps between each other's lanes, as stores of neighbours."""
        e, count, apart = self.e, self.lanes, len(stores)
        values = [self.spread(store.value) for store in stores]
        access = stores[0].access
        address = self.address(access)
        dtype = self.arguments.buffers[access.buffer].dtype
        for at in range(0, apart * count, count):
            places = [divmod(position, apart) for position in range(at, at + count)]
            mixed = values[0]
            order = [lane for lane, _ in places]
            for number, value in enumerate(values[1:], 1):
                order = [
                    count + lane if of == number else known
                    for (lane, of), known in zip(places, order, strict=True)
                ]
                mixed = e.mix(mixed, value, order)
                order = list(range(count))
            memory.store(e, mixed, memory.pointer(e, address, e.integer(at), dtype), dtype)

    def store(self, store: Store, *, streaming: bool = False) -> None:
        """Write the value of a store, in all lanes."""
        address, adjacent = self._address(store.access)
        dtype = self.arguments.buffers[store.access.buffer].dtype
        if self.lanes > 1 and not adjacent and address.lanes == 1:
            value = self.value(store.value)
            last = value if value.lanes == 1 else self.e.shuffle(value, [0])
            memory.store(self.e, last, address, dtype)
            return
        value = self.spread(store.value)
        memory.store(self.e, value, address, dtype, self.mask, streaming=streaming)


def _group(
    access: Access, lanes: int, lane_axis: int | None, axes: Mapping[int, Value]
) -> tuple[int, int] | None:
    """The size of groups of lanes and a place in them, if each reads that place of its group.

    The groups lie side by side: the position is ``lane // size * size`` plus a literal.
    """
    if lanes == 1 or len(access.indirect) != 1:
        return None
    expr, size = access.indirect[0]
    if not isinstance(size, int) or size < 2 or lanes % size:
        return None
    if expr != Call("floordiv", (Index(lane_axis or 0), Const(size, i64)), i64):
        return None
    if any(a == lane_axis for a, _ in access.terms):
        return None
    places = [axes[a].constant for a, stride in access.terms if stride == 1]
    inside = len(places) == 1 and places[0] is not None and places[0] < size
    return (size, int(places[0] or 0)) if inside else None
