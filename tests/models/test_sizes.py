"""Models that are called with one size after the other: plans of templates give torch's numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

import treadle
from tests.models.zoo.table import ENTRIES
from tests.support import as_arrays, largest_deviation
from treadle.compiler import Bound
from treadle.template import Binder, Signature

pytestmark = [pytest.mark.torch, pytest.mark.native]

TOLERANCE = 1e-4  # of the largest output: float32 sums in another order
Resize = Callable[[torch.Tensor, int], torch.Tensor]


def batch(x: torch.Tensor, size: int) -> torch.Tensor:
    """`x` with `size` examples."""
    return torch.cat([x] * size)[:size]


def length(x: torch.Tensor, size: int) -> torch.Tensor:
    """`x` with `size` positions on the dim after the batch."""
    return torch.cat([x] * size, 1)[:, :size]


def image(x: torch.Tensor, size: int) -> torch.Tensor:
    """`x` with images of `size` by ``size + 3`` pixels."""
    wide = torch.cat([torch.cat([x] * size, 2)] * size, 3)
    return wide[:, :, : 8 * size, : 8 * size + 8].contiguous()


CASES: list[tuple[str, Resize]] = [
    *(
        (name, batch)
        for name in ("mobilenet_v2", "shufflenet_v2", "vit", "swin_traced", "mlp_mixer")
    ),
    *((name, batch) for name in ("distilbert", "gru_bidirectional", "unet", "point_cloud")),
    *((name, length) for name in ("distilbert", "gru_bidirectional", "wavelet", "stft_front_end")),
    *((name, image) for name in ("squeezenet", "mobilenet_v2", "densenet")),
]
SIZES: dict[Resize, tuple[int, ...]] = {
    batch: (2, 3, 5, 6, 7, 4),
    length: (6, 7, 9, 10, 8, 16),
    image: (4, 5, 6, 7, 8),
}
SPECTRA = {"wavelet": 8, "stft_front_end": 16}
"""Signals come in multiples of this."""


@pytest.fixture(autouse=True)
def _one_thread_of_torch() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("name", "resize"), CASES)
def test_agrees_with_torch_at_one_size_after_the_other(
    name: str, resize: Resize, tmp_path: Path
) -> None:
    (entry,) = (e for e in ENTRIES if e.name == name)
    archive = entry.save(tmp_path / "model.pt")
    oracle, module = torch.jit.load(str(archive)), treadle.load(str(archive))
    for size in SIZES[resize]:
        scaled = size * SPECTRA.get(name, 1) if resize is length else size
        inputs = [resize(x, scaled) for x in entry.arguments()]
        with torch.no_grad():
            expected = as_arrays(oracle(*inputs))
        actual = as_arrays(module(*(x.numpy() for x in inputs)))
        for ours, theirs in zip(actual, expected, strict=True):
            assert largest_deviation(ours, theirs) <= TOLERANCE, f"{name}, {resize.__name__} {size}"


SPEECH: dict[str, Callable[[int], tuple[torch.Tensor, ...]]] = {
    "gru_bidirectional": lambda n: (torch.randn(2, n, 12),),
    "lstm_bidirectional": lambda n: (torch.randn(2, n, 12),),
    "lstm_projected": lambda n: (
        torch.randn(n, 2, 12), torch.randn(1, 2, 6), torch.randn(1, 2, 16)
    ),
    "lstm_packed": lambda n: (torch.randn(3, n, 12), torch.tensor([n - 2, n, 2])),
    "rnnt_greedy": lambda n: (torch.randn(n, 1, 12),),
}  # fmt: skip
LENGTHS = (5, 9, 12, 17, 21, 30, 52, 41, 33, 64)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", SPEECH)
def test_speech_of_new_lengths_has_plans_of_templates(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = (e for e in ENTRIES if e.name == name)
    archive = entry.save(tmp_path / "model.pt")
    oracle, module = torch.jit.load(str(archive)), treadle.load(str(archive))
    bound: list[Signature] = []
    bind_once = Binder.bind_once

    def noted(binder: Binder, signature: Signature) -> Bound:
        bound.append(signature)
        return bind_once(binder, signature)

    monkeypatch.setattr(Binder, "bind_once", noted)
    torch.manual_seed(7)
    for number, steps in enumerate(LENGTHS):
        inputs = SPEECH[name](steps)
        bound.clear()
        actual = as_arrays(module(*(x.numpy() for x in inputs)))
        assert number < 6 or not bound, f"bound for {steps} steps"
        with torch.no_grad():
            expected = as_arrays(oracle(*inputs))
        for ours, theirs in zip(actual, expected, strict=True):
            assert largest_deviation(ours, theirs) <= TOLERANCE, f"{name}, {steps} steps"
