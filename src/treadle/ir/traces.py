"""Traces: the arithmetic and the guards over symbols, as a function of the sizes that vary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from treadle.ir.symbols import COMPARISONS, OPERATORS, Linear, Symbol, plain, source


class Trace:
    """The arithmetic and the guards over `values`, the sizes that vary."""

    def __init__(self, values: Sequence[int]) -> None:
        self._lines: list[str] = []
        self._known: dict[str, Symbol] = {}
        self._guards: dict[str, None] = {}
        self.symbols = [Symbol(self, f"d{i}", value) for i, value in enumerate(values)]
        self._known |= {symbol.name: symbol for symbol in self.symbols}

    def compute(self, name: str, a: Any, b: Any) -> int:
        """``a name b``, where one of both is a symbol of this trace."""
        value: int = OPERATORS[name](plain(a), plain(b))
        linear = _combined(name, a, b)
        if linear is None:
            return self._symbol(f"{source(a)} {name} {source(b)}", value, None)
        if not linear.keys() - {""}:
            return linear.get("", 0)
        return self._symbol(_written(linear), value, linear)

    def _symbol(self, expression: str, value: int, linear: Linear | None) -> Symbol:
        """The symbol of `expression`, the same for the same one."""
        known = self._known.get(expression)
        if known is None:
            known = Symbol(self, f"t{len(self._lines)}", value, linear)
            self._lines.append(f"{known.name} = {expression}")
            self._known[expression] = known
        return known

    def guard(self, name: str, a: Any, b: Any) -> bool:
        """The outcome of ``a name b``, which is the same wherever this trace is used."""
        outcome = COMPARISONS[name](plain(a), plain(b))
        if source(a) == source(b):
            return outcome
        line = f"{source(a)} {name} {source(b)}"
        self._note(line if outcome else f"not {line}")
        return outcome

    def maximum(self, numbers: Sequence[int]) -> int:
        """The largest of `numbers`, whichever that is: no guard."""
        expression = f"max({', '.join(map(source, numbers))})"
        return self._symbol(expression, max(map(plain, numbers)), None)

    def fix(self, symbol: Symbol) -> int:
        """The value of `symbol`, from now on the only one."""
        self._note(f"{symbol.name} == {symbol.value}")
        return symbol.value

    def _note(self, condition: str) -> None:
        if condition not in self._guards:
            self._guards[condition] = None
            self._lines.append(f"if not ({condition}): return None")

    @property
    def guards(self) -> list[str]:
        """The conditions under which what was computed holds, as Python expressions."""
        return list(self._guards)

    def compile(self, result: Any) -> Callable[..., Any]:
        """A function of the sizes that gives `result`, or None where a guard fails.

        `result` is a structure of tuples and lists with symbols, numbers, strings and None in it.
        """
        parameters = ", ".join(symbol.name for symbol in self.symbols)
        lines = [f"def instance({parameters}):", *self._lines, f"return {source(result)}"]
        namespace: dict[str, Any] = {}
        exec("\n ".join(lines), {"max": max}, namespace)  # written by us, from names and integers
        function: Callable[..., Any] = namespace["instance"]
        return function


def _combined(name: str, a: Any, b: Any) -> Linear | None:
    """``a name b`` as a sum of symbols, if it is one: so equal sizes get equal names."""
    left, right = _linear(a), _linear(b)
    if name in ("+", "-"):
        sign = 1 if name == "+" else -1
        sums = {n: left.get(n, 0) + sign * right.get(n, 0) for n in {**left, **right}}
    elif name == "*" and not isinstance(b, Symbol):
        sums = {n: factor * b for n, factor in left.items()}
    elif name == "*" and not isinstance(a, Symbol):
        sums = {n: factor * a for n, factor in right.items()}
    elif isinstance(b, Symbol) or any(factor % b for factor in left.values()):
        return None
    else:
        sums = {n: factor // b if name == "//" else 0 for n, factor in left.items()}
    return {n: factor for n, factor in sums.items() if factor}


def _linear(number: Any) -> Linear:
    return number.linear if isinstance(number, Symbol) else {"": int(number)}


def _written(linear: Linear) -> str:
    """A sum as an expression, the same for equal sums."""
    terms = []
    for name, factor in sorted(linear.items()):
        terms.append(str(factor) if not name else name if factor == 1 else f"{factor} * {name}")
    return " + ".join(terms)
