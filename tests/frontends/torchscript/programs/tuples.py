"""Longer programs with tuples."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, F841, UP006, UP035

from typing import Dict, List, Optional, Tuple

import torch


def tuple_slice(t: Tuple[int, str, float, int]) -> Tuple[str, float]:
    return t[1:3]


def tuple_negative(t: Tuple[int, str, float]) -> float:
    return t[-1]


def tuple_concatenated(t: Tuple[int, str]) -> Tuple[int, str, int, str]:
    return t + t


def tuple_nested_unpack(n: int) -> int:
    a, (b, (c, d)) = n, (n + 1, (n + 2, n + 3))
    return a + b * 10 + c * 100 + d * 1000


def tuple_starred(n: int) -> List[int]:
    a, *b, c = (n, n + 1, n + 2, n + 3)
    return [a, c]


def tuple_swap(a: int, b: int) -> Tuple[int, int]:
    a, b = b, a + b
    return a, b


def tuple_of_lists_is_shared(n: int) -> Tuple[List[int], int]:
    xs = [n]
    t = (xs, n)
    t[0].append(4)
    return xs, len(t[0])


def tuple_in_dict(n: int) -> Tuple[int, str]:
    d = {"a": (n, "x")}
    return d["a"]


def tuple_one(n: int) -> Tuple[int]:
    return (n,)


def tuple_empty(n: int) -> Tuple[()]:
    return ()


def tuple_compare(n: int) -> List[bool]:
    return [(n, 1) == (2, 1), (n, 3) == (3, 3)]


def tuple_loop(t: Tuple[int, int, int]) -> int:
    total = 0
    for x in t:
        total = total * 10 + x
    return total


CASES = [
    (tuple_slice, ((1, "a", 2.5, 4),)),
    (tuple_negative, ((1, "a", 2.5),)),
    (tuple_concatenated, ((1, "a"),)),
    (tuple_nested_unpack, (1,)),
    (tuple_starred, (1,)),
    (tuple_swap, (1, 2)),
    (tuple_of_lists_is_shared, (1,)),
    (tuple_in_dict, (1,)),
    (tuple_one, (1,)),
    (tuple_empty, (1,)),
    (tuple_compare, (2,), (3,)),
    (tuple_loop, ((1, 2, 3),)),
]
