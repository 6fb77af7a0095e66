"""Walking expressions of the loop IR without recursion: fused chains can be very deep."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from treadle.ir.loops import Call, Expr, Reduced, Stage


def roots(stage: Stage) -> list[Expr]:
    """What a stage computes: the values of its reductions and stores."""
    return [*(r.value for r in stage.reduces), *(s.value for s in stage.stores)]


def parts(stage: Stage) -> Iterator[Expr]:
    """All expressions of a stage, each once."""
    waiting, seen = roots(stage), set[int]()
    while waiting:
        expr = waiting.pop()
        if id(expr) not in seen:
            seen.add(id(expr))
            yield expr
            waiting += expr.args if isinstance(expr, Call) else ()


def visit_operands(
    expr: Expr, done: Callable[[Expr], bool], visit: Callable[[Expr], object]
) -> None:
    """Visit the operands of calls in `expr`, deepest first, that are not yet `done`.

    `visit` must make its argument `done`; it then finds the operands of a call done already.
    """
    stack = [expr]
    while stack:
        top = stack[-1]
        waiting = []
        if isinstance(top, Call) and not done(top):
            waiting = [arg for arg in top.args if isinstance(arg, Call) and not done(arg)]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if top is not expr and not done(top):
            visit(top)


def is_scan(stage: Stage, number: int) -> bool:
    """Whether the stores of `stage`, which has that number, read its reductions under way."""
    waiting: list[Expr] = [store.value for store in stage.stores] if stage.reduces else []
    seen: set[int] = set()
    while waiting:
        expr = waiting.pop()
        if isinstance(expr, Reduced) and expr.stage == number:
            return True
        if isinstance(expr, Call) and id(expr) not in seen:
            seen.add(id(expr))
            waiting += expr.args
    return False
