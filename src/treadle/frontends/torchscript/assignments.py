"""Assignments to names, attributes, subscripts and tuples of these."""

from __future__ import annotations

import ast

from treadle.frontends.torchscript.branches import FALLS, Exits
from treadle.frontends.torchscript.iteration import Iterations
from treadle.frontends.torchscript.operators import NUMBERS
from treadle.frontends.torchscript.symbols import (
    Item,
    Method,
)
from treadle.ir.graph import Value
from treadle.ir.op import SET_ATTR
from treadle.ir.types import ClassType, DictType, ListType, TensorType, Type

_IN_PLACE: dict[type[ast.operator], str] = {
    ast.Add: "aten::add_", ast.Sub: "aten::sub_", ast.Mult: "aten::mul_", ast.Div: "aten::div_",
    ast.FloorDiv: "aten::floor_divide_", ast.Mod: "aten::fmod_",
}  # fmt: skip
_IN_PLACE_METHODS: dict[type[ast.operator], str] = {
    ast.Add: "__iadd__", ast.Sub: "__isub__", ast.Mult: "__imul__", ast.Div: "__itruediv__",
    ast.Mod: "__imod__",
}  # fmt: skip


class Assignments(Iterations):
    """Imports assignments."""

    def assign(self, node: ast.Assign) -> Exits:
        """Import ``a = b``."""
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
            return None if target.id in self.free_names else self.frame.declared_type(target.id)
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
            if name in self.free_names & self.frame.declared.keys() and not self.is_subtype(
                item.type, declared
            ):
                del self.frame.declared[name]  # a parameter, outside of branches and loops
                self.frame.assign(name, item)
                return
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

    def annotated_assign(self, node: ast.AnnAssign) -> Exits:
        """Import ``a: T = b``."""
        type_ = self.types.read(node.annotation)
        if node.value is None:
            raise self.syntax_error(
                "TorchScript has no declarations alone: give a value, too", node
            )
        value = self.require(self.expression(node.value, type_), type_, "the value")
        if isinstance(node.target, ast.Name):
            self.frame.declared[node.target.id] = type_
            self.free_names -= {node.target.id}
        self.assign_item(node.target, self.retyped(value, type_))
        return FALLS

    def augmented(self, node: ast.AugAssign) -> Exits:
        """Import ``a += b`` and its like."""
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
        if isinstance(left.type, ClassType) and type(node.op) in _IN_PLACE_METHODS:
            method = _IN_PLACE_METHODS[type(node.op)]
            changed = self.magic(left, method, (self.expression(node.value),))
            return self._computed(left, node) if changed is None else changed
        if in_place and type(node.op) in _IN_PLACE:
            self.apply(_IN_PLACE[type(node.op)], (left, self.expression(node.value)))
            return None if isinstance(left.type, ListType) else left
        return self._computed(left, node)

    def _computed(self, left: Value, node: ast.AugAssign) -> Value:
        """A new value, `left` unchanged. ``%=`` rounds to zero, in TorchScript."""
        if isinstance(node.op, ast.Mod) and left.type in NUMBERS:
            return self.apply("aten::fmod", (left, self.expression(node.value)))
        return self.expression(
            ast.copy_location(ast.BinOp(_Given(left, node), node.op, node.value), node)
        )

    def _augmented_subscript(self, target: ast.Subscript, node: ast.AugAssign) -> Exits:
        base = self.expression(target.value)
        if isinstance(base.type, ClassType):
            raise self.error(
                f"an element of {base.type} cannot be changed in place: x[i] = x[i] + y can"
            )
        place = ast.copy_location(
            ast.Subscript(_Given(base, node), target.slice, ast.Load()), target
        )
        left = self.expression(place)
        if isinstance(base.type, DictType):
            result: Value | None = self._computed(left, node)
        else:
            result = self._augment(left, node)
        if result is not None:
            self.assign_subscript(place, result)
        return FALLS

    def _given(self, node: _Given, hint: Type | None) -> Item:
        return node.value


class _Given(ast.expr):
    """A value that was computed before, inside a tree made by the importer."""

    def __init__(self, value: Value, place: ast.AST) -> None:
        super().__init__()
        self.value = value
        ast.copy_location(self, place)


Assignments._kinds[_Given] = Assignments._given


def _is_parallel(target: ast.expr, value: ast.expr) -> bool:
    """Whether this is ``a, b = c, d``, which needs no tuple."""
    return (
        isinstance(target, ast.Tuple)
        and isinstance(value, ast.Tuple)
        and len(target.elts) == len(value.elts)
        and not any(isinstance(e, ast.Starred) for e in (*target.elts, *value.elts))
    )
