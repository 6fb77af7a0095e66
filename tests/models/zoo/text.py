"""Language models: encoder, decoder with a cache, encoder and decoder."""

import math

import torch
from torch import Tensor, nn

VOCABULARY = 50


class DistilBlock(nn.Module):
    """Post-norm attention and MLP; DistilBERT, arXiv:1910.01108."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, dim // heads
        self.q_lin, self.k_lin = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.v_lin, self.out_lin = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.sa_layer_norm = nn.LayerNorm(dim, eps=1e-12)
        self.lin1, self.lin2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.output_layer_norm = nn.LayerNorm(dim, eps=1e-12)

    def shape(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), -1, self.heads, self.head_dim).transpose(1, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, dim = x.size()
        q = self.shape(self.q_lin(x)) / math.sqrt(self.head_dim)
        scores = torch.matmul(q, self.shape(self.k_lin(x)).transpose(2, 3))
        hidden = (mask == 0).view(batch, 1, 1, length).expand_as(scores)
        scores = scores.masked_fill(hidden, -3.4028234663852886e38)
        context = torch.matmul(torch.softmax(scores, dim=-1), self.shape(self.v_lin(x)))
        context = context.transpose(1, 2).contiguous().view(batch, -1, dim)
        x = self.sa_layer_norm(self.out_lin(context) + x)
        y: Tensor = self.output_layer_norm(self.lin2(nn.functional.gelu(self.lin1(x))) + x)
        return y


class DistilBert(nn.Module):
    """Embeddings, two blocks, a classifier of the first token."""

    position_ids: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, 32, padding_idx=0)
        self.position_embeddings = nn.Embedding(16, 32)
        self.norm = nn.LayerNorm(32, eps=1e-12)
        self.dropout = nn.Dropout(0.1)
        self.register_buffer("position_ids", torch.arange(16).expand((1, -1)))
        self.layers = nn.ModuleList([DistilBlock(32, 4), DistilBlock(32, 4)])
        self.pre_classifier = nn.Linear(32, 32)
        self.classifier = nn.Linear(32, 3)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        positions = self.position_embeddings(self.position_ids[:, : input_ids.size(1)])
        x = self.dropout(self.norm(self.word_embeddings(input_ids) + positions))
        for layer in self.layers:
            x = layer(x, attention_mask)
        y: Tensor = self.classifier(nn.functional.relu(self.pre_classifier(x[:, 0])))
        return y


class Bert(nn.Module):
    """Words, positions and segments, blocks as in DistilBERT, a pooler; BERT, arXiv:1810.04805."""

    position_ids: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCABULARY, 32, padding_idx=0)
        self.position_embeddings = nn.Embedding(16, 32)
        self.token_type_embeddings = nn.Embedding(2, 32)
        self.norm = nn.LayerNorm(32, eps=1e-12)
        self.register_buffer("position_ids", torch.arange(16).expand((1, -1)))
        self.layers = nn.ModuleList([DistilBlock(32, 4), DistilBlock(32, 4)])
        self.pooler = nn.Linear(32, 32)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        x = self.word_embeddings(input_ids) + self.token_type_embeddings(token_type_ids)
        x = self.norm(x + self.position_embeddings(self.position_ids[:, : input_ids.size(1)]))
        for layer in self.layers:
            x = layer(x, attention_mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


class Conv1D(nn.Module):
    """GPT-2's linear layer: the weight is [in, out]."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.nf = c_out
        self.weight = nn.Parameter(torch.randn(c_in, c_out) / math.sqrt(c_in))
        self.bias = nn.Parameter(torch.zeros(c_out))

    def forward(self, x: Tensor) -> Tensor:
        shape = x.size()[:-1] + (self.nf,)  # noqa: RUF005
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(shape)


class Gpt2Block(nn.Module):
    """Pre-norm causal attention that appends to a cache."""

    bias: Tensor

    def __init__(self, dim: int, heads: int, context: int) -> None:
        super().__init__()
        self.heads, self.dim = heads, dim
        self.ln_1, self.ln_2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.c_attn, self.c_proj = Conv1D(dim, 3 * dim), Conv1D(dim, dim)
        self.c_fc, self.mlp_proj = Conv1D(dim, 4 * dim), Conv1D(4 * dim, dim)
        causal = torch.tril(torch.ones(context, context, dtype=torch.bool))
        self.register_buffer("bias", causal.view(1, 1, context, context))

    def split(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), x.size(1), self.heads, -1).permute(0, 2, 1, 3)

    def forward(self, x: Tensor, past: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = self.c_attn(self.ln_1(x)).split(self.dim, dim=2)
        k = torch.cat((past[0], self.split(k)), dim=-2)
        v = torch.cat((past[1], self.split(v)), dim=-2)
        scores = torch.matmul(self.split(q), k.transpose(-1, -2)) / math.sqrt(v.size(-1))
        n, m = scores.size(-2), scores.size(-1)
        lowest = torch.full([], -3.4028234663852886e38, dtype=scores.dtype)
        scores = torch.where(self.bias[:, :, m - n : m, :m], scores, lowest)
        y = torch.matmul(torch.softmax(scores, -1), v).permute(0, 2, 1, 3).contiguous()
        x = x + self.c_proj(y.view(x.size()))
        y = nn.functional.gelu(self.c_fc(self.ln_2(x)), approximate="tanh")
        return x + self.mlp_proj(y), k, v


class Gpt2(nn.Module):
    """Greedy decoding: the prompt once, then one token at a time with the cache."""

    def __init__(self, steps: int = 4) -> None:
        super().__init__()
        self.steps, self.heads = steps, 4
        self.wte, self.wpe = nn.Embedding(VOCABULARY, 32), nn.Embedding(24, 32)
        self.h = nn.ModuleList([Gpt2Block(32, 4, 24), Gpt2Block(32, 4, 24)])
        self.ln_f = nn.LayerNorm(32)

    def step(
        self, ids: Tensor, past: list[tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        start = past[0][0].size(-2)
        positions = torch.arange(start, start + ids.size(1), dtype=torch.long).unsqueeze(0)
        x = self.wte(ids) + self.wpe(positions)
        present: list[tuple[Tensor, Tensor]] = []
        for i, block in enumerate(self.h):
            x, k, v = block(x, past[i])
            present.append((k, v))
        return torch.matmul(self.ln_f(x), self.wte.weight.t()), present

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        empty = torch.zeros([ids.size(0), self.heads, 0, 8])
        past = [(empty, empty) for _ in self.h]
        logits, past = self.step(ids, past)
        result = ids
        for _ in range(self.steps):
            chosen = torch.argmax(logits[:, -1, :], dim=-1, keepdim=True)
            result = torch.cat([result, chosen], dim=1)
            logits, past = self.step(chosen, past)
        return result, logits


class Gpt2UntilEnd(Gpt2):
    """Decoding that stops when every sequence has had the token of the end."""

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        empty = torch.zeros([ids.size(0), self.heads, 0, 8])
        past = [(empty, empty) for _ in self.h]
        logits, past = self.step(ids, past)
        result = ids
        ended = torch.zeros([ids.size(0), 1], dtype=torch.bool)
        while result.size(1) < 20 and not bool(ended.all()):
            chosen = torch.argmax(logits[:, -1, :], dim=-1, keepdim=True)
            chosen = torch.where(ended, torch.zeros_like(chosen), chosen)
            ended = ended | (chosen < 10)
            result = torch.cat([result, chosen], dim=1)
            logits, past = self.step(chosen, past)
        return result, logits


class RmsNorm(nn.Module):
    """T5's norm: no mean, no bias."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        variance = x.to(torch.float32).pow(2).mean(-1, keepdim=True)
        return self.weight * (x * torch.rsqrt(variance + 1e-6))


class T5Attention(nn.Module):
    """Attention without scaling, with an added position bias; T5, arXiv:1910.10683."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.v, self.o = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)

    def shape(self, x: Tensor) -> Tensor:
        return x.view(x.size(0), -1, self.heads, x.size(2) // self.heads).transpose(1, 2)

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        q, k, v = self.shape(self.q(x)), self.shape(self.k(memory)), self.shape(self.v(memory))
        weights = torch.softmax((torch.matmul(q, k.transpose(3, 2)) + bias).float(), dim=-1)
        y = torch.matmul(weights.type_as(q), v).transpose(1, 2).contiguous()
        out: Tensor = self.o(y.view(x.size(0), -1, x.size(2)))
        return out


class T5Layer(nn.Module):
    """Self attention, cross attention in the decoder, a gated MLP."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = RmsNorm(dim), RmsNorm(dim), RmsNorm(dim)
        self.attention, self.cross = T5Attention(dim, heads), T5Attention(dim, heads)
        self.wi_0 = nn.Linear(dim, 2 * dim, bias=False)
        self.wi_1 = nn.Linear(dim, 2 * dim, bias=False)
        self.wo = nn.Linear(2 * dim, dim, bias=False)

    def forward(self, x: Tensor, bias: Tensor, memory: Tensor | None) -> Tensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, bias)
        if memory is not None:
            no_bias = torch.zeros([1, 1, 1, 1], dtype=x.dtype, device=x.device)
            x = x + self.cross(self.norm2(x), memory, no_bias)
        y = self.norm3(x)
        gate = nn.functional.gelu(self.wi_0(y), approximate="tanh")
        out: Tensor = x + self.wo(gate * self.wi_1(y))
        return out


class T5(nn.Module):
    """Encoder and decoder with bucketed relative positions, one pass of teacher forcing."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Embedding(VOCABULARY, 32)
        self.encoder_bias, self.decoder_bias = nn.Embedding(8, 4), nn.Embedding(8, 4)
        self.encoder = nn.ModuleList([T5Layer(32, 4), T5Layer(32, 4)])
        self.decoder = nn.ModuleList([T5Layer(32, 4), T5Layer(32, 4)])
        self.norm_e, self.norm_d = RmsNorm(32), RmsNorm(32)
        self.lm_head = nn.Linear(32, VOCABULARY, bias=False)

    def buckets(self, length: int, both_ways: bool) -> Tensor:
        steps = torch.arange(length, dtype=torch.long)
        apart = steps[None, :] - steps[:, None]
        count = 8
        result = torch.zeros_like(apart)
        if both_ways:
            count = count // 2
            result += (apart > 0).to(torch.long) * count
            apart = torch.abs(apart)
        else:
            apart = -torch.min(apart, torch.zeros_like(apart))
        exact = count // 2
        far = torch.log(apart.float() / exact) / math.log(16 / exact) * (count - exact)
        large = torch.min(exact + far.to(torch.long), torch.full_like(apart, count - 1))
        result += torch.where(apart < exact, apart, large)
        return result

    def forward(self, ids: Tensor, decoder_ids: Tensor) -> Tensor:
        bias = self.encoder_bias(self.buckets(ids.size(1), True)).permute(2, 0, 1).unsqueeze(0)
        memory = self.shared(ids)
        for layer in self.encoder:
            memory = layer(memory, bias, None)
        memory = self.norm_e(memory)
        n = decoder_ids.size(1)
        bias = self.decoder_bias(self.buckets(n, False)).permute(2, 0, 1).unsqueeze(0)
        causal = torch.triu(torch.full([n, n], -1e9), diagonal=1)
        x = self.shared(decoder_ids)
        for layer in self.decoder:
            x = layer(x, bias + causal, memory)
        y: Tensor = self.lm_head(self.norm_d(x) * 32**-0.5)
        return y
