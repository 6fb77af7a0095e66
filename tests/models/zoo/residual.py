"""Nets of dense blocks, grouped bottlenecks and large depthwise kernels."""

import torch
from torch import Tensor, nn

from tests.models.zoo.mobile import SqueezeExcite, conv_norm


class DenseLayer(nn.Module):
    """Norm first, two convolutions; reads everything before it; DenseNet, arXiv:1608.06993."""

    def __init__(self, c_in: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(c_in)
        self.conv1 = nn.Conv2d(c_in, 4 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, features: list[Tensor]) -> Tensor:
        x = self.conv1(self.relu(self.norm1(torch.cat(features, 1))))
        y: Tensor = self.conv2(self.relu(self.norm2(x)))
        return y


class DenseBlock(nn.Module):
    """Layers whose outputs are collected in a list."""

    def __init__(self, c_in: int, growth: int, count: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DenseLayer(c_in + i * growth, growth) for i in range(count))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(features))
        return torch.cat(features, 1)


class DenseNet(nn.Module):
    """Dense blocks with halving transitions between them."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *conv_norm(3, 16, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
            DenseBlock(16, 8, 3), nn.BatchNorm2d(40), nn.ReLU(inplace=True),
            nn.Conv2d(40, 20, 1, bias=False), nn.AvgPool2d(2, 2),
            DenseBlock(20, 8, 3), nn.BatchNorm2d(44),
        )  # fmt: skip
        self.classifier = nn.Linear(44, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.relu(self.features(x), inplace=True)
        x = nn.functional.adaptive_avg_pool2d(x, (1, 1))
        y: Tensor = self.classifier(torch.flatten(x, 1))
        return y


class RegNetBlock(nn.Module):
    """A bottleneck with grouped convolution and squeeze-and-excitation; arXiv:2003.13678."""

    def __init__(self, c_in: int, c_out: int, stride: int, group_width: int) -> None:
        super().__init__()
        self.proj = nn.Sequential()
        if stride != 1 or c_in != c_out:
            self.proj = nn.Sequential(*conv_norm(c_in, c_out, 1, stride))
        self.f = nn.Sequential(
            *conv_norm(c_in, c_out, 1), nn.ReLU(inplace=True),
            *conv_norm(c_out, c_out, 3, stride, c_out // group_width), nn.ReLU(inplace=True),
            SqueezeExcite(c_out, c_in // 4), *conv_norm(c_out, c_out, 1),
        )  # fmt: skip
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.activation(self.proj(x) + self.f(x))
        return y


class RegNet(nn.Module):
    """A stem and stages of grouped bottlenecks."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *conv_norm(3, 16, 3, 2), nn.ReLU(inplace=True),
            RegNetBlock(16, 24, 2, 8), RegNetBlock(24, 24, 1, 8), RegNetBlock(24, 48, 2, 8),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(48, 10)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc(self.avgpool(self.body(x)).flatten(start_dim=1))
        return y


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of an image."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = nn.functional.layer_norm(x, [x.size(-1)], self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """A 7x7 depthwise convolution and an MLP with layer scale; arXiv:2201.03545."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.layer_scale = nn.Parameter(torch.full((dim, 1, 1), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        y = self.dwconv(x).permute(0, 2, 3, 1)
        y = self.pwconv2(self.act(self.pwconv1(self.norm(y)))).permute(0, 3, 1, 2)
        out: Tensor = x + self.layer_scale * y
        return out


class ConvNeXt(nn.Module):
    """Patchify, blocks, downsampling by strided convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 4, 4), LayerNorm2d(16, eps=1e-6), ConvNeXtBlock(16),
            LayerNorm2d(16, eps=1e-6), nn.Conv2d(16, 32, 2, 2), ConvNeXtBlock(32),
        )  # fmt: skip
        self.head = nn.Sequential(LayerNorm2d(32, eps=1e-6), nn.Flatten(1), nn.Linear(32, 10))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(nn.functional.adaptive_avg_pool2d(self.features(x), 1))
        return y
