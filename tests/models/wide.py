"""A network of eight branches that are forked: the shape of work that inter-op threads are for."""

import torch
from torch import Tensor, nn

BRANCHES = 8
CLASSES = 10


class Branch(nn.Module):
    """Four convolutions, 19 million multiplications on 3x56x56."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Linear(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Map images [n, 3, h, w] to scores [n, classes]."""
        scores: Tensor = self.head(self.layers(x).mean((2, 3)))
        return scores


class Wide(nn.Module):
    """The mean of the branches' scores; each branch is a fork."""

    def __init__(self) -> None:
        super().__init__()
        self.branches = nn.ModuleList(Branch() for _ in range(BRANCHES))

    def forward(self, x: Tensor) -> Tensor:
        """Map images [n, 3, h, w] to scores [n, classes]."""
        futures = [torch.jit.fork(branch, x) for branch in self.branches]
        return torch.stack([torch.jit.wait(future) for future in futures]).mean(0)
