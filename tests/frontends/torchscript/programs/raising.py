"""Programs that raise, assert and fail."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP035

from typing import Any, Dict, List, Optional, Tuple, Union

import torch


def raise_in_loop(xs: List[int]) -> int:
    total = 0
    for x in xs:
        if x == 3:
            raise RuntimeError("MSG three after " + str(total))
        total += x
    return total


class CustomError(Exception):
    def __init__(self, message: str):
        super().__init__(message)


def raise_own_class(n: int) -> int:
    if n > 0:
        raise CustomError("MSG own " + str(n))
    return n


def raise_kinds(n: int) -> int:
    if n == 0:
        raise ValueError("MSG value")
    if n == 1:
        raise KeyError("MSG key")
    if n == 2:
        raise IndexError("MSG index")
    if n == 3:
        raise TypeError("MSG type")
    if n == 4:
        raise NotImplementedError("MSG missing")
    if n == 5:
        raise Exception("MSG exception")
    if n == 6:
        raise AssertionError("MSG assertion")
    if n == 7:
        raise ZeroDivisionError("MSG zero")
    if n == 8:
        raise RuntimeError(f"MSG {n} formatted")
    return n


def assert_kinds(n: int) -> int:
    assert n != 1
    assert n != 2, "MSG two"
    assert n != 3, f"MSG is {n}"
    assert n != 4, "MSG " + str(n)
    return n


def raise_without_call(n: int) -> int:
    if n > 0:
        raise ValueError
    return n


def inner_raises(n: int) -> int:
    return raise_kinds(n) + 1


def callers_see_inner_errors(n: int) -> int:
    total = 0
    for i in range(n):
        total += inner_raises(9 - i)
    return total


def index_errors(xs: List[int], i: int) -> int:
    return xs[i]


def empty_max(xs: List[int]) -> int:
    return max(xs)


def effects_in_order(xs: List[int]) -> Tuple[List[int], int]:
    total = xs.pop() * 100 + xs.pop() * 10 + xs.pop()
    return xs, total


def conditional_effects(xs: List[int]) -> List[int]:
    flag = len(xs) > 2 and xs.pop() > 0
    if flag or len(xs) > 1:
        xs.append(50)
    return xs


def raise_between_tensors(x: torch.Tensor, n: int) -> torch.Tensor:
    y = x + 1
    if n > 3:
        raise ValueError("MSG too big " + str(n))
    y = y.view(-1) * 2
    assert y.size(0) < 5, "MSG too long"
    return y.exp()


def raise_before_a_shape_error(x: torch.Tensor, n: int) -> torch.Tensor:
    y = x * 2
    if n > 3:
        raise ValueError("MSG too big")
    return y.view(7)


def checked(x: torch.Tensor, n: int) -> torch.Tensor:
    torch._check(n > 0)
    torch._assert(x.size(0) == n, "rows")
    return x


CASES = [
    (raise_between_tensors, (torch.ones(2), 1), (torch.ones(2), 5), (torch.ones(6), 1)),
    (raise_before_a_shape_error, (torch.ones(2), 5), (torch.ones(2), 1), (torch.ones(7), 1)),
    (raise_in_loop, ([1, 2],), ([1, 3],)),
    (raise_own_class, (0,), (1,)),
    (raise_kinds, *[(i,) for i in range(10)]),
    (assert_kinds, *[(i,) for i in range(6)]),
    (raise_without_call, (0,), (1,)),
    (callers_see_inner_errors, (1,), (5,)),
    (index_errors, ([1, 2], 1), ([1, 2], -3), ([], 0)),
    (empty_max, ([1],), ([],)),
    (effects_in_order, ([1, 2, 3, 4],)),
    (conditional_effects, ([1, 2, 3],), ([1, 2, -3],), ([1],)),
    (checked, (torch.ones(2), 2), (torch.ones(2), 1), (torch.ones(2), 0)),
]
