"""Loops compiled to Python functions: the same values, errors and places as the machine's."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import ScriptError
from treadle.frontends.torchscript.script import ScriptedFunction, script
from treadle.interpreter import Settings, run

MACHINE = Settings(compile_after=2**62)
COMPILED = Settings(compile_after=1)


def outcome(function, args, how: Settings) -> object:
    scripted = script(function)
    assert isinstance(scripted, ScriptedFunction)
    try:
        return run(scripted.program, scripted.function.graph(), args, how)
    except ScriptError as error:
        return str(error)


def wraps(n: int, factor: int) -> int:
    value = 1
    for i in range(n):
        value = value * factor + i
    return value


def nested(n: int, m: int) -> list[int]:
    found: list[int] = []
    for i in range(n):
        j = 0
        while j < m and len(found) < 50:
            if (i + j) % 3 == 0:
                found.append(i * 10 + j)
            elif j > 7:
                break
            j += 1
    return found


def early(n: int, stop: int) -> int:
    for i in range(n):
        for j in range(n):
            if i * j == stop:
                return i - j
    return -1


def swaps(n: int, k: int) -> tuple[int, int, float]:
    a, b, c = 0, 1, 0.5
    for _ in range(n):
        a, b = b, a + b
        c = c * 1.5 - k
    return a, b, c


def continues(n: int, k: int) -> dict[str, int]:
    counts = {"even": 0, "odd": 0}
    for i in range(n):
        if i == k:
            continue
        key = "even" if i % 2 == 0 else "odd"
        counts[key] += 1
    return counts


def divides(n: int, k: int) -> int:
    total = 0
    for i in range(n):
        total += 100 // (k - i)
    return total


def raises(n: int, k: int) -> int:
    for i in range(n):
        if i == k:
            raise ValueError("too many")
    return n


def indexes(n: int, k: int) -> int:
    xs = [k, 2, 3]
    total = 0
    for i in range(n):
        total += xs[i]
    return total


def stores(n: int, k: int) -> list[int]:
    xs = [0, 0, 0]
    for i in range(n):
        xs[i - k] = i
        xs.append(len(xs))
    return xs


def looks_up(n: int, k: int) -> int:
    table = {0: 1, 1: 2, 4: 5}
    total = 0
    for i in range(n):
        if i not in table or i < k:
            table[i] = total
        total += table[i] + table[min(i, 4)]
    return total


def misses(n: int, k: int) -> str:
    names = {"a": "b", "b": "a"}
    name = "a"
    for i in range(n):
        name = names[name]
        if i == k:
            names.pop("b")
    return name


def writes_text(n: int, k: int) -> str:
    words: list[str] = []
    for i in range(n):
        word = "item " + str(i * k)
        if word.endswith("2") or word.find("1") > 5:
            word = "-".join(word.split(" ")) + word[i]
        words.append(word)
    return ",".join(words)


def counts_down(n: int, k: int) -> int:
    value = n * 2305843009213693952
    trips = 0
    while value != k:
        value = -(value - 7) + 5 if value % 2 == 0 else value // 2 - 1
        trips += 1
        if trips > n * 10:
            break
    return value * trips


FUNCTIONS = (
    stores, looks_up, misses, writes_text, counts_down, wraps, nested, early, swaps, continues,
    divides, raises, indexes,
)  # fmt: skip


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("args", [(0, 3), (1, 0), (9, 4), (40, 12), (3, -2)])
def test_compiled_loops_agree_with_the_machine_in_values_errors_and_places(function, args) -> None:
    assert outcome(function, args, COMPILED) == outcome(function, args, MACHINE)


@settings(max_examples=50)
@given(st.integers(0, 12), st.integers(-(2**63), 2**63 - 1), st.integers(0, 12))
def test_compiled_integers_wrap(n, factor, after) -> None:
    how = Settings(compile_after=after)
    assert outcome(wraps, (n, factor), how) == outcome(wraps, (n, factor), MACHINE)


def test_an_error_in_a_compiled_loop_names_its_line() -> None:
    text = outcome(divides, (9, 4), COMPILED)
    assert "total += 100 // (k - i)" in str(text)


def endless(n: int) -> int:
    while True:
        n += 1
    return n


def test_a_compiled_loop_stops_at_the_deadline() -> None:
    scripted = script(endless)
    assert isinstance(scripted, ScriptedFunction)
    how = Settings(deadline=time.monotonic() + 0.1, compile_after=1)
    with pytest.raises(ScriptError, match="longer than its timeout"):
        run(scripted.program, scripted.function.graph(), (0,), how)
