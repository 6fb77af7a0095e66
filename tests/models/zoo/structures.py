"""Networks on video, graphs and spectra: three dims, scattered sums, complex weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class VideoBlock(nn.Module):
    """A residual block of a 3-D ResNet."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(c_in, c_out, 3, stride, 1, bias=False)
        self.second = nn.Conv3d(c_out, c_out, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv3d(c_in, c_out, 1, stride, bias=False)
        self.norm1 = nn.BatchNorm3d(c_out)
        self.norm2 = nn.BatchNorm3d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.norm1(self.first(x)))
        return torch.relu(self.norm2(self.second(y)) + self.shortcut(x))


class VideoNet(nn.Module):
    """Clips [batch, channels, time, height, width] to classes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(3, 8, (3, 5, 5), (1, 2, 2), (1, 2, 2)), nn.ReLU(), nn.MaxPool3d(2)
        )
        self.blocks = nn.Sequential(VideoBlock(8, 8, 1), VideoBlock(8, 16, 2))
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.adaptive_avg_pool3d(self.blocks(self.stem(x)), (1, 1, 1))
        classes: Tensor = self.head(x.flatten(1))
        return classes


class SegNet(nn.Module):
    """Encoder and decoder joined by the positions of the maxima."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, padding=1)
        self.inner = nn.Conv2d(8, 8, 3, padding=1)
        self.up = nn.Conv2d(8, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.down(x))
        pooled, indices = functional.max_pool2d_with_indices(x, [2, 2])
        pooled = torch.relu(self.inner(pooled))
        y: Tensor = self.up(functional.max_unpool2d(pooled, indices, [2, 2], [2, 2]))
        return y


class GraphNet(nn.Module):
    """Messages along edges, added up at their ends."""

    def __init__(self, features: int = 8) -> None:
        super().__init__()
        self.message = nn.Linear(2 * features, features)
        self.update = nn.GRUCell(features, features)
        self.head = nn.Linear(features, 3)

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        source, target = edges[0], edges[1]
        for _ in range(2):
            both = torch.cat([nodes[source], nodes[target]], -1)
            messages = torch.relu(self.message(both))
            total = torch.zeros_like(nodes).index_add(0, target, messages)
            ones = torch.ones(target.shape[0], 1)
            degree = torch.zeros(nodes.shape[0], 1).scatter_add(0, target[:, None], ones)
            nodes = self.update(total / degree.clamp(min=1.0), nodes)
        y: Tensor = self.head(nodes)
        return y


class FourierLayer(nn.Module):
    """A convolution over the whole signal: complex weights of the lowest frequencies."""

    def __init__(self, channels: int, modes: int) -> None:
        super().__init__()
        self.modes = modes
        weights = torch.randn(modes, channels, channels, dtype=torch.complex64) / channels
        self.weights = nn.Parameter(weights)
        self.pointwise = nn.Conv1d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x)
        low = spectrum[:, :, : self.modes].permute(2, 0, 1)
        mixed = torch.bmm(low, self.weights).permute(1, 2, 0)
        rest = torch.zeros_like(spectrum[:, :, self.modes :])
        whole = torch.cat([mixed, rest], -1)
        y: Tensor = torch.fft.irfft(whole, x.shape[-1]) + self.pointwise(x)
        return y


class FourierOperator(nn.Module):
    """A Fourier neural operator on signals."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = nn.Conv1d(2, 8, 1)
        self.first = FourierLayer(8, 5)
        self.second = FourierLayer(8, 5)
        self.head = nn.Conv1d(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.gelu(self.first(self.lift(x)))
        y: Tensor = self.head(self.second(x))
        return y


class SpectralVocoder(nn.Module):
    """Magnitude and phase of a spectrum, turned back into sound."""

    window: Tensor

    def __init__(self, n_fft: int = 16) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.body = nn.Conv1d(10, 2 * (n_fft // 2 + 1), 3, padding=1)
        self.register_buffer("window", torch.hann_window(n_fft))

    def forward(self, features: Tensor) -> Tensor:
        size, phase = self.body(features).chunk(2, 1)
        spectrum = torch.polar(torch.exp(size), phase)
        return torch.istft(spectrum, self.n_fft, self.n_fft // 4, window=self.window)
