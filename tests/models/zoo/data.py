"""Recommendation, point clouds, boxes and signals."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def layers(*widths: int) -> nn.Sequential:
    """Linear layers from each width to the next, each with its ReLU."""
    pairs = ((nn.Linear(a, b), nn.ReLU()) for a, b in itertools.pairwise(widths))
    return nn.Sequential(*(layer for pair in pairs for layer in pair))


class Dlrm(nn.Module):
    """Dense features through an MLP, sparse ones through embedding bags; arXiv:1906.00091."""

    rows: Tensor
    columns: Tensor

    def __init__(
        self,
        tables: Sequence[int] = (10, 20, 15),
        dense: int = 6,
        width: int = 8,
        bottom: Sequence[int] = (16,),
        top: Sequence[int] = (16,),
    ) -> None:
        super().__init__()
        count = len(tables) + 1
        pairs = count * (count - 1) // 2
        self.emb_l = nn.ModuleList(nn.EmbeddingBag(n, width, mode="sum") for n in tables)
        self.bot_l = layers(dense, *bottom, width)
        self.top_l = layers(width + pairs, *top, 1)
        self.top_l[-1] = nn.Sigmoid()
        index = torch.tril_indices(count, count, -1)
        self.register_buffer("rows", index[0])
        self.register_buffer("columns", index[1])

    def interact(self, x: Tensor, bags: list[Tensor]) -> Tensor:
        t = torch.cat([x] + bags, dim=1).view(x.size(0), -1, x.size(1))  # noqa: RUF005
        products = torch.bmm(t, torch.transpose(t, 1, 2))
        y: Tensor = self.top_l(torch.cat([x, products[:, self.rows, self.columns]], dim=1))
        return y


class DlrmOffsets(Dlrm):
    """Bags of varying length, told apart by offsets."""

    def forward(self, x: Tensor, indices: list[Tensor], offsets: list[Tensor]) -> Tensor:
        bags: list[Tensor] = []
        for i, emb in enumerate(self.emb_l):
            bags.append(emb(indices[i], offsets[i]))
        return self.interact(self.bot_l(x), bags)


class DlrmFixed(Dlrm):
    """Bags of one length: a matrix of indices for each table."""

    def forward(self, x: Tensor, indices: Tensor) -> Tensor:
        bags: list[Tensor] = []
        for i, emb in enumerate(self.emb_l):
            bags.append(emb(indices[i]))
        return self.interact(self.bot_l(x), bags)


def neighbours(points: Tensor, features: Tensor, k: int) -> Tensor:
    """Each point's features beside the differences to its `k` nearest; arXiv:1801.07829."""
    near = torch.topk(torch.cdist(points, points), k, dim=-1, largest=False)[1]
    b, n, c = features.shape
    index = near.reshape(b, n * k, 1).expand(b, n * k, c)
    others = torch.gather(features, 1, index).view(b, n, k, c)
    own = features.unsqueeze(2).expand(b, n, k, c)
    return torch.cat([own, others - own], dim=-1).permute(0, 3, 1, 2)


class PointNet(nn.Module):
    """Edge convolutions over nearest neighbours, a maximum over points."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(nn.Conv2d(6, 16, 1), nn.BatchNorm2d(16), nn.LeakyReLU(0.2))
        self.conv2 = nn.Sequential(nn.Conv2d(32, 16, 1), nn.BatchNorm2d(16), nn.LeakyReLU(0.2))
        self.fc = nn.Linear(16, 5)

    def forward(self, points: Tensor) -> Tensor:
        x = self.conv1(neighbours(points, points, 4)).max(dim=-1)[0].transpose(1, 2)
        x = self.conv2(neighbours(points, x, 4)).max(dim=-1)[0]
        y: Tensor = self.fc(x.max(dim=2)[0])
        return y


class Suppression(nn.Module):
    """Boxes decoded, filtered by score, suppressed where they overlap a better one."""

    def __init__(self, overlap: float = 0.4, score: float = 0.3) -> None:
        super().__init__()
        self.overlap, self.score = overlap, score

    def forward(self, boxes: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        keep = torch.where(scores > self.score)[0]
        boxes, scores = boxes[keep], scores[keep]
        corners = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:].clamp(min=0.1)], 1)
        scores, order = scores.sort(descending=True)
        corners = corners[order]
        areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
        alive = torch.ones([corners.size(0)], dtype=torch.bool)
        kept: list[int] = []
        for i in range(corners.size(0)):
            if bool(alive[i]):
                kept.append(i)
                low = torch.max(corners[i, :2], corners[:, :2])
                high = torch.min(corners[i, 2:], corners[:, 2:])
                shared = (high - low).clamp(min=0).prod(dim=1)
                alive = alive & (shared / (areas[i] + areas - shared) <= self.overlap)
        chosen = torch.tensor(kept)
        return corners.index_select(0, chosen), scores[chosen]


class MelFrontEnd(nn.Module):
    """A short-time Fourier transform, a filter bank, logarithms, normalised features."""

    window: Tensor
    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.n_fft, self.hop = 32, 8
        self.register_buffer("window", torch.hann_window(32))
        self.register_buffer("mel", torch.rand(17, 10))

    def forward(self, signal: Tensor) -> Tensor:
        spectrum = torch.stft(signal, self.n_fft, self.hop, window=self.window, return_complex=True)
        power = torch.view_as_real(spectrum).pow(2).sum(-1)
        mel = torch.log(torch.matmul(power.transpose(1, 2), self.mel) + 1e-6)
        return (mel - mel.mean(1, keepdim=True)) / (mel.std(1, keepdim=True) + 1e-5)


class ConvolutionalFrontEnd(nn.Module):
    """The same transform as a convolution with cosines and sines."""

    basis: Tensor
    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        n = 32
        angle = 2 * math.pi / n * torch.outer(torch.arange(n // 2 + 1.0), torch.arange(float(n)))
        basis = torch.cat([torch.cos(angle), -torch.sin(angle)]) * torch.hann_window(n)
        self.register_buffer("basis", basis.unsqueeze(1))
        self.register_buffer("mel", torch.rand(10, n // 2 + 1))

    def forward(self, signal: Tensor) -> Tensor:
        x = nn.functional.pad(signal.unsqueeze(1), [16, 16], mode="reflect")
        spectrum = nn.functional.conv1d(x, self.basis, stride=8)
        real, imaginary = spectrum.chunk(2, dim=1)
        power = real.square() + imaginary.square()
        return torch.matmul(self.mel, power).clamp(min=1e-5).log10()


class Wavelet(nn.Module):
    """Three levels of a Daubechies wavelet: low and high pass, every second sample."""

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        low = torch.tensor([0.48296291, 0.83651630, 0.22414387, -0.12940952])
        high = low.flip(0) * torch.tensor([1.0, -1.0, 1.0, -1.0])
        self.register_buffer("filters", torch.stack([low, high]).unsqueeze(1))

    def forward(self, signal: Tensor) -> list[Tensor]:
        bands: list[Tensor] = []
        x = signal.unsqueeze(1)
        for _ in range(3):
            x = nn.functional.pad(x, [1, 2], mode="circular")
            both = nn.functional.conv1d(x, self.filters, stride=2)
            bands.append(both[:, 1])
            x = both[:, :1]
        bands.append(x[:, 0])
        return bands
