"""What `benchmarks.numerics` examines: functions by torch's names, and where their inputs lie."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
LIMIT = 1.5
POINTS = 1 << 20


def everywhere(source: np.random.Generator) -> Array:
    """Floats of all sizes and both signs, and as many around zero."""
    bits = source.integers(0, 1 << 32, POINTS // 2, dtype=np.uint32).view(np.float32)
    near = source.uniform(-20, 20, POINTS // 2).astype(np.float32)
    return np.concatenate([bits[np.isfinite(bits)], near])


def positive(source: np.random.Generator) -> Array:
    """Positive floats of all sizes, and as many around one."""
    return np.concatenate([np.abs(everywhere(source)), source.uniform(0.5, 2, POINTS // 4)])


def between(low: float, high: float) -> Callable[[np.random.Generator], Array]:
    """Uniform floats, and some near zero."""

    def draw(source: np.random.Generator) -> Array:
        small = np.ldexp(source.uniform(-1, 1, POINTS // 4), source.integers(-30, 1, POINTS // 4))
        inside = small[(small > low) & (small < high)]
        return np.concatenate([source.uniform(low, high, POINTS // 2), inside])

    return draw


@dataclass(frozen=True, slots=True)
class Case:
    """A function of tensors, written for torch's names; `elements` if its results do not cancel."""

    name: str
    call: Callable[..., Any]
    draw: Callable[[np.random.Generator], Sequence[Array]]
    elements: bool = True
    limit: float = math.inf


def _unary(name: str, draw: Callable[[np.random.Generator], Array], limit: float = LIMIT) -> Case:
    return Case(name, _called(name), lambda s: [draw(s)], limit=limit)


def _called(name: str) -> Callable[..., Any]:
    return lambda t, x: getattr(t, name)(x)


def _layer(name: str, draw: Callable[[np.random.Generator], Array]) -> Case:
    return Case(name, lambda t, x: getattr(t.nn.functional, name)(x), lambda s: [draw(s)])


def _special(name: str, draw: Callable[[np.random.Generator], Array]) -> Case:
    return Case(f"special.{name}", lambda t, x: getattr(t.special, name)(x), lambda s: [draw(s)])


def _pair(name: str) -> Case:
    """A function of two tensors that is rounded once."""
    draw = _normal((POINTS,), (POINTS,))
    return Case(name, lambda t, x, y: getattr(t, name)(x, y), draw, limit=0.5)


def _normal(*shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Sequence[Array]]:
    return lambda source: [source.standard_normal(shape) for shape in shapes]


def _sums(name: str, call: Callable[..., Any], *shapes: tuple[int, ...]) -> Case:
    return Case(name, call, _normal(*shapes), elements=False)


def _resized(mode: str) -> Case:
    """An image made larger."""

    def call(t: Any, x: Any) -> Any:
        return t.nn.functional.interpolate(x, scale_factor=1.7, mode=mode)

    return _sums(f"interpolate, {mode}", call, (2, 8, 23, 23))


_ALL, _UNIT = everywhere, between(-1, 1)
CASES: tuple[Case, ...] = (
    *(_unary(n, _ALL) for n in ("exp", "exp2", "expm1", "tanh", "sigmoid", "erf", "atan", "asinh")),
    *(_unary(n, positive) for n in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt")),
    *(_unary(n, between(-100, 100)) for n in ("sin", "cos", "tan")),
    *(_unary(n, _UNIT) for n in ("asin", "acos", "atanh", "erfinv")),
    *(_unary(n, between(-80, 80)) for n in ("sinh", "cosh")),
    _unary("acosh", between(1, 1e6)),
    Case("acosh, near 1", _called("acosh"), lambda s: [1 + between(0, 1)(s)], limit=LIMIT),
    _unary("erfc", between(-3, 9), math.inf),
    _unary("lgamma", between(3, 50), math.inf),
    _unary("digamma", between(2, 50), math.inf),
    _unary("reciprocal", _ALL, 0.5),
    *(
        Case(f"{n}, of all sizes", _called(n), lambda s: [everywhere(s)], limit=LIMIT)
        for n in ("sin", "cos", "tan")
    ),
    Case("log1p, small", lambda t, x: t.log1p(x), lambda s: [between(-0.9, 1)(s)], limit=LIMIT),
    Case(
        "pow", lambda t, x, y: t.pow(x, y),
        lambda s: [s.uniform(1e-3, 100, POINTS), s.uniform(-8, 8, POINTS)], limit=LIMIT,
    ),
    Case(
        "atan2", lambda t, x, y: t.atan2(x, y),
        lambda s: [s.standard_normal(POINTS), s.standard_normal(POINTS)], limit=LIMIT,
    ),
    Case(
        "div", lambda t, x, y: t.div(x, y),
        lambda s: [s.standard_normal(POINTS), s.standard_normal(POINTS)], limit=0.5,
    ),
    Case("logaddexp", lambda t, x, y: t.logaddexp(x, y), _normal((POINTS,), (POINTS,))),
    *(_layer(n, between(-12, 12)) for n in ("silu", "softplus", "mish", "elu", "selu")),
    _layer("gelu", between(-3, 12)),
    _layer("logsigmoid", between(-30, 30)),
    Case("softmax", lambda t, x: t.softmax(x, -1), _normal((256, 1000))),
    Case("log_softmax", lambda t, x: t.log_softmax(x, -1), _normal((256, 1000))),
    _sums("logsumexp", lambda t, x: t.logsumexp(x, -1), (256, 1000)),
    _sums("sum of rows", lambda t, x: t.sum(x, -1), (256, 10_000)),
    _sums("sum of columns", lambda t, x: t.sum(x, 0), (10_000, 256)),
    _sums("sum of all", lambda t, x: t.sum(x * x).reshape(1), (1000, 1000)),
    _sums("mean", lambda t, x: t.mean(x + 5.0, -1), (256, 10_000)),
    _sums("var", lambda t, x: t.var(x + 100.0, -1), (256, 1000)),
    _sums("norm", lambda t, x: t.norm(x, 2, -1), (256, 1000)),
    _sums("prod", lambda t, x: t.prod(1.0 + x * 0.01, -1), (256, 100)),
    _sums("cumsum", lambda t, x: t.cumsum(x, -1), (64, 4096)),
    _sums("layer_norm", lambda t, x: t.nn.functional.layer_norm(x + 3.0, [768]), (128, 768)),
    _sums("group_norm", lambda t, x: t.nn.functional.group_norm(x, 4), (4, 32, 28, 28)),
    _sums("mm", lambda t, x, y: t.mm(x, y), (256, 1024), (1024, 256)),
    _sums("linear", lambda t, x, y: t.nn.functional.linear(x, y), (128, 768), (768, 768)),
    _sums(
        "conv2d 3x3", lambda t, x, y: t.conv2d(x, y, None, 1, 1), (1, 64, 28, 28), (64, 64, 3, 3)
    ),
    _sums(
        "attention", lambda t, q, k, v: t.nn.functional.scaled_dot_product_attention(q, k, v),
        (1, 4, 64, 64), (1, 4, 64, 64), (1, 4, 64, 64),
    ),
    *(_pair(n) for n in ("add", "sub", "mul", "maximum", "minimum", "fmod", "remainder")),
    Case("hypot", lambda t, x, y: t.hypot(x, y), _normal((POINTS,), (POINTS,)), limit=LIMIT),
    Case("logaddexp2", lambda t, x, y: t.logaddexp2(x, y), _normal((POINTS,), (POINTS,)), False),
    Case(
        "xlogy", lambda t, x, y: t.xlogy(x, y),
        lambda s: [s.standard_normal(POINTS), s.uniform(1e-6, 10, POINTS)], limit=2.0,
    ),
    Case("addcmul", lambda t, x, y, z: t.addcmul(x, y, z), _normal(*[(POINTS,)] * 3), False),
    Case(
        "addcdiv", lambda t, x, y, z: t.addcdiv(x, y, z),
        lambda s: [*(s.standard_normal(POINTS) for _ in range(2)), s.uniform(0.5, 2, POINTS)],
        False,
    ),
    Case("lerp", lambda t, x, y: t.lerp(x, y, 0.3), _normal((POINTS,), (POINTS,)), False),
    *(_layer(n, between(-12, 12)) for n in ("leaky_relu", "hardswish", "hardsigmoid", "celu")),
    *(_layer(n, between(-12, 12)) for n in ("softsign", "relu6")),
    *(_unary(n, between(-30, 30), math.inf) for n in ("sinc", "i0", "deg2rad", "frac")),
    _unary("logit", between(0.001, 0.999), math.inf),
    *(
        _special(n, d)
        for n, d in (
            ("i0e", between(-30, 30)), ("i1", between(-30, 30)), ("i1e", between(-30, 30)),
            ("ndtr", between(-5, 5)), ("log_ndtr", between(-8, 5)), ("ndtri", between(0.01, 0.99)),
            ("entr", between(0, 10)), ("erfcx", between(-3, 20)), ("expit", between(-12, 12)),
        )
    ),
    Case(
        "polygamma", lambda t, x: t.polygamma(1, x), lambda s: [s.uniform(0.5, 20, POINTS)], False
    ),
    Case("zeta", lambda t, x: t.special.zeta(x, x), lambda s: [s.uniform(1.5, 10, POINTS)], False),
    _sums("std", lambda t, x: t.std(x + 100.0, -1), (256, 1000)),
    _sums("nansum", lambda t, x: t.nansum(x, -1), (256, 1000)),
    _sums("cumprod", lambda t, x: t.cumprod(1.0 + x * 0.01, -1), (64, 256)),
    _sums("logcumsumexp", lambda t, x: t.logcumsumexp(x, -1), (64, 1000)),
    _sums("linalg.norm, 3", lambda t, x: t.linalg.vector_norm(x, 3, -1), (256, 1000)),
    _sums("cosine_similarity", lambda t, x, y: t.cosine_similarity(x, y), *[(256, 700)] * 2),
    _sums("cdist", lambda t, x, y: t.cdist(x, y), (1, 60, 48), (1, 50, 48)),
    _sums("pdist", lambda t, x: t.pdist(x), (60, 48)),
    _sums("bmm", lambda t, x, y: t.bmm(x, y), (4, 64, 300), (4, 300, 64)),
    _sums("addmm", lambda t, b, x, y: t.addmm(b, x, y), (64,), (128, 512), (512, 64)),
    _sums("einsum", lambda t, x, y: t.einsum("bij,bkj->bik", x, y), *[(4, 64, 300)] * 2),
    _sums("conv1d", lambda t, x, y: t.conv1d(x, y, None, 2, 3), (2, 32, 200), (48, 32, 7)),
    _sums("conv3d", lambda t, x, y: t.conv3d(x, y), (1, 8, 9, 9, 9), (16, 8, 3, 3, 3)),
    _sums(
        "conv2d, depthwise", lambda t, x, y: t.conv2d(x, y, None, 1, 1, 1, 32),
        (1, 32, 28, 28), (32, 1, 3, 3),
    ),
    _sums(
        "conv_transpose2d", lambda t, x, y: t.conv_transpose2d(x, y, None, 2, 1),
        (1, 32, 14, 14), (32, 16, 4, 4),
    ),
    _sums(
        "batch_norm",
        lambda t, x, m, v, w, b: t.nn.functional.batch_norm(x, m, v * v + 0.5, w, b),
        (4, 32, 14, 14), *[(32,)] * 4,
    ),
    _sums("instance_norm", lambda t, x: t.nn.functional.instance_norm(x + 3.0), (4, 8, 28, 28)),
    _sums("rms_norm", lambda t, x: t.nn.functional.rms_norm(x, [768]), (128, 768)),
    _sums("avg_pool2d", lambda t, x: t.nn.functional.avg_pool2d(x, 3, 2, 1), (2, 16, 29, 29)),
    _sums("avg_pool3d", lambda t, x: t.nn.functional.avg_pool3d(x, 3), (1, 4, 12, 12, 12)),
    _sums(
        "adaptive_avg_pool2d", lambda t, x: t.nn.functional.adaptive_avg_pool2d(x, 5),
        (2, 16, 29, 29),
    ),
    *(_resized(mode) for mode in ("bilinear", "bicubic")),
    _sums(
        "grid_sample",
        lambda t, x, g: t.nn.functional.grid_sample(x, t.tanh(g), align_corners=False),
        (2, 8, 20, 20), (2, 16, 16, 2),
    ),
    _sums("fold", lambda t, x: t.nn.functional.fold(x, (12, 12), 3), (2, 36, 100)),
    _sums("rfft", lambda t, x: t.view_as_real(t.fft.rfft(x)), (16, 1000)),
    _sums("irfft", lambda t, x: t.fft.irfft(t.view_as_complex(x)), (16, 501, 2)),
    _sums("mse_loss", lambda t, x, y: t.nn.functional.mse_loss(x, y).reshape(1), *[(999, 99)] * 2),
    _sums(
        "cross_entropy",
        lambda t, x: t.nn.functional.cross_entropy(x, t.softmax(x, 1)).reshape(1), (256, 1000),
    ),
)  # fmt: skip
