"""Statements: assignments, branches, loops, returns, raises; and the body of a function."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import ClassVar

from treadle.frontends.torchscript.assignments import Assignments
from treadle.frontends.torchscript.branches import (
    BREAK,
    CONTINUE,
    FALL,
    FALLS,
    RAISE,
    RETURN,
    Exits,
    Step,
)
from treadle.frontends.torchscript.effects import Effects
from treadle.frontends.torchscript.frames import Condition
from treadle.frontends.torchscript.subtyping import unify
from treadle.frontends.torchscript.symbols import (
    Closure,
    Item,
)
from treadle.ir.graph import Value
from treadle.ir.types import NONE, FunctionType, Type


class Statements(Effects):
    """Imports statements.

    Attributes:
        returned: types that were returned so far.
    """

    returned: list[Type]
    _functions = 0

    def body_value(self, body: list[ast.stmt], result: Type | None) -> Value:
        """Import the statements of a function; the value it returns."""
        before = self.function_number, self.result_type, getattr(self, "returned", [])
        self._functions += 1
        self.function_number, self.result_type, self.returned = self._functions, result, []
        try:
            return self._result(self.statements(body))
        finally:
            self.function_number, self.result_type, self.returned = before

    def _result(self, exits: Exits) -> Value:
        """The value of a function whose body ends by `exits`."""
        if RETURN not in exits:
            if FALL not in exits:
                return self.uninitialized(self.result_type or NONE)
            if self.result_type not in (None, NONE) and not self.is_subtype(
                NONE, self.result_type or NONE
            ):
                raise self.error(f"the function may end without a return of {self.result_type}")
            return self.none()
        returned = self.frame.lookup(self.result_name)
        assert returned is not None
        if FALL not in exits:
            return self.materialize(returned)
        type_ = self.result_type or unify(self.returned[0], NONE, self.find_class)
        if type_ is None or not self.is_subtype(NONE, type_):
            raise self.error(f"the function may end without a return of {type_}")
        left = self._any_flag({RETURN})
        result = self.branch_value(left, lambda: self.materialize(returned), self.none)
        return result

    def statements(self, body: list[ast.stmt]) -> Exits:
        """Import statements, and say how they may end."""
        return self.sequence(self._steps(body))

    def _steps(self, body: list[ast.stmt]) -> list[Step]:
        """One step per statement; what follows an `if` that leaves goes into its other arm."""
        steps: list[Step] = []
        for index, node in enumerate(body):
            rest = body[index + 1 :]
            if isinstance(node, ast.If) and rest and _leaves_once(node):
                steps.append(self._step(_with_rest(node, rest)))
                return steps
            steps.append(self._step(node))
        return steps

    def _step(self, node: ast.stmt) -> Step:
        return lambda: self.statement(node)

    def statement(self, node: ast.stmt) -> Exits:
        """Import one statement."""
        method = self._statements.get(type(node))
        with self.at(node):
            if method is None:
                kind, instead = _MISSING.get(type(node), (type(node).__name__.lower(), ""))
                raise self.syntax_error(f"TorchScript has no {kind} statement{instead}")
            result: Exits = method(self, node)
            return result

    def _expression_statement(self, node: ast.Expr) -> Exits:
        if isinstance(node.value, ast.Constant):
            return FALLS  # a docstring
        self.item(node.value)
        return FALLS

    def _return(self, node: ast.Return) -> Exits:
        hint = self.result_type
        value = self.none() if node.value is None else self.expression(node.value, hint)
        if self.result_type is not None:
            value = self.require(value, self.result_type, "the returned value")
        elif isinstance(value.type, FunctionType):
            raise self.error("a function cannot be returned")
        elif self.returned and unify(self.returned[-1], value.type, self.find_class) is None:
            raise self.error(
                f"the function returns {self.returned[-1]} before and {value.type} here: declare "
                "the type of its result"
            )
        self.returned.append(value.type)
        self.frame.assign(self.result_name, value)
        return self.leave(RETURN)

    def _break(self, node: ast.Break) -> Exits:
        return self.leave(BREAK)

    def _continue(self, node: ast.Continue) -> Exits:
        return self.leave(CONTINUE)

    def _pass(self, node: ast.Pass) -> Exits:
        return FALLS

    def _if(self, node: ast.If) -> Exits:
        condition = self.condition(node.test)
        if condition.known is not None:
            body = node.body if condition.known else node.orelse
            return self.statements(body)
        arms = (
            self._arm(node.body, condition.when_true),
            self._arm(node.orelse, condition.when_false),
        )
        taken: list[Exits] = []
        before = {n: self.frame.lookup(n) for n in (*condition.when_true, *condition.when_false)}

        def recorded(step: Step) -> Step:
            def run() -> Exits:
                taken.append(step())
                return taken[-1]

            return run

        exits = self.branch(condition.make(), recorded(arms[0]), recorded(arms[1]))
        self._refine_after(condition, taken, before)
        return exits

    def _refine_after(
        self, condition: Condition, taken: list[Exits], before: dict[str, Item | None]
    ) -> None:
        """After an arm that only raises, the condition is known to be the other way."""
        for exits, types in ((taken[0], condition.when_false), (taken[1], condition.when_true)):
            if exits <= {RAISE}:
                self.refine({n: t for n, t in types.items() if self.frame.lookup(n) is before[n]})

    def _arm(self, body: list[ast.stmt], types: dict[str, Type]) -> Step:
        def step() -> Exits:
            self.refine(types)
            return self.statements(body)

        return step

    def _while(self, node: ast.While) -> Exits:
        if node.orelse:
            raise self.syntax_error("TorchScript has no else after while: use a flag")
        carried = assigned_names(node.body)
        first = self.condition(node.test) if _is_false(node.test) else None
        if first is not None and first.known is False:
            return FALLS

        tests: list[Condition] = []

        def test() -> Value:
            tests.append(self.condition(node.test))
            return tests[-1].make()

        def body() -> Exits:
            self.refine(tests[0].when_true)
            return self._after_iteration(self.statements(node.body))

        return self.while_loop(test, carried, body)

    def _after_iteration(self, exits: Exits) -> Exits:
        return frozenset(exits - {CONTINUE} | ({FALL} if CONTINUE in exits else set()))

    def _for(self, node: ast.For) -> Exits:
        if node.orelse:
            raise self.syntax_error("TorchScript has no else after for: use a flag")
        iteration = self.iterate(self.item(node.iter))
        if iteration.static is not None:
            return self._unrolled(node, iteration.static)

        def body(item: Item) -> Exits:
            self.assign_item(node.target, item)
            return self._after_iteration(self.statements(node.body))

        return self.for_loop(iteration, assigned_names([node]), body)

    def _unrolled(self, node: ast.For, items: list[Item]) -> Exits:
        def step(item: Item) -> Step:
            def run() -> Exits:
                self.assign_item(node.target, item)
                exits = self._after_iteration(self.statements(node.body))
                self.frame.values.pop(self.flag(CONTINUE), None)
                return exits

            return run

        exits = self.sequence([step(item) for item in items])
        self.frame.values.pop(self.flag(BREAK), None)
        return frozenset(exits - {BREAK} | ({FALL} if BREAK in exits else set()))

    def _function(self, node: ast.FunctionDef) -> Exits:
        self.frame.assign(node.name, Closure(node, self.frame))
        return FALLS

    _statements: ClassVar[dict[type[ast.stmt], Callable[..., Exits]]] = {
        ast.Expr: _expression_statement, ast.Assign: Assignments.assign,
        ast.AnnAssign: Assignments.annotated_assign,
        ast.AugAssign: Assignments.augmented,
        ast.Return: _return, ast.Break: _break, ast.Continue: _continue,
        ast.Pass: _pass, ast.If: _if, ast.While: _while, ast.For: _for, ast.Raise: Effects._raise,
        ast.Assert: Effects._assert, ast.FunctionDef: _function, ast.With: Effects._with,
        ast.Delete: Effects._delete,
    }  # fmt: skip


_MISSING: dict[type[ast.stmt], tuple[str, str]] = {
    ast.Try: ("try", ": test before, since what raises ends the script"),
    ast.Import: ("import", ": import where the module begins"),
    ast.ImportFrom: ("import", ": import where the module begins"),
    ast.Global: ("global", ": pass and return values"),
    ast.Nonlocal: ("nonlocal", ": pass and return values"),
    ast.ClassDef: ("class", " in a function: define classes where the module begins"),
    ast.AsyncFunctionDef: ("async", ": fork and wait"),
    ast.AsyncFor: ("async", ": fork and wait"),
    ast.AsyncWith: ("async", ": fork and wait"),
    ast.Match: ("match", ": use if and elif"),
}


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value


def _leaves_once(node: ast.If) -> bool:
    """Whether exactly one arm ends by leaving the function or the iteration."""
    return _always_leaves(node.body) != _always_leaves(node.orelse)


def _always_leaves(body: list[ast.stmt]) -> bool:
    if not body:
        return False
    last = body[-1]
    if isinstance(last, (ast.Return, ast.Break, ast.Continue)):
        return True
    return isinstance(last, ast.If) and _always_leaves(last.body) and _always_leaves(last.orelse)


def _with_rest(node: ast.If, rest: list[ast.stmt]) -> ast.If:
    if _always_leaves(node.body):
        changed = ast.If(node.test, node.body, [*node.orelse, *rest])
    else:
        changed = ast.If(node.test, [*node.body, *rest], node.orelse)
    return ast.copy_location(changed, node)


def assigned_names(body: list[ast.stmt]) -> set[str]:
    """Names that statements give values to, those of nested functions and classes left out."""
    names: set[str] = set()
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        pending += ast.iter_child_nodes(node)
    return names
