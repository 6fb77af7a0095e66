"""A six-layer transformer encoder of MiniLM's size: hidden 384, 12 heads, feed-forward 1536.

Source: Vaswani et al., "Attention Is All You Need" (2017), section 3, with layer norm after each
residual sum and GELU, as in BERT and in Wang et al., "MiniLM" (2020).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = 384
HEADS = 12
FEED_FORWARD = 1536
VOCABULARY = 30522
POSITIONS = 512


class Attention(nn.Module):
    """Multi-head self-attention; `fused` calls torch's one operator for the middle of it."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        self.query = nn.Linear(HIDDEN, HIDDEN)
        self.key = nn.Linear(HIDDEN, HIDDEN)
        self.value = nn.Linear(HIDDEN, HIDDEN)
        self.output = nn.Linear(HIDDEN, HIDDEN)

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), x.size(1), HEADS, HIDDEN // HEADS).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, tokens, hidden] to the same shape."""
        query = self._heads(self.query(x))
        key = self._heads(self.key(x))
        value = self._heads(self.value(x))
        if self.fused:
            mixed = functional.scaled_dot_product_attention(query, key, value)
        else:
            scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(HIDDEN // HEADS)
            mixed = torch.matmul(torch.softmax(scores, dim=-1), value)
        mixed = mixed.transpose(1, 2).contiguous().view(x.size(0), x.size(1), HIDDEN)
        result: Tensor = self.output(mixed)
        return result


class EncoderLayer(nn.Module):
    """Attention and feed-forward, each added to its input and normalised."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.attention = Attention(fused)
        self.norm1 = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.expand = nn.Linear(HIDDEN, FEED_FORWARD)
        self.reduce = nn.Linear(FEED_FORWARD, HIDDEN)
        self.norm2 = nn.LayerNorm(HIDDEN, eps=1e-12)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, tokens, hidden] to the same shape."""
        x = self.norm1(x + self.attention(x))
        expanded = functional.gelu(self.expand(x))
        result: Tensor = self.norm2(x + self.reduce(expanded))
        return result


class Encoder(nn.Module):
    """Token and position embeddings and six layers: 22.7 million parameters."""

    positions: Tensor

    def __init__(self, fused: bool = False, layers: int = 6) -> None:
        super().__init__()
        self.register_buffer("positions", torch.arange(POSITIONS).unsqueeze(0))
        self.tokens = nn.Embedding(VOCABULARY, HIDDEN)
        self.position = nn.Embedding(POSITIONS, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.dropout = nn.Dropout(0.1)
        self.layers = nn.Sequential(*(EncoderLayer(fused) for _ in range(layers)))

    def forward(self, ids: Tensor) -> Tensor:
        """Map token numbers [batch, tokens] to vectors [batch, tokens, hidden]."""
        places = self.positions[:, : ids.size(1)]
        x = self.norm(self.tokens(ids) + self.position(places))
        result: Tensor = self.layers(self.dropout(x))
        return result
