"""Programs in which numbers meet tensors: which operator is meant, and what becomes a number."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: SIM300, UP006, UP035

import math
from typing import List, Tuple

import torch
from torch import Tensor

X = torch.arange(6.0).reshape(2, 3) - 2
TWO, HALF, YES = torch.tensor(2), torch.tensor(2.5), torch.tensor(True)


def number_first(x: Tensor) -> List[Tensor]:
    return [1 + x, 1 - x, 2 * x, 1 / (x + 10), 2**x, 1 > x, 1 == x, 2.5 <= x, 7 % x, 7.5 % x]


def number_second(x: Tensor) -> List[Tensor]:
    return [x + 1, x - 1.5, x / 2, x // 2, x // 1.5, x % 3, x**2, x * True, x + True, x != 1]


def bits(x: Tensor) -> List[Tensor]:
    return [x << 1, x >> 1, x & 1, x | 1, x ^ 1, ~x]


def whole_quotient(x: Tensor):
    return 7 // x


def whole_quotient_of_float(x: Tensor):
    return 7.5 // x


def bits_of_number(x: Tensor):
    return 6 & x, 6 | x, 6 ^ x, 1 << x


def flag_first(x: Tensor):
    return True * x


def larger(x: Tensor):
    return max(x, 5), min(x, x)


def python_functions(x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    return abs(x), round(x), sum(x)


def as_numbers(x: Tensor) -> Tuple[int, float, bool, float]:
    return int(x), float(x), bool(x), math.sqrt(x)


def as_index(x: Tensor, xs: List[int]) -> int:
    return xs[x] + after(x)


def after(n: int) -> int:
    return n + 1


def in_list(x: Tensor) -> bool:
    return x in [2, 4]


def by_name(x: Tensor) -> Tensor:
    y = torch.sum(input=x, dim=[1], keepdim=True) + torch.add(input=x, other=x, alpha=2)
    return y + torch.cat(tensors=[x], dim=0) + torch.max(input=x)


CASES = [
    (number_first, (X,), (torch.arange(1, 4),)),
    (number_second, (X,), (torch.arange(1, 4),)),
    (bits, (torch.arange(4),)),
    (whole_quotient, (TWO,), (HALF,), (X,)),
    (whole_quotient_of_float, (TWO,), (HALF,), (X,)),
    (bits_of_number, (TWO,), (HALF,)),
    (flag_first, (TWO,), (YES,)),
    (larger, (TWO,), (HALF,), (X,)),
    (python_functions, (X,)),
    (as_numbers, (TWO,), (HALF,), (X,)),
    (as_index, (TWO, [5, 6, 7]), (HALF, [5, 6, 7]), (X, [5])),
    (in_list, (TWO,), (HALF,)),
    (by_name, (X,)),
]
