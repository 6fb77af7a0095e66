"""Modules: containers, constants, state that changes, hooks, properties, what scripts leave out."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035, UP045, B905, B007

from collections.abc import Callable
from typing import Any, Dict, Final, List, Optional, Tuple

import torch
from torch import Tensor, nn

X = torch.arange(6.0).reshape(2, 3) / 4


class Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(4)])
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(3) * i) for i in range(2)])

    def forward(self, x: Tensor) -> Tensor:
        for i, layer in enumerate(self.layers):
            x = layer(x) if i % 2 == 0 else layer(x).relu()
        x = self.layers[0](x) + self.layers[-1](x)
        for layer in self.layers[1:3]:
            x = layer(x)
        for scale in self.scales:
            x = x + scale
        return x * len(self.layers) + self.scales[1]


class Pairs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
        self.second = nn.ModuleList([nn.Tanh(), nn.Sigmoid()])

    def forward(self, x: Tensor) -> Tensor:
        for a, b in zip(self.first, self.second):
            x = b(a(x))
        return x


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(
            {"up": nn.Linear(3, 4), "act": nn.ReLU(), "down": nn.Linear(4, 3)}
        )

    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        out: Dict[str, Tensor] = {}
        for name, part in self.parts.items():
            x = part(x)
            out[name] = x
        for part in self.parts.values():
            if "up" in self.parts:
                x = x + 1
        return out


class Sequence(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 3), nn.GELU(), nn.Linear(3, 3), nn.Softmax(dim=-1))

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        y = self.net[1](self.net[0](x))
        for layer in self.net:
            y = layer(y) if y.size(1) != 4 else y
        return self.net(x), y


class Constants(nn.Module):
    sizes: Final[List[int]] = [1, 2, 3]
    name: Final[str]
    limit: int
    choice: Optional[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.name = "constants"
        self.limit = 5
        self.pair = (2, "b")
        self.choice = None
        self.table = {"a": 1.5, "b": 2.5}

    def forward(self, n: int) -> Tuple[int, str, float, bool]:
        total = 0
        for s in self.sizes:
            total += s * n
        if total > self.limit:
            total = -total
        return total, self.name + self.pair[1], self.table["b"], self.choice is None


class Counting(nn.Module):
    log: List[str]

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.log = []
        self.register_buffer("total", torch.zeros(3))

    def forward(self, x: Tensor) -> Tuple[Tensor, int, List[str]]:
        self.count += 1
        self.log.append("call " + str(self.count))
        self.total += x.sum(0)
        return self.total * 1, self.count, self.log


class Running(nn.Module):
    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))

    def forward(self, x: Tensor) -> Tensor:
        self.mean = self.mean * 0.9 + x.mean(0) * 0.1
        return x - self.mean


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Counting()
        self.again = self.inner

    def forward(self, x: Tensor) -> Tuple[int, int]:
        self.inner(x)
        _, n, _ = self.again(x)
        return n, self.inner.count


class MaybeBiased(nn.Module):
    bias: Optional[Tensor]

    def __init__(self, with_bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(3))
        self.register_parameter("bias", nn.Parameter(torch.ones(3)) if with_bias else None)

    def forward(self, x: Tensor) -> Tensor:
        y = x @ self.weight
        bias = self.bias
        if bias is not None:
            y = y + bias
        return y


class Properties(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.value = 3

    @property
    def doubled(self) -> int:
        return self.value * 2

    @doubled.setter
    def doubled(self, n: int) -> None:
        self.value = n // 2

    def forward(self, n: int) -> int:
        before = self.doubled
        self.doubled = n
        return before * 100 + self.value


class LeavesOut(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if torch.jit.is_scripting():
            return x + 1
        return self.python_only(x)

    @torch.jit.unused
    def python_only(self, x: Tensor) -> Tensor:
        raise RuntimeError("not in scripts")


class Exports(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return self.helper(x, 2) + self.helper(x, n=5)

    @torch.jit.export
    def helper(self, x: Tensor, n: int = 3) -> Tensor:
        return x * n


class Attributes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "missing"):
            x = x + 100
        if hasattr(self, "lin"):
            x = getattr(self, "lin")(x)  # noqa: B009 - this is what is tested
        return x + self.lin.weight.sum() + self.lin.in_features


class Training(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.drop(self.norm(x))
        return y + 1 if self.training else y - 1


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(3, 4)

    def forward(self, x: Tensor, state: Optional[Tuple[Tensor, Tensor]] = None) -> Tensor:
        out: List[Tensor] = []
        for i in range(3):
            state = self.cell(x * i, state)
            out.append(state[0])
        return torch.stack(out)


@torch.jit.interface
class Activation(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


class Chosen(nn.Module):
    act: Activation

    def __init__(self) -> None:
        super().__init__()
        self.act = nn.Tanh()
        self.blocks = nn.ModuleList([nn.ReLU(), nn.Sigmoid()])

    def forward(self, x: Tensor, i: int) -> Tensor:
        block: Activation = self.blocks[i]
        return self.act.forward(x) + block.forward(x)


class Doubling(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


def add_hundred(self: Any, inputs: Tuple[Tensor], output: Tensor) -> Tensor:
    print("after")
    return output + 100


def halve(self: Any, inputs: Tuple[Tensor]) -> Tuple[Tensor]:
    print("before")
    return (inputs[0] / 2,)


class Hooked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Doubling()
        self.inner.register_forward_pre_hook(halve)
        self.inner.register_forward_hook(add_hundred)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + self.inner.forward(x)


class Forked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList([nn.Linear(3, 2) for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        futures: List[torch.jit.Future[Tensor]] = []
        for head in self.heads:
            futures.append(torch.jit.fork(head, x))
        return torch.cat([torch.jit.wait(f) for f in futures], 1)


class Raising(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.size(0) > 2:
            raise ValueError("MSG batch of " + str(x.size(0)))
        return x


def seeded(make: Callable[..., nn.Module], *args: Any) -> nn.Module:
    torch.manual_seed(3)
    return make(*args).eval()


CASES = [
    (seeded(Layers), (X,), (X[:1],)),
    (seeded(Pairs), (X,)),
    (seeded(Named), (X,)),
    (seeded(Sequence), (X,)),
    (seeded(Constants), (0,), (3,)),
    (seeded(Counting), (X,), (X,), (X[:1],)),
    (seeded(Running), (X,), (X,)),
    (seeded(Nested), (X,), (X,)),
    (seeded(MaybeBiased, True), (X,)),
    (seeded(MaybeBiased, False), (X,)),
    (seeded(Properties), (10,), (20,)),
    (seeded(LeavesOut), (X,)),
    (seeded(Exports), (X,)),
    (seeded(Attributes), (X,)),
    (seeded(Training), (X,)),
    (seeded(Recurrent), (X, None), (X, (torch.ones(2, 4), torch.zeros(2, 4)))),
    (seeded(Hooked), (X,)),
    (seeded(Forked), (X,)),
    (seeded(Raising), (X,), (torch.ones(3, 3),)),
]
