"""Nets of inverted residuals, channel shuffles and fire modules."""

import torch
from torch import Tensor, nn


def conv_norm(c_in: int, c_out: int, k: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size at stride 1, and its batch norm."""
    conv = nn.Conv2d(c_in, c_out, k, stride, k // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(c_out)]


class InvertedResidual(nn.Module):
    """Expand, depthwise, project; MobileNet-V2, arXiv:1801.04381."""

    def __init__(self, c_in: int, c_out: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = c_in * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers += [*conv_norm(c_in, wide, 1), nn.ReLU6(inplace=True)]
        layers += [*conv_norm(wide, wide, 3, stride, wide), nn.ReLU6(inplace=True)]
        layers += conv_norm(wide, c_out, 1)
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.conv(x) if self.residual else self.conv(x)
        return y


class MobileNetV2(nn.Module):
    """A stem, inverted residuals, a wide last layer."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [*conv_norm(3, 8, 3, 2), nn.ReLU6(inplace=True), InvertedResidual(8, 8, 1, 1)]
        channels = 8
        for expand, width, count, stride in ((6, 12, 2, 2), (6, 16, 2, 2), (6, 24, 1, 1)):
            for i in range(count):
                blocks.append(InvertedResidual(channels, width, stride if i == 0 else 1, expand))
                channels = width
        blocks += [*conv_norm(channels, 64, 1), nn.ReLU6(inplace=True)]
        self.features = nn.Sequential(*blocks)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(64, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.adaptive_avg_pool2d(self.features(x), (1, 1))
        y: Tensor = self.classifier(torch.flatten(x, 1))
        return y


class SqueezeExcite(nn.Module):
    """Channels scaled by what their means say."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = nn.SiLU()
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x * self.gate(self.fc2(self.activation(self.fc1(self.avgpool(x)))))
        return y


class MBConv(nn.Module):
    """An inverted residual with squeeze-and-excitation; EfficientNet, arXiv:1905.11946."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = c_in * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers += [*conv_norm(c_in, wide, 1), nn.SiLU(inplace=True)]
        layers += [*conv_norm(wide, wide, kernel, stride, wide), nn.SiLU(inplace=True)]
        layers += [SqueezeExcite(wide, max(1, c_in // 4)), *conv_norm(wide, c_out, 1)]
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        result = self.block(x)
        if self.residual:
            result += x
        y: Tensor = result
        return y


class EfficientNet(nn.Module):
    """Kernels of 3 and 5, swish everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *conv_norm(3, 8, 3, 2), nn.SiLU(inplace=True),
            MBConv(8, 8, 3, 1, 1), MBConv(8, 12, 3, 2, 6), MBConv(12, 12, 3, 1, 6),
            MBConv(12, 16, 5, 2, 6), MBConv(16, 16, 5, 1, 6),
            *conv_norm(16, 48, 1), nn.SiLU(inplace=True),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2, inplace=True), nn.Linear(48, 10))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))
        return y


class Fire(nn.Module):
    """Squeeze to few channels, expand by two kernels; SqueezeNet, arXiv:1602.07360."""

    def __init__(self, c_in: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(c_in, squeezed, 1)
        self.expand1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.squeeze(x))
        return torch.cat([self.relu(self.expand1(x)), self.relu(self.expand3(x))], 1)


class SqueezeNet(nn.Module):
    """Fire modules between poolings that round up."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(16, 4, 16), Fire(32, 4, 16), nn.MaxPool2d(3, 2, ceil_mode=True),
            Fire(32, 8, 24), Fire(48, 8, 24),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Conv2d(48, 10, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.classifier(self.features(x)), 1)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """Channels of all groups in turn; ShuffleNet, arXiv:1707.01083."""
    batch, channels, height, width = x.size()
    x = x.view(batch, groups, channels // groups, height, width)
    return torch.transpose(x, 1, 2).contiguous().view(batch, channels, height, width)


class ShuffleUnit(nn.Module):
    """Half of the channels pass, half are worked on; ShuffleNet-V2, arXiv:1807.11164."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        half = c_out // 2
        source = c_in if stride > 1 else half
        self.branch1 = nn.Sequential()
        if stride > 1:
            self.branch1 = nn.Sequential(
                *conv_norm(c_in, c_in, 3, stride, c_in), *conv_norm(c_in, half, 1), nn.ReLU(True)
            )
        self.branch2 = nn.Sequential(
            *conv_norm(source, half, 1), nn.ReLU(inplace=True),
            *conv_norm(half, half, 3, stride, half), *conv_norm(half, half, 1),
            nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            x1, x2 = x.chunk(2, dim=1)
            out = torch.cat((x1, self.branch2(x2)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    """Stages of shuffle units, a mean over positions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(*conv_norm(3, 8, 3, 2), nn.ReLU(inplace=True))
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stage2 = nn.Sequential(ShuffleUnit(8, 16, 2), ShuffleUnit(16, 16, 1))
        self.stage3 = nn.Sequential(ShuffleUnit(16, 32, 2), ShuffleUnit(32, 32, 1))
        self.conv5 = nn.Sequential(*conv_norm(32, 64, 1), nn.ReLU(inplace=True))
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage3(self.stage2(self.maxpool(self.conv1(x))))
        y: Tensor = self.fc(self.conv5(x).mean([2, 3]))
        return y
