"""Symbols: what is computed with them holds for other sizes, or a guard says that it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.ir.symbols import (
    as_int,
    fixed,
    has_symbols,
    is_whole,
    is_zero,
    maximum,
    plain,
    typical,
)
from treadle.ir.traces import Trace

_small = st.integers(0, 40)
_literals = st.integers(-9, 9)
_binary: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a // b if b else a,
    lambda a, b: a % b if b else b,
    lambda a, b: -(-a // max(b, 1)),
    max,
    min,
    lambda a, b: maximum([a, b]),
    lambda a, b: a if a < b else b + 1,
    lambda a, b: abs(a) + (3 if a == b else 4),
    lambda a, b: math.prod([a, b, 2]) + sum([a, b]),
    lambda a, b: divmod(a, b)[1] if b > 0 else a,
    lambda a, b: (a << 2) + int(b > 7),
]
_programs = st.lists(
    st.tuples(st.sampled_from(_binary), st.integers(0, 99), st.integers(0, 99)),
    min_size=1, max_size=12,
)  # fmt: skip


def evaluate(program: list[tuple[Callable[[Any, Any], Any], int, int]], values: list[Any]) -> Any:
    """Run a program over a growing list of numbers; the last ones are its result."""
    numbers = list(values)
    for function, i, j in program:
        numbers.append(function(numbers[i % len(numbers)], numbers[j % len(numbers)]))
    return numbers[-3:]


@given(_programs, _small, _small, _literals, st.lists(st.tuples(_small, _small), max_size=8))
def test_a_trace_gives_what_the_program_gives_or_refuses(
    program: Any, a: int, b: int, literal: int, others: list[tuple[int, int]]
) -> None:
    trace = Trace([a, b])
    instance = trace.compile(evaluate(program, [*trace.symbols, literal]))
    assert instance(a, b) == evaluate(program, [a, b, literal])
    for other in others:
        assert instance(*other) in (None, evaluate(program, [*other, literal]))


FIXING: list[Callable[[Any], Any]] = [
    lambda n: list(range(n)),
    lambda n: [0] * n,
    lambda n: list(range(100))[:n],
    lambda n: list(range(100))[n],
    lambda n: slice(None, n).indices(7),
    lambda n: np.arange(n).sum(),
    lambda n: np.zeros((n, 2)).shape,
    lambda n: int(n),
    lambda n: float(n),
    lambda n: f"{n} {n!r}",
    lambda n: "%d" % n,  # noqa: UP031
    lambda n: n / 2,
    lambda n: n * 0.5,
    lambda n: 2**n,
    lambda n: n & 3,
    lambda n: math.gcd(n, 12),
    lambda n: n.bit_length(),
    lambda n: fixed([n, (n, {"a": n})]),
]


@pytest.mark.parametrize("function", FIXING)
def test_what_cannot_be_noted_fixes_the_size(function: Callable[[Any], Any]) -> None:
    trace = Trace([6])
    assert function(trace.symbols[0]) == function(6)
    instance = trace.compile("done")
    assert instance(6) == "done"
    assert instance(7) is None


def test_comparisons_are_guards() -> None:
    trace = Trace([6])
    (n,) = trace.symbols
    assert n > 1
    assert n != 16
    assert n in (6, 7)
    assert trace.guards == ["not d0 <= 1", "d0 != 16", "d0 == 6"]


def test_a_symbol_against_itself_is_no_guard() -> None:
    trace = Trace([6])
    (n,) = trace.symbols
    assert n + 1 == n + 1
    assert n * 1 == n + 0
    assert n < math.inf
    assert not trace.guards


def test_a_symbol_looks_like_an_int_to_those_who_compute_with_sizes() -> None:
    (n,) = Trace([6]).symbols
    assert isinstance(n, int)
    assert is_whole(n)
    assert not is_whole(True)
    assert hash(n) == hash(6)
    assert as_int(n) is n
    assert not is_zero(n - 6)
    assert is_zero(0)


def test_estimates_see_numbers_without_guards() -> None:
    trace = Trace([6, 0, 1])
    assert [plain(n) for n in trace.symbols] == [6, 0, 1]
    assert [typical(n) for n in (*trace.symbols, 6)] == [8, 0, 1, 6]
    assert not trace.guards
    assert has_symbols([1, ({"a": trace.symbols[0]},)])
    assert not has_symbols([1, ({"a": 2},)])


def test_division_by_a_symbol_that_is_zero_raises() -> None:
    (n,) = Trace([0]).symbols
    divisions: list[Callable[[], Any]] = [lambda: 5 // n, lambda: 5 % n, lambda: divmod(5, n)]
    for divide in divisions:
        with pytest.raises(ZeroDivisionError):
            divide()
