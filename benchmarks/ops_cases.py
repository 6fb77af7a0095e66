"""The calls that `benchmarks.ops` times: expressions that torch and Treadle both understand.

In an expression ``torch`` and ``F`` are the module and its ``nn.functional``, of either engine, and
``x``, ``y``, ``z`` are the operands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
OPERANDS = ("x", "y", "z")


@dataclass(frozen=True, slots=True)
class Operand:
    """A random array: floats around 0, integers from 0 to below `high`, or multiples of `step`."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    high: int = 2
    step: int = 0

    def make(self, source: np.random.Generator) -> Array:
        """Draw it."""
        if self.step:
            return np.arange(0, self.shape[0] * self.step, self.step)
        if self.dtype.startswith("int"):
            return source.integers(0, self.high, self.shape, dtype=self.dtype)
        drawn = source.standard_normal(self.shape, dtype=np.float32)
        return drawn > 0 if self.dtype == "bool" else drawn.astype(self.dtype)


def f(*shape: int) -> Operand:
    """Floats of single precision."""
    return Operand(shape)


def i(high: int, *shape: int) -> Operand:
    """Integers from 0 to below `high`."""
    return Operand(shape, "int64", high)


@dataclass(frozen=True, slots=True)
class Case:
    """One call.

    `weights` names the operands that are constants of the planned function, as a model's are.
    `traffic` is what a call must move through memory if that bounds it: ``"operands"`` (they and
    the result, once), ``"result"`` (read and written, as by gathers), or nothing.
    """

    name: str
    family: str
    expression: str
    operands: tuple[Operand, ...]
    weights: str = ""
    traffic: str = ""

    def bytes_moved(self, operands: list[Array], result_bytes: int) -> int:
        """Bytes read and written, 0 if memory is not what bounds the call."""
        if self.traffic == "result":
            return 2 * result_bytes
        return sum(a.nbytes for a in operands) + result_bytes if self.traffic else 0


def _family(family: str, *rows: tuple[Any, ...], weights: str = "") -> tuple[Case, ...]:
    """Rows are name, expression, operands; a last string says the traffic."""
    cases = []
    for name, expression, *rest in rows:
        traffic = rest.pop() if isinstance(rest[-1], str) else ""
        cases.append(Case(name, family, expression, tuple(rest), weights, traffic))
    return tuple(cases)


_M = 1 << 20
_ATTENTION = f(1, 12, 128, 64)

CASES: tuple[Case, ...] = (
    *_family(
        "pointwise",
        ("add 16", "x + y", f(16), f(16)),
        ("add 64x64", "x + y", f(64, 64), f(64, 64)),
        ("add 1M", "x + y", f(_M), f(_M)),
        ("add 16M", "x + y", f(16 * _M), f(16 * _M), "operands"),
        ("add number 1000", "x + 2.5", f(1000)),
        ("mul row 1024x1024", "x * y", f(1024, 1024), f(1024)),
        ("div column 1024x1024", "x / y", f(1024, 1024), f(1024, 1)),
        ("add int64 1M", "x + y", i(9, _M), i(9, _M)),
        ("add float16 1M", "x + y", Operand((_M,), "float16"), Operand((_M,), "float16")),
        ("relu 64x56x56", "torch.relu(x)", f(1, 64, 56, 56)),
        ("log 1M", "torch.log(x)", f(_M)),
        ("tanh 64K", "torch.tanh(x)", f(64 * 1024)),
        ("sigmoid 1M", "torch.sigmoid(x)", f(_M)),
        ("gelu 128x3072", "F.gelu(x)", f(128, 3072)),
        ("pow 1M", "torch.pow(x, 3.0)", f(_M)),
        ("clamp 1M", "torch.clamp(x, -1.0, 1.0)", f(_M)),
        ("where 1M", "torch.where(x, y, z)", Operand((_M,), "bool"), f(_M), f(_M)),
        ("compare 1M", "x > y", f(_M), f(_M)),
        ("swish chain 1M", "x * torch.sigmoid(x) + y", f(_M), f(_M)),
        ("cast to int32 1M", "x.to(torch.int32)", f(_M)),
    ),
    *_family(
        "reduction",
        ("sum 4M", "torch.sum(x)", f(4 * _M), "operands"),
        ("sum rows 1024x1024", "torch.sum(x, dim=1)", f(1024, 1024)),
        ("sum columns 1024x1024", "torch.sum(x, dim=0)", f(1024, 1024)),
        ("mean of images", "torch.mean(x, dim=[2, 3])", f(8, 64, 56, 56)),
        ("max 1M", "torch.max(x)", f(_M)),
        ("argmax 128x1000", "torch.argmax(x, dim=1)", f(128, 1000)),
        ("var 128x768", "torch.var(x, -1)", f(128, 768)),
        ("cumsum 128x1000", "torch.cumsum(x, dim=1)", f(128, 1000)),
        ("logsumexp 128x1000", "torch.logsumexp(x, dim=1)", f(128, 1000)),
    ),
    *_family(
        "softmax and norms",
        ("softmax 16", "torch.softmax(x, -1)", f(16)),
        ("softmax 128x1000", "torch.softmax(x, -1)", f(128, 1000)),
        ("softmax 12x512x512", "torch.softmax(x, -1)", f(12, 512, 512)),
        ("softmax 16Kx1024", "torch.softmax(x, -1)", f(16 * 1024, 1024), "operands"),
        ("log_softmax 128x1000", "torch.log_softmax(x, -1)", f(128, 1000)),
        ("layer_norm 128x768", "F.layer_norm(x, [768], y, z)", f(128, 768), f(768), f(768)),
        (
            "layer_norm 16Kx1024", "F.layer_norm(x, [1024], y, z)",
            f(16 * 1024, 1024), f(1024), f(1024), "operands",
        ),
        ("group_norm 64x56x56", "F.group_norm(x, 8, y, z)", f(2, 64, 56, 56), f(64), f(64)),
        (
            "batch_norm 64x56x56", "torch.batch_norm(x, y, z, z, y * y, False, 0.1, 1e-5, False)",
            f(2, 64, 56, 56), f(64), f(64),
        ),
        (
            "attention 12x128x64", "F.scaled_dot_product_attention(x, y, z)",
            _ATTENTION, _ATTENTION, _ATTENTION,
        ),
    ),
    *_family(
        "gather",
        ("index_select 32Kx256", "torch.index_select(x, 0, y)",
         f(10_000, 256), i(10_000, 32 * 1024), "result"),
        ("embedding 32Kx256", "torch.embedding(x, y)",
         f(30_000, 256), i(30_000, 32, 1024), "result"),
        ("embedding 1x128", "torch.embedding(x, y)", f(30_000, 384), i(30_000, 1, 128)),
        ("embedding_bag 2048x32", "torch.embedding_bag(x, y, z)[0]",
         f(30_000, 64), i(30_000, 2048 * 32), Operand((2048,), step=32)),
        ("gather 1024x256", "torch.gather(x, 1, y)", f(1024, 1024), i(1024, 1024, 256)),
        ("rows by index 4096x64", "x[y]", f(10_000, 64), i(10_000, 4096)),
        ("masked_fill 512x512", "x.masked_fill(y, -1.0)", f(512, 512), Operand((512, 512), "bool")),
        ("scatter_add 1024x64", "x.scatter_add(0, y, z)",
         f(1024, 64), i(1024, 1024, 64), f(1024, 64)),
    ),
    *_family(
        "product",
        ("mm 4", "torch.mm(x, y)", f(4, 4), f(4, 4)),
        ("mm 64", "torch.mm(x, y)", f(64, 64), f(64, 64)),
        ("mm 256", "torch.mm(x, y)", f(256, 256), f(256, 256)),
        ("mm 1024", "torch.mm(x, y)", f(1024, 1024), f(1024, 1024)),
        ("mm by transposed 512", "torch.mm(x, y.t())", f(512, 512), f(512, 512)),
        ("mv 2048", "torch.mv(x, y)", f(2048, 2048), f(2048)),
        ("bmm 16x128x64", "torch.bmm(x, y)", f(16, 128, 64), f(16, 64, 128)),
        ("matmul 8x128x256", "torch.matmul(x, y)", f(8, 128, 256), f(256, 256)),
    ),
    *_family(
        "linear and convolution",
        ("linear 1x768", "F.linear(x, y, z)", f(1, 768), f(3072, 768), f(3072)),
        ("linear 128x768", "F.linear(x, y, z)", f(128, 768), f(768, 768), f(768)),
        ("conv1d k3 64x1000", "F.conv1d(x, y, z, 1, 1)", f(1, 64, 1000), f(64, 64, 3), f(64)),
        ("conv2d 3x3 64x56", "F.conv2d(x, y, z, 1, 1)", f(1, 64, 56, 56), f(64, 64, 3, 3), f(64)),
        ("conv2d 3x3 256x14", "F.conv2d(x, y, None, 1, 1)", f(1, 256, 14, 14), f(256, 256, 3, 3)),
        ("conv2d 1x1 256x56", "F.conv2d(x, y)", f(1, 256, 56, 56), f(64, 256, 1, 1)),
        ("conv2d 7x7 stride 2", "F.conv2d(x, y, None, 2, 3)", f(1, 3, 224, 224), f(64, 3, 7, 7)),
        ("conv2d stride 2 128x56", "F.conv2d(x, y, None, 2, 1)",
         f(1, 128, 56, 56), f(128, 128, 3, 3)),
        ("conv2d depthwise 96x56", "F.conv2d(x, y, z, 1, 1, 1, 96)",
         f(1, 96, 56, 56), f(96, 1, 3, 3), f(96)),
        ("conv2d groups 32", "F.conv2d(x, y, None, 1, 1, 1, 32)",
         f(1, 128, 28, 28), f(128, 4, 3, 3)),
        ("conv2d batch 8 32x32", "F.conv2d(x, y, None, 1, 1)", f(8, 32, 32, 32), f(32, 32, 3, 3)),
        ("conv2d 1x8x8", "F.conv2d(x, y)", f(1, 1, 8, 8), f(4, 1, 3, 3)),
        ("conv_transpose2d 64x28", "F.conv_transpose2d(x, y, None, 2)",
         f(1, 64, 28, 28), f(64, 32, 2, 2)),
        weights="yz",
    ),
    *_family(
        "pooling",
        ("max_pool2d 3x3 64x112", "F.max_pool2d(x, 3, 2, 1)", f(1, 64, 112, 112)),
        ("avg_pool2d 2x2 64x56", "F.avg_pool2d(x, 2)", f(1, 64, 56, 56)),
        ("adaptive_avg_pool2d 512x7", "F.adaptive_avg_pool2d(x, 1)", f(8, 512, 7, 7)),
    ),
    *_family(
        "copy",
        ("cat 2x4M", "torch.cat([x, y], dim=1)", f(1024, 4096), f(1024, 4096), "operands"),
        ("cat channels 2x32x28", "torch.cat([x, y], dim=1)", f(1, 32, 28, 28), f(1, 32, 28, 28)),
        ("transpose copy 4096", "x.t().contiguous()", f(4096, 4096), "operands"),
        ("to channels last", "x.permute(0, 2, 3, 1).contiguous()", f(8, 64, 56, 56)),
        ("pad 64x56", "F.pad(x, [1, 1, 1, 1])", f(1, 64, 56, 56)),
        ("flip 512x512", "torch.flip(x, [0, 1])", f(512, 512)),
    ),
    *_family(
        "order",
        ("sort 128x1000", "torch.sort(x, dim=1)[0]", f(128, 1000)),
        ("sort 256K", "torch.sort(x)[0]", f(256 * 1024)),
        ("topk 10 of 128x10000", "torch.topk(x, 10)[0]", f(128, 10_000)),
    ),
)  # fmt: skip
