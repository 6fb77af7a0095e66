"""Programs with classes, properties, operators, NamedTuples and enums."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035, UP045

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


class Account:
    def __init__(self, amount: int, owner: str = "nobody"):
        self.amount = amount
        self.owner = owner
        self.log: List[str] = []

    @property
    def doubled(self) -> int:
        return self.amount * 2

    @doubled.setter
    def doubled(self, value: int) -> None:
        self.amount = value // 2

    @staticmethod
    def combined(a: int, b: int) -> int:
        return a * 10 + b

    def deposit(self, n: int) -> "Account":
        self.amount += n
        self.log.append(str(n))
        return self


def property_is_read(n: int) -> int:
    return Account(n).doubled


def property_is_set(n: int) -> int:
    a = Account(n)
    a.doubled = 50
    return a.amount


def property_augmented(n: int) -> int:
    a = Account(n)
    a.doubled += 10
    return a.amount


def methods_chain(n: int) -> Tuple[int, List[str]]:
    a = Account(n).deposit(1).deposit(2)
    return a.amount, a.log


def default_owner(n: int) -> str:
    return Account(n).owner + Account(n, owner="me").owner


def static_method(n: int) -> int:
    return Account.combined(n, 3)


def objects_are_shared(n: int) -> Tuple[int, int]:
    a = Account(n)
    b = a
    held = [a, b]
    held[1].deposit(5)
    return a.amount, len(b.log)


def object_in_dict(n: int) -> int:
    d: Dict[str, Account] = {"x": Account(n)}
    d["x"].deposit(7)
    d["y"] = d["x"]
    d["y"].deposit(1)
    return d["x"].amount


def object_in_tuple(n: int) -> int:
    t = (Account(n), n)
    t[0].deposit(2)
    return t[0].amount + t[1]


def object_is_object(n: int) -> Tuple[bool, bool]:
    a = Account(n)
    b = a
    return a is b, a is not Account(n)


def optional_object(n: int) -> int:
    a: Optional[Account] = None
    if n > 0:
        a = Account(n)
    if a is None:
        return -1
    return a.amount


def object_in_loop(n: int) -> int:
    a = Account(0)
    for i in range(n):
        a.deposit(i)
        if a.amount > 10:
            a = Account(1)
    return a.amount


class Node:
    def __init__(self, value: int):
        self.value = value
        self.children: List[int] = []


class Tree:
    def __init__(self):
        self.nodes: List[Node] = [Node(0)]

    def add(self, parent: int, value: int) -> int:
        self.nodes.append(Node(value))
        index = len(self.nodes) - 1
        self.nodes[parent].children.append(index)
        return index

    def total(self) -> int:
        stack = [0]
        total = 0
        while len(stack) > 0:
            i = stack.pop()
            total += self.nodes[i].value
            for c in self.nodes[i].children:
                stack.append(c)
        return total


def tree_total(n: int) -> int:
    t = Tree()
    last = 0
    for i in range(n):
        last = t.add(last // 2, i)
    return t.total()


class TensorHolder:
    def __init__(self, x: torch.Tensor):
        self.x = x

    def grow(self) -> torch.Tensor:
        self.x = torch.cat([self.x, self.x])
        return self.x


def tensor_in_object(x: torch.Tensor) -> torch.Tensor:
    h = TensorHolder(x)
    h.grow()
    return h.grow()


def tensor_attribute_in_place(x: torch.Tensor) -> torch.Tensor:
    h = TensorHolder(x)
    h.x += 1
    return h.x


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


class Guard:
    def __init__(self, log: List[str]):
        self.log = log

    def __enter__(self) -> int:
        self.log.append("enter")
        return 5

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self.log.append("exit")


def with_object(n: int) -> List[str]:
    log: List[str] = []
    with Guard(log) as v:
        log.append(str(n + v))
    log.append("after")
    return log


def with_two_objects(n: int) -> List[str]:
    log: List[str] = []
    with Guard(log), Guard(log):
        log.append("body")
    return log


def with_and_return(n: int) -> int:
    log: List[str] = []
    with Guard(log) as v:
        n += v
    return n * len(log)


def class_in_comprehension(n: int) -> List[int]:
    return [Account(i).doubled for i in range(n)]


def printed_object_fields(n: int) -> None:
    a = Account(n, "x")
    a.deposit(1)
    print(a.amount, a.owner, a.log)


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
    (property_is_read, (4,)),
    (property_is_set, (4,)),
    (property_augmented, (4,)),
    (methods_chain, (4,)),
    (default_owner, (4,)),
    (static_method, (4,)),
    (objects_are_shared, (4,)),
    (object_in_dict, (4,)),
    (object_in_tuple, (4,)),
    (object_is_object, (4,)),
    (optional_object, (4,), (0,)),
    (object_in_loop, (4,), (9,), (0,)),
    (tree_total, (9,), (0,)),
    (tensor_in_object, (torch.ones(2),)),
    (tensor_attribute_in_place, (torch.ones(2),)),
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
    (with_object, (4,)),
    (with_two_objects, (4,)),
    (with_and_return, (4,)),
    (class_in_comprehension, (4,), (0,)),
    (printed_object_fields, (4,)),
]
