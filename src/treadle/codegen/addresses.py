"""Addresses of elements, from a place in the loops: per lane, or of lanes that lie side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from treadle.codegen import memory
from treadle.codegen.arguments import Arguments
from treadle.codegen.emit import Emitter
from treadle.codegen.values import Value
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
    Reduced,
)

MOST_APART = 4
"""Elements that lanes may lie apart to be stored together with what is between them."""


@dataclass(slots=True)
class Addresses:
    """Finds addresses at one place; what it computes them from is evaluated by `Evaluator`.

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
    _scalar: Addresses | None = None

    def value(self, expr: Expr) -> Value:
        """The value of `expr`: a vector if it differs between lanes, else a scalar."""
        raise NotImplementedError

    def spread(self, expr: Expr) -> Value:
        """The value of `expr` in every lane."""
        return self.e.splat(self.value(expr), self.lanes)

    def scalar(self) -> Addresses:
        """The same place seen by lane 0 alone."""
        if self.lanes == 1:
            return self
        if self._scalar is None:
            self._scalar = type(self)(
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

    def gap(self, access: Access) -> int:
        """By how much lanes lie apart, if that is little and known and more than 1; else 0."""
        if self.lanes == 1 or self._has_lanes(access.buffer) or access.indirect:
            return 0
        stride = dict(access.terms).get(self.lane_axis if self.lane_axis is not None else -1)
        return stride if isinstance(stride, int) and 1 < stride <= MOST_APART else 0
