"""Walking expressions of the loop IR without recursion: fused chains can be very deep."""

from __future__ import annotations

from collections.abc import Callable

from treadle.ir.loops import Call, Expr


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
