"""Networks that call torchvision's operators: a two-stage detector, deformable convolutions."""

import torch
from torch import Tensor, nn

import tests.torchvision_ops  # noqa: F401  (operators of torch.ops.torchvision)


class LevelMapper:
    """Which of two feature maps suits a box, by its size."""

    def __init__(self, side: float) -> None:
        self.side = side

    def __call__(self, boxes: Tensor) -> Tensor:
        sides = torch.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
        return (sides > self.side).to(torch.int64)


class Detector(nn.Module):
    """Images to boxes, classes and scores: proposals, suppression, pooled features, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.deeper = nn.Sequential(nn.Conv2d(8, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU())
        self.proposals = nn.Conv2d(8, 5, 1)
        self.head = nn.Sequential(nn.Linear(8 * 9, 16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        fine = self.stem(images)
        coarse = self.deeper(fine)
        boxes, scores = self.propose(coarse)
        kept = torch.ops.torchvision.nms(boxes, scores, 0.5)[:20]
        boxes = boxes[kept]
        levels = LevelMapper(12.0)(boxes)
        pooled = torch.zeros(boxes.size(0), 8, 3, 3)
        for level, features in enumerate([fine, coarse]):
            chosen = torch.where(levels == level)[0]
            rois = torch.cat([torch.zeros(chosen.size(0), 1), boxes[chosen]], 1)
            share = torch.tensor(features.size(2) / images.size(2))
            scale = 2.0 ** float(share.log2().round())
            pooled[chosen] = torch.ops.torchvision.roi_align(features, rois, scale, 3, 3, 2, False)
        best, classes = self.head(pooled.flatten(1)).softmax(1).max(1)
        return boxes, classes, best

    def propose(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """A box around each pixel, and its score."""
        height, width = features.size(2), features.size(3)
        maps = self.proposals(features)[0].flatten(1)
        rows = torch.arange(height).unsqueeze(1).expand(height, width).flatten() * 4.0 + 2.0
        columns = torch.arange(width).unsqueeze(0).expand(height, width).flatten() * 4.0 + 2.0
        sides = torch.exp(maps[2:4].clamp(max=2.0)) * 8.0
        x, y = columns + maps[0], rows + maps[1]
        corners = [x - sides[0] / 2, y - sides[1] / 2, x + sides[0] / 2, y + sides[1] / 2]
        return torch.stack(corners, 1), maps[4]


class DeformableNet(nn.Module):
    """A modulated deformable convolution between plain ones."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.offsets = nn.Conv2d(8, 18, 3, 1, 1)
        self.mask = nn.Conv2d(8, 9, 3, 1, 1)
        self.weight = nn.Parameter(torch.randn(6, 8, 3, 3) * 0.1)
        self.bias = nn.Parameter(torch.randn(6))

    def forward(self, images: Tensor) -> Tensor:
        x = torch.relu(self.stem(images))
        mask = torch.sigmoid(self.mask(x))
        y = torch.ops.torchvision.deform_conv2d(
            x, self.weight, self.offsets(x), mask, self.bias, 1, 1, 1, 1, 1, 1, 1, 1, True
        )
        result: Tensor = torch.relu(y)
        return result
