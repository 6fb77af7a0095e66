"""Networks between whose multiplications there is more to lose than in them."""

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH = 768
FEATURES = 32
CLASSES = 10


class Pointwise(nn.Module):
    """Activations, layer norm and softmax of rows: four transcendental functions an element."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, rows, WIDTH] to as much."""
        y = functional.gelu(x) * torch.sigmoid(x) + torch.tanh(x)
        return torch.softmax(self.norm(y), -1)


class TinyMlp(nn.Module):
    """Three layers that take a microsecond: what a request costs by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES, 64)
        self.second = nn.Linear(64, 64)
        self.last = nn.Linear(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, FEATURES] to probabilities [batch, CLASSES]."""
        x = torch.relu(self.second(torch.relu(self.first(x))))
        return torch.softmax(self.last(x), -1)
