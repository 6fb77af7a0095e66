"""Optional, Union and Any; refinement of types; conversions of arguments."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B007, SIM108

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.frontends.torchscript.support import check


def refined_by_if(x: int | None) -> int:
    if x is None:
        return -1
    return x + 1


def refined_by_else(x: torch.Tensor | None) -> torch.Tensor:
    if x is not None:
        y = x * 2
    else:
        y = torch.zeros(1)
    return y


def default_if_none(x: int | None, y: int) -> int:
    if x is None:
        x = y
    return x * 2


def refined_by_assert(x: int | None) -> int:
    assert x is not None
    return x + 1


def refined_by_and(x: int | None, y: int | None) -> int:
    if x is not None and y is not None:
        return x + y
    return 0


def refined_by_or(x: int | None) -> int:
    if x is None or x < 0:
        return 0
    return x


def refined_by_raise(x: str | None) -> str:
    if x is None:
        raise ValueError("MSG no text")
    return x + "!"


def conditional_refinement(x: int | None) -> int:
    return 5 if x is None else x


def optional_loop(n: int) -> int | None:
    best: int | None = None
    for i in range(n):
        if best is None:
            best = i
        elif i % 3 == 0:
            best = best + i
    return best


def union(x: int | str) -> str:
    if isinstance(x, int):
        return str(x + 1)
    else:
        return x + "!"


def union_of_three(x: int | float | list[int]) -> float:
    if isinstance(x, list):
        return float(len(x))
    elif isinstance(x, int):
        return x * 2.0
    else:
        return x


def any_value(x: Any) -> int:
    if isinstance(x, int):
        return x
    if isinstance(x, str):
        return len(x)
    return -1


def assigned_in_one_branch(x: int) -> int | None:
    y: int | None = None
    if x > 0:
        y = x
    return y


def optional_list(xs: list[int] | None = None) -> int:
    if xs is None:
        xs = []
    return len(xs)


def dict_of_optionals(d: dict[str, int | None]) -> int:
    total = 0
    for k, v in d.items():
        if v is not None:
            total += v
    return total


def int_to_float(x: float) -> float:
    return x


def passes_int_for_float(x: int) -> float:
    return int_to_float(float(x))


def number_list(x: torch.Tensor) -> torch.Tensor:
    return torch.sum(x, 1)


def tuple_of_optional(t: tuple[int | None, int]) -> int:
    a, b = t
    if a is None:
        return b
    return a + b


CASES = [
    (refined_by_if, (None,), (3,)),
    (refined_by_else, (None,), (torch.ones(2),)),
    (default_if_none, (None, 3), (4, 3)),
    (refined_by_assert, (None,), (3,)),
    (refined_by_and, (None, 3), (2, 3), (2, None)),
    (refined_by_or, (None,), (-3,), (3,)),
    (refined_by_raise, (None,), ("a",)),
    (conditional_refinement, (None,), (3,)),
    (optional_loop, (0,), (1,), (10,)),
    (union, (3,), ("a",)),
    (union_of_three, (3,), (2.5,), ([1, 2],)),
    (any_value, (3,), ("abc",), (2.5,)),
    (assigned_in_one_branch, (0,), (1,)),
    (optional_list, (None,), ([1],)),
    (dict_of_optionals, ({"a": 1, "b": None},)),
    (passes_int_for_float, (3,)),
    (number_list, (torch.ones(2, 3),)),
    (tuple_of_optional, ((None, 2),), ((1, 2),)),
]


@pytest.mark.parametrize(
    ("function", "args"), [(case[0], args) for case in CASES for args in case[1:]]
)
def test_agrees_with_torch(function, args) -> None:
    check(function, *args)
