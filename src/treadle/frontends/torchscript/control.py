"""Loops of the graph: which values they carry from one iteration to the next, and out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from treadle.frontends.torchscript.branches import BREAK, FALL, RAISE, RETURN, Branches, Exits
from treadle.frontends.torchscript.frames import Frame
from treadle.frontends.torchscript.symbols import Constant
from treadle.ir.graph import Node, Value, replace_uses
from treadle.ir.op import LOOP
from treadle.ir.types import BOOL, INT

MAX_TRIPS = 2**63 - 1


class Control(Branches):
    """Imports loops."""

    def _has_value(self, name: str) -> bool:
        return isinstance(self.frame.lookup(name), (Value, Constant))

    def loop(
        self,
        trips: Value,
        condition: Callable[[], Value],
        carried: Iterable[str],
        body: Callable[[Value], Exits],
        *,
        tested: bool,
    ) -> Exits:
        """Import a loop.

        Args:
            trips: the largest number of iterations.
            condition: imports the test before an iteration.
            carried: names that the body may assign.
            body: imports an iteration, given its number.
            tested: whether `condition` is more than True.
        """
        names = [n for n in sorted(set(carried)) if self._has_value(n)]
        starts = [self.materialize(self.frame.lookup(name) or Constant(None)) for name in names]
        node = self.emit(LOOP, (trips, condition()))
        block, frame = node.add_block(), Frame(self.frame)
        index = block.add_param(INT, "i")
        for name, start in zip(names, starts, strict=True):
            frame.refine(name, block.add_param(start.type, name))
        with self.inside(block, frame):
            exits = body(index)
            proceed = self._proceed(exits, condition, tested=tested)
            ends = [
                self._end(name, param) for name, param in zip(names, block.params[1:], strict=True)
            ]
            extra = [self.flag(RETURN), self.result_name] if RETURN in exits else []
            ends += [self.materialize(frame.lookup(name) or Constant(False)) for name in extra]
        block.set_returns([proceed, *ends])
        self._finish(node, names, starts, extra)
        if BREAK in exits:
            self.frame.assign(self.flag(BREAK), Constant(False))
        return frozenset((exits & {RETURN, RAISE}) | {FALL})

    def _end(self, name: str, param: Value) -> Value:
        item = self.frame.lookup(name)
        assert item is not None
        value = self.materialize(item)
        if not self.is_subtype(value.type, param.type):
            raise self.error(
                f"variable {name!r} has type {param.type} before the loop, but {value.type} at the "
                "end of its body"
            )
        return value

    def _proceed(self, exits: Exits, condition: Callable[[], Value], *, tested: bool) -> Value:
        """Whether there is a next iteration."""
        left = exits & {RETURN, BREAK}
        if not left:
            return condition()
        flag = self._any_flag(left)
        if not tested:
            return self.apply("aten::__not__", (flag,))
        return self.branch_value(flag, lambda: self.constant(False), condition)

    def _finish(self, node: Node, names: list[str], starts: list[Value], extra: list[str]) -> None:
        """Give the loop its inputs and results; drop what the body does not change."""
        (block,) = node.blocks
        proceed, *ends = block.returns
        carried: list[tuple[str, Value, Value, Value]] = []
        dropped: list[tuple[Value, Value]] = []
        for name, start, param, end in zip(names, starts, block.params[1:], ends, strict=False):
            if end is param and start.type == param.type:
                dropped.append((param, start))
            else:
                carried.append((name, start, param, end))
        for name, end in zip(extra, ends[len(names) :], strict=True):
            initial = self._initial(name, end)
            assert initial.node is not None
            self.block.move_before(initial.node, node)
            carried.append((name, initial, block.add_param(end.type), end))
        block.params[1:] = [param for _, _, param, _ in carried]
        block.set_returns([proceed, *(end for _, _, _, end in carried)])
        for param, start in dropped:
            replace_uses(param, start)
        for name, start, param, _ in carried:
            node.add_input(start)
            self.frame.assign(name, node.add_output(param.type, name.lstrip("$")))

    def _initial(self, name: str, end: Value) -> Value:
        if name == self.result_name:
            return self.uninitialized(end.type)
        return self.constant(False, BOOL)
