"""Modules, classes, enums and interfaces in archives."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B007

import enum
from typing import Final, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from tests.frontends.torchscript.support import (
    assert_same,
    check,
    load,
    to_numpy,
)
from treadle.interpreter import call


class Block(nn.Module):
    scale: Final[float] = 0.5
    bias: torch.Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 4)
        self.register_buffer("offset", torch.ones(4))
        self.bias = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x) * self.scale + self.offset
        bias = self.bias
        if bias is not None:
            y = y + bias
        return self.helper(y)

    def helper(self, y: torch.Tensor) -> torch.Tensor:
        return y.relu()


class Lists(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(3)])
        self.named = nn.ModuleDict({"a": nn.ReLU(), "lambda": nn.Sigmoid()})
        self.sequence = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(x) + i
        for name, layer in self.named.items():
            x = layer(x)
        return self.sequence(x)


class Counter(nn.Module):
    log: list[str]

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.log = []
        self.table = {"x": 1}
        self.pair = (1, 2.5)

    def forward(self, n: int) -> int:
        self.count += n
        self.log.append("n")
        self.table["x"] = self.table["x"] + self.pair[0]
        return self.count + len(self.log) + self.table["x"]

    @torch.jit.export
    def reset(self) -> None:
        self.count = 0


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class UsesEnum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.color = Color.GREEN

    def forward(self, x: int) -> tuple[bool, int, str]:
        color = Color.RED
        if x > 2:
            color = self.color
        return color == Color.GREEN, color.value, color.name


@torch.jit.script
class Accumulator:
    def __init__(self, start: int) -> None:
        self.total = start
        self.steps: list[int] = []

    def add(self, n: int) -> int:
        self.total += n
        self.steps.append(n)
        return self.total

    @property
    def double(self) -> int:
        return self.total * 2

    @staticmethod
    def make(n: int) -> int:
        return n + 1


class UsesClass(nn.Module):
    def forward(self, n: int) -> tuple[int, int, int]:
        a = Accumulator(n)
        b = a
        b.add(2)
        a.add(3)
        return a.total, len(b.steps), a.double


@torch.jit.interface
class Shape(nn.Module):
    def area(self, x: torch.Tensor) -> torch.Tensor:
        pass


class Square(nn.Module):
    def area(self, x: torch.Tensor) -> torch.Tensor:
        return x * x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class UsesInterface(nn.Module):
    shape: Shape

    def __init__(self) -> None:
        super().__init__()
        self.shape = Square()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shape.area(x)


class Result(NamedTuple):
    value: torch.Tensor
    count: int


class GivesNamedTuple(nn.Module):
    def forward(self, x: torch.Tensor) -> Result:
        return Result(x + 1, count=3)


class Hooked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x) + 1


def pre_hook(self, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
    return (inputs[0] * 10,)


def hook(self, inputs: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
    return output + 100


class WithState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.ones(2)
        self.factor = 3

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, int, bool]:
        return self.weight * 5, self.factor, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, int, bool]) -> None:
        self.weight = state[0]
        self.factor = state[1]
        self.training = state[2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight * self.factor


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(2, 2)
        self.b = self.a

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(self.a(x))


class Constants(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, str]:
        return x + torch.tensor([1.0, 2.0]), "ünï\x00code"


class Forks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Linear(3, 3)
        self.right = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = torch.jit.fork(self.left, x)
        b = torch.jit.fork(self.right, x)
        return torch.jit.wait(a) + torch.jit.wait(b)


class Conv(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.LayerNorm(4), nn.GELU(),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


X = torch.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("module", "args"),
    [
        (Block(), (X,)),
        (Lists(), (X,)),
        (UsesEnum(), (1,)),
        (UsesEnum(), (3,)),
        (UsesClass(), (5,)),
        (UsesInterface(), (X,)),
        (GivesNamedTuple(), (X,)),
        (Shared(), (X[:, :2],)),
        (Constants(), (torch.zeros(2),)),
        (Forks(), (X,)),
        (Conv(), (torch.arange(32.0).reshape(2, 1, 4, 4),)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_module_agrees_with_torch(module, args) -> None:
    check(module.eval(), *args)


def test_attributes_keep_their_values_between_calls() -> None:
    scripted = torch.jit.script(Counter())
    loaded = load(scripted)
    want = [scripted(2), scripted(3)]
    assert [call(loaded.program, loaded.root, "forward", (n,)) for n in (2, 3)] == want
    call(loaded.program, loaded.root, "reset")
    assert loaded.root.attributes["count"] == 0


def test_hooks_run_when_the_module_is_called_and_not_in_forward() -> None:
    module = Hooked()
    module.inner.register_forward_pre_hook(pre_hook)
    module.register_forward_hook(hook)
    scripted = torch.jit.script(module)
    loaded = load(scripted)
    x = np.array([1.0, -1.0], np.float32)
    assert_same(
        call(loaded.program, loaded.root, "__call__", (x,)), to_numpy(scripted(torch.from_numpy(x)))
    )
    assert call(loaded.program, loaded.root, "forward", (x,)).tolist() == [11.0, 1.0]


def test_setstate_runs_when_the_archive_is_loaded() -> None:
    scripted = torch.jit.script(WithState())
    loaded = load(scripted)
    x = np.ones(2, np.float32)
    assert call(loaded.program, loaded.root, "forward", (x,)).tolist() == [15.0, 15.0]


def test_tied_parameters_are_one_array() -> None:
    loaded = load(torch.jit.script(Shared()))
    a, b = loaded.root.attributes["a"], loaded.root.attributes["b"]
    assert a.attributes["weight"] is b.attributes["weight"]
