"""Programs with branches, loops and early exits."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B007, C416, F401, UP006, UP035, UP045, SIM108

from typing import Any, Dict, List, Optional, Tuple, Union

import torch


def loop_else_of_flags(xs: List[int]) -> int:
    found = -1
    for i, x in enumerate(xs):
        if x == 7:
            found = i
            break
    if found == -1:
        found = 100
    return found


def loops_in_loops_with_exits(n: int) -> List[int]:
    out: List[int] = []
    for i in range(n):
        if i % 2 == 0:
            continue
        j = 0
        while True:
            j += 1
            if j > i:
                break
            if j == 2:
                continue
            out.append(i * 10 + j)
    return out


def return_in_while(n: int) -> int:
    while n > 0:
        n -= 3
        if n == 4:
            return 44
        while n % 5 == 0:
            n -= 1
            if n < 2:
                return -7
    return n


def range_variants(n: int) -> List[List[int]]:
    out: List[List[int]] = []
    out.append([i for i in range(n)])
    out.append([i for i in range(2, n)])
    out.append([i for i in range(n, 0, -2)])
    out.append([i for i in range(-n, n, 3)])
    return out


def loop_variable_after(n: int) -> int:
    i = -1
    for i in range(n):
        pass
    return i


def loop_changes_bound(n: int) -> int:
    count = 0
    for i in range(n):
        n = n - 1
        count += n
    return count


def chained_comparisons(a: int, b: int, c: int) -> List[bool]:
    return [a < b < c, a <= b <= c, a < b > c, a == b == c, a != b != c, 0 < a < 10]


def short_circuits(xs: List[int], i: int) -> List[bool]:
    return [i < len(xs) and xs[i] > 0, i >= len(xs) or xs[i] > 0, not (i < 3 and i > 1)]


def boolean_values(a: int, b: float, s: bool) -> List[bool]:
    return [bool(a), bool(b), not s, bool(s), a != 0 and s, s or a == 0]


def nested_ternary(n: int) -> str:
    return "neg" if n < 0 else "zero" if n == 0 else "pos"


def ternary_with_none(n: int) -> Optional[int]:
    return n if n > 0 else None


def deep_ifs(a: int, b: int) -> int:
    if a > 0:
        if b > 0:
            r = 1
        elif b == 0:
            r = 2
        else:
            r = 3
    else:
        if b > 0:
            r = 4
        else:
            r = 5
        r = r * 10
    return r


def early_returns_in_loop_and_branch(xs: List[int]) -> str:
    for x in xs:
        if x < 0:
            return "negative"
        if x > 100:
            if x == 200:
                return "exact"
            break
    else_value = "none"
    if len(xs) > 3:
        return "long"
    return else_value


def fibonacci(n: int) -> List[int]:
    memo: Dict[int, int] = {0: 0, 1: 1}
    for i in range(2, n + 1):
        memo[i] = memo[i - 1] + memo[i - 2]
    return list(memo.values())


def sieve(n: int) -> List[int]:
    prime = [True] * n
    out: List[int] = []
    for i in range(2, n):
        if not prime[i]:
            continue
        out.append(i)
        j = i * i
        while j < n:
            prime[j] = False
            j += i
    return out


def newton(x: float) -> float:
    guess = x
    for _ in range(50):
        better = (guess + x / guess) / 2.0
        if abs(better - guess) < 1e-12:
            return better
        guess = better
    return guess


def gcd(a: int, b: int) -> int:
    while b != 0:
        a, b = b, a % b
    return a


CASES = [
    (loop_else_of_flags, ([1, 7],), ([1],), ([],)),
    (loops_in_loops_with_exits, (6,), (0,)),
    (return_in_while, (13,), (10,), (7,), (0,)),
    (range_variants, (5,), (0,)),
    (loop_variable_after, (5,), (0,)),
    (loop_changes_bound, (5,)),
    (chained_comparisons, (1, 2, 3), (2, 2, 2), (3, 5, 1)),
    (short_circuits, ([1, -1], 0), ([1, -1], 1), ([], 2)),
    (boolean_values, (0, 0.0, True), (2, -1.5, False)),
    (nested_ternary, (-1,), (0,), (1,)),
    (ternary_with_none, (-1,), (1,)),
    (deep_ifs, (1, 1), (1, 0), (1, -1), (0, 1), (0, 0)),
    (
        early_returns_in_loop_and_branch,
        ([1, -1],),
        ([1, 200],),
        ([101, -1],),
        ([1, 2, 3, 4],),
        ([],),
    ),
    (fibonacci, (20,)),
    (sieve, (50,)),
    (newton, (2.0,)),
    (gcd, (48, 18), (7, 0)),
]
