"""The programs of `benchmarks.interpreter`: control flow that no plan can decide ahead."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional


def scalar_loop(n: int) -> int:
    total = 0
    for i in range(n):
        if i % 3 == 0:
            total += i
        else:
            total -= 1
    return total


def float_loop(n: int) -> float:
    x = 0.5
    for _ in range(n):
        x = 3.7 * x * (1.0 - x)
    return x


def collatz(n: int) -> int:
    longest = 0
    for start in range(1, n):
        steps = 0
        value = start
        while value != 1:
            if value % 2 == 0:  # noqa: SIM108 (as scripts have it)
                value = value // 2
            else:
                value = 3 * value + 1
            steps += 1
        longest = max(longest, steps)
    return longest


def list_sieve(n: int) -> int:
    flags: list[bool] = []
    for _ in range(n):
        flags.append(True)
    count = 0
    for i in range(2, n):
        if flags[i]:
            count += 1
            j = i * i
            while j < n:
                flags[j] = False
                j += i
    return count


def dictionary(n: int) -> int:
    counts: dict[int, int] = {}
    for i in range(n):
        key = i % 100
        if key in counts:
            counts[key] = counts[key] + 1
        else:
            counts[key] = 1
    return len(counts)


def text(n: int) -> int:
    total = 0
    for i in range(n):
        word = "item " + str(i)
        if word.endswith("7"):
            total += len(word.split(" ")[1])
    return total


def small_tensors(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    for i in range(int(n)):
        x = torch.relu(x * 0.5 + 1.0) - x
        if i % 2 == 0:
            x = x.clone()
    return x


def newton(x: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Roots by steps of a few operators, until the error is small enough: it never is."""
    rate = 1.0
    for _ in range(5_000):
        error = x * x - target
        if bool(error.abs().max() < 0.0):
            break
        x = x - rate * error / (2.0 * x)
        rate = 0.5 + 0.5 * rate
    return x


def rows(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    """Reads and writes rows of a tensor: views and writes that stay as they are."""
    for i in range(int(n)):
        x[i % 4] = torch.tanh(x[(i + 1) % 4]) + 0.1
    return x


class Decoder(nn.Module):
    """A greedy decoder: an LSTM cell, until it gives the end (it never does)."""

    def __init__(self, vocabulary: int = 256, size: int = 128, hidden: int = 256) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, size)
        self.cell = nn.LSTMCell(size, hidden)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(
        self, token: torch.Tensor, h: torch.Tensor, c: torch.Tensor, end: int, steps: int
    ) -> torch.Tensor:
        """The tokens."""
        tokens = [token]
        for _ in range(steps):
            h, c = self.cell(self.embedding(token), (h, c))
            token = self.head(h).argmax(-1)
            tokens.append(token)
            if bool((token == end).all()):
                break
        return torch.stack(tokens)


class Layer(nn.Module):
    """A layer of a transformer that keeps keys and values of the tokens before."""

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.up, self.down = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)

    def forward(
        self, x: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The result for new tokens, and the caches with them."""
        b, t, n = x.shape
        qkv = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, n // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        keys = torch.cat([keys, k], 2)
        values = torch.cat([values, v], 2)
        weights = torch.softmax(q @ keys.transpose(-2, -1) / (n // self.heads) ** 0.5, -1)
        x = x + self.out((weights @ values).transpose(1, 2).reshape(b, t, n))
        return x + self.down(functional.gelu(self.up(self.norm2(x)))), keys, values


class Transformer(nn.Module):
    """A greedy decoder in the manner of GPT, whose caches grow with each token."""

    def __init__(self, vocabulary: int = 256, size: int = 128, heads: int = 4) -> None:
        super().__init__()
        self.size, self.heads = size, heads
        self.tokens, self.positions = nn.Embedding(vocabulary, size), nn.Embedding(256, size)
        self.layers = nn.ModuleList([Layer(size, heads) for _ in range(4)])
        self.norm, self.head = nn.LayerNorm(size), nn.Linear(size, vocabulary)

    def forward(self, token: torch.Tensor, end: int, steps: int) -> torch.Tensor:
        """The tokens."""
        b = token.size(0)
        keys = [torch.zeros(b, self.heads, 0, self.size // self.heads) for _ in self.layers]
        values = [torch.zeros(b, self.heads, 0, self.size // self.heads) for _ in self.layers]
        tokens = [token]
        for step in range(steps):
            x = self.tokens(token) + self.positions(torch.full([1, 1], step))
            for i, layer in enumerate(self.layers):
                x, keys[i], values[i] = layer(x, keys[i], values[i])
            token = self.head(self.norm(x)).argmax(-1)
            tokens.append(token)
            if bool((token == end).all()):
                break
        return torch.cat(tokens, 1)


class Detector(nn.Module):
    """Convolutions, then the boxes that overlap no better one: a loop until none is left."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv2d(3, channels, 3, 2, 1), nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(2 * channels, 2 * channels, 3, 2, 1), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Conv2d(2 * channels, 5, 1)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Boxes and their scores, the best first."""
        found = self.head(self.backbone(image))[0].flatten(1)
        scores = torch.sigmoid(found[0])
        corner, size = torch.tanh(found[1:3]).t(), torch.exp(found[3:5].clamp(max=4.0)).t()
        boxes = torch.cat([corner - size / 2, corner + size / 2], 1)
        kept = torch.nonzero(scores > scores.mean()).squeeze(1)
        scores, boxes = scores[kept], boxes[kept]
        order = torch.argsort(scores, descending=True)
        picked: list[torch.Tensor] = []
        while order.numel() > 0 and len(picked) < 50:
            picked.append(order[0])
            first, others = boxes[order[0]], boxes[order[1:]]
            low = torch.maximum(first[:2], others[:, :2])
            high = torch.minimum(first[2:], others[:, 2:])
            common = (high - low).clamp(min=0.0).prod(1)
            area = (others[:, 2:] - others[:, :2]).prod(1) + (first[2:] - first[:2]).prod()
            order = order[1:][common / (area - common) < 0.6]
        index = torch.stack(picked)
        return boxes[index], scores[index]


@dataclass(frozen=True, slots=True)
class Case:
    """A function or module, its arguments, and the ratio to torch's time that is asked for."""

    program: Callable[..., Any]
    arguments: tuple[Any, ...]
    goal: float = 1.0


def cases() -> dict[str, Case]:
    """All cases by name; the modules have random weights, the same in every run."""
    torch.manual_seed(0)
    state = torch.zeros(1, 256)
    image = torch.randn(1, 3, 160, 160)
    return {
        "scalar_loop": Case(scalar_loop, (1_000_000,)),
        "float_loop": Case(float_loop, (1_000_000,)),
        "collatz": Case(collatz, (10_000,)),
        "list_sieve": Case(list_sieve, (200_000,)),
        "dictionary": Case(dictionary, (200_000,)),
        "text": Case(text, (50_000,)),
        "small_tensors": Case(small_tensors, (torch.ones(8), torch.tensor(10_000)), 1.5),
        "newton": Case(newton, (torch.ones(8), torch.arange(1.0, 9.0)), 1.5),
        "rows": Case(rows, (torch.ones(4, 8), torch.tensor(5_000)), 1.5),
        "lstm_decode": Case(Decoder().eval(), (torch.tensor([1]), state, state.clone(), -1, 200)),
        "detect": Case(Detector().eval(), (image,)),
        "gpt_decode": Case(Transformer().eval(), (torch.tensor([[1]]), -1, 100)),
    }
