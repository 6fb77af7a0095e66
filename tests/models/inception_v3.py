"""Inception-V3 without its auxiliary classifier.

Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision" (2015), table 1
and figures 5 to 7, in the widths of the released model.
"""

from torch import Tensor, cat, flatten, nn
from torch.nn import functional


class ConvNorm(nn.Module):
    """Convolution, batch norm and ReLU."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(c_out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c_in, h, w] to [n, c_out, h', w']."""
        return functional.relu(self.bn(self.conv(x)), inplace=True)


class InceptionA(nn.Module):
    """35 x 35: 1x1, 5x5, two 3x3, pooling."""

    def __init__(self, c_in: int, pool_features: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(c_in, 64, 1)
        self.branch5x5_1 = ConvNorm(c_in, 48, 1)
        self.branch5x5_2 = ConvNorm(48, 64, 5, padding=2)
        self.branch3x3_1 = ConvNorm(c_in, 64, 1)
        self.branch3x3_2 = ConvNorm(64, 96, 3, padding=1)
        self.branch3x3_3 = ConvNorm(96, 96, 3, padding=1)
        self.branch_pool = ConvNorm(c_in, pool_features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c_in, h, w] to [n, 224 + pool_features, h, w]."""
        branch1x1 = self.branch1x1(x)
        branch5x5 = self.branch5x5_2(self.branch5x5_1(x))
        branch3x3 = self.branch3x3_3(self.branch3x3_2(self.branch3x3_1(x)))
        pooled = functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        return cat([branch1x1, branch5x5, branch3x3, self.branch_pool(pooled)], 1)


class ReductionA(nn.Module):
    """35 x 35 to 17 x 17."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.branch3x3 = ConvNorm(c_in, 384, 3, stride=2)
        self.branch3x3dbl_1 = ConvNorm(c_in, 64, 1)
        self.branch3x3dbl_2 = ConvNorm(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = ConvNorm(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c_in, h, w] to [n, c_in + 480, h / 2, w / 2]."""
        branch3x3 = self.branch3x3(x)
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        pooled = functional.max_pool2d(x, kernel_size=3, stride=2)
        return cat([branch3x3, double, pooled], 1)


class InceptionB(nn.Module):
    """17 x 17: 1x1, factorised 7x7, two factorised 7x7, pooling."""

    def __init__(self, c_in: int, width: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(c_in, 192, 1)
        self.branch7x7_1 = ConvNorm(c_in, width, 1)
        self.branch7x7_2 = ConvNorm(width, width, (1, 7), padding=(0, 3))
        self.branch7x7_3 = ConvNorm(width, 192, (7, 1), padding=(3, 0))
        self.branch7x7dbl_1 = ConvNorm(c_in, width, 1)
        self.branch7x7dbl_2 = ConvNorm(width, width, (7, 1), padding=(3, 0))
        self.branch7x7dbl_3 = ConvNorm(width, width, (1, 7), padding=(0, 3))
        self.branch7x7dbl_4 = ConvNorm(width, width, (7, 1), padding=(3, 0))
        self.branch7x7dbl_5 = ConvNorm(width, 192, (1, 7), padding=(0, 3))
        self.branch_pool = ConvNorm(c_in, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c_in, h, w] to [n, 768, h, w]."""
        branch1x1 = self.branch1x1(x)
        branch7x7 = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        pooled = functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        return cat([branch1x1, branch7x7, double, self.branch_pool(pooled)], 1)


class ReductionB(nn.Module):
    """17 x 17 to 8 x 8."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.branch3x3_1 = ConvNorm(c_in, 192, 1)
        self.branch3x3_2 = ConvNorm(192, 320, 3, stride=2)
        self.branch7x7x3_1 = ConvNorm(c_in, 192, 1)
        self.branch7x7x3_2 = ConvNorm(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = ConvNorm(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = ConvNorm(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c_in, h, w] to [n, c_in + 512, h / 2, w / 2]."""
        branch3x3 = self.branch3x3_2(self.branch3x3_1(x))
        branch7x7x3 = self.branch7x7x3_2(self.branch7x7x3_1(x))
        branch7x7x3 = self.branch7x7x3_4(self.branch7x7x3_3(branch7x7x3))
        pooled = functional.max_pool2d(x, kernel_size=3, stride=2)
        return cat([branch3x3, branch7x7x3, pooled], 1)


class InceptionC(nn.Module):
    """8 x 8: 1x1, 3x3 split in two, two 3x3 split in two, pooling."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.branch1x1 = ConvNorm(c_in, 320, 1)
        self.branch3x3_1 = ConvNorm(c_in, 384, 1)
        self.branch3x3_2a = ConvNorm(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = ConvNorm(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = ConvNorm(c_in, 448, 1)
        self.branch3x3dbl_2 = ConvNorm(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = ConvNorm(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = ConvNorm(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = ConvNorm(c_in, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c_in, h, w] to [n, 2048, h, w]."""
        branch1x1 = self.branch1x1(x)
        single = self.branch3x3_1(x)
        single = cat([self.branch3x3_2a(single), self.branch3x3_2b(single)], 1)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        double = cat([self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)], 1)
        pooled = functional.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        return cat([branch1x1, single, double, self.branch_pool(pooled)], 1)


class InceptionV3(nn.Module):
    """23.8 million parameters, images of 299 x 299."""

    def __init__(self) -> None:
        super().__init__()
        self.stem1 = nn.Sequential(
            ConvNorm(3, 32, 3, stride=2), ConvNorm(32, 32, 3), ConvNorm(32, 64, 3, padding=1)
        )
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.stem2 = nn.Sequential(ConvNorm(64, 80, 1), ConvNorm(80, 192, 3))
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        self.mixed5 = nn.Sequential(
            InceptionA(192, 32), InceptionA(256, 64), InceptionA(288, 64), ReductionA(288)
        )
        self.mixed6 = nn.Sequential(
            InceptionB(768, 128),
            InceptionB(768, 160),
            InceptionB(768, 160),
            InceptionB(768, 192),
            ReductionB(768),
        )
        self.mixed7 = nn.Sequential(InceptionC(1280), InceptionC(2048))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout()
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Map images [n, 3, h, w] to class scores [n, 1000]."""
        x = self.maxpool1(self.stem1(x))
        x = self.maxpool2(self.stem2(x))
        x = self.mixed7(self.mixed6(self.mixed5(x)))
        result: Tensor = self.fc(self.dropout(flatten(self.avgpool(x), 1)))
        return result
