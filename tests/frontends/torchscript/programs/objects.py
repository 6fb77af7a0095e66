"""Programs with objects: in order, and with in-place operators."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B009, F401, UP006, UP035, UP045

from typing import List, Optional, Tuple

import torch


class Item:
    def __init__(self, v: int, name: str = "x"):
        self.v = v
        self.name = name

    def __lt__(self, other: "Item") -> bool:
        return self.v < other.v


class NoLess:
    def __init__(self, v: int):
        self.v = v


def sort_objects(x: List[int]) -> List[int]:
    items = [Item(i) for i in x]
    items.sort()
    out = [i.v for i in items]
    items.sort(reverse=True)
    out += [i.v for i in items]
    return out


def sorted_objects(x: List[int]) -> List[int]:
    items = [Item(i) for i in x]
    r = sorted(items)
    return [i.v for i in r] + [i.v for i in items]


def sort_tuples_of_objects(x: List[int]) -> List[int]:
    items = [(Item(i), -i) for i in x]
    items.sort()
    return [i[1] for i in items]


def sort_noless(x: List[int]) -> List[int]:
    items = [NoLess(i) for i in x]
    items.sort()
    return [i.v for i in items]


def sort_in_loop(x: List[int]) -> List[int]:
    out: List[int] = []
    items: List[Item] = []
    for i in x:
        items.append(Item(i))
        items.sort()
        out.append(items[0].v)
    return out


class Loud:
    def __init__(self, v: int):
        self.v = v

    def __lt__(self, other: "Loud") -> bool:
        if self.v == 0:
            raise ValueError("zero")
        return self.v < other.v


def sort_raises(x: List[int]) -> int:
    items = [Loud(i) for i in x]
    items.sort()
    return items[0].v


def hash_object(n: int) -> bool:
    a = Item(n)
    b = a
    return id(a) == id(b)


def id_none(n: int) -> int:
    a: Optional[Item] = None
    return id(a)


class Counter:
    total: int

    def __init__(self):
        self.total = 0
        self.items: List[int] = []

    def add(self, x: int) -> "Counter":
        self.total += x
        self.items.append(x)
        return self

    @property
    def mean(self) -> float:
        return self.total / len(self.items)

    @property
    def twice(self) -> int:
        return self.total * 2

    @twice.setter
    def twice(self, x: int) -> None:
        self.total = x // 2

    @staticmethod
    def make() -> int:
        return 3

    def __len__(self) -> int:
        return len(self.items)

    def __str__(self) -> str:
        return "counter"

    def __repr__(self) -> str:
        return "Counter()"

    def __bool__(self) -> bool:
        return self.total > 0

    def __int__(self) -> int:
        return self.total

    def __float__(self) -> float:
        return 1.5

    def __abs__(self) -> int:
        return 5

    def __hash__(self) -> int:
        return 77

    def __contains__(self, x: int) -> bool:
        return x in self.items

    def __iadd__(self, x: int) -> "Counter":
        self.total += x
        return self

    def __radd__(self, x: int) -> int:
        return self.total + x

    def __and__(self, x: int) -> int:
        return self.total & x

    def __or__(self, x: int) -> int:
        return self.total | x

    def __xor__(self, x: int) -> int:
        return self.total ^ x

    def __lshift__(self, x: int) -> int:
        return self.total << x

    def __rshift__(self, x: int) -> int:
        return self.total >> x

    def __invert__(self) -> int:
        return -self.total

    def __pos__(self) -> int:
        return 99

    def __delitem__(self, i: int) -> None:
        self.items.pop(i)

    def __getitem__(self, i: int) -> int:
        return self.items[i]

    def __setitem__(self, i: int, v: int) -> None:
        self.items[i] = v

    def __iter__(self) -> int:
        return 3


def chain(n: int) -> Tuple[int, float, int]:
    c = Counter().add(n).add(5)
    c.twice = 100
    return c.total, c.mean, c.twice


def o_len(n: int) -> int:
    return len(Counter().add(n))


def o_not(n: int) -> bool:
    return not Counter()


def o_int(n: int) -> int:
    return int(Counter().add(n))


def o_float(n: int) -> float:
    return float(Counter())


def o_in(n: int) -> bool:
    return n in Counter().add(3)


def o_iadd(n: int) -> int:
    c = Counter()
    d = c
    c += n
    return d.total


def o_bits(n: int) -> List[int]:
    c = Counter().add(6)
    return [c & n, c | n, c ^ n, c << n, c >> 1, ~c]


def o_attr_aug(n: int) -> int:
    c = Counter()
    c.total += n
    c.items += [1]
    c.items.append(n)
    return c.total + len(c.items)


def o_getattr(n: int) -> int:
    c = Counter()
    return getattr(c, "total") + getattr(c, "nope", 5)


CASES = [
    (sort_objects, ([3, 1, 2],), ([],), ([5, 5, 1],)),
    (sorted_objects, ([3, 1, 2],), ([],)),
    (sort_tuples_of_objects, ([3, 1, 2],)),
    (sort_noless, ([3, 1, 2],)),
    (sort_in_loop, ([3, 1, 2, 7, 3, 9],)),
    (sort_raises, ([3, 0, 2],)),
    (hash_object, (3,)),
    (id_none, (3,)),
    (chain, (3,)),
    (o_len, (3,)),
    (o_not, (3,)),
    (o_int, (3,)),
    (o_float, (3,)),
    (o_in, (3,)),
    (o_iadd, (3,)),
    (o_bits, (3,)),
    (o_attr_aug, (3,)),
    (o_getattr, (3,)),
]
