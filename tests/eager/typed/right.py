"""Calls that a type checker must take: read by mypy, and run."""

import numpy as np

import treadle
import treadle.nn.functional as F  # noqa: N812  torch's custom


def network(x: treadle.Tensor, weight: treadle.Tensor) -> treadle.Tensor:
    y = F.linear(treadle.relu(x), weight).sum(dim=1, keepdim=True)
    best, where = treadle.max(y, 0)
    scaled: treadle.Tensor = 2.0 * y - best / 3 + where.to(treadle.float32)
    scaled += 1
    low, high = scaled.chunk(2, dim=0)
    values: treadle.Tensor = low.topk(1).values
    return treadle.cat([low, high], dim=0).view(-1, 1).softmax(-1) @ values[:1].reshape(1, 1)


@treadle.script
def scaled(x: treadle.Tensor, times: int = 2) -> treadle.Tensor:
    return x * times


def run() -> float:
    images = np.ones((4, 3), np.float32)
    result = network(treadle.from_numpy(images), treadle.ones(5, 3))
    flags: treadle.Tensor = (result > 0) & ~(result == 2)
    total: float = float(result.sum())
    sizes: tuple[int, ...] = result.shape
    shuffled = treadle.permute(result, (1, 0)).permute(1, 0).float().to("cpu", treadle.float64)
    out = treadle.empty(4, 1)
    treadle.add(result, images[:, :1], alpha=2, out=out)
    pooled = F.max_pool2d(F.relu(treadle.ones(1, 1, 4, 4), inplace=True), 2, stride=(2, 2))
    again: treadle.Tensor = scaled(result, times=3) + scaled(images, 2, threads=1)
    assert scaled.input_names == ("x", "times")
    assert again.shape == (4, 3)
    assert flags.any().item()
    assert shuffled.shape == sizes
    assert pooled.numel() == 4
    return total
