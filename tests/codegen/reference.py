"""A slow interpreter of the loop IR, point by point, and the means to run compiled kernels.

It shares nothing with the code generator: scalar functions are Python's and NumPy's, in f64 for
floats, so results of f32 kernels are compared with a tolerance.
"""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from treadle.codegen import CompiledKernel
from treadle.ir.dtypes import DType
from treadle.ir.loops import (
    CONTRACTION_SIZES,
    Access,
    Call,
    Const,
    Contraction,
    Dim,
    Expr,
    Extent,
    Index,
    Load,
    LoopNest,
    Reduce,
    Reduced,
    Size,
)
from treadle.ir.loops_walk import is_scan

Array = npt.NDArray[Any]
Positions = Mapping[int, int]
_SIGNATURE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
)


def run(
    compiled: CompiledKernel, arrays: Sequence[Array], sizes: Sequence[int], begin: int, end: int
) -> None:
    """Run tasks ``begin <= t < end`` of a compiled kernel."""
    buffers = (ctypes.c_void_p * len(arrays))(*[a.ctypes.data for a in arrays])
    numbers = (ctypes.c_int64 * max(len(sizes), 1))(*sizes)
    _SIGNATURE(compiled.address)(buffers, numbers, begin, end)


def interpret(
    kernel: LoopNest | Contraction, arrays: Sequence[Array], sizes: Sequence[int]
) -> None:
    """Run the whole kernel, writing to the arrays."""
    machine = _Machine(kernel, arrays, sizes)
    with np.errstate(all="ignore"):
        if isinstance(kernel, LoopNest):
            machine.loop_nest(kernel)
        else:
            machine.contraction(kernel)


class _Machine:
    def __init__(
        self, kernel: LoopNest | Contraction, arrays: Sequence[Array], sizes: Sequence[int]
    ) -> None:
        self.kernel = kernel
        self.arrays = [a.reshape(-1) for a in arrays]
        self.sizes = sizes
        self.reduced: dict[tuple[int, int], Any] = {}
        self.sums: list[float] = []
        self.place: Positions = {}
        self.memo: dict[int, Any] = {}

    def dim(self, dim: Dim) -> int:
        return int(self.sizes[dim.index]) if isinstance(dim, Size) else dim

    def loop_nest(self, kernel: LoopNest) -> None:
        extents = [range(self.dim(a.extent)) for a in kernel.axes]
        for point in itertools.product(*extents):
            outer = dict(enumerate(point))
            for number, stage in enumerate(kernel.stages):
                ranges = [
                    range(self.value(r.start, outer), self.value(r.stop, outer))
                    for r in stage.ranges
                ]
                places = [
                    {**outer, **{len(outer) + j: i for j, i in enumerate(inner)}}
                    for inner in itertools.product(*ranges)
                ]
                for r, reduce in enumerate(stage.reduces):
                    self.reduced[number, r] = self.reduce(reduce, places)
                scans = is_scan(stage, number)
                for count, place in enumerate(places, 1):
                    for r, reduce in enumerate(stage.reduces if scans else ()):
                        self.reduced[number, r] = self.reduce(reduce, places[:count])
                    for store in stage.stores:
                        self.store(store.access, self.value(store.value, place), place)

    def reduce(self, reduce: Reduce, places: Sequence[Positions]) -> Any:
        values = [self.value(reduce.value, place) for place in places]
        last = [place[max(place)] for place in places]
        if reduce.function in ("argmax", "argmin"):
            pick = np.argmax if reduce.function == "argmax" else np.argmin
            return last[int(pick(np.array(values)))] if values else 2**63 - 1
        if reduce.function in ("any", "all"):
            return (any if reduce.function == "any" else all)(values)
        return self.number(_REDUCTIONS[reduce.function](values, reduce.dtype), reduce.dtype)

    def contraction(self, kernel: Contraction) -> None:
        s = dict(zip(CONTRACTION_SIZES, self.sizes, strict=False))
        batches = [range(s[f"batch{axis}"]) for axis in range(kernel.batch)]
        rows = [range(s[name]) for name in ("rows0", "rows1", "rows2")]
        for point in itertools.product(*batches, *rows, range(s["columns"])):
            self.sums = [self.sum(kernel, s, point, gate) for gate in range(kernel.gates)]
            places = dict(enumerate(point))
            for store in kernel.stores:
                self.store(store.access, self.value(store.value, places), places)

    def sum(self, kernel: Contraction, s: Mapping[str, int], point: Any, gate: int) -> float:
        *batch, i, y, x, column = point
        width = self.panel_width
        panel, c = divmod(column, width)
        a0 = sum(b * s[f"a_batch{j}"] for j, b in enumerate(batch)) + i * s["a_row0"]
        b0 = sum(b * s[f"b_batch{j}"] for j, b in enumerate(batch)) + panel * s["b_panel"]
        b0 += gate * width + c
        total = 0.0
        for u, v in itertools.product(range(s["taps0"]), range(s["taps1"])):
            down = y * s["step0"] + u * s["dilate0"] - s["pad0"]
            right = x * s["step1"] + v * s["dilate1"] - s["pad1"]
            inside = 0 <= down < s["limit0"] and 0 <= right < s["limit1"]
            if kernel.padded and not inside:
                continue
            at = a0 + down * s["a_row1"] + right * s["a_row2"]
            from_b = b0 + (u * s["taps1"] + v) * s["b_tap"]
            for k in range(s["k"]):
                left = self.arrays[0][at + k * s["a_k"]]
                total += float(left) * float(self.arrays[1][from_b + k * s["b_k"]])
        return total

    panel_width = 0

    # expressions

    def position(self, access: Access, places: Positions) -> int:
        at = self.dim(access.offset)
        at += sum(places[axis] * self.dim(stride) for axis, stride in access.terms)
        return at + sum(int(self.value(e, places)) * self.dim(d) for e, d in access.indirect)

    def store(self, access: Access, value: Any, places: Positions) -> None:
        array = self.arrays[access.buffer]
        array[self.position(access, places)] = np.asarray(value).astype(array.dtype)

    def value(self, expr: Expr, places: Positions) -> Any:
        """The value at a place; shared subexpressions are computed once there."""
        if places is not self.place:
            self.place, self.memo = places, {}
        if id(expr) not in self.memo:
            self.memo[id(expr)] = self.compute(expr, places)
        return self.memo[id(expr)]

    def compute(self, expr: Expr, places: Positions) -> Any:
        if isinstance(expr, Const):
            return self.number(expr.value, expr.dtype)
        if isinstance(expr, Index):
            return places[expr.axis]
        if isinstance(expr, Extent):
            return self.dim(expr.dim)
        if isinstance(expr, Load):
            array = self.arrays[expr.access.buffer]
            return self.number(array[self.position(expr.access, places)], expr.dtype)
        if isinstance(expr, Call):
            args = [self.value(a, places) for a in expr.args]
            if expr.function in ("checked_index", "wrapped_index"):
                return self.checked(expr.function, *args)
            if expr.function == "checked_divisor":
                if args[0] == 0:
                    self.arrays[-1][0] = 2
                return args[0]
            return self.number(evaluate(expr.function, args, expr.dtype), expr.dtype)
        if isinstance(expr, Reduced):
            return self.reduced[expr.stage, expr.reduction]
        return self.sums[expr.gate]

    def checked(self, function: str, index: int, extent: int) -> int:
        wrapped = index + extent if function == "wrapped_index" and index < 0 else index
        if 0 <= wrapped < extent:
            return wrapped
        self.arrays[-1][:3] = (1, index, extent)
        return 0

    @staticmethod
    def number(value: Any, dtype: DType) -> Any:
        """`value` as a Python number that `dtype` can hold; floats stay f64."""
        if dtype.kind == "f":
            return float(value)
        if dtype.kind == "b":
            return bool(value)
        bits = 8 * dtype.itemsize
        wrapped = int(value) & ((1 << bits) - 1)
        return wrapped - (1 << bits) if dtype.kind == "i" and wrapped >> (bits - 1) else wrapped


def _extremum(values: Sequence[Any], dtype: DType, sign: int) -> Any:
    if any(v != v for v in values):
        return math.nan
    if values:
        return max(values) if sign > 0 else min(values)
    if dtype.kind == "f":
        return -sign * math.inf
    if dtype.kind == "b":
        return sign < 0
    info = np.iinfo(dtype.numpy)
    return int(info.min if sign > 0 else info.max)


def _float_sum(values: Sequence[float]) -> float:
    finite = all(map(math.isfinite, values))
    return math.fsum(values) if finite else float(np.sum(values))


_REDUCTIONS: dict[str, Callable[[Sequence[Any], DType], Any]] = {
    "sum": lambda values, dtype: _float_sum(values) if dtype.kind == "f" else sum(values),
    "prod": lambda values, dtype: math.prod(values),
    "max": lambda values, dtype: _extremum(values, dtype, 1),
    "min": lambda values, dtype: _extremum(values, dtype, -1),
    "logsumexp": lambda values, dtype: float(np.logaddexp.reduce(values, initial=-math.inf)),
}


def _truncated(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else 0


def _integer_power(a: int, b: int) -> int:
    if b >= 0:
        return pow(a, b, 2**64)
    return {1: 1, -1: -1 if b % 2 else 1}.get(a, 0)


_INTEGERS: dict[str, Callable[..., Any]] = {
    "floordiv": lambda a, b: a // b if b else 0,
    "remainder": lambda a, b: a % b if b else 0,
    "truncdiv": _truncated,
    "fmod": lambda a, b: a - _truncated(a, b) * b if b else 0,
    "pow": _integer_power,
    "min": min,
    "max": max,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "sign": lambda a: (a > 0) - (a < 0),
}

_COMMON: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
    "abs": abs,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "select": lambda c, a, b: a if c else b,
}

_FLOATS: dict[str, Callable[..., Any]] = {
    "div": np.divide,
    "floordiv": np.floor_divide,
    "remainder": np.remainder,
    "truncdiv": lambda a, b: np.trunc(np.divide(a, b)),
    "fmod": np.fmod,
    "pow": np.power,
    "min": np.minimum,
    "max": np.maximum,
    "sign": lambda a: float(a > 0) - float(a < 0),
    "fma": lambda a, b, c: a * b + c,
    "sqrt": np.sqrt,
    "rsqrt": lambda a: 1 / np.sqrt(a),
    "reciprocal": lambda a: np.divide(1.0, a),
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "log10": np.log10,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "erf": lambda a: math.erf(a),
    "normal_cdf": lambda a: 0.5 * (1 + math.erf(a * math.sqrt(0.5))),
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.round,
    "trunc": np.trunc,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
}


def evaluate(function: str, args: Sequence[Any], dtype: DType) -> Any:
    """What a scalar function gives, before it is limited to `dtype`."""
    if function == "cast":
        return _cast(args[0], dtype)
    if function == "not":
        return not args[0] if dtype.kind == "b" else ~args[0]
    if function in ("shift_left", "shift_right"):
        return _shift(function, args[0], args[1], dtype)
    if function in _COMMON:
        if function in ("add", "sub", "mul") and isinstance(args[0], float):
            return getattr(np, {"add": "add", "sub": "subtract", "mul": "multiply"}[function])(
                *args
            )
        return _COMMON[function](*args)
    if isinstance(args[0], float):
        return _FLOATS[function](*(np.float64(a) for a in args))
    return _INTEGERS[function](*args)


def _cast(value: Any, dtype: DType) -> Any:
    if dtype.kind == "f":
        return float(np.asarray(value, np.float64).astype(dtype.numpy))
    if dtype.kind == "b":
        return value != 0
    if isinstance(value, float) and not math.isfinite(value):
        return 0
    return int(value)


def _shift(function: str, a: int, b: int, dtype: DType) -> int:
    if not 0 <= b < 8 * dtype.itemsize:
        return -1 if function == "shift_right" and a < 0 else 0
    return a << b if function == "shift_left" else a >> b
