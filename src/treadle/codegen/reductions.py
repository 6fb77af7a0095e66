"""Reductions: identity, combination and the final step from lanes to one value.

The state of a reduction is a tuple of values: one accumulator; for argmax and argmin the best
value so far and its position; for logsumexp the largest value and the sum of ``exp(x - largest)``.
"""

from __future__ import annotations

import math

from treadle.codegen.casts import cast
from treadle.codegen.emit import Emitter
from treadle.codegen.functions import call_function, maximum, minimum
from treadle.codegen.values import Value, compute_dtype
from treadle.ir.dtypes import DType, bool_, i64
from treadle.ir.loops import Call, Expr, Reduce
from treadle.ir.loops_functions import ORDERED

State = tuple[Value, ...]
_FAR = 2**63 - 1


def _least(dtype: DType) -> float | int:
    if dtype.kind == "f":
        return -math.inf
    return -(1 << (dtype.itemsize * 8 - 1)) if dtype.kind == "i" else 0


def _greatest(dtype: DType) -> float | int:
    if dtype.kind == "f":
        return math.inf
    if dtype.kind == "b":
        return 1
    return (1 << (dtype.itemsize * 8 - (dtype.kind == "i"))) - 1


class Reduction:
    """How one `Reduce` is computed."""

    def __init__(self, e: Emitter, reduce: Reduce, value_dtype: DType) -> None:
        self.e = e
        self.function = reduce.function
        self.positional = reduce.function in ("argmax", "argmin")
        self.dtype = value_dtype if self.positional else compute_dtype(reduce.dtype)

    @property
    def rounds(self) -> bool:
        """Whether it is a sum that rounds."""
        return self.function == "sum" and self.dtype.kind == "f"

    @property
    def ordered(self) -> bool:
        """Whether its bits depend on the order in which elements are combined."""
        return self.function in ORDERED and self.dtype.kind == "f"

    def identity(self, lanes: int) -> State:
        """The state before any element."""
        function, e = self.function, self.e
        if self.function == "logsumexp":
            return e.constant(self.dtype, -math.inf, lanes), e.zero(self.dtype, lanes)
        if self.positional:
            worst = _least(self.dtype) if function == "argmax" else _greatest(self.dtype)
            return e.constant(self.dtype, worst, lanes), e.constant(i64, _FAR, lanes)
        numbers = {"sum": 0, "prod": 1, "any": 0, "all": 1}
        if function == "max":
            number: float | int = _least(self.dtype)
        elif function == "min":
            number = _greatest(self.dtype)
        else:
            number = numbers[function]
        return (e.constant(self.dtype, number, lanes),)

    def element(self, value: Value, position: Value | None) -> State:
        """The state of one element (per lane)."""
        if self.positional:
            assert position is not None
            return value, self.e.splat(position, value.lanes)
        if self.function == "logsumexp":
            return value, self.e.constant(self.dtype, 1.0, value.lanes)
        return (cast(self.e, value, self.dtype),)

    def combine(self, a: State, b: State) -> State:
        """Both together."""
        e = self.e
        if self.positional:
            return self._better(a, b)
        if self.function == "logsumexp":
            return self._added(a, b)
        if self.function == "max":
            return (maximum(e, a[0], b[0]),)
        if self.function == "min":
            return (minimum(e, a[0], b[0]),)
        opcode = {"sum": "add", "prod": "mul", "any": "or", "all": "and"}[self.function]
        return (call_function(e, opcode, [a[0], b[0]], self.dtype),)

    def _better(self, a: State, b: State) -> State:
        """The better value, the earlier of equal ones; NaN is better than any number."""
        e = self.e
        order = "gt" if self.function == "argmax" else "lt"
        better = call_function(e, order, [b[0], a[0]], self.dtype)
        equal = call_function(e, "eq", [b[0], a[0]], self.dtype)
        if self.dtype.kind == "f":
            nan_a, nan_b = e.compare("fcmp uno", a[0], a[0]), e.compare("fcmp uno", b[0], b[0])
            number_a = e.binary("xor", nan_a, e.constant_true(nan_a.lanes))
            better = e.binary("or", better, e.binary("and", nan_b, number_a))
            equal = e.binary("or", equal, e.binary("and", nan_a, nan_b))
        earlier = e.compare("icmp slt", b[1], a[1])
        better = e.binary("or", better, e.binary("and", equal, earlier))
        return e.select(better, b[0], a[0]), e.select(better, b[1], a[1])

    def _added(self, a: State, b: State) -> State:
        """Both sums, as seen from the larger of the largest values, or from 0 if it is infinite."""
        e, largest = self.e, maximum(self.e, a[0], b[0])
        zero = e.zero(self.dtype, largest.lanes)
        infinite = call_function(e, "isinf", [largest], bool_)
        seen = e.select(infinite, zero, largest)
        parts = [
            e.binary("fmul", s, call_function(e, "exp", [e.binary("fsub", m, seen)], self.dtype))
            for m, s in (a, b)
        ]
        return largest, e.binary("fadd", *parts)

    def product(self, value: Expr) -> tuple[Expr, Expr] | None:
        """The factors, if `value` is a product to be summed with one rounding."""
        if self.rounds and isinstance(value, Call) and value.function == "mul":
            same = compute_dtype(value.dtype) is self.dtype
            return (value.args[0], value.args[1]) if same else None
        return None

    def masked(self, mask: Value, a: State, b: State) -> State:
        """`a` in the lanes of `mask`, else `b`."""
        return tuple(self.e.select(mask, x, y) for x, y in zip(a, b, strict=True))

    def fold(self, state: State, lanes: int) -> State:
        """Combine halves with each other until `lanes` are left."""
        while state[0].lanes > lanes:
            half = state[0].lanes // 2
            low = tuple(self.e.shuffle(v, range(half)) for v in state)
            high = tuple(self.e.shuffle(v, range(half, 2 * half)) for v in state)
            state = self.combine(low, high)
        return state

    def running(self, before: State, elements: State) -> State:
        """In each lane, `before` with the elements up to that lane; by doubling."""
        lanes = elements[0].lanes
        nothing, step = self.identity(lanes), 1
        while step < lanes:
            behind = [j - step if j >= step else lanes for j in range(lanes)]
            pairs = zip(elements, nothing, strict=True)
            earlier = tuple(self.e.mix(v, n, behind) for v, n in pairs)
            elements = self.combine(earlier, elements)
            step *= 2
        return self.combine(before, elements)

    def first(self, state: State, lanes: int) -> State:
        """The state of the first lanes."""
        whole = state[0].lanes == lanes
        return state if whole else tuple(self.e.shuffle(v, range(lanes)) for v in state)

    def last(self, state: State) -> State:
        """The state of the last lane, in every lane."""
        lanes = state[0].lanes
        if lanes == 1:
            return state
        return tuple(self.e.shuffle(v, [lanes - 1] * lanes) for v in state)

    def result(self, state: State) -> Value:
        """The value of the reduction."""
        if self.function == "logsumexp":
            return self.e.binary(
                "fadd", state[0], call_function(self.e, "log", [state[1]], self.dtype)
            )
        return state[1] if self.positional else state[0]


def expression_dtype(expr: Expr) -> DType:
    """The dtype that `expr` is computed in."""
    dtype = getattr(expr, "dtype", i64)
    assert isinstance(dtype, DType)
    return compute_dtype(dtype)
