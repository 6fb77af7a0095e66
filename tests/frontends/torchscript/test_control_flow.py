"""Branches, loops and early exits."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B905, SIM108

from __future__ import annotations

import pytest
import torch

from tests.frontends.torchscript.support import check


def sign(x: int) -> int:
    if x > 0:
        return 1
    elif x < 0:
        return -1
    return 0


def nested_return(x: int, y: int) -> int:
    if x > 0:
        if y > 0:
            return x + y
        x = x * 2
    else:
        y = y - 1
    return x * 100 + y


def first_even(xs: list[int]) -> int:
    for x in xs:
        if x % 2 == 0:
            return x
    return -1


def break_and_continue(n: int) -> tuple[int, int]:
    total = 0
    seen = 0
    for i in range(n):
        if i == 3:
            continue
        if i > 7:
            break
        seen += 1
        total += i
    return total, seen


def while_collatz(n: int) -> int:
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def while_true_break(n: int) -> int:
    i = 0
    while True:
        i += 1
        if i * i > n:
            break
    return i


def nested_loops(n: int) -> list[int]:
    found: list[int] = []
    for i in range(2, n):
        prime = True
        for j in range(2, i):
            if i % j == 0:
                prime = False
                break
        if not prime:
            continue
        found.append(i)
    return found


def return_from_nested_loop(n: int) -> int:
    for i in range(n):
        for j in range(n):
            if i * j == 12:
                return i * 100 + j
            if j > i:
                break
    return -1


def loop_else_variables(n: int) -> int:
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def range_with_step(a: int, b: int, c: int) -> list[int]:
    out: list[int] = []
    for i in range(a, b, c):
        out.append(i)
    return out


def loop_over_tensor(x: torch.Tensor) -> torch.Tensor:
    total = torch.zeros(2)
    for row in x:
        total = total + row
    return total


def conditional_expression(x: int) -> int:
    return x if x > 3 else -x


def short_circuit(xs: list[int]) -> bool:
    return len(xs) > 0 and xs[0] > 2


def short_circuit_or(x: int) -> bool:
    return x == 0 or 10 // x > 3


def define_in_both(x: int) -> str:
    if x > 2:
        name = "big"
    else:
        name = "small"
    return name


def raise_in_branch(x: int) -> int:
    if x < 0:
        raise ValueError("MSG negative")
    else:
        y = x * 2
    return y


def assertion(x: int) -> int:
    assert x > 1, "MSG too small"
    return x


def tensor_condition(x: torch.Tensor) -> torch.Tensor:
    if x.sum() > 0:
        y = x + 1
    else:
        y = x - 1
    return y


def while_with_return(n: int) -> int:
    i = 0
    while i < 100:
        i += 1
        if i == n:
            return i * 10
    return i


def unpack_enumerate(xs: list[str]) -> str:
    out = ""
    for i, x in enumerate(xs):
        if i == 1:
            continue
        out += str(i) + x
    return out


def zip_lists(xs: list[int], ys: list[float]) -> float:
    total = 0.0
    for x, y in zip(xs, ys):
        total += x * y
    return total


def no_value_returned(xs: list[int]) -> None:
    if len(xs) == 0:
        return
    xs.append(3)


def optional_result(x: int) -> int | None:
    if x > 2:
        return x
    return None


def chain_of_returns(x: int) -> int:
    if x == 0:
        return 10
    if x == 1:
        return 11
    if x == 2:
        y = 5
    else:
        if x == 3:
            return 13
        y = 6
    if y == 5:
        return 12
    return y


def continue_in_while(n: int) -> int:
    total = 0
    while n > 0:
        n -= 1
        if n % 3 == 0:
            continue
        if n == 1:
            return total
        total += n
    return -total


def tuple_unrolled(t: tuple[int, float, int]) -> float:
    total = 0.0
    for x in t:
        total += x
    return total


CASES = [
    (sign, (5,), (-5,), (0,)),
    (nested_return, (1, 1), (1, -1), (-1, 4)),
    (first_even, ([1, 3, 4],), ([1],), ([],)),
    (break_and_continue, (0,), (3,), (20,)),
    (while_collatz, (27,)),
    (while_true_break, (50,)),
    (nested_loops, (20,), (0,)),
    (return_from_nested_loop, (10,), (2,)),
    (loop_else_variables, (90,), (100,), (0,)),
    (range_with_step, (0, 10, 3), (10, 0, -4), (5, 5, 1), (0, 5, 0)),
    (loop_over_tensor, (torch.arange(6.0).reshape(3, 2),), (torch.zeros(0, 2),)),
    (conditional_expression, (2,), (5,)),
    (short_circuit, ([],), ([3],)),
    (short_circuit_or, (0,), (2,), (20,)),
    (define_in_both, (1,), (3,)),
    (raise_in_branch, (1,), (-1,)),
    (assertion, (3,), (0,)),
    (tensor_condition, (torch.ones(3),), (-torch.ones(3),)),
    (while_with_return, (5,), (500,)),
    (unpack_enumerate, (["a", "b", "c"],)),
    (zip_lists, ([1, 2, 3], [1.5, 2.5])),
    (no_value_returned, ([],), ([1],)),
    (optional_result, (1,), (5,)),
    (chain_of_returns, (0,), (1,), (2,), (3,), (4,)),
    (continue_in_while, (10,), (4,), (0,)),
    (tuple_unrolled, ((1, 2.5, 3),)),
]


@pytest.mark.parametrize(
    ("function", "args"), [(case[0], args) for case in CASES for args in case[1:]]
)
def test_agrees_with_torch(function, args) -> None:
    check(function, *args)
