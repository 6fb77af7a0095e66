"""The bundled network: a stem, two branches that run side by side, a classifier of ten digits."""

import torch
from torch import Tensor, nn


def _convolution(c_in: int, c_out: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(),
    )


class DigitsNet(nn.Module):
    """Fine strokes (two 3x3) and coarse strokes (5x5) are looked at by two forked tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(1, 32, 3)
        self.fine = nn.Sequential(_convolution(32, 48, 3), _convolution(48, 48, 3))
        self.coarse = _convolution(32, 48, 5)
        self.pool = nn.MaxPool2d(2)
        self.join = _convolution(96, 64, 3)
        self.dropout = nn.Dropout(0.3)
        self.classifier = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Map images [n, 1, 8, 8] in 0..1 to scores [n, 10]."""
        x = self.stem(images)
        fine = torch.jit.fork(self.fine, x)
        coarse = torch.jit.fork(self.coarse, x)
        x = torch.cat([torch.jit.wait(fine), torch.jit.wait(coarse)], 1)
        x = self.join(self.pool(x)).mean([2, 3])
        scores: Tensor = self.classifier(self.dropout(x))
        return scores
