"""Random modules of torch: layers, branches, loops, views and writes into them, forks, lists.

Every image in a module has the shape of its argument, so that lines follow each other in any order.
"""

from __future__ import annotations

import itertools
import linecache
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn

LAYERS = (
    "nn.Conv2d(4, 4, 3, padding=1)", "nn.Conv2d(4, 4, 1)",
    "nn.Conv2d(4, 4, 3, padding=2, dilation=2)", "nn.Conv2d(4, 4, 5, padding=2, groups=4)",
    "nn.Conv2d(4, 4, (1, 3), padding=(0, 1), groups=2)",
    "nn.Conv2d(4, 4, 3, padding=1, padding_mode='circular', bias=False)",
    "nn.ConvTranspose2d(4, 4, 3, padding=1)", "nn.BatchNorm2d(4)", "nn.GroupNorm(2, 4)",
    "nn.InstanceNorm2d(4, affine=True)", "nn.MaxPool2d(3, 1, 1)", "nn.AvgPool2d(3, 1, 1)",
    "nn.LPPool2d(2, 1)", "nn.ReLU()", "nn.GELU()", "nn.SiLU(inplace=True)", "nn.Hardswish()",
    "nn.ReLU6(inplace=True)", "nn.PReLU(4)", "nn.ELU(0.5)", "nn.LeakyReLU(0.2, inplace=True)",
    "nn.Softplus()", "nn.Mish()", "nn.Tanh()", "nn.Sigmoid()", "nn.Dropout2d()", "nn.Softmax2d()",
    "nn.Sequential(nn.Conv2d(4, 8, 1), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 3, padding=1))",
    "nn.Sequential(nn.PixelShuffle(2), nn.PixelUnshuffle(2))",
    "nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Hardtanh())",
)  # fmt: skip
TOKEN_LAYERS = (
    "nn.Linear(4, 4)", "nn.LayerNorm(4)", "nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)",
    "nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4))", "nn.Softmax(1)",
    "nn.LogSoftmax(-1)", "nn.RMSNorm(4)",
)  # fmt: skip
SIMPLE = (
    "a = {layer}(a)", "b = {layer}(b)", "a = a + {layer}(b)", "a = {layer}(a * 0.5)",
    "b = {layer}(c)", "c = {layer}(a - b)",
    "a = {token}(a.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(a.shape)",
    "b = {token}(b.permute(0, 2, 3, 1).flatten(1, 2)).view(b.size(0), b.size(2), -1, "
    "4).permute(0, 3, 1, 2)",
    "a = {rnn}(a.flatten(2).transpose(1, 2))[0].transpose(1, 2).reshape(a.shape)", "a = a + b",
    "b = a * b.mean((2, 3), keepdim=True)", "c = a - b.amax(1, keepdim=True)", "a, b = b, a",
    "c = a", "b = a.clone()", "a = torch.where(a > b, a, c * 0.5)", "c = b.neg()",
    "a = torch.maximum(a, c).clamp(-2.0, 2.0)", "b = torch.cat([a[:, :2], b[:, 2:]], 1)",
    "b = torch.stack([a, c], 1).mean(1)", "xs.append(a)", "xs[-1] = b", "a = xs[0] * 1",
    "b = xs[-1]", "c = torch.cat(xs, 1)[:, -4:]", "a += 0.25", "a.mul_(0.5)",
    "b.add_(c).clamp_(-3.0, 3.0)", "a[:, 1:3] += b[:, :2]", "b[:, :, ::2] = 0.5", "c = a.clone()",
    "a[0] = b[-1]", "v = a[:, 1]", "v = b[:, :, 0]", "v = c.flatten(1)", "v.mul_(0.5)",
    "v = v.tanh()", "a = a + v.mean()", "v[0] = 0.125",
    "c = a.transpose(2, 3).contiguous().transpose(2, 3)", "c = a.flip(3)", "c = b.roll(1, 2)",
    "a = F.pad(a, [1, 1, 0, 0])[:, :, :, 2:]",
    "b = F.pad(b, [1, 0, 0, 1], value=1.0)[:, :, 1:, 1:]",
    "c = F.interpolate(a, scale_factor=2.0, mode='nearest')[:, :, ::2, ::2]",
    "b = F.interpolate(F.avg_pool2d(b, 2, ceil_mode=True), size=[b.size(2), b.size(3)], "
    "mode='bilinear', align_corners=False)",
    "a = F.adaptive_avg_pool2d(a, 1).expand_as(a)",
    "c = a * torch.sigmoid(F.adaptive_max_pool2d(c, 1))",
    "a = torch.einsum('nchw,nchv->nchw', a, b) * 0.1", "b = F.normalize(b, dim=1)",
    "c = (a.flatten(2) @ b.flatten(2).transpose(1, 2)).softmax(-1) @ "
    "c.flatten(2).reshape(c.size(0), 4, -1)",
    "c = c.reshape(a.shape)", "p, q = a.chunk(2, 1)", "a = torch.cat([q, p], 1)",
    "p = p * q.sigmoid()", "a = a.cumsum(2) * 0.25", "b = b.sort(3)[0]",
    "a = a.gather(1, b.argsort(1))", "b = b.masked_fill(a > 0.5, 0.0)",
    "a = a + F.one_hot(b.argmax(1), 4).permute(0, 3, 1, 2)",
    "c = a.topk(1, 1)[0].expand(-1, 4, -1, -1)", "k += a.size(3) % 3", "a = a * (k % 3 + 1)",
    "r = r * 0.5 + 0.25", "b = b * r", "a = a.to(torch.float64).to(b.dtype)", "self.last = a",
    "a = a + self.last.mean()", "a = F.scaled_dot_product_attention(a, b, c)",
    "v = a.diagonal(dim1=2, dim2=3)", "b = b / (1.0 + b.abs().sum(1, keepdim=True))",
    "a = a.unfold(3, 1, 1).squeeze(-1)",
    "c = torch.zeros_like(a) + a.var(1, unbiased=False, keepdim=True)",
    "a = a.contiguous(memory_format=torch.channels_last)",
    "f = torch.jit.fork(self.side, a.clone())", "b = torch.jit.wait(f)", "c = self.side(c)",
    "a = a.view(a.size(0), 2, 2, a.size(2), a.size(3)).transpose(1, 2).reshape(a.shape)",
)  # fmt: skip
HEADS = (
    "for i in range({n}):", "if a.size(2) > 5:", "if k % 2 == 0:", "if a.size(0) == a.size(3):",
    "for i in range(min(a.size(3), {n})):", "if bool(a.mean() > 0.0123):", "if self.training:",
    "while k < {n}:", "for x in xs[:{n}]:", "if len(xs) > 2:",
)  # fmt: skip
RESULTS = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, int]
numbers = itertools.count()


@st.composite
def bodies(draw: Any, depth: int = 0) -> list[str]:
    """Lines of ``forward``; layers are still to be filled in."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 6 if depth else 10))):
        if depth < 2 and draw(st.integers(0, 7)) == 0:
            head = draw(st.sampled_from(HEADS)).format(n=draw(st.integers(0, 4)))
            first = ["    k += 1"] if head.startswith("while") else []
            lines += [head, *first, *(f"    {line}" for line in draw(bodies(depth + 1)))]
        else:
            line = draw(st.sampled_from(SIMPLE))
            for kind, layers in (("layer", LAYERS), ("token", TOKEN_LAYERS)):
                if f"{{{kind}}}" in line:
                    line = line.replace(f"{{{kind}}}", f"<{draw(st.sampled_from(layers))}>")
            rnn = draw(st.sampled_from(("nn.LSTM(4, 4", "nn.GRU(4, 4")))
            lines.append(line.replace("{rnn}", f"<{rnn}, batch_first=True)>"))
    return lines


def source_of(lines: list[str]) -> str:
    """The source of a module with that ``forward``."""
    made: list[str] = []
    body = []
    for line in lines:
        before, mark, rest = line.partition("<")
        layer, end, after = rest.rpartition(">") if "nn." in rest else ("", "", "")
        if mark and end:
            made.append(f"        self.m{len(made)} = {layer}\n")
            line = f"{before}self.m{len(made) - 1}{after}"
        body.append(f"        {line}\n")
    return (
        "class Random(nn.Module):\n"
        "    def __init__(self) -> None:\n"
        "        super().__init__()\n"
        "        self.register_buffer('last', torch.zeros(1))\n"
        "        self.side_layer = nn.Conv2d(4, 4, 3, padding=1)\n"
        f"{''.join(made)}"
        "    def side(self, x: Tensor) -> Tensor:\n"
        "        return self.side_layer(x).relu_() + x\n"
        "    def forward(self, a: Tensor, b: Tensor) -> Results:\n"
        "        c, v, k, r = a * 2, b[:, 0], 0, 1.0\n"
        "        p, q = a[:, :2], b[:, 2:]\n"
        "        xs = [b]\n"
        "        f = torch.jit.fork(self.side, a + b)\n"
        f"{''.join(body)}"
        "        return a, b + torch.jit.wait(f), c, v + p.mean() - q.mean(), k + len(xs)\n"
    )


def module_of(source: str) -> nn.Module:
    """The module of a source, with random weights, in eval mode."""
    file = f"<random module {next(numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {
        "torch": torch, "Tensor": torch.Tensor, "nn": nn, "F": nn.functional, "Results": RESULTS,
        "__name__": "random_modules",
    }  # fmt: skip
    exec(compile(source, file, "exec", dont_inherit=True), names)
    module: nn.Module = names["Random"]()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert part.running_mean is not None
            assert part.running_var is not None
            part.running_mean.normal_(std=0.1)
            part.running_var.uniform_(0.5, 1.5)
    return module.eval()
