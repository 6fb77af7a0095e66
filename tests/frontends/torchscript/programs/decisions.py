"""Programs with conditions, chained comparisons, exceptions and numbers of two kinds."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B007, F401, F841, PT018, SIM108, UP006, UP035, UP045

from typing import List, Optional, Tuple

import torch


def side(x: int, out: List[int]) -> int:
    out.append(x)
    return x


def chained(a: int, b: int, c: int) -> Tuple[bool, List[int]]:
    out: List[int] = []
    r = side(a, out) < side(b, out) < side(c, out)
    return r, out


def chained4(a: int, b: int, c: int) -> bool:
    return a < b <= c != 7


def short(a: int, b: int) -> Tuple[bool, List[int]]:
    out: List[int] = []
    r = (side(a, out) > 0 and side(b, out) > 0) or side(a + b, out) > 5
    return r, out


def nested_loops(n: int) -> int:
    t = 0
    for i in range(n):
        for j in range(n):
            if j > i:
                break
            if (i + j) % 3 == 0:
                continue
            if t > 20:
                return -t
            t += i * j
        else_ = t
    return t


def infer_opt(n: int):
    if n > 0:
        return n
    return None


def loop_opt(n: int) -> int:
    x: Optional[int] = None
    for i in range(n):
        if x is None:
            x = i
        else:
            x = x + i
    return x if x is not None else -1


def star_unpack(t: Tuple[int, int, int, int]) -> Tuple[int, int]:
    a, *b, c = t
    return a + c, b[0] + b[1]


def assert_tuple(n: int) -> int:
    assert n > 2, ("a", n)
    return n


def assert_int_msg(n: int) -> int:
    assert n > 2, n
    return n


class MyError(Exception):
    pass


class MyError2(ValueError):
    def __init__(self, msg: str):
        super().__init__(msg)


def raise_custom(n: int) -> int:
    if n > 0:
        raise MyError("custom")
    return 1


def raise_custom2(n: int) -> int:
    if n > 0:
        raise MyError2("custom")
    return 1


def raise_two(n: int) -> int:
    if n > 0:
        raise ValueError("a", n)
    return 1


def raise_num(n: int) -> int:
    if n > 0:
        raise ValueError(n)
    return 1


def raise_var(n: int) -> int:
    e = ValueError("x")
    raise e


def ops_int_float(a: int, b: float) -> List[float]:
    return [a + b, a - b, a * b, a / b, a // b, a % b, a**b, b**a, b // a, b % a, -b]


def bool_arith(a: bool, b: int) -> int:
    return a + b


def bool_float(a: bool, b: float) -> float:
    return a * b


def int_eq_float(a: int, b: float) -> List[bool]:
    return [a == b, a != b, a < b, a <= b, a > b, a >= b, b == a, b < a]


def int_eq_float_loop(a: int, b: float) -> int:
    t = 0
    for i in range(10):
        if a == b:
            t += 1
        if a > b:
            t += 100
        if b >= a:
            t += 1000
    return t


def divmodf(a: float, b: float) -> Tuple[float, float]:
    return divmod(a, b)


def opt_two_and(n: Optional[int], m: Optional[int]) -> int:
    if n is not None and m is not None:
        return n + m
    return -1


def opt_assert_and(n: Optional[int]) -> int:
    assert n is not None and n > 2, "bad"
    return n


def opt_default(n: Optional[int]) -> int:
    if n is None:
        n = 3
    return n


CASES = [
    (chained, (1, 2, 3), (3, 2, 1), (1, 5, 2)),
    (chained4, (1, 2, 3)),
    (short, (1, 0), (0, 1)),
    (nested_loops, (5,)),
    (infer_opt, (5,), (0,)),
    (loop_opt, (5,), (0,)),
    (star_unpack, ((1, 2, 3, 4),)),
    (assert_tuple, (1,)),
    (assert_int_msg, (1,)),
    (raise_custom, (1,)),
    (raise_custom2, (1,)),
    (raise_two, (1,)),
    (raise_num, (1,)),
    (raise_var, (1,)),
    (ops_int_float, (1, 2.5)),
    (bool_arith, (True, 3)),
    (bool_float, (True, 2.5)),
    (int_eq_float, (3, 3.0), (2**53 + 1, 2.0**53), (2**63 - 1, 2.0**63)),
    (int_eq_float_loop, (3, 3.0), (2**53 + 1, 2.0**53)),
    (divmodf, (7.5, 2.0), (-7.5, 2.0)),
    (opt_two_and, (None, 3), (4, None), (4, 5)),
    (opt_assert_and, (None,), (4,)),
    (opt_default, (None,), (4,)),
]
