"""Programs with NamedTuples and enums."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B009, F401, PIE796, RUF059, UP006, UP035, UP045

import enum
from typing import List, NamedTuple, Optional, Tuple

import torch


class P(NamedTuple):
    x: int
    y: float = 2.5
    z: Optional[str] = None


def nt(n: int) -> Tuple[int, float, bool]:
    p = P(n)
    q = P(x=1, y=3.0)
    a, b, c = p
    return p.x + a, q.y + p[1], p.z is None


def nt_print(n: int) -> str:
    print(P(n))
    return str(P(n))


def nt_list(n: int) -> List[P]:
    return [P(i) for i in range(n)]


def nt_getattr(n: int) -> int:
    return getattr(P(n), "x")


def nt_from_tuple(n: Tuple[int, float]) -> float:
    return P(*n).y


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Name(enum.Enum):
    A = "a"
    B = "b"


class FlE(enum.Enum):
    A = 1.5


class AliasE(enum.Enum):
    A = 1
    B = 1
    C = 2


def en_arg(c: Color) -> Tuple[str, int, bool, bool]:
    return c.name, c.value, c == Color.RED, c != Color.RED


def en_iter2(n: int) -> List[str]:
    out: List[str] = []
    for c in Name:
        out.append(c.name + c.value)
    return out


def en_print(n: int) -> str:
    print(Color.RED)
    return str(Color.RED)


def en_alias(n: int) -> List[str]:
    return [c.name for c in AliasE]


def en_opt(n: Optional[Color]) -> int:
    if n is None:
        return 0
    return n.value


def en_multi(a: Name, b: FlE) -> Tuple[str, float]:
    return a.value, b.value


CASES = [
    (nt, (3,)),
    (nt_print, (3,)),
    (nt_list, (3,)),
    (nt_getattr, (3,)),
    (nt_from_tuple, ((3, 2.0),)),
    (en_arg, (Color.RED,), (Color.GREEN,)),
    (en_iter2, (3,)),
    (en_print, (3,)),
    (en_alias, (3,)),
    (en_opt, (Color.RED,), (None,)),
    (en_multi, (Name.A, FlE.A)),
]
