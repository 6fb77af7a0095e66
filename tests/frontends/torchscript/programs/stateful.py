"""Modules with hooks of their own, caches that they fill, and members that may be missing."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035, UP045

from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from tests.frontends.torchscript.programs.modules import X, seeded


def unwrapped(self: Any, inputs: Tuple[Tensor]) -> Tensor:
    print("before")
    return inputs[0] + 1


def twice(self: Any, inputs: Tuple[Tensor], output: Tensor) -> Tuple[Tensor, Tensor]:
    print("after")
    return output, inputs[0]


class HookedItself(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.inner.register_forward_pre_hook(unwrapped)
        self.register_forward_hook(twice)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + self.inner.forward(x)


class WithCaches(nn.Module):
    tables: Dict[str, Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.tables = {}
        self.calls = torch.jit.annotate(List[int], [0])
        self.last: Optional[Tensor] = torch.zeros(1)
        self.register_buffer("count", torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        if "sum" not in self.tables:
            self.tables["sum"] = x.sum(0)
        self.count += 1
        self.calls.append(len(self.calls))
        last = self.last
        if last is not None:
            x = x + last
        self.last = x
        return x + self.tables["sum"] + self.count + len(self.calls)


class WithoutThem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shift", None)
        self.register_parameter("scale", None)
        self.register_buffer("mask", torch.ones(3), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.shift is not None:
            x = x + self.shift
        if self.scale is None:
            x = x + 1
        return x * self.mask


class NamesMembers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ReLU()
        self.second = nn.Linear(3, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        for m in self.children():
            x = m(x)
        for name, m in self.named_children():
            print(name)
            x = m(x)
        for name, _ in self.named_modules():
            print(name)
        return x


CASES = [
    (seeded(HookedItself), (X,)),
    (seeded(WithCaches), (X,), (X * 2,)),
    (seeded(WithoutThem), (X,)),
    (seeded(NamesMembers), (X,)),
]
