"""Statements: assignments, branches, loops, returns, raises; and the body of a function."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import ClassVar

from treadle.frontends.torchscript.control import (
    BREAK,
    CONTINUE,
    FALL,
    FALLS,
    RAISE,
    RETURN,
    Exits,
    Step,
)
from treadle.frontends.torchscript.expressions import Condition
from treadle.frontends.torchscript.iteration import Iterations
from treadle.frontends.torchscript.subtyping import unify_or_union
from treadle.frontends.torchscript.symbols import (
    Closure,
    Item,
    Method,
    Special,
)
from treadle.ir.graph import Value
from treadle.ir.op import RAISE as RAISE_OP
from treadle.ir.op import SET_ATTR
from treadle.ir.types import NONE, STR, ClassType, FunctionType, ListType, TensorType, Type

_IN_PLACE: dict[type[ast.operator], str] = {
    ast.Add: "aten::add_", ast.Sub: "aten::sub_", ast.Mult: "aten::mul_", ast.Div: "aten::div_",
    ast.FloorDiv: "aten::floor_divide_", ast.Mod: "aten::remainder_", ast.Pow: "aten::pow_",
    ast.BitAnd: "aten::__iand__", ast.BitOr: "aten::__ior__", ast.BitXor: "aten::__ixor__",
    ast.LShift: "aten::__ilshift__", ast.RShift: "aten::__irshift__",
}  # fmt: skip


class Statements(Iterations):
    """Imports statements.

    Attributes:
        result_type: the declared type of the function's result; None to infer it.
        returned: types that were returned so far.
    """

    result_type: Type | None = None
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
        type_ = self.result_type or unify_or_union(self.returned[0], NONE, self.find_class)
        if not self.is_subtype(NONE, type_):
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
                raise self.syntax_error(
                    f"TorchScript has no {type(node).__name__.lower()} statement"
                )
            result: Exits = method(self, node)
            return result

    def _expression_statement(self, node: ast.Expr) -> Exits:
        if isinstance(node.value, ast.Constant):
            return FALLS  # a docstring
        self.item(node.value)
        return FALLS

    def _assign(self, node: ast.Assign) -> Exits:
        if len(node.targets) == 1 and _is_parallel(node.targets[0], node.value):
            assert isinstance(node.targets[0], ast.Tuple)
            assert isinstance(node.value, ast.Tuple)
            pairs = zip(node.targets[0].elts, node.value.elts, strict=True)
            items = [(t, self.item(value, self._target_hint(t))) for t, value in pairs]
            for target, item in items:
                self.assign_item(target, item)
            return FALLS
        hint = self._target_hint(node.targets[0])
        item = self.item(node.value, hint)
        for target in node.targets:
            self.assign_item(target, item)
        return FALLS

    def _target_hint(self, target: ast.expr) -> Type | None:
        if isinstance(target, ast.Name):
            return self.frame.declared_type(target.id)
        if isinstance(target, ast.Attribute):
            base = self.item(target.value)
            if isinstance(base, Value) and isinstance(base.type, ClassType):
                cls = self.find_class(base.type.name)
                return cls.attributes.get(target.attr) if cls else None
        return None

    def assign_item(self, target: ast.expr, item: Item) -> None:
        """Give an assignment's target its value."""
        match target:
            case ast.Name(name):
                self._assign_name(target, name, item)
            case ast.Tuple(targets) | ast.List(targets):
                self._unpack(target, targets, item)
            case ast.Attribute(base, name):
                self._assign_attribute(base, name, self.materialize(item))
            case ast.Subscript():
                self.assign_subscript(target, self.materialize(item))
            case _:
                raise self.syntax_error("TorchScript cannot assign to this", target)

    def _assign_name(self, target: ast.expr, name: str, item: Item) -> None:
        declared = self.frame.declared_type(name)
        if declared is not None and isinstance(item, Value):
            item = self.require(item, declared, f"the value of {name!r}")
        self.frame.assign(name, item)

    def _unpack(self, target: ast.expr, targets: list[ast.expr], item: Item) -> None:
        stars = [i for i, t in enumerate(targets) if isinstance(t, ast.Starred)]
        parts = self.unpackable(item, None if stars else len(targets))
        if stars:
            first, last = stars[0], len(parts) - (len(targets) - stars[0] - 1)
            rest = [self.materialize(part) for part in parts[first:last]]
            parts = [*parts[:first], self.tuple(rest), *parts[last:]]
        if len(parts) != len(targets):
            raise self.error(f"{len(parts)} values cannot be unpacked into {len(targets)}", target)
        for part_target, part in zip(targets, parts, strict=True):
            inner = part_target.value if isinstance(part_target, ast.Starred) else part_target
            self.assign_item(inner, part)

    def _assign_attribute(self, base_node: ast.expr, name: str, value: Value) -> None:
        base = self.expression(base_node)
        cls = self.find_class(base.type.name) if isinstance(base.type, ClassType) else None
        if cls is None:
            raise self.error(f"a value of type {base.type} has no attributes to assign")
        if f"__{name}_setter" in cls.methods:
            self.call_method(Method(base, cls, f"__{name}_setter"), [value], {})
            return
        if name not in cls.attributes and self._declares(base):
            cls.attributes[name] = value.type
        if name not in cls.attributes:
            raise self.error(f"class {cls.name} has no attribute {name!r} to assign")
        value = self.require(value, cls.attributes[name], f"attribute {name!r}")
        self.emit(SET_ATTR, (base, value), name=name)

    def _declares(self, base: Value) -> bool:
        """Whether this is ``self.name = value`` in the ``__init__`` of a scripted class."""
        is_self = base.node is None and base.name == "self"
        return is_self and self.scope.declares_attributes

    def _annotated_assign(self, node: ast.AnnAssign) -> Exits:
        type_ = self.types.read(node.annotation)
        if node.value is None:
            return FALLS
        value = self.require(self.expression(node.value, type_), type_, "the value")
        if isinstance(node.target, ast.Name):
            self.frame.declared[node.target.id] = type_
            value = self.retyped(value, type_)
        self.assign_item(node.target, value)
        return FALLS

    def _augmented(self, node: ast.AugAssign) -> Exits:
        target = node.target
        if isinstance(target, ast.Subscript):
            return self._augmented_subscript(target, node)
        load = ast.copy_location(
            ast.Name(target.id, ast.Load())
            if isinstance(target, ast.Name)
            else ast.Attribute(target.value, target.attr, ast.Load()),
            target,
        )
        left = self.expression(load)
        result = self._augment(left, node)
        if result is not None:
            self.assign_item(target, result)
        return FALLS

    def _augment(self, left: Value, node: ast.AugAssign) -> Value | None:
        """The new value; None if `left` itself was changed."""
        in_place = isinstance(left.type, TensorType) or (
            isinstance(left.type, ListType) and isinstance(node.op, (ast.Add, ast.Mult))
        )
        if in_place and type(node.op) in _IN_PLACE:
            self.apply(_IN_PLACE[type(node.op)], (left, self.expression(node.value)))
            return None if isinstance(left.type, ListType) else left
        return self.expression(
            ast.copy_location(ast.BinOp(_Given(left, node), node.op, node.value), node)
        )

    def _augmented_subscript(self, target: ast.Subscript, node: ast.AugAssign) -> Exits:
        base = self.expression(target.value)
        place = ast.copy_location(
            ast.Subscript(_Given(base, node), target.slice, ast.Load()), target
        )
        left = self.expression(place)
        result = self._augment(left, node)
        if result is not None:
            self.assign_subscript(place, result)
        return FALLS

    def _given(self, node: _Given, hint: Type | None) -> Item:
        return node.value

    def _return(self, node: ast.Return) -> Exits:
        hint = self.result_type
        value = self.none() if node.value is None else self.expression(node.value, hint)
        if self.result_type is not None:
            value = self.require(value, self.result_type, "the returned value")
        elif isinstance(value.type, FunctionType):
            raise self.error("a function cannot be returned")
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
            raise self.syntax_error("TorchScript has no else after while")
        carried = assigned_names(node.body)
        first = self.condition(node.test) if _is_false(node.test) else None
        if first is not None and first.known is False:
            return FALLS

        def body() -> Exits:
            return self._after_iteration(self.statements(node.body))

        return self.while_loop(lambda: self.condition(node.test).make(), carried, body)

    def _after_iteration(self, exits: Exits) -> Exits:
        return frozenset(exits - {CONTINUE} | ({FALL} if CONTINUE in exits else set()))

    def _for(self, node: ast.For) -> Exits:
        if node.orelse:
            raise self.syntax_error("TorchScript has no else after for")
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

    def _raise(self, node: ast.Raise) -> Exits:
        message, class_name = "", "RuntimeError"
        inputs: list[Value] = []
        if isinstance(node.exc, ast.Call):
            class_name = ast.unparse(node.exc.func)
            parts = [self.expression(arg) for arg in node.exc.args]
            if len(parts) == 1:
                text = parts[0]
                inputs = [text if text.type == STR else self.apply("aten::str", (text,))]
            elif parts:
                inputs = [self.apply("aten::str", (self.tuple(parts),))]
        elif node.exc is not None:
            class_name = ast.unparse(node.exc)
        self.emit(
            RAISE_OP,
            [*(inputs or [self.constant(message)]), self.constant(f"builtins.{class_name}")],
        )
        return frozenset({RAISE})

    def _assert(self, node: ast.Assert) -> Exits:
        condition = self.condition(node.test)

        def fail() -> Exits:
            text = self.constant("AssertionError: ")
            if node.msg is not None:
                message = self.expression(node.msg)
                if message.type != STR:
                    message = self.apply("aten::str", (message,))
                text = self.apply("aten::add", (text, message))
            self.emit(RAISE_OP, [text, self.constant("builtins.AssertionError")])
            return frozenset({RAISE})

        if condition.known is True:
            return FALLS
        if condition.known is False:
            return fail()
        self.branch(condition.make(), lambda: FALLS, fail)
        self.refine(condition.when_true)
        return FALLS

    def _function(self, node: ast.FunctionDef) -> Exits:
        self.frame.assign(node.name, Closure(node, self.frame))
        return FALLS

    def _with(self, node: ast.With) -> Exits:
        """``with``: gradient modes mean nothing here; other objects are entered and left."""
        entered: list[Method] = []
        for item in node.items:
            context = self.item(item.context_expr)
            if isinstance(context, Special):
                continue
            value = self.materialize(context)
            entered.append(self._enter(value, item.optional_vars))
        exits = self.statements(node.body)
        for method in reversed(entered):
            arguments = [self.none()] * 3
            self.call_method(method, arguments, {})
        return exits

    def _enter(self, value: Value, target: ast.expr | None) -> Method:
        cls = self.find_class(value.type.name) if isinstance(value.type, ClassType) else None
        if cls is None or not {"__enter__", "__exit__"} <= cls.methods.keys():
            raise self.error(f"a value of type {value.type} cannot be used in a with statement")
        result = self.call_method(Method(value, cls, "__enter__"), [], {})
        if target is not None:
            self.assign_item(target, result)
        return Method(value, cls, "__exit__")

    def _delete(self, node: ast.Delete) -> Exits:
        for target in node.targets:
            if isinstance(target, ast.Subscript):
                self.delete_subscript(target)
            elif isinstance(target, ast.Name) and self.frame.lookup(target.id) is not None:
                self.frame.values.pop(target.id, None)
            else:
                raise self.syntax_error("TorchScript cannot delete this", target)
        return FALLS

    _statements: ClassVar[dict[type[ast.stmt], Callable[..., Exits]]] = {
        ast.Expr: _expression_statement, ast.Assign: _assign, ast.AnnAssign: _annotated_assign,
        ast.AugAssign: _augmented, ast.Return: _return, ast.Break: _break, ast.Continue: _continue,
        ast.Pass: _pass, ast.If: _if, ast.While: _while, ast.For: _for, ast.Raise: _raise,
        ast.Assert: _assert, ast.FunctionDef: _function, ast.With: _with, ast.Delete: _delete,
    }  # fmt: skip


class _Given(ast.expr):
    """A value that was computed before, inside a tree made by the importer."""

    def __init__(self, value: Value, place: ast.AST) -> None:
        super().__init__()
        self.value = value
        ast.copy_location(self, place)


Statements._kinds[_Given] = Statements._given


def _is_parallel(target: ast.expr, value: ast.expr) -> bool:
    """Whether this is ``a, b = c, d``, which needs no tuple."""
    return (
        isinstance(target, ast.Tuple)
        and isinstance(value, ast.Tuple)
        and len(target.elts) == len(value.elts)
        and not any(isinstance(e, ast.Starred) for e in (*target.elts, *value.elts))
    )


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
