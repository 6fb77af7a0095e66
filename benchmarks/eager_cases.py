"""The calls that `benchmarks.eager_calls` times, in groups, written for either engine as `t`.

Tensors hold 4 to 64 elements. In-place calls leave numbers as they are, or within bounds.
"""

from typing import Any

import numpy as np

CASES: dict[str, tuple[str, ...]] = {
    "creation": (
        "t.zeros(4, 4)", "t.ones(4)", "t.empty(4, 4)", "t.full((4,), 1.5)", "t.arange(16)",
        "t.arange(0, 8, 2)", "t.arange(0.0, 1.0, 0.1)", "t.linspace(0, 1, 8)", "t.eye(4)",
        "t.tensor([1.0, 2.0])", "t.tensor(1.5)", "t.zeros_like(x)", "t.ones_like(x)",
        "t.full_like(x, 2)", "t.empty_like(x)", "x.new_zeros(4)", "x.new_full((2, 2), 1.0)",
        "t.from_numpy(array)", "t.as_tensor(x)", "t.zeros(4, dtype=t.int64)", "t.tril(x)",
        "t.triu(x, 1)", "t.hann_window(8)",
    ),
    "random": (
        "t.rand(4, 4)", "t.randn(4, 4)", "t.randint(9, (4,))", "t.randint(0, 9, (4, 4))",
        "t.randperm(8)", "t.rand_like(x)", "t.randn_like(x)", "t.bernoulli(p)", "z.normal_()",
        "z.uniform_()", "t.multinomial(p[0], 2)",
    ),
    "operators": (
        "x + y", "x - y", "x * y", "x / y", "x @ y", "x + 1", "x * 2.0", "1 - x", "2 / p", "x ** 2",
        "p ** 0.5", "-x", "x == y", "x > 0", "x < y", "n % 3", "n // 3", "b & b", "~b", "b | b",
        "abs(x)", "x + v[:4]", "n + n", "n + 1",
    ),
    "in place": (
        "z *= 1.0", "z += 0.0", "z -= z0", "z += z0", "z /= 1.0", "z.add_(z0)", "z.mul_(z1)",
        "z.fill_(1.0)", "z.zero_()", "z.copy_(z1)", "z.clamp_(0, 1)", "z.relu_()",
        "z.masked_fill_(b, 1.0)", "z.t_()", "m += 0", "z.add_(z0, alpha=2)", "z.sigmoid_()",
    ),
    "indexing": (
        "x[0]", "x[0, 1]", "x[:, 1]", "x[1:3]", "x[..., 0]", "x[None]", "x[i]", "x[b]", "x[:, i]",
        "x[i, i]", "x[::2, 1:]", "v[-1]", "z[0] = 1.0", "z[:, 1] = 0.5", "z[b] = 1",
        "z[i] = 1.0", "z[0, 0] = z0[0, 0]", "z[1:3] = z0[1:3]", "z[b] = z1[b]", "x[[0, 2]]",
    ),
    "methods": (
        "x.view(16)", "x.view(2, -1)", "x.reshape(2, 8)", "x.t()", "x.T", "x.transpose(0, 1)",
        "x.permute(1, 0)", "x.unsqueeze(0)", "x[None].squeeze(0)", "x.flatten()",
        "x.expand(2, 4, 4)", "x.contiguous()", "x.t().contiguous()", "x.clone()", "x.detach()",
        "x.double()", "x.float()", "x.to(t.float64)", "x.int()", "n.float()", "x.chunk(2)",
        "x.split(2)", "x.unbind(0)", "x.narrow(0, 1, 2)", "x.select(0, 1)", "x.repeat(2, 2)",
        "x.size()", "x.size(0)", "x.shape", "x.dim()", "x.numel()", "x.stride()", "x.dtype",
        "x.is_contiguous()", "x[0, 0].item()", "x.tolist()", "x.numpy()", "x.is_floating_point()",
        "x.data_ptr()", "len(x)", "x.type_as(n)", "x.sum()", "x.sum(1)",
        "x.sum(dim=1, keepdim=True)", "x.mean()", "x.mean(-1)", "x.max()", "x.max(1)",
        "x.min(dim=0)", "x.argmax(-1)", "x.amax(1)", "x.any()", "b.all()", "x.std()", "x.var(1)",
        "x.prod()", "x.norm()", "x.cumsum(0)", "x.sort()", "x.topk(2)", "x.argsort(1)", "x.abs()",
        "x.exp()", "p.log()", "p.sqrt()", "x.sigmoid()", "x.tanh()", "x.relu()", "x.clamp(-1, 1)",
        "x.clamp(min=0)", "x.round()", "x.floor()", "x.pow(2)", "x.softmax(-1)", "x.log_softmax(1)",
        "x.masked_fill(b, 0.0)", "x.gather(1, g)", "x.index_select(0, i)", "x.scatter(1, g, 1.0)",
        "x.flip(0)", "x.roll(1, 0)", "x.diagonal()", "x.logical_not()", "b.nonzero()",
        "x.masked_select(b)", "x.equal(y)", "x.isnan()", "x.sign()", "p.rsqrt()",
    ),
    "functions": (
        "t.add(x, y)", "t.add(x, y, alpha=2)", "t.mul(x, 2)", "t.cat([x, y])", "t.cat((x, y), 1)",
        "t.cat([x, y], dim=-1)", "t.stack([x, y])", "t.where(b, x, y)", "t.where(b, x, 0.0)",
        "t.maximum(x, y)", "t.minimum(x, y)", "t.matmul(x, y)", "t.mm(x, y)", "t.mm(x, y.t())",
        "t.bmm(batch, batch)", "t.addmm(v[:4], x, y)", "t.mv(x, v[:4])", "t.dot(v, v)",
        "t.einsum('ij,jk->ik', x, y)", "t.outer(v[:4], v[:4])", "t.sum(x, dim=(0, 1))",
        "t.allclose(x, x)", "t.equal(x, y)", "t.isfinite(x)", "t.clamp(x, 0.0, 1.0)",
        "t.lerp(x, y, 0.5)", "t.atan2(x, y)", "t.erf(x)", "t.logsumexp(x, 1)", "t.cumsum(x, dim=1)",
        "t.meshgrid(v[:4], v[:4], indexing='ij')", "t.broadcast_tensors(x, v[:4])", "t.numel(x)",
        "t.is_tensor(x)", "t.unique(n)", "t.bincount(n)", "t.real(c)", "t.abs(c)", "c * c",
        "t.sum(x, 1, out=s)", "t.add(x, y, out=z)", "t.searchsorted(v2, v)", "t.tile(x, (2, 1))",
    ),
    "layers": (
        "F.relu(x)", "F.gelu(x)", "F.silu(x)", "F.leaky_relu(x, 0.1)", "F.softmax(x, dim=-1)",
        "F.log_softmax(x, -1)", "F.linear(x, y)", "F.linear(x, y, v[:4])", "F.layer_norm(x, (4,))",
        "F.layer_norm(x, [4], v[:4], v[:4])", "F.dropout(x, 0.5, False)", "F.embedding(i, x)",
        "F.one_hot(i, 4)", "F.pad(x, (1, 1))", "F.conv1d(signal, kernel1)",
        "F.conv2d(image, kernel2, padding=1)", "F.max_pool2d(image, 2)", "F.avg_pool2d(image, 2)",
        "F.adaptive_avg_pool2d(image, 1)", "F.batch_norm(image, one0, one1)",
        "F.group_norm(image, 1)", "F.interpolate(image, scale_factor=2.0)", "F.mse_loss(x, y)",
        "F.cross_entropy(x, i)", "F.normalize(x)", "F.cosine_similarity(x, y)", "F.glu(x)",
        "F.scaled_dot_product_attention(batch, batch, batch)", "F.softplus(x)", "F.l1_loss(x, y)",
    ),
    "linear algebra": (
        "t.linalg.norm(x)", "t.linalg.vector_norm(x, dim=1)", "t.linalg.det(x)", "t.linalg.inv(x)",
        "t.linalg.solve(x, y)", "t.trace(x)", "t.linalg.matrix_norm(x)", "t.linalg.cholesky(spd)",
        "t.linalg.qr(x)", "t.linalg.eigh(spd)", "t.linalg.svd(x)", "t.fft.rfft(v)", "t.fft.fft(c)",
        "t.special.expit(x)", "t.kron(x[:2, :2], x[:2, :2])",
    ),
}  # fmt: skip


def make_names(t: Any) -> dict[str, Any]:
    """What the calls name, for the engine `t`."""
    source = np.random.default_rng(0)

    def floats(*shape: int) -> Any:
        return t.from_numpy(source.standard_normal(shape).astype(np.float32))

    x, y = floats(4, 4), floats(4, 4)
    return {
        "t": t,
        "F": t.nn.functional,
        "array": np.ones(4, np.float32),
        "x": x,
        "y": y,
        "p": x.abs() / 4 + 0.1,
        "z": t.ones(4, 4),
        "z0": t.zeros(4, 4),
        "z1": t.ones(4, 4),
        "s": t.zeros(4),
        "v": floats(16),
        "v2": t.arange(16.0),
        "n": t.arange(16),
        "m": t.arange(16),
        "i": t.tensor([0, 2, 1, 3]),
        "g": t.tensor([[0, 2], [1, 3], [2, 0], [3, 3]]),
        "b": x > 0,
        "c": t.complex(floats(4, 4), floats(4, 4)),
        "spd": x @ x.t() + 4 * t.eye(4),
        "batch": floats(2, 4, 4),
        "signal": floats(1, 1, 16),
        "kernel1": floats(1, 1, 3),
        "image": floats(1, 1, 8, 8),
        "kernel2": floats(1, 1, 3, 3),
        "one0": t.zeros(1),
        "one1": t.ones(1),
    }
