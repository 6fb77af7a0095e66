"""Nets that give an image for an image: segmentation, U-Net, optical flow."""

import torch
from torch import Tensor, nn

from tests.models.zoo.mobile import conv_norm


class Backbone(nn.Module):
    """An eighth of the size, the last layer dilated."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 8, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.low = nn.Sequential(*conv_norm(8, 16, 3, 2), nn.ReLU())
        self.high = nn.Sequential(nn.Conv2d(16, 32, 3, padding=2, dilation=2), nn.ReLU())

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        low = self.low(self.stem(x))
        return {"aux": low, "out": self.high(low)}


class FcnHead(nn.Sequential):
    """A convolution and a classifier of each pixel; FCN, arXiv:1411.4038."""

    def __init__(self, c_in: int, classes: int) -> None:
        super().__init__(
            *conv_norm(c_in, c_in // 4, 3), nn.ReLU(), nn.Dropout(0.1),
            nn.Conv2d(c_in // 4, classes, 1),
        )  # fmt: skip


class AsppPooling(nn.Module):
    """The mean of the image, spread over it again."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(1), *conv_norm(c_in, c_out, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        x = self.layers(x)
        return nn.functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


class DeepLabHead(nn.Module):
    """Dilated convolutions side by side; DeepLab-V3, arXiv:1706.05587."""

    def __init__(self, c_in: int, classes: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Sequential(*conv_norm(c_in, 8, 1), nn.ReLU())])
        for rate in (2, 4):
            conv = nn.Conv2d(c_in, 8, 3, padding=rate, dilation=rate, bias=False)
            self.convs.append(nn.Sequential(conv, nn.BatchNorm2d(8), nn.ReLU()))
        self.convs.append(AsppPooling(c_in, 8))
        self.project = nn.Sequential(*conv_norm(32, 16, 1), nn.ReLU(), nn.Conv2d(16, classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        results: list[Tensor] = []
        for conv in self.convs:
            results.append(conv(x))
        y: Tensor = self.project(torch.cat(results, dim=1))
        return y


class Segmentation(nn.Module):
    """A backbone, a head, an auxiliary head, and bilinear upsampling to the input's size."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.classifier = head
        self.aux_classifier = FcnHead(16, 5)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        size = x.shape[-2:]
        features = self.backbone(x)
        result: dict[str, Tensor] = {}
        out = self.classifier(features["out"])
        result["out"] = nn.functional.interpolate(
            out, size=size, mode="bilinear", align_corners=False
        )
        aux = self.aux_classifier(features["aux"])
        result["aux"] = nn.functional.interpolate(
            aux, size=size, mode="bilinear", align_corners=False
        )
        return result


class DoubleConv(nn.Sequential):
    """Twice convolution, norm, relu."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(
            *conv_norm(c_in, c_out, 3), nn.ReLU(inplace=True),
            *conv_norm(c_out, c_out, 3), nn.ReLU(inplace=True),
        )  # fmt: skip


class UNet(nn.Module):
    """Down by pooling, up by transposed convolutions, skips between; arXiv:1505.04597."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = DoubleConv(1, 8)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(8, 16))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), DoubleConv(16, 32))
        self.up1 = nn.ConvTranspose2d(32, 16, 2, stride=2)
        self.conv1 = DoubleConv(32, 16)
        self.up2 = nn.ConvTranspose2d(16, 8, 4, stride=2, padding=1)
        self.conv2 = DoubleConv(16, 8)
        self.last = nn.Conv2d(8, 2, 1)

    def joined(self, x: Tensor, skip: Tensor) -> Tensor:
        dy, dx = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
        x = nn.functional.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return torch.cat([skip, x], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.enter(x)
        x2 = self.down1(x1)
        x = self.conv1(self.joined(self.up1(self.down2(x2)), x2))
        return torch.sigmoid(self.last(self.conv2(self.joined(self.up2(x), x1))))


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """`image` sampled where `flow` points to."""
    b, _, h, w = image.size()
    xs = torch.linspace(-1.0, 1.0, w).view(1, 1, w).expand(b, h, w)
    ys = torch.linspace(-1.0, 1.0, h).view(1, h, 1).expand(b, h, w)
    shift = torch.stack([flow[:, 0] / ((w - 1.0) / 2.0), flow[:, 1] / ((h - 1.0) / 2.0)], 3)
    grid = torch.stack([xs, ys], 3) + shift
    return nn.functional.grid_sample(
        image, grid, mode="bilinear", padding_mode="border", align_corners=True
    )


class FlowNet(nn.Module):
    """A pyramid: the second image is warped by the flow so far, then the flow is refined.

    SPyNet, arXiv:1611.00850.
    """

    def __init__(self) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(8, 16, 7, padding=3), nn.ReLU(), nn.Conv2d(16, 2, 7, padding=3))
            for _ in range(3)
        )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        a, b = [first], [second]
        for _ in range(2):
            a.insert(0, nn.functional.avg_pool2d(a[0], 2, 2, count_include_pad=False))
            b.insert(0, nn.functional.avg_pool2d(b[0], 2, 2, count_include_pad=False))
        flow = torch.zeros(
            [a[0].size(0), 2, a[0].size(2) // 2, a[0].size(3) // 2], dtype=first.dtype
        )
        for i, level in enumerate(self.levels):
            up = nn.functional.interpolate(
                flow, scale_factor=2.0, mode="bilinear", align_corners=True
            )
            up = 2.0 * up
            flow = up + level(torch.cat([a[i], warp(b[i], up), up], 1))
        return flow
