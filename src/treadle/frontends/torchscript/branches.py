"""Branches of the graph: which values they carry out, and early exits.

``return``, ``break`` and ``continue`` become flags that are merged like the source's own names;
what follows an `if` that may have exited is put under a test of the flags.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from treadle.frontends.torchscript.applications import Applications
from treadle.frontends.torchscript.frames import Frame
from treadle.frontends.torchscript.subtyping import unify
from treadle.frontends.torchscript.symbols import Conflict, Constant, Item
from treadle.frontends.torchscript.unsupported import is_unsupported
from treadle.ir.graph import Block, Node, Value
from treadle.ir.op import IF
from treadle.ir.types import Type

FALL, RETURN, BREAK, CONTINUE, RAISE = "fall", "return", "break", "continue", "raise"
Exits = frozenset[str]
FALLS: Exits = frozenset({FALL})

Step = Callable[[], Exits]


@dataclass(slots=True)
class Arm:
    """One side of a branch after its statements were imported."""

    block: Block
    frame: Frame
    exits: Exits

    @property
    def falls(self) -> bool:
        """Whether control may reach the statement after the branch."""
        return FALL in self.exits

    @property
    def only_raises(self) -> bool:
        """Whether control never leaves the arm but by an error."""
        return self.exits <= {RAISE}


class Branches(Applications):
    """Imports branches. A `Step` imports statements and says how they may end.

    Attributes:
        result_type: the declared type of the function's result; None to infer it.
    """

    function_number = 0
    result_type: Type | None = None

    def flag(self, kind: str) -> str:
        """The name that says whether this function has left by `kind`."""
        return f"${kind}{self.function_number}"

    @property
    def result_name(self) -> str:
        """The name that holds the value this function returns."""
        return f"$value{self.function_number}"

    def leave(self, kind: str) -> Exits:
        """Leave the function or iteration by `kind`."""
        self.frame.assign(self.flag(kind), Constant(True))
        return frozenset({kind})

    def sequence(self, steps: Sequence[Step]) -> Exits:
        """Import `steps` one after the other, each only if those before it fell through."""
        exits: set[str] = set()
        for index, step in enumerate(steps):
            done = step()
            exits |= done - {FALL}
            if FALL not in done:
                return frozenset(exits)
            flags = done & {RETURN, BREAK, CONTINUE}
            if flags and index + 1 < len(steps):
                left = self._any_flag(flags)
                rest = self.branch(left, _leave_by(flags), self._rest(steps[index + 1 :]))
                return frozenset(exits | rest)
        return frozenset(exits | {FALL})

    def _rest(self, steps: Sequence[Step]) -> Step:
        return lambda: self.sequence(steps)

    def _any_flag(self, kinds: Iterable[str]) -> Value:
        result: Value | None = None
        for kind in sorted(kinds):
            item = self.frame.lookup(self.flag(kind)) or Constant(False)
            value = self.materialize(item)
            result = value if result is None else self.apply("aten::__or__", (result, value))
        assert result is not None
        return result

    def branch(self, condition: Value, then: Step, otherwise: Step) -> Exits:
        """Import an `if` with two arms; names assigned in them are merged after it."""
        node = self.emit(IF, (condition,))
        arms = []
        for step in (then, otherwise):
            block, frame = node.add_block(), Frame(self.frame)
            with self.inside(block, frame):
                arms.append(Arm(block, frame, step()))
        self._merge(node, arms[0], arms[1])
        return arms[0].exits | arms[1].exits

    def branch_value(
        self,
        condition: Value,
        then: Callable[[], Value],
        otherwise: Callable[[], Value],
        hint: Type | None = None,
    ) -> Value:
        """Import a conditional expression; `hint` is the type that its place asks for."""
        name = "$expression"
        if hint is not None:
            self.frame.declared[name] = hint

        def arm(make: Callable[[], Value]) -> Step:
            def step() -> Exits:
                self.frame.assign(name, make())
                return FALLS

            return step

        self.branch(condition, arm(then), arm(otherwise))
        result = self.frame.values.pop(name)
        self.frame.assigned.discard(name)
        self.frame.declared.pop(name, None)
        if isinstance(result, Conflict):
            raise self.error(result.message)
        assert isinstance(result, Value)
        return result

    def _merge(self, node: Node, then: Arm, otherwise: Arm) -> None:
        """Give each name that an arm assigned its value after the branch.

        A name that one arm leaves without a value has none afterwards, unless control cannot come
        from that arm to where the name is read: then it is uninitialised there.
        """
        for name in sorted(then.frame.assigned | otherwise.frame.assigned):
            a, b = self._at_end(name, then), self._at_end(name, otherwise)
            if a is None and b is None:
                continue
            conflict = next((item for item in (a, b) if isinstance(item, Conflict)), None)
            if conflict is not None:
                self.frame.assign(name, conflict)
                continue
            if (a is None and _is_read_after(name, then)) or (
                b is None and _is_read_after(name, otherwise)
            ):
                continue
            known = a if b is None else b if a is None else None
            if isinstance(known, (Value, type(None))) and not (a is b or _same_constant(a, b)):
                self.frame.assign(name, self._merged(node, name, (then, a), (otherwise, b)))
            else:
                item = a if a is not None else b
                assert item is not None
                self.frame.assign(name, item)

    def _at_end(self, name: str, arm: Arm) -> Item | None:
        """What `name` is where `arm` ends; None if that is undefined or never read."""
        if arm.only_raises:
            return None
        if name in arm.frame.assigned:
            return arm.frame.lookup(name)
        if _is_flag(name):
            return arm.frame.lookup(name) or (
                None if name.startswith("$value") else Constant(False)
            )
        if arm.exits <= {RAISE, RETURN}:
            return None
        return arm.frame.lookup(name)

    def _merged(
        self, node: Node, name: str, first: tuple[Arm, Item | None], second: tuple[Arm, Item | None]
    ) -> Value | Conflict:
        values: list[Value | None] = []
        for arm, item in (first, second):
            with self.inside(arm.block, arm.frame):
                values.append(None if item is None else self.materialize(item))
        known = [v.type for v in values if v is not None and not is_unsupported(v)]
        known = known or [v.type for v in values if v is not None]
        type_ = self._merged_type(name, known)
        if type_ is None:
            what = "the value" if name.startswith("$") else f"variable {name!r}"
            return Conflict(f"{what} is {known[0]} on one way and {known[1]} on the other")
        for value, (arm, _) in zip(values, (first, second), strict=True):
            with self.inside(arm.block, arm.frame):
                end = self.uninitialized(type_) if value is None else value
            arm.block.set_returns([*arm.block.returns, end])
        return node.add_output(type_, name.lstrip("$"))

    def _merged_type(self, name: str, types: list[Type]) -> Type | None:
        """The type after a branch of what has one of `types` in each arm; None if there is none."""
        declared = self.frame.declared_type(name)
        if name == self.result_name:
            declared = self.result_type
        type_: Type | None = types[0]
        for other in types[1:]:
            type_ = None if type_ is None else unify(type_, other, self.find_class)
        if declared is None or type_ == declared:
            return type_
        fits = all(self.is_subtype(t, declared) for t in types)
        return declared if fits and len(set(types)) > 1 else type_


def _leave_by(kinds: Exits) -> Step:
    return lambda: kinds


def _is_flag(name: str) -> bool:
    return name.startswith("$") and name != "$expression"


def _is_read_after(name: str, arm: Arm) -> bool:
    """Whether a name without a value at the end of `arm` might be read after the branch."""
    return arm.falls and not name.startswith("$value")


def _same_constant(a: Item | None, b: Item | None) -> bool:
    """Whether both are the same value known while importing (True is not 1)."""
    return (
        not isinstance(a, (Value, type(None)))
        and a == b
        and type(getattr(a, "value", None)) is type(getattr(b, "value", None))
    )
