"""Checking kernels: what the generators rely on, stated once."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.errors import VerifyError
from treadle.ir.dtypes import DType, bool_, f32, i32, i64
from treadle.ir.loops import (
    CONTRACTION_SIZES,
    SORT_STAGES,
    Access,
    Accumulator,
    Call,
    Const,
    Contraction,
    Dim,
    Expr,
    Extent,
    Index,
    Kernel,
    Load,
    LoopNest,
    Reduce,
    Reduced,
    Size,
    Sort,
    Stage,
    Store,
)
from treadle.ir.loops_functions import CHECKS, FUNCTIONS
from treadle.ir.loops_text import print_kernel
from treadle.ir.loops_walk import is_scan, visit_operands

_MODES = ("outer", "inner", "none")
_REDUCTIONS = frozenset(
    ("sum", "prod", "max", "min", "any", "all", "argmax", "argmin", "logsumexp")
)


def verify_kernel(kernel: Kernel) -> None:
    """Check a kernel.

    Buffers, axes, sizes, stages and gates that are named exist; functions get the number and
    dtypes of operands they take; stores have their buffer's dtype and go to written buffers; the
    bounds of ranges use outer axes only and never the one of the lanes; a kernel that checks
    indices ends in an i32 status buffer.

    Raises:
        VerifyError: names what is wrong; holds the kernel's text.
    """
    try:
        _Verifier(kernel).run()
    except _BrokenError as broken:
        raise VerifyError(f"{broken}, in\n{print_kernel(kernel)}") from None


class _BrokenError(Exception):
    pass


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise _BrokenError(message)


def _computed(dtype: DType) -> DType:
    return f32 if dtype.kind == "f" and dtype.itemsize < 4 else dtype


class _Verifier:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.axes: frozenset[int] = frozenset()
        self.stage = 0
        self.known = 0
        self.seen: dict[int, DType] = {}
        self.kept: list[Expr] = []

    def run(self) -> None:
        kernel = self.kernel
        if isinstance(kernel, Contraction):
            self._contraction(kernel)
            return
        if isinstance(kernel, Sort):
            self._sort(kernel)
            return
        _require(kernel.vectorize in _MODES, f"vectorize is {kernel.vectorize!r}")
        for buffer in kernel.buffers:
            self._dim(buffer.local)
            _require(buffer.local == 0 or buffer.written, "a local buffer is not written")
        for axis in kernel.axes:
            self._dim(axis.extent)
            self._dim(axis.step)
            _require(axis.step != 0 or axis.extent != 0, "an axis is empty")
        for number, stage in enumerate(kernel.stages):
            self.stage = self.known = number
            self._stage(kernel, stage)

    def _contraction(self, kernel: Contraction) -> None:
        _require(0 <= kernel.batch <= 2, f"a contraction has 0 to 2 batch axes, not {kernel.batch}")
        _require(kernel.tile.rows > 0 and kernel.tile.vectors > 0, "the tile is empty")
        _require(kernel.gates > 0, "a contraction has at least one gate")
        _require(len(kernel.buffers) >= 3, "a contraction has A, B and a result")
        a, b = (_computed(kernel.buffers[n].dtype) for n in (0, 1))
        _require(a == b and a.kind == "f", f"A and B are {a} and {b}, not floats of one dtype")
        self.axes = frozenset(range(kernel.batch + 4))
        _require(bool(kernel.stores), "a contraction stores nothing")
        self._stores(kernel.stores)

    def _sort(self, kernel: Sort) -> None:
        _require(len(kernel.buffers) == 4, "a sort has x, values, positions and scratch")
        x, values, positions, scratch = kernel.buffers
        _require(not x.dtype.is_complex, "complex numbers have no order")
        _require(values.dtype == x.dtype, f"values of {values.dtype} are sorted from {x.dtype}")
        _require(positions.dtype == scratch.dtype == i64, "positions and scratch are i64")
        written = all(b.written for b in kernel.buffers[1:])
        _require(written, "values, positions and scratch are written")
        _require(kernel.stage in SORT_STAGES, f"the stage of a sort is {kernel.stage!r}")

    def _stage(self, kernel: LoopNest, stage: Stage) -> None:
        outer = range(len(kernel.axes))
        free = outer[:-1] if kernel.vectorize == "outer" else outer
        self.axes = frozenset(free)
        self.seen.clear()
        for range_ in stage.ranges:
            for bound in (range_.start, range_.stop):
                _require(self._dtype(bound) == i64, "a bound of a range is not i64")
        self.axes = frozenset(range(len(kernel.axes) + len(stage.ranges)))
        self.seen.clear()
        for reduce in stage.reduces:
            self._reduce(reduce)
        if stage.across:
            outside = kernel.vectorize == "outer" and not is_scan(stage, self.stage)
            _require(
                outside, "lanes that reduce across rows are on an outer axis, and scan nothing"
            )
            _require(bool(stage.ranges), "there is no range to reduce across")
        if is_scan(stage, self.stage):
            inner = kernel.vectorize == "inner"
            _require(not inner or len(stage.ranges) == 1, "lanes scan one range")
            self.known = self.stage + 1
        self._stores(stage.stores)
        _require(bool(stage.reduces or stage.stores), "a stage does nothing")

    def _reduce(self, reduce: Reduce) -> None:
        _require(reduce.function in _REDUCTIONS, f"there is no reduction {reduce.function!r}")
        value = self._dtype(reduce.value)
        if reduce.function in ("argmax", "argmin"):
            _require(reduce.dtype == i64, f"{reduce.function} gives i64, not {reduce.dtype}")
        elif reduce.function in ("any", "all"):
            _require(value == bool_ == reduce.dtype, f"{reduce.function} is of bool, not {value}")
        elif reduce.function == "logsumexp":
            _require(value.kind == "f", f"logsumexp is of floats, not {value}")

    def _stores(self, stores: Sequence[Store]) -> None:
        for store in stores:
            self._access(store.access)
            buffer = self.kernel.buffers[store.access.buffer]
            _require(buffer.written, f"buffer {store.access.buffer} is stored to, but not written")
            value = self._dtype(store.value)
            _require(
                value == _computed(buffer.dtype), f"{value} is stored to a buffer of {buffer.dtype}"
            )

    def _dim(self, dim: Dim) -> None:
        if isinstance(dim, Size):
            _require(dim.index >= 0, f"there is no size {dim.index}")
        if isinstance(self.kernel, Contraction) and isinstance(dim, Size):
            first = len(CONTRACTION_SIZES)
            _require(dim.index >= first, f"sizes of stores start at {first}, not {dim.index}")

    def _access(self, access: Access) -> None:
        _require(
            0 <= access.buffer < len(self.kernel.buffers), f"there is no buffer {access.buffer}"
        )
        self._dim(access.offset)
        for axis, stride in access.terms:
            _require(axis in self.axes, f"axis {axis} does not exist here")
            self._dim(stride)
        for value, stride in access.indirect:
            _require(self._dtype(value) == i64, "an indirect position is not i64")
            self._dim(stride)

    def _dtype(self, expr: Expr) -> DType:
        """The dtype `expr` is computed in, having checked it."""
        found = self.seen.get(id(expr))
        if found is None:
            if isinstance(expr, Call):
                visit_operands(expr, lambda e: id(e) in self.seen, self._dtype)
            found = _computed(self._check(expr))
            self.seen[id(expr)] = found
            self.kept.append(expr)
        return found

    def _check(self, expr: Expr) -> DType:
        if isinstance(expr, Index):
            _require(expr.axis in self.axes, f"axis {expr.axis} does not exist here")
            return i64
        if isinstance(expr, Extent):
            self._dim(expr.dim)
            return i64
        if isinstance(expr, Load):
            self._access(expr.access)
            stored = _computed(self.kernel.buffers[expr.access.buffer].dtype)
            _require(_computed(expr.dtype) == stored, f"{expr.dtype} is loaded from {stored}")
        elif isinstance(expr, Call):
            self._call(expr)
        elif isinstance(expr, Reduced):
            self._reduced(expr)
        elif isinstance(expr, Accumulator):
            _require(isinstance(self.kernel, Contraction), "a sum outside a contraction")
            assert isinstance(self.kernel, Contraction)
            _require(0 <= expr.gate < self.kernel.gates, f"there is no gate {expr.gate}")
            stored = _computed(self.kernel.buffers[0].dtype)
            _require(_computed(expr.dtype) == stored, f"sums are {stored}, not {expr.dtype}")
        else:
            assert isinstance(expr, Const)
            fits = not isinstance(expr.value, float) or expr.dtype.kind == "f"
            _require(fits, f"{expr.value} is no {expr.dtype}")
        return expr.dtype

    def _reduced(self, expr: Reduced) -> None:
        kernel = self.kernel
        _require(isinstance(kernel, LoopNest), "a reduction's result in a contraction")
        assert isinstance(kernel, LoopNest)
        _require(0 <= expr.stage < self.known, f"stage {expr.stage} is not an earlier stage")
        reduces = kernel.stages[expr.stage].reduces
        _require(0 <= expr.reduction < len(reduces), f"no reduction {expr.reduction} in the stage")
        given = _computed(reduces[expr.reduction].dtype)
        _require(_computed(expr.dtype) == given, f"the reduction gives {given}, not {expr.dtype}")

    def _call(self, expr: Call) -> None:
        name = expr.function
        signature = FUNCTIONS.get(name)
        if signature is None:
            raise _BrokenError(f"there is no function {name!r}")
        args = [self._dtype(a) for a in expr.args]
        _require(len(args) == signature.arity, f"{name} takes {signature.arity} operands")
        if name in CHECKS:
            _require(self.kernel.buffers[-1].dtype == i32, f"{name} needs an i32 status buffer")
            _require(self.kernel.buffers[-1].written, "the status buffer is not written")
        if name == "select":
            _require(args[0] == bool_, f"select's condition is {args[0]}")
            args = args[1:]
        _require(all(a == args[0] for a in args), f"operands of {name} differ: {args}")
        _require(args[0].kind in signature.kinds, f"{name} does not take {args[0]}")
        result = _computed(expr.dtype)
        if signature.result == "bool":
            _require(result == bool_, f"{name} gives bool, not {result}")
        elif signature.result == "same":
            _require(result == args[0], f"{name} of {args[0]} does not give {result}")
