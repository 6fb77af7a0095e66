"""Programs with classes of scripts."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP035, UP045

import enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch


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
    (with_object, (4,)),
    (with_two_objects, (4,)),
    (with_and_return, (4,)),
    (class_in_comprehension, (4,), (0,)),
    (printed_object_fields, (4,)),
]
