"""Stages of rows: what is kept beside a row to be computed only once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from treadle.ir.loops import Access, Call, Expr, Load, Stage, Store
from treadle.ir.loops_functions import LONG
from treadle.ir.loops_walk import parts, roots, visit_operands
from treadle.schedule.nests import NestBuilder

KEPT_ELEMENTS = 16384
"""Longer rows would not stay in L1 and L2, nor on every stack."""


def keep_shared(
    builder: NestBuilder, stages: Sequence[Stage], num_outer: int, inner: Sequence[int]
) -> list[Stage]:
    """`stages` of which the first to compute an element of some length stores it for the others.

    For rows of `inner` extents, under `num_outer` axes. What is kept has the dtype it is computed
    in, so that nothing changes but the time.
    """
    count = math.prod(inner)
    if not 0 < count <= KEPT_ELEMENTS:
        return list(stages)
    terms, stride = [], 1
    for axis in reversed(range(num_outer, num_outer + len(inner))):
        terms.append((axis, builder.dim(stride)))
        stride = stride * inner[axis - num_outer]
    made = list(stages)
    for number, stage in enumerate(made):
        later = {id(e) for s in made[number + 1 :] if s.ranges for e in parts(s)}
        for expr in _topmost(stage, later) if stage.ranges else ():
            access = Access(builder.local(expr.dtype, count), tuple(reversed(terms)))
            known: dict[int, Expr] = {id(expr): Load(access, expr.dtype)}
            made[number] = replace(made[number], stores=(*made[number].stores, Store(access, expr)))
            for after in range(number + 1, len(made)):
                made[after] = _replaced(made[after], known)
    return made


def _topmost(stage: Stage, later: set[int]) -> list[Call]:
    """The largest expressions of a stage that are needed `later` too and take long."""
    found: list[Call] = []
    long = _long(stage)
    waiting, seen = roots(stage), set[int]()
    while waiting:
        expr = waiting.pop()
        if id(expr) in seen or id(expr) not in long or not isinstance(expr, Call):
            continue
        seen.add(id(expr))
        if id(expr) in later:
            found.append(expr)
        else:
            waiting += expr.args
    return found


def _long(stage: Stage) -> set[int]:
    """The ids of the expressions of a stage that take long."""
    known: dict[int, bool] = {}

    def visit(expr: Expr) -> None:
        if isinstance(expr, Call):
            visit_operands(expr, lambda e: id(e) in known, visit)
            known[id(expr)] = expr.function in LONG or any(
                known.get(id(a), False) for a in expr.args
            )
        else:
            known[id(expr)] = False

    for root in roots(stage):
        visit(root)
    return {number for number, long in known.items() if long}


def _replaced(stage: Stage, known: dict[int, Expr]) -> Stage:
    """`stage` with other expressions in place of some, which are `known` by their ids."""

    def visit(expr: Expr) -> Expr:
        if isinstance(expr, Call) and id(expr) not in known:
            visit_operands(expr, lambda e: id(e) in known, visit)
            args = tuple(known.get(id(a), a) for a in expr.args)
            same = all(a is b for a, b in zip(args, expr.args, strict=True))
            known[id(expr)] = expr if same else replace(expr, args=args)
        return known.setdefault(id(expr), expr)

    reduces = tuple(replace(r, value=visit(r.value)) for r in stage.reduces)
    stores = tuple(replace(s, value=visit(s.value)) for s in stage.stores)
    return replace(stage, reduces=reduces, stores=stores)
