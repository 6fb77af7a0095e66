"""The family of operators that only move elements, by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.ir.dtypes import bool_
from treadle.ir.loops import Expr, Index
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import add, call, compare, const, extent, mul, select
from treadle.ops.lowering import Elements, Loader
from treadle.ops.pieces import Position, Run, RunArithmetic, find_pieces, positions_of
from treadle.ops.promotion import KINDS, dtype_of
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
Samples = tuple[tuple[Any, ...], ...]


def type_of(x: Array) -> TensorType:
    """The type of an array."""
    return tensor(dtype_of(x), x.shape)


def moving(
    schema: str, shape: Any, source: Any, samples: Samples, fill: Any = None, kinds: str = KINDS
) -> OpDef:
    """An operator whose elements come from other positions of its operand.

    Args:
        schema: its schema.
        shape: ``shape(x, *args)``, the shape of the result.
        source: ``source(f, positions, x, *args)``: the position in each dim of the operand, by
            the arithmetic `f`, from those of the result.
        samples: as in `OpDef`.
        fill: ``fill(*args)``, the value at positions outside of the operand.
        kinds: of numbers that it takes.
    """

    def infer(x: TensorType, *args: Any) -> TensorType:
        return tensor(x.element, shape(x, *args))

    def reference(x: Array, *args: Any) -> Array:
        out = infer(type_of(x), *args).sizes
        grid = [np.asarray(g) for g in np.indices(out)]
        places = [np.asarray(p) for p in source(_ARRAYS, grid, type_of(x), *args)]
        if fill is None:
            return np.array(x[tuple(places)] if places else np.broadcast_to(x, out))
        inside = np.ones(out, bool)
        for p, d in zip(places, x.shape, strict=True):
            inside &= (p >= 0) & (p < d)
        result = np.full(out, fill(*args), x.dtype)
        result[inside] = x[tuple(np.broadcast_to(p, out)[inside] for p in places)]
        return result

    def build(
        load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType, *args: Any
    ) -> Expr:
        places = list(source(_EXPRESSIONS, list(positions), x, *args))
        if fill is None:
            return load(0, places)
        inside: Expr = const(True, bool_)
        safe: list[Expr] = []
        for p, d in zip(places, x.sizes, strict=True):
            good = call("and", compare("ge", p, extent(0)), compare("lt", p, extent(d)))
            inside = call("and", inside, good)
            safe.append(select(good, p, extent(0)))
        return select(inside, load(0, safe), const(fill(*args), result.element))

    def pieces(
        load: Loader, positions: Sequence[Expr], result: TensorType, x: TensorType, *args: Any
    ) -> list[tuple[Expr, Expr, Expr]] | None:
        """Runs of neighbours; with `fill`, only those that lie inside, the rest is filled."""
        if not x.sizes:
            return None
        *before, last = positions
        arithmetic = RunArithmetic(_EXPRESSIONS)

        def places_of(run: Run) -> list[Position] | None:
            """None if they lie outside."""
            places: list[Position] = list(source(arithmetic, [*before, run], x, *args))
            runs = [(p, d) for p, d in zip(places, x.sizes, strict=True) if isinstance(p, Run)]
            inside = fill is None or all(not p.below(0) and p.below(d) for p, d in runs)
            return places if inside else None

        found = find_pieces(result.sizes[-1], places_of)
        if not found:
            return None
        if fill is not None:
            return _filled(load, last, result, x, found, const(fill(*args), result.element))
        return [(extent(r.start), extent(r.stop), load(0, positions_of(p, last))) for r, p in found]

    return op(
        schema,
        reference=reference,
        infer=infer,
        lower=Elements(build, pieces),
        tolerance=EXACT,
        samples=samples,
        kinds=kinds,
    )


def _filled(
    load: Loader, last: Expr, result: TensorType, x: TensorType, found: Sequence[tuple[Run, Any]],
    value: Expr,
) -> list[tuple[Expr, Expr, Expr]]:  # fmt: skip
    """What is read where all positions are inside, and `value` before and after it."""
    size = extent(result.sizes[-1])
    within = [(run, places) for run, places in found if places is not None]
    if not within:
        return [(extent(0), size, value)]
    ((run, places),) = within
    stop = extent(run.stop)
    for p, d, n in zip(places, x.sizes, result.sizes, strict=True):
        if not isinstance(p, Run) and not (isinstance(p, Index) and d == n):
            inside = call("and", compare("ge", p, extent(0)), compare("lt", p, extent(d)))
            stop = select(inside, stop, extent(run.start))
    element = load(0, positions_of(places, last))
    return [
        (extent(0), extent(run.start), value), (extent(run.start), stop, element),
        (stop, size, value),
    ]  # fmt: skip


class _Arrays:
    """Arithmetic of positions on arrays."""

    def affine(self, position: Any, scale: int, shift: int) -> Any:
        return position * scale + shift

    def remainder(self, position: Any, size: int) -> Any:
        return position % max(size, 1)

    def quotient(self, position: Any, size: int) -> Any:
        return position // max(size, 1)

    def clamp(self, position: Any, size: int) -> Any:
        return np.clip(position, 0, size - 1)

    def magnitude(self, position: Any) -> Any:
        return np.abs(position)

    def plus(self, a: Any, b: Any) -> Any:
        return a + b


class _Expressions:
    """The same on expressions."""

    def affine(self, position: Expr, scale: int, shift: int) -> Expr:
        scaled = position if scale == 1 else mul(position, extent(scale))
        return scaled if shift == 0 else add(scaled, extent(shift))

    def remainder(self, position: Expr, size: int) -> Expr:
        return call("remainder", position, extent(max(size, 1)))

    def quotient(self, position: Expr, size: int) -> Expr:
        return call("floordiv", position, extent(max(size, 1)))

    def clamp(self, position: Expr, size: int) -> Expr:
        return call("min", call("max", position, extent(0)), extent(size - 1))

    def magnitude(self, position: Expr) -> Expr:
        return call("abs", position)

    def plus(self, a: Expr, b: Expr) -> Expr:
        return add(a, b)


_ARRAYS, _EXPRESSIONS = _Arrays(), _Expressions()
