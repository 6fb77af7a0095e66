"""Subscripts: of lists, tuples, dicts, strings and tensors, read and assigned."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from treadle.frontends.torchscript.conditions import Conditions
from treadle.frontends.torchscript.symbols import (
    Builtin,
    ClassSymbol,
    Item,
    Sequence,
    TypeSymbol,
    describe,
)
from treadle.frontends.torchscript.unsupported import is_unsupported
from treadle.ir.dtypes import i64
from treadle.ir.graph import Value
from treadle.ir.op import LIST, LIST_UNPACK, RAISE, TUPLE_INDEX, TUPLE_UNPACK
from treadle.ir.types import (
    BOOL,
    INT,
    NONE,
    STR,
    TENSOR,
    ClassType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
)


class Subscripts(Conditions):
    """Imports ``base[index]``."""

    def subscript(self, node: ast.Subscript, hint: Type | None) -> Item:
        """What ``base[index]`` gives."""
        base = self.item(node.value)
        if isinstance(base, (Builtin, ClassSymbol, TypeSymbol)):
            return TypeSymbol(self.types.read(node))
        members = self.sequence_of(base)
        if members is not None:
            return self._of_sequence(members, node, hint)
        value = self.materialize(base)
        if isinstance(hint, ClassType) and isinstance(value.type, ClassType):
            chosen = self._of_named_modules(value, value.type, node.slice, hint)
            if chosen is not None:
                return chosen
        match value.type:
            case TensorType():
                return self._of_tensor(value, node.slice)
            case TupleType():
                return self._of_tuple(value, value.type, node.slice)
            case OptionalType():
                raise self.error(
                    f"a value of type {value.type} may be None, which `is not None` rules out"
                )
        if isinstance(node.slice, ast.Slice):
            return self.apply("aten::slice", (value, *self._bounds(node.slice)))
        index = self.expression(node.slice)
        found = self.magic(value, "__getitem__", (index,))
        return self.apply("aten::__getitem__", (value, index)) if found is None else found

    def sequence_of(self, item: Item) -> Sequence | None:
        """The modules of a ModuleList or Sequential; None for other things."""
        if isinstance(item, Sequence):
            return item
        if not isinstance(item, Value) or not isinstance(item.type, ClassType):
            return None
        cls = self.find_class(item.type.name)
        if cls is None or cls.kind != "module":
            return None
        names = [name for name in cls.attributes if name.isdigit()]
        if not names and not cls.name.endswith(("ModuleList", "Sequential")):
            return None
        members = (self.attribute(item, name) for name in sorted(names, key=int))
        return Sequence(tuple(members))

    def _of_sequence(self, members: Sequence, node: ast.Subscript, hint: Type | None) -> Item:
        if isinstance(node.slice, ast.Slice):
            parts = (node.slice.lower, node.slice.upper, node.slice.step)
            bounds = [None if part is None else self._static_int(part) for part in parts]
            return Sequence(members.items[slice(*bounds)])
        if isinstance(hint, ClassType) and members.items:
            position = self.expression(node.slice)
            if position.type == INT and not position.is_constant:
                return self._chosen(position, list(enumerate(members.items)), hint)
        index = self._static_int(node.slice)
        if not -len(members.items) <= index < len(members.items):
            raise self.error(f"index {index} is out of range for {len(members.items)} modules")
        return members.items[index]

    def _of_named_modules(
        self, value: Value, type_: ClassType, node: ast.expr, hint: ClassType
    ) -> Value | None:
        """A module of a ModuleDict, by a name that is known when the script runs."""
        cls = self.find_class(type_.name)
        if cls is None or not cls.name.endswith("ModuleDict"):
            return None
        names = [name for name, part in cls.attributes.items() if isinstance(part, ClassType)]
        parts = [(name, self.attribute(value, name)) for name in names]
        return self._chosen(self.expression(node), parts, hint) if parts else None

    def _chosen(
        self, key: Value, members: Iterable[tuple[int | str, Item]], type_: ClassType
    ) -> Value:
        """The member whose index or name is `key`, as one of the interface `type_`."""
        (known, item), *others = members

        def found() -> Value:
            return self.cast(self.require(self.materialize(item), type_, "a module"), type_)

        def other() -> Value:
            if others:
                return self._chosen(key, others, type_)
            kind = "IndexError" if key.type == INT else "KeyError"
            texts = ("there is no such module", f"builtins.{kind}")
            self.emit(RAISE, [self.constant(text) for text in texts])
            return self.uninitialized(type_)

        return self.branch_value(self.apply("aten::eq", (key, self.constant(known))), found, other)

    def _static_int(self, node: ast.expr) -> int:
        value = self.expression(node)
        if value.type != INT or not value.is_constant:
            raise self.error("the index must be a constant integer here")
        return int(value.constant)

    def _bounds(self, node: ast.Slice) -> list[Value]:
        """Start, stop and step, with their defaults."""
        values = [
            self.none() if part is None else self.expression(part)
            for part in (node.lower, node.upper)
        ]
        return [*values, self.constant(1) if node.step is None else self.expression(node.step)]

    def _of_tuple(self, value: Value, type_: TupleType, index: ast.expr) -> Value:
        if isinstance(index, ast.Slice):
            bounds = [
                None if part is None else self._static_int(part)
                for part in (index.lower, index.upper, index.step)
            ]
            chosen = range(len(type_.elements))[slice(*bounds)]
            return self.tuple([self.tuple_index(value, type_, i) for i in chosen])
        position = self.expression(index)
        if not position.is_constant or position.type != INT:
            return self._of_tuple_at(value, type_, position)
        number = int(position.constant)
        if not -len(type_.elements) <= number < len(type_.elements):
            raise self.error(f"index {number} is out of range for {type_}")
        return self.tuple_index(value, type_, number % len(type_.elements))

    def _of_tuple_at(self, value: Value, type_: TupleType, position: Value) -> Value:
        if len(set(type_.elements)) != 1:
            raise self.error(f"the index into {type_} must be a constant integer")
        position = self.require(position, INT, "an index")
        return self.value(TUPLE_INDEX, (value, position), type_.elements[0])

    def _of_tensor(self, value: Value, index: ast.expr) -> Value:
        value, tensors = self._basic(value, index)
        if not tensors:
            return value
        return self.apply("aten::index", (value, self._index_list(tensors)))

    def _index_list(self, tensors: dict[int, Value]) -> Value:
        """The tensor indices by dimension, None where there is none, as ``aten::index`` takes."""
        items = [tensors.get(i) or self.none() for i in range(max(tensors) + 1)]
        return self.value(LIST, items, ListType(OptionalType(TENSOR)))

    def _basic(self, value: Value, index: ast.expr) -> tuple[Value, dict[int, Value]]:
        """Apply numbers, slices, None and ``...``; give back the view and the tensor indices."""
        parts = list(index.elts) if isinstance(index, ast.Tuple) else [index]
        taking = [part for part in parts if not _is_none(part) and not _is_ellipsis(part)]
        remaining, dim, tensors = len(taking), 0, dict[int, Value]()
        from_end = False
        for part in parts:
            if _is_ellipsis(part):
                dim, from_end = -remaining, True
                continue
            if _is_none(part):
                value = self.apply("aten::unsqueeze", (value, self._dim(dim - from_end)))
                dim += not from_end
                continue
            remaining -= 1
            if isinstance(part, ast.Slice):
                bounds = self._bounds(part)
                value = self.apply("aten::slice", (value, self._dim(dim), *bounds))
                dim += 1
                continue
            position = self.expression(part)
            if position.type == INT:
                value = self.apply("aten::select", (value, self._dim(dim), position))
                dim += from_end
                continue
            if from_end:
                raise self.unsupported("a tensor index after ... is not supported")
            tensors[dim] = self._index_tensor(position)
            dim += 1
        return value, tensors

    def _dim(self, dim: int) -> Value:
        return self.constant(dim)

    def _index_tensor(self, value: Value) -> Value:
        if isinstance(value.type, TensorType) or value.type == NONE:
            return value
        if isinstance(value.type, ListType):  # of bools, too: they are the positions 0 and 1
            return self.apply("aten::tensor", (value,), {"dtype": self.constant(i64.code)})
        if value.type == BOOL:
            return self.apply("aten::tensor", (value,))
        raise self.error(f"a tensor cannot be indexed with a value of type {value.type}")

    def assign_subscript(self, node: ast.Subscript, new: Value) -> None:
        """Import ``base[index] = new``."""
        base = self.expression(node.value)
        if not isinstance(base.type, TensorType):
            if isinstance(base.type, TupleType) or base.type == STR:
                raise self.error(f"a value of type {base.type} cannot be changed: lists can")
            if isinstance(node.slice, ast.Slice):
                raise self.unsupported("assignment to a slice of a list is not supported")
            index = self.expression(node.slice)
            if self.magic(base, "__setitem__", (index, new)) is None:
                self.apply("aten::_set_item", (base, index, new))
            return
        view, tensors = self._basic(base, node.slice)
        if tensors:
            if not isinstance(new.type, TensorType):
                new = self.apply("aten::tensor", (new,))
                new = self.apply("aten::to", (new, self.apply("prim::dtype", (view,))))
            self.apply("aten::index_put_", (view, self._index_list(tensors), new))
        elif isinstance(new.type, TensorType):
            self.apply("aten::copy_", (view, new))
        else:
            self.apply("aten::fill_", (view, new))

    def delete_subscript(self, node: ast.Subscript) -> None:
        """Import ``del base[index]``."""
        base, index = self.expression(node.value), self.expression(node.slice)
        if self.magic(base, "__delitem__", (index,)) is None:
            self.apply("aten::Delete", (base, index))

    def unpackable(self, item: Item, count: int | None) -> list[Item]:
        """The parts of `item` for an assignment to `count` targets."""
        members = self.sequence_of(item)
        if members is not None:
            return list(members.items)
        value = self.materialize(item)
        if is_unsupported(value) and count is not None:
            value.type = TupleType((TENSOR,) * count)
        if isinstance(value.type, TupleType):
            return list(self.emit(TUPLE_UNPACK, (value,), value.type.elements).outputs)
        if isinstance(value.type, ListType) and count is not None:
            return list(self.emit(LIST_UNPACK, (value,), [value.type.element] * count).outputs)
        raise self.error(f"{describe(value)} cannot be unpacked: tuples and lists can")


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis
