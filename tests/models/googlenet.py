"""GoogLeNet without its auxiliary classifiers.

Source: Szegedy et al., "Going Deeper with Convolutions" (2014), table 1, with batch norm after each
convolution in place of local response normalisation, as later versions of the net have it.
"""

from torch import Tensor, cat, flatten, nn
from torch.nn import functional


class ConvNorm(nn.Module):
    """Convolution, batch norm and ReLU."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(c_out, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c_in, h, w] to [n, c_out, h / stride, w / stride]."""
        return functional.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Four branches (1x1, 3x3, 5x5, pooling), concatenated by channel."""

    def __init__(
        self, c_in: int, b1: int, reduce3: int, b3: int, reduce5: int, b5: int, pool: int
    ) -> None:
        super().__init__()
        self.branch1 = ConvNorm(c_in, b1, 1)
        self.branch2 = nn.Sequential(ConvNorm(c_in, reduce3, 1), ConvNorm(reduce3, b3, 3))
        self.branch3 = nn.Sequential(ConvNorm(c_in, reduce5, 1), ConvNorm(reduce5, b5, 5))
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True), ConvNorm(c_in, pool, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [n, c_in, h, w] to [n, b1 + b3 + b5 + pool, h, w]."""
        outputs = [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)]
        return cat(outputs, 1)


class GoogLeNet(nn.Module):
    """7.0 million parameters and nine inception modules."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, 64, 7, stride=2)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = ConvNorm(64, 64, 1)
        self.conv3 = ConvNorm(64, 192, 3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Map images [n, 3, h, w] to class scores [n, 1000]."""
        x = self.maxpool1(self.conv1(x))
        x = self.maxpool2(self.conv3(self.conv2(x)))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        x = self.inception4c(self.inception4b(self.inception4a(x)))
        x = self.maxpool4(self.inception4e(self.inception4d(x)))
        x = self.inception5b(self.inception5a(x))
        result: Tensor = self.fc(self.dropout(flatten(self.avgpool(x), 1)))
        return result
