"""Programs with classes that have operators."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP035

import enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch


class Vector:
    def __init__(self, x: float, y: float):
        self.x = x
        self.y = y

    def __add__(self, other: "Vector") -> "Vector":
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other: "Vector") -> "Vector":
        return Vector(self.x - other.x, self.y - other.y)

    def __mul__(self, factor: float) -> "Vector":
        return Vector(self.x * factor, self.y * factor)

    def __truediv__(self, factor: float) -> "Vector":
        return Vector(self.x / factor, self.y / factor)

    def __neg__(self) -> "Vector":
        return Vector(-self.x, -self.y)

    def __eq__(self, other: "Vector") -> bool:
        return self.x == other.x and self.y == other.y

    def __ne__(self, other: "Vector") -> bool:
        return not (self.x == other.x and self.y == other.y)

    def __lt__(self, other: "Vector") -> bool:
        return self.x < other.x

    def __le__(self, other: "Vector") -> bool:
        return self.x <= other.x

    def __gt__(self, other: "Vector") -> bool:
        return self.x > other.x

    def __ge__(self, other: "Vector") -> bool:
        return self.x >= other.x

    def __len__(self) -> int:
        return 2

    def __getitem__(self, i: int) -> float:
        if i == 0:
            return self.x
        return self.y

    def __setitem__(self, i: int, v: float) -> None:
        if i == 0:
            self.x = v
        else:
            self.y = v

    def __contains__(self, v: float) -> bool:
        return v == self.x or v == self.y

    def __call__(self, n: int) -> float:
        return self.x * n


def vector_add(a: float) -> Tuple[float, float]:
    v = Vector(a, 1.0) + Vector(2.0, a)
    return v.x, v.y


def vector_sub_mul(a: float) -> Tuple[float, float]:
    v = (Vector(a, 1.0) - Vector(2.0, a)) * 3.0
    return v.x, v.y


def vector_div_neg(a: float) -> float:
    v = -(Vector(a, 1.0) / 2.0)
    return v.x + v.y


def vector_comparisons(a: float) -> List[bool]:
    v, w = Vector(a, 0.0), Vector(1.0, 0.0)
    return [v == w, v != w, v < w, v <= w, v > w, v >= w]


def vector_items(a: float) -> float:
    v = Vector(a, 2.0)
    v[1] = v[0] + 5.0
    return v[0] * 100.0 + v[1]


def vector_len(a: float) -> int:
    return len(Vector(a, a))


def vector_contains(a: float) -> bool:
    return a in Vector(1.0, 2.0)


def vector_call(a: float) -> float:
    v = Vector(a, 0.0)
    return v(3)


def vector_augmented(a: float) -> float:
    v = Vector(a, 1.0)
    v.x += 2.0
    v.y *= 4.0
    return v.x * v.y


CASES = [
    (vector_add, (1.5,)),
    (vector_sub_mul, (1.5,)),
    (vector_div_neg, (1.5,)),
    (vector_comparisons, (1.0,), (0.5,), (2.0,)),
    (vector_items, (1.5,)),
    (vector_len, (1.5,)),
    (vector_contains, (1.0,), (3.0,)),
    (vector_call, (1.5,)),
    (vector_augmented, (1.5,)),
]
