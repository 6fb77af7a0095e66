"""Programs with NamedTuples and enums."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP035

import enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch


class Pair(NamedTuple):
    left: int
    right: float = 2.5


class Shapes(NamedTuple):
    x: torch.Tensor
    sizes: List[int]


def pair_fields(n: int) -> Tuple[int, float]:
    p = Pair(n)
    return p.left, p.right


def pair_is_returned(n: int) -> Pair:
    return Pair(right=1.5, left=n)


def pair_unpacked(n: int) -> float:
    a, b = Pair(n, 3.0)
    return a * b


def pair_indexed(n: int) -> float:
    p = Pair(n, 3.0)
    return p[0] + p[1]


def pair_len(n: int) -> int:
    return len(Pair(n))


def pairs_in_list(n: int) -> int:
    total = 0
    for p in [Pair(n), Pair(n + 1)]:
        total += p.left
    return total


def pair_as_argument(p: Pair) -> float:
    return p.left + p.right


def pair_made_and_passed(n: int) -> float:
    return pair_as_argument(Pair(n, 0.25))


def named_with_tensor(x: torch.Tensor) -> Shapes:
    return Shapes(x + 1, x.shape)


def nested_named(n: int) -> Tuple[Pair, List[Pair]]:
    return Pair(n), [Pair(n, 1.0)]


class Color(enum.Enum):
    RED = 1
    GREEN = 2
    BLUE = 3


class Name(enum.Enum):
    A = "alpha"
    B = "beta"


class Level(enum.Enum):
    LOW = 0.5
    HIGH = 2.0


def enum_value(n: int) -> int:
    return Color.RED.value + n


def enum_name(n: int) -> str:
    return Color.GREEN.name


def enum_of_text(n: int) -> str:
    return Name.B.value + Name.A.name


def enum_of_float(n: int) -> float:
    return Level.HIGH.value * n


def enum_compared(n: int) -> List[bool]:
    c = Color.RED if n > 0 else Color.BLUE
    return [c == Color.RED, c != Color.RED, c == Color.BLUE]


def enum_in_branch(n: int) -> str:
    c = Color.RED
    if n == 2:
        c = Color.GREEN
    elif n == 3:
        c = Color.BLUE
    if c == Color.GREEN:
        return "go"
    return c.name


def enum_as_parameter(c: Color) -> int:
    if c == Color.BLUE:
        return 30
    return c.value


def enum_passed(n: int) -> int:
    return enum_as_parameter(Color.BLUE) + enum_as_parameter(Color.RED)


def enum_in_list(n: int) -> List[str]:
    return [c.name for c in [Color.RED, Color.BLUE]]


def enum_iterated(n: int) -> int:
    total = 0
    for c in Color:
        total += c.value
    return total


def enum_printed(n: int) -> None:
    print(Color.RED, Color.BLUE.value)


def enum_identity(n: int) -> List[bool]:
    c = Color.RED if n == 1 else Color.GREEN
    d = c
    return [c is Color.RED, c is not Color.RED, c is d, c == Color.RED]


def enum_identity_in_a_loop(n: int) -> int:
    total = 0
    for _ in range(n):
        c = Color.RED
        d = Color.RED
        if c is d:
            total += 1
        if c == d:
            total += 100
    return total


def enum_identity_of_arguments(c: Color, d: Color) -> List[bool]:
    return [c is d, c is c, c == d]


CASES = [
    (pair_fields, (4,)),
    (pair_is_returned, (4,)),
    (pair_unpacked, (4,)),
    (pair_indexed, (4,)),
    (pair_len, (4,)),
    (pairs_in_list, (4,)),
    (pair_made_and_passed, (4,)),
    (named_with_tensor, (torch.ones(2, 3),)),
    (nested_named, (4,)),
    (enum_value, (4,)),
    (enum_name, (4,)),
    (enum_of_text, (4,)),
    (enum_of_float, (4,)),
    (enum_compared, (4,), (0,)),
    (enum_in_branch, (1,), (2,), (3,)),
    (enum_passed, (4,)),
    (enum_in_list, (4,)),
    (enum_iterated, (4,)),
    (enum_printed, (4,)),
    (enum_identity, (1,), (2,)),
    (enum_identity_in_a_loop, (3,)),
    (enum_identity_of_arguments, (Color.RED, Color.RED), (Color.RED, Color.GREEN)),
]
