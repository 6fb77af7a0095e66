"""MobileNet-V3-large.

Source: Howard et al., "Searching for MobileNetV3" (2019), table 1.
"""

from torch import Tensor, flatten, nn
from torch.nn import functional


def _round_to_8(channels: float) -> int:
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and an optional activation."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        stride: int = 1,
        groups: int = 1,
        activation: nn.Module | None = None,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                c_in,
                c_out,
                kernel,
                stride=stride,
                padding=kernel // 2,
                groups=groups,
                bias=False,
            ),
            nn.BatchNorm2d(c_out, eps=0.001, momentum=0.01),
        ]
        if activation is not None:
            layers.append(activation)
        super().__init__(*layers)


class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate computed from the channel means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = _round_to_8(channels / 4)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = nn.ReLU()
        self.gate = nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c, h, w] to the same shape."""
        scale: Tensor = self.gate(self.fc2(self.activation(self.fc1(self.avgpool(x)))))
        return scale * x


class InvertedResidual(nn.Module):
    """Expand by 1x1, filter depthwise, gate, project by 1x1; add the input where shapes allow."""

    def __init__(
        self,
        c_in: int,
        kernel: int,
        expanded: int,
        c_out: int,
        squeeze: bool,
        hardswish: bool,
        stride: int,
    ) -> None:
        super().__init__()
        activation = nn.Hardswish if hardswish else nn.ReLU
        self.has_shortcut = stride == 1 and c_in == c_out
        layers: list[nn.Module] = []
        if expanded != c_in:
            layers.append(ConvNorm(c_in, expanded, 1, activation=activation(inplace=True)))
        layers.append(
            ConvNorm(expanded, expanded, kernel, stride, expanded, activation(inplace=True))
        )
        if squeeze:
            layers.append(SqueezeExcitation(expanded))
        layers.append(ConvNorm(expanded, c_out, 1))
        self.block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c_in, h, w] to [n, c_out, h / stride, w / stride]."""
        result: Tensor = self.block(x)
        if self.has_shortcut:
            result += x
        return result


# kernel, expanded, c_out, squeeze, hardswish, stride
_BLOCKS = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)


class MobileNetV3Large(nn.Module):
    """5.5 million parameters, 0.22 G multiply-adds at 224 x 224."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [ConvNorm(3, 16, 3, 2, activation=nn.Hardswish(inplace=True))]
        channels = 16
        for kernel, expanded, c_out, squeeze, hardswish, stride in _BLOCKS:
            layers.append(
                InvertedResidual(channels, kernel, expanded, c_out, squeeze, hardswish, stride)
            )
            channels = c_out
        layers.append(ConvNorm(channels, 960, 1, activation=nn.Hardswish(inplace=True)))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(960, 1280), nn.Hardswish(inplace=True), nn.Dropout(0.2), nn.Linear(1280, 1000)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map images [n, 3, h, w] to class scores [n, 1000]."""
        x = functional.adaptive_avg_pool2d(self.features(x), 1)
        result: Tensor = self.classifier(flatten(x, 1))
        return result
