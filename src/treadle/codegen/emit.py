"""Writing LLVM IR as text: values, scopes that code can be hoisted to, loops and branches.

An `Emitter` keeps a stack of open scopes (function body, loop bodies, branches). A pure instruction
goes to the outermost scope where all its operands exist, and the same instruction is written once
per scope: so invariant code is hoisted and common subexpressions are shared as they are emitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from treadle.codegen.instructions import Instructions, Scope
from treadle.codegen.values import Value, mangled
from treadle.ir.dtypes import bool_, i64


class Loop:
    """An open loop: its index, the values it carries, and after it closed, their results."""

    __slots__ = ("carried", "following", "index", "results")

    def __init__(self, index: Value, carried: tuple[Value, ...]) -> None:
        self.index = index
        self.carried = carried
        self.following: tuple[Value, ...] = carried
        self.results: tuple[Value, ...] = ()


class Emitter(Instructions):
    """Writes one function of a module."""

    @contextmanager
    def loop(
        self,
        start: Value,
        stop: Value,
        step: Value | int = 1,
        carried: Sequence[Value] = (),
        *,
        entered: bool = False,
    ) -> Iterator[Loop]:
        """A loop ``for index in range(start, stop, step)`` that carries values.

        The block sets ``loop.following``; afterwards ``loop.results`` holds the last ones.
        `entered` says that there is at least one iteration: the test moves to the end.
        """
        n = self.fresh()
        step = self.integer(step) if isinstance(step, int) else step
        self.scopes.append(Scope())
        depth = self.depth
        index = Value(f"%i{n}", i64, 1, depth)
        phis = tuple(Value(f"%c{n}_{j}", v.dtype, v.lanes, depth) for j, v in enumerate(carried))
        loop = Loop(index, phis)
        yield loop
        body = self.scopes.pop()
        out = self.scopes[-1].items
        out += [f"br label %pre{n}", f"pre{n}:", f"br label %head{n}", f"head{n}:"]
        out.append(f"{index.name} = phi i64 [{start.name}, %pre{n}], [%n{n}, %latch{n}]")
        for phi, first, last in zip(phis, carried, loop.following, strict=True):
            out.append(
                f"{phi.name} = phi {phi.type} [{first.name}, %pre{n}], [{last.name}, %latch{n}]"
            )
        following = f"%n{n} = add nsw i64 {index.name}, {step.name}"
        if entered:
            out += [*body.items, f"br label %latch{n}", f"latch{n}:", following]
            out.append(f"%t{n} = icmp slt i64 %n{n}, {stop.name}")
            out += [f"br i1 %t{n}, label %head{n}, label %exit{n}", f"exit{n}:"]
        else:
            out.append(f"%t{n} = icmp slt i64 {index.name}, {stop.name}")
            out += [f"br i1 %t{n}, label %body{n}, label %exit{n}", f"body{n}:", *body.items]
            out += [f"br label %latch{n}", f"latch{n}:", following]
            out += [f"br label %head{n}", f"exit{n}:"]
        last_values = loop.following if entered else phis
        loop.results = tuple(
            Value(v.name, v.dtype, v.lanes, self.depth, v.constant) for v in last_values
        )

    @contextmanager
    def branch(self, condition: Value, *, rare: bool = False) -> Iterator[None]:
        """Code that runs only if `condition` (a scalar bool) holds; `rare`: hardly ever."""
        n = self.fresh()
        self.scopes.append(Scope())
        yield
        body = self.scopes.pop()
        out = self.scopes[-1].items
        weights = ", !prof !1" if rare else ""
        out += [f"br i1 {condition.name}, label %then{n}, label %end{n}{weights}", f"then{n}:"]
        out += [*body.items, f"br label %end{n}", f"end{n}:"]

    def unlikely(
        self,
        mask: Value,
        usual: Value,
        args: Sequence[Value],
        unusual: Callable[[Sequence[Value]], Value],
    ) -> Value:
        """`usual`, but ``unusual(args)`` in the lanes of `mask`; the latter runs only if needed."""
        n = self.fresh()
        some = mask if mask.lanes == 1 else self.any_lane(mask)
        out = self.scopes[-1].items
        out += [f"br label %here{n}", f"here{n}:"]
        out += [f"br i1 {some.name}, label %cold{n}, label %end{n}, !prof !1", f"cold{n}:"]
        self.scopes.append(Scope())
        inner = [Value(a.name, a.dtype, a.lanes, self.depth) for a in args]
        value = self.select(mask, unusual(inner), usual)
        body = self.scopes.pop()
        out += [*body.items, f"br label %last{n}", f"last{n}:", f"br label %end{n}", f"end{n}:"]
        text = f"phi {usual.type} [{usual.name}, %here{n}], [{value.name}, %last{n}]"
        return self.here(text, usual.dtype, usual.lanes)

    def any_lane(self, mask: Value) -> Value:
        """Whether any lane of a vector of bools is true."""
        name = f"llvm.vector.reduce.or.{mangled(bool_, mask.lanes)}"
        self.declare(f"declare i1 @{name}({mask.type})")
        return self.pure(f"call i1 @{name}({mask})", bool_, 1, mask.depth)

    def finish(self, name: str, parameters: str) -> str:
        """The text of the function, with the scope stack closed."""
        lines = "\n".join(self.scopes[0].items)
        return f"define void @{name}({parameters}) #0 {{\nentry:\n{lines}\nret void\n}}\n"

    def by_parts(
        self,
        function: Callable[[Emitter, Sequence[Value]], Value],
        args: Sequence[Value],
        lanes: int,
    ) -> Value:
        """A function that exists for `lanes` lanes only, of vectors of a multiple of that."""
        parts = [
            function(self, [self._part(a, start, lanes) for a in args])
            for start in range(0, args[0].lanes, lanes)
        ]
        while len(parts) > 1:
            parts = [self._join(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    def _part(self, a: Value, start: int, lanes: int) -> Value:
        return a if a.lanes == lanes else self.shuffle(a, range(start, start + lanes))

    def _join(self, a: Value, b: Value) -> Value:
        return self.mix(a, b, range(2 * a.lanes))
