"""Iteration: ``for`` over ranges, lists, dicts, tensors, tuples and modules; comprehensions."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from treadle.frontends.torchscript.branches import FALLS, Exits
from treadle.frontends.torchscript.control import MAX_TRIPS
from treadle.frontends.torchscript.specials import Specials
from treadle.frontends.torchscript.symbols import (
    ClassSymbol,
    Constant,
    Enumerate,
    Item,
    Range,
    Sequence,
    Zip,
    describe,
)
from treadle.ir.graph import Value
from treadle.ir.op import DICT, LIST
from treadle.ir.types import (
    INT,
    STR,
    TENSOR,
    DictType,
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
)


@dataclass(slots=True)
class Iteration:
    """A way to iterate: the items themselves if their number is known, else trips and an item."""

    static: list[Item] | None
    trips: Value | None
    item: Callable[[Value], Item]


class Iterations(Specials):
    """Imports loops over things and comprehensions."""

    def iterate(self, item: Item) -> Iteration:
        """How to iterate over `item`."""
        match item:
            case Range():
                return self._range_iteration(item)
            case Enumerate():
                return self._enumerate_iteration(item)
            case Zip():
                return self._zip_iteration([self.iterate(part) for part in item.parts])
        members = self.sequence_of(item)
        if members is not None:
            return _static(list(members.items))
        if isinstance(item, ClassSymbol) and item.cls.kind == "enum":
            return _static([Constant(member) for member in item.cls.constants.values()])
        value = self.materialize(item)
        if isinstance(value.type, TupleType):
            return _static(self.unpackable(value, None))
        return self._value_iteration(value)

    def _value_iteration(self, value: Value) -> Iteration:
        if isinstance(value.type, DictType):
            value = self.apply("aten::keys", (value,))
        if isinstance(value.type, TensorType):
            trips = self.apply("aten::len", (value,))
            return Iteration(
                None,
                trips,
                lambda i: self.apply("aten::select", (value, self.constant(0), i)),
            )
        if not isinstance(value.type, ListType) and value.type != STR:
            raise self.error(
                f"{describe(value)} cannot be iterated over: ranges, lists, "
                "tuples, dicts, strings, tensors and lists of modules can"
            )
        trips = self.apply("aten::len", (value,))
        return Iteration(None, trips, lambda i: self.apply("aten::__getitem__", (value, i)))

    def _range_iteration(self, item: Range) -> Iteration:
        start, step = item.start, item.step
        if start is None:
            return Iteration(None, item.stop, lambda i: i)
        step_value = step or self.constant(1)
        trips = self.apply("aten::__range_length", (start, item.stop, step_value))
        return Iteration(
            None, trips, lambda i: self.apply("aten::__derive_index", (i, start, step_value))
        )

    def _enumerate_iteration(self, item: Enumerate) -> Iteration:
        inner = self.iterate(item.inner)
        start = item.start
        if inner.static is not None:
            first = 0
            if start is not None:
                if not start.is_constant:
                    raise self.error("the start of enumerate must be constant here")
                first = int(start.constant)
            pairs = enumerate(inner.static, first)
            return _static([Sequence((Constant(i), part)) for i, part in pairs])

        def pair(i: Value) -> Item:
            number = i if start is None else self.apply("aten::add", (i, start))
            return Sequence((number, inner.item(i)))

        return Iteration(None, inner.trips, pair)

    def _zip_iteration(self, parts: list[Iteration]) -> Iteration:
        if all(part.static is not None for part in parts):
            rows = zip(*(part.static or [] for part in parts), strict=False)
            return _static([Sequence(tuple(row)) for row in rows])
        if any(part.static is not None for part in parts):
            return self._partly_static_zip(parts)
        lengths = [part.trips for part in parts if part.trips is not None]
        element = self.value(LIST, lengths, ListType(INT))
        trips = self.apply("prim::min", (element,))
        return Iteration(None, trips, lambda i: Sequence(tuple(part.item(i) for part in parts)))

    def _partly_static_zip(self, parts: list[Iteration]) -> Iteration:
        """As many rows as the shortest known part has; the others are indexed."""
        count = min(len(part.static) for part in parts if part.static is not None)
        rows: list[Item] = []
        for i in range(count):
            row = [
                part.static[i] if part.static is not None else part.item(self.constant(i))
                for part in parts
            ]
            rows.append(Sequence(tuple(row)))
        return _static(rows)

    def for_loop(
        self, iteration: Iteration, carried: Iterable[str], body: Callable[[Item], Exits]
    ) -> Exits:
        """Import a loop whose number of iterations is not known."""
        assert iteration.trips is not None
        return self.loop(
            iteration.trips,
            lambda: self.constant(True),
            carried,
            lambda i: body(iteration.item(i)),
            tested=False,
        )

    def while_loop(
        self, test: Callable[[], Value], carried: Iterable[str], body: Callable[[], Exits]
    ) -> Exits:
        """Import a loop with a condition."""
        trips = self.constant(MAX_TRIPS)
        return self.loop(trips, test, carried, lambda i: body(), tested=True)

    def assign_item(self, target: ast.expr, item: Item) -> None:
        """Give the names of an assignment's or loop's `target` their values."""
        raise NotImplementedError

    def comprehension(self, node: ast.expr, hint: Type | None) -> Item:
        """The list or dict of a comprehension."""
        assert isinstance(node, (ast.ListComp, ast.DictComp))
        if len(node.generators) != 1 or node.generators[0].is_async:
            raise self.syntax_error("TorchScript has comprehensions with one for only: write loops")
        generator = node.generators[0]
        if any(isinstance(part, ast.Attribute) for part in ast.walk(generator.target)):
            raise self.syntax_error("a comprehension gives values to names only")
        iteration = self.iterate(self.item(generator.iter))
        wanted = hint.element if isinstance(hint, OptionalType) else hint
        if isinstance(node, ast.ListComp):
            return self._list_comprehension(node, generator, iteration, wanted)
        return self._dict_comprehension(node, generator, iteration, wanted)

    def _list_comprehension(
        self,
        node: ast.ListComp,
        generator: ast.comprehension,
        iteration: Iteration,
        hint: Type | None,
    ) -> Value:
        element_hint = hint.element if isinstance(hint, ListType) else None
        result = self.value(LIST, (), hint if isinstance(hint, ListType) else ListType(TENSOR))
        if iteration.static is not None and not generator.ifs:
            return self._unrolled_list(node, generator, iteration.static, element_hint)

        def add() -> None:
            value = self.expression(node.elt, element_hint)
            if element_hint is None:
                result.type = ListType(value.type)
            self.apply("aten::append", (result, value))

        self._repeat(generator, iteration, add)
        return result

    def _unrolled_list(
        self,
        node: ast.ListComp,
        generator: ast.comprehension,
        items: list[Item],
        hint: Type | None,
    ) -> Value:
        values = []
        for item in items:
            self.assign_item(generator.target, item)
            values.append(self.expression(node.elt, hint))
        element = hint or (values[0].type if values else TENSOR)
        return self.value(
            LIST, [self.require(v, element, "an element") for v in values], ListType(element)
        )

    def _dict_comprehension(
        self,
        node: ast.DictComp,
        generator: ast.comprehension,
        iteration: Iteration,
        hint: Type | None,
    ) -> Value:
        known = hint if isinstance(hint, DictType) else None
        result = self.value(DICT, (), known or DictType(STR, TENSOR))

        def add() -> None:
            key = self.expression(node.key, known.key if known else None)
            value = self.expression(node.value, known.value if known else None)
            if known is None:
                result.type = DictType(key.type, value.type)
            self.apply("aten::_set_item", (result, key, value))

        self._repeat(generator, iteration, add)
        return result

    def _repeat(
        self, generator: ast.comprehension, iteration: Iteration, add: Callable[[], None]
    ) -> None:
        def step(item: Item) -> Exits:
            self.assign_item(generator.target, item)
            return self._filtered(list(generator.ifs), add)

        if iteration.static is None:
            self.for_loop(iteration, (), step)
            return
        for item in iteration.static:
            step(item)

    def _filtered(self, tests: list[ast.expr], add: Callable[[], None]) -> Exits:
        if not tests:
            add()
            return FALLS
        condition = self.condition(tests[0])

        def then() -> Exits:
            self.refine(condition.when_true)
            return self._filtered(tests[1:], add)

        if condition.known is not None:
            return then() if condition.known else FALLS
        return self.branch(condition.make(), then, lambda: FALLS)

    def collect(self, item: Item) -> Value:
        """A list of what iteration over `item` gives."""
        iteration = self.iterate(item)
        if iteration.static is not None:
            values = [self.materialize(part) for part in iteration.static]
            return self.value(LIST, values, ListType(values[0].type if values else TENSOR))
        result = self.value(LIST, (), ListType(TENSOR))

        def add(part: Item) -> Exits:
            value = self.materialize(part)
            result.type = ListType(value.type)
            self.apply("aten::append", (result, value))
            return FALLS

        self.for_loop(iteration, (), add)
        return result


def _static(items: list[Item]) -> Iteration:
    def unknown(i: Value) -> Item:
        raise AssertionError(i)

    return Iteration(items, None, unknown)
