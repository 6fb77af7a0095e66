"""Evaluating loop IR expressions: which parts are per lane, addresses, index checks.

An `Evaluator` stands at one place of the loops: it knows the position on every axis, which of them
is spread over the lanes, and the values that earlier stages produced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from treadle.codegen import memory
from treadle.codegen.arguments import Arguments
from treadle.codegen.checks import checked_divisor, checked_index
from treadle.codegen.emit import Emitter, Value, compute_dtype
from treadle.codegen.functions import call_function
from treadle.ir.dtypes import i64
from treadle.ir.loops import (
    Access,
    Accumulator,
    Call,
    Const,
    Dim,
    Expr,
    Extent,
    Index,
    Load,
    Reduced,
    Store,
)
from treadle.ir.loops_walk import visit_operands

MOST_APART = 4
"""Elements that lanes may lie apart to be stored together with what is between them."""


@dataclass(slots=True)
class Evaluator:
    """Evaluates expressions at one place.

    Attributes:
        axes: position on each axis (of lane 0 on the axis of the lanes).
        lane_axis: the axis that the lanes are neighbours on, if any.
        mask: which lanes exist, or None for all.
        floor: loads are hoisted no further out than the scope at this depth.
        results: values of `Reduced` and `Accumulator`.
        checks: whether indices are checked, as they must be where something is read or written.
    """

    e: Emitter
    arguments: Arguments
    axes: Mapping[int, Value]
    lane_axis: int | None = None
    lanes: int = 1
    mask: Value | None = None
    floor: int = 0
    results: Callable[[Reduced | Accumulator], Value] | None = None
    checks: bool = True
    _memo: dict[int, Value] = field(default_factory=dict)
    _kept: list[Expr] = field(default_factory=list)
    _scalar: Evaluator | None = None

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

    def spread(self, expr: Expr) -> Value:
        """The value of `expr` in every lane."""
        return self.e.splat(self.value(expr), self.lanes)

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

    # --- addresses ---------------------------------------

    def scalar(self) -> Evaluator:
        """The same place seen by lane 0 alone."""
        if self.lanes == 1:
            return self
        if self._scalar is None:
            self._scalar = Evaluator(
                self.e, self.arguments, self.axes, None, 1, None, self.floor, self.results,
                self.checks,
            )  # fmt: skip
        return self._scalar

    def lane_stride(self, expr: Expr) -> int | None:
        """By how much i64 `expr` grows from lane to lane, if by a known constant."""
        if isinstance(expr, Index):
            return 1 if expr.axis == self.lane_axis else 0
        if isinstance(expr, Const | Extent):
            return 0
        if isinstance(expr, Call) and expr.function in ("add", "sub", "mul"):
            a, b = (self.lane_stride(x) for x in expr.args)
            if a is None or b is None:
                return None
            if expr.function == "mul":
                return self._product_stride(expr, a, b)
            return a + b if expr.function == "add" else a - b
        return 0 if self.value(expr).lanes == 1 else None

    @staticmethod
    def _product_stride(expr: Call, a: int, b: int) -> int | None:
        if a == 0 and b == 0:
            return 0
        factor = expr.args[1] if b == 0 else expr.args[0]
        return (a or b) * int(factor.value) if isinstance(factor, Const) else None

    def _address(self, access: Access, *, backwards: bool = False) -> tuple[Value, int]:
        """Address of lane 0 (or of each lane), and the stride of lanes that lie side by side.

        It is 1, else 0; with `backwards`, -1 if they lie side by side in reverse, and then the
        address is that of the last lane.
        """
        e = self.e
        parts = [self.arguments.dim(access.offset)]
        stride = 0
        lane_parts: list[Value] = []
        late = self._affine_parts(access, parts)
        for axis, dim in access.terms:
            if axis == self.lane_axis and self.lanes > 1:
                if isinstance(dim, int):
                    stride = dim
                else:
                    iota = e.vector_constant(i64, range(self.lanes))
                    lane_parts.append(e.binary("mul", iota, self.arguments.dim(dim)))
        for expr, dim in access.indirect:
            step = self.lane_stride(expr) if self.lanes > 1 else 0
            if step is None or (step != 0 and not isinstance(dim, int)):
                lane_parts.append(e.binary("mul", self.spread(expr), self.arguments.dim(dim)))
                continue
            stride += step * (dim if isinstance(dim, int) else 0)
            parts.append(e.mul(self.scalar().value(expr), self.arguments.dim(dim)))
        if backwards and stride == -1 and not lane_parts:
            parts.append(e.integer(1 - self.lanes))
            return self._sum(access.buffer, parts, late, 0, [])[0], -1
        return self._sum(access.buffer, parts, late, stride, lane_parts)

    def address(self, access: Access) -> Value:
        """The address of an element, for lane 0."""
        return self.scalar()._address(access)[0]

    def _affine_parts(self, access: Access, parts: list[Value]) -> Value:
        """Add the terms of `access` to `parts`, but give the part from literal positions.

        That part, of the taps of an unrolled window, comes last: then all taps share a pointer,
        and the window's offsets are the same at every point. A neighbour's shift along an axis
        joins it if the taps have the same stride: equal positions become equal instructions.
        """
        e = self.e
        known: dict[Dim, int] = {}
        shifts: list[tuple[Dim, int]] = []
        for axis, dim in access.terms:
            position = self.axes[axis]
            if position.constant is not None:
                known[dim] = known.get(dim, 0) + int(position.constant)
                continue
            base, shift = e.split(position)
            parts.append(e.mul(base, self.arguments.dim(dim)))
            shifts.append((dim, shift))
        for dim, shift in shifts:
            if dim in known:
                known[dim] += shift
            else:
                parts.append(e.mul(e.integer(shift), self.arguments.dim(dim)))
        late = e.integer(0)
        for dim, number in known.items():
            late = e.add(late, e.mul(e.integer(number), self.arguments.dim(dim)))
        return late

    def _has_lanes(self, buffer: int) -> bool:
        """Whether there is an element of the buffer for each lane, side by side."""
        return self.arguments.buffers[buffer].local != 0 and self.arguments.lanes > 1

    def _sum(
        self, buffer: int, parts: list[Value], late: Value, stride: int, lane_parts: list[Value]
    ) -> tuple[Value, int]:
        e, own = self.e, self._has_lanes(buffer)
        each = e.integer(self.lanes if own else 1)
        dtype = self.arguments.buffers[buffer].dtype
        address = self.arguments.pointer(buffer)
        # One step per depth, outermost first: each partial address is hoisted as far as it goes.
        for depth in sorted({p.depth for p in parts}):
            position = e.integer(0)
            for part in (p for p in parts if p.depth == depth):
                position = e.add(position, part)
            address = memory.pointer(e, address, e.mul(position, each), dtype)
        address = memory.pointer(e, address, e.mul(late, each), dtype)
        if own:
            return address, 1
        if lane_parts or stride not in (0, 1):
            offsets = e.vector_constant(i64, [stride * lane for lane in range(self.lanes)])
            for part in lane_parts:
                offsets = e.binary("add", offsets, part)
            return memory.pointer(e, address, offsets, dtype), 0
        return address, stride

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

    def gap(self, access: Access) -> int:
        """By how much lanes lie apart, if that is little and known and more than 1; else 0."""
        if self.lanes == 1 or self._has_lanes(access.buffer) or access.indirect:
            return 0
        stride = dict(access.terms).get(self.lane_axis if self.lane_axis is not None else -1)
        return stride if isinstance(stride, int) and 1 < stride <= MOST_APART else 0

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
