"""Speech: Whisper, recurrent models, conformer, transducer, vocoder."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class WhisperAttention(nn.Module):
    """Scaled attention; keys have no bias."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Linear(dim, dim), nn.Linear(dim, dim, bias=False)
        self.value, self.out = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x: Tensor, memory: Tensor | None = None, causal: bool = False) -> Tensor:
        source = x if memory is None else memory
        q, k, v = self.query(x), self.key(source), self.value(source)
        q, k, v = [
            t.view(t.size(0), t.size(1), self.heads, -1).permute(0, 2, 1, 3) for t in [q, k, v]
        ]
        y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
        out: Tensor = self.out(y.permute(0, 2, 1, 3).flatten(start_dim=2))
        return out


class WhisperBlock(nn.Module):
    """Self attention, cross attention if there is a memory, MLP."""

    def __init__(self, dim: int, heads: int, cross: bool) -> None:
        super().__init__()
        self.attn, self.cross_attn = WhisperAttention(dim, heads), WhisperAttention(dim, heads)
        self.attn_ln, self.cross_ln, self.mlp_ln = (nn.LayerNorm(dim) for _ in range(3))
        self.cross = cross
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        x = x + self.attn(self.attn_ln(x), None, self.cross)
        if memory is not None:
            x = x + self.cross_attn(self.cross_ln(x), memory)
        y: Tensor = x + self.mlp(self.mlp_ln(x))
        return y


class Whisper(nn.Module):
    """Convolutions over a mel spectrogram, an encoder, a decoder of tokens; arXiv:2212.04356."""

    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        dim = 32
        self.conv1 = nn.Conv1d(20, dim, 3, padding=1)
        self.conv2 = nn.Conv1d(dim, dim, 3, stride=2, padding=1)
        self.register_buffer("positions", torch.randn(20, dim))
        self.encoder = nn.ModuleList(WhisperBlock(dim, 4, False) for _ in range(2))
        self.ln_post = nn.LayerNorm(dim)
        self.token_embedding = nn.Embedding(40, dim)
        self.positional_embedding = nn.Parameter(torch.randn(12, dim))
        self.decoder = nn.ModuleList(WhisperBlock(dim, 4, True) for _ in range(2))
        self.ln = nn.LayerNorm(dim)

    def forward(self, mel: Tensor, tokens: Tensor) -> Tensor:
        x = nn.functional.gelu(self.conv1(mel))
        x = nn.functional.gelu(self.conv2(x)).permute(0, 2, 1)
        x = (x + self.positions).to(x.dtype)
        for block in self.encoder:
            x = block(x)
        memory = self.ln_post(x)
        y = self.token_embedding(tokens) + self.positional_embedding[: tokens.shape[-1]]
        for block in self.decoder:
            y = block(y, memory)
        weight = torch.transpose(self.token_embedding.weight.to(y.dtype), 0, 1)
        out: Tensor = (self.ln(y) @ weight).float()
        return out


class GruSpeech(nn.Module):
    """A bidirectional GRU over frames, log probabilities of characters."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(12, 16, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(32, 9)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.log_softmax(self.fc(self.gru(x)[0]), dim=-1)


class BidirectionalLstm(nn.Module):
    """Two bidirectional layers, batch first."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(12, 16, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(32, 9)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, (h, _) = self.lstm(x)
        return self.fc(y), h


class ProjectedLstm(nn.Module):
    """An LSTM whose state is smaller than its cell, fed with a state."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(12, 16, proj_size=6)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, (h, c) = self.lstm(x, (h, c))
        return y, h, c


class PackedLstm(nn.Module):
    """Sequences of several lengths, packed and padded again."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(12, 16, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        y, (h, _) = self.lstm(packed)
        return pad_packed_sequence(y, batch_first=True)[0], h


class PackedGru(nn.Module):
    """Sequences of several lengths through a GRU, the last states of each; two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(12, 16, num_layers=2)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        y, h = self.gru(pack_padded_sequence(x, lengths))
        return pad_packed_sequence(y, total_length=x.size(0))[0], h[-1]


class Transducer(nn.Module):
    """RNN-T: an encoder, a predictor and a joiner, decoded greedily; arXiv:1211.3711."""

    def __init__(self) -> None:
        super().__init__()
        self.blank, self.most = 0, 3
        self.encoder = nn.LSTM(12, 16)
        self.embedding = nn.Embedding(8, 16)
        self.predictor = nn.LSTMCell(16, 16)
        self.joiner = nn.Sequential(nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 8))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        frames = self.encoder(x)[0]
        state = (torch.zeros([1, 16]), torch.zeros([1, 16]))
        tokens: list[int] = [self.blank]
        total = torch.zeros([1])
        state = self.predictor(self.embedding(torch.tensor([self.blank])), state)
        for t in range(frames.size(0)):
            emitted = 0
            running = True
            while running and emitted < self.most:
                joint = self.joiner(torch.cat([frames[t], state[0]], dim=-1))
                scores = torch.log_softmax(joint, dim=-1)
                best = int(torch.argmax(scores[0]).item())
                if best == self.blank:
                    running = False
                else:
                    tokens.append(best)
                    total = total + scores[0, best]
                    state = self.predictor(self.embedding(torch.tensor([best])), state)
                    emitted += 1
        return torch.tensor(tokens), total


class ConvolutionModule(nn.Module):
    """Pointwise, gated, depthwise, pointwise."""

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(dim)
        self.sequential = nn.Sequential(
            nn.Conv1d(dim, 2 * dim, 1), nn.GLU(dim=1),
            nn.Conv1d(dim, dim, kernel, padding=(kernel - 1) // 2, groups=dim),
            nn.BatchNorm1d(dim), nn.SiLU(), nn.Conv1d(dim, dim, 1), nn.Dropout(0.1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.sequential(self.layer_norm(x).transpose(1, 2)).transpose(1, 2)
        return y


def half_step(dim: int) -> nn.Sequential:
    """A feed-forward module of a conformer."""
    return nn.Sequential(
        nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.SiLU(), nn.Dropout(0.1),
        nn.Linear(4 * dim, dim), nn.Dropout(0.1),
    )  # fmt: skip


class Conformer(nn.Module):
    """Half MLP, attention with padding, convolution, half MLP; arXiv:2005.08100."""

    def __init__(self) -> None:
        super().__init__()
        dim = 32
        self.ffn1, self.ffn2 = half_step(dim), half_step(dim)
        self.attn_norm, self.final_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.self_attn = nn.MultiheadAttention(dim, 4, batch_first=True)
        self.conv = ConvolutionModule(dim, 7)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        steps = torch.arange(x.size(1)).expand(x.size(0), x.size(1))
        padding = steps >= lengths.unsqueeze(1)
        x = x + 0.5 * self.ffn1(x)
        y = self.attn_norm(x)
        y, _ = self.self_attn(y, y, y, key_padding_mask=padding, need_weights=False)
        x = x + y
        x = x + self.conv(x)
        out: Tensor = self.final_norm(x + 0.5 * self.ffn2(x))
        return out


class ResidualUnit(nn.Module):
    """Dilated convolutions with leaky slopes; HiFi-GAN, arXiv:2010.05646."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, padding=d, dilation=d) for d in (1, 3, 5)
        )

    def forward(self, x: Tensor) -> Tensor:
        for conv in self.convs:
            x = x + conv(nn.functional.leaky_relu(x, 0.1))
        return x


class Vocoder(nn.Module):
    """A mel spectrogram becomes samples by transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_pre = nn.Conv1d(20, 16, 7, padding=3)
        self.ups = nn.ModuleList(
            [nn.ConvTranspose1d(16, 8, 8, 4, padding=2), nn.ConvTranspose1d(8, 4, 4, 2, padding=1)]
        )
        self.units = nn.ModuleList([ResidualUnit(8), ResidualUnit(4)])
        self.conv_post = nn.Conv1d(4, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_pre(x)
        for up, unit in zip(self.ups, self.units):  # noqa: B905 (TorchScript's zip)
            x = unit(up(nn.functional.leaky_relu(x, 0.1)))
        return torch.tanh(self.conv_post(nn.functional.leaky_relu(x)))
