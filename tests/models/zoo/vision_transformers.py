"""ViT, Swin and MLP-Mixer."""

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head self-attention from one projection."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        batch, count, dim = x.shape
        qkv = self.qkv(x).reshape(batch, count, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * self.scale) @ k.transpose(-2, -1)
        if bias is not None:
            scores = scores + bias
        x = scores.softmax(dim=-1) @ v
        y: Tensor = self.proj(x.transpose(1, 2).reshape(batch, count, dim))
        return y


class Mlp(nn.Sequential):
    """Two layers with a GELU between them."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))


class ViTBlock(nn.Module):
    """Norms first, attention, MLP."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class ViT(nn.Module):
    """Patches, a class token, learned positions; arXiv:2010.11929."""

    def __init__(self) -> None:
        super().__init__()
        dim = 32
        self.patches = nn.Conv2d(3, dim, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, dim))
        self.positions = nn.Parameter(torch.randn(1, 17, dim))
        self.blocks = nn.Sequential(ViTBlock(dim, 4), ViTBlock(dim, 4))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        y: Tensor = self.head(self.norm(self.blocks(x))[:, 0])
        return y


def windows(x: Tensor, size: int) -> Tensor:
    """Square windows of an image, each a row of tokens."""
    b, h, w, c = x.shape
    x = x.view(b, h // size, size, w // size, size, c)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, size * size, c)


def unwindowed(x: Tensor, size: int, b: int, h: int, w: int) -> Tensor:
    """The image of its windows."""
    x = x.view(b, h // size, w // size, size, size, -1)
    return x.permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, -1)


class SwinBlock(nn.Module):
    """Attention in windows, shifted by roll, with relative positions; arXiv:2103.14030."""

    index: Tensor

    def __init__(self, dim: int, heads: int, size: int, shift: int) -> None:
        super().__init__()
        self.size, self.shift, self.heads = size, shift, heads
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, 2 * dim)
        self.bias_table = nn.Parameter(torch.randn((2 * size - 1) ** 2, heads))
        grid = torch.stack(torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij"))
        apart = grid.flatten(1)[:, :, None] - grid.flatten(1)[:, None, :] + size - 1
        self.register_buffer("index", (apart[0] * (2 * size - 1) + apart[1]).view(-1))

    def mask(self, h: int, w: int) -> Tensor:
        regions = torch.zeros([1, h, w, 1])
        count = 0
        for rows in [(0, h - self.size), (h - self.size, h - self.shift), (h - self.shift, h)]:
            for cols in [(0, w - self.size), (w - self.size, w - self.shift), (w - self.shift, w)]:
                regions[:, rows[0] : rows[1], cols[0] : cols[1]] = float(count)
                count += 1
        marks = windows(regions, self.size).squeeze(2)
        apart = marks.unsqueeze(1) - marks.unsqueeze(2)
        return apart.masked_fill(apart != 0, -100.0).masked_fill(apart == 0, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        b, h, w, _ = x.shape
        area = self.size * self.size
        bias = self.bias_table[self.index].view(area, area, -1).permute(2, 0, 1).unsqueeze(0)
        y = self.norm1(x)
        if self.shift > 0:
            y = torch.roll(y, shifts=(-self.shift, -self.shift), dims=(1, 2))
            bias = bias + self.mask(h, w).unsqueeze(1).repeat(b, 1, 1, 1)
        y = unwindowed(self.attention(windows(y, self.size), bias), self.size, b, h, w)
        if self.shift > 0:
            y = torch.roll(y, shifts=(self.shift, self.shift), dims=(1, 2))
        x = x + y
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class PatchMerging(nn.Module):
    """Four neighbours side by side, projected to twice the channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.pad(x, [0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2])
        parts = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        y: Tensor = self.reduction(self.norm(torch.cat(parts, -1)))
        return y


class Swin(nn.Module):
    """Two stages of plain and shifted windows."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.blocks = nn.Sequential(
            SwinBlock(16, 2, 4, 0), SwinBlock(16, 2, 4, 2), PatchMerging(16), SwinBlock(32, 4, 4, 0)
        )
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.blocks(self.patches(x).permute(0, 2, 3, 1)))
        y: Tensor = self.head(x.permute(0, 3, 1, 2).mean([2, 3]))
        return y


class MixerBlock(nn.Module):
    """An MLP over tokens, one over channels; arXiv:2105.01601."""

    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.token_mlp, self.channel_mlp = Mlp(tokens, 2 * tokens), Mlp(dim, 2 * dim)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.token_mlp(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        y: Tensor = x + self.channel_mlp(self.norm2(x))
        return y


class MlpMixer(nn.Module):
    """Patches, mixer blocks, a mean over tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 24, 8, 8)
        self.blocks = nn.Sequential(MixerBlock(16, 24), MixerBlock(16, 24), nn.LayerNorm(24))
        self.head = nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.blocks(self.patches(x).flatten(2).transpose(1, 2)).mean(1))
        return y
