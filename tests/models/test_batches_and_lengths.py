"""Every architecture in other batches, odd images, sequences of one step: one module for all."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import treadle
from tests.models.agreement import as_argument
from tests.models.zoo.table import ENTRIES
from tests.support import as_arrays, largest_deviation
from treadle.interpreter import regions

pytestmark = [
    pytest.mark.torch,
    pytest.mark.native,
    pytest.mark.filterwarnings("ignore:LSTM with projections"),
]

TOLERANCE = 1e-4  # of the largest output: float32 sums in another order
Inputs = tuple[Any, ...]


def shapes(*given: tuple[int, ...]) -> list[Callable[[], Inputs]]:
    """Inputs of one tensor each."""
    return [lambda shape=shape: (torch.randn(shape),) for shape in given]  # type: ignore[misc]


def tokens(*shape: int) -> torch.Tensor:
    return torch.randint(1, 40, shape)


def bags(batch: int) -> Inputs:
    """Dense features, indices and offsets of three tables."""
    offsets = [torch.arange(batch) * step for step in (0, 1, 2)]
    return torch.randn(batch, 6), [torch.randint(0, 10, (2 * batch,)) for _ in range(3)], offsets


def recurrent(steps: int, batch: int) -> Inputs:
    return torch.randn(steps, batch, 12), torch.randn(1, batch, 6), torch.randn(1, batch, 16)


ODD_IMAGES = shapes((3, 3, 39, 45), (1, 3, 33, 61))
SPEECH = shapes((1, 1, 12), (3, 17, 12))
OTHERS: dict[str, list[Callable[[], Inputs]]] = {
    **dict.fromkeys(
        ("mobilenet_v2", "efficientnet", "squeezenet", "shufflenet_v2", "densenet", "regnet",
         "convnext", "fcn", "deeplab_v3"),
        ODD_IMAGES,
    ),
    **dict.fromkeys(
        ("vit", "vit_traced", "swin", "swin_traced", "mlp_mixer"), shapes((3, 3, 32, 32))
    ),
    "unet": shapes((3, 1, 27, 33), (1, 1, 16, 17)),
    "optical_flow": [lambda: (torch.randn(3, 3, 32, 40), torch.randn(3, 3, 32, 40))],
    "distilbert": [
        lambda: (tokens(1, 1), torch.ones(1, 1, dtype=torch.long)),
        lambda: (tokens(3, 15), torch.arange(15).lt(torch.tensor([[15], [1], [9]])).long()),
    ],
    "bert": [
        lambda: (tokens(1, 1), torch.ones(1, 1, dtype=torch.long)),
        lambda: (tokens(3, 16), torch.arange(16).lt(torch.tensor([[1], [16], [7]])).long()),
    ],
    "gpt2_until_end": [lambda: (tokens(1, 1),), lambda: (tokens(3, 17),)],
    "gpt2_decode": [lambda: (tokens(1, 1),), lambda: (tokens(3, 17),)],
    "t5": [lambda: (tokens(1, 1), tokens(1, 1)), lambda: (tokens(3, 17), tokens(3, 7))],
    "whisper": [
        lambda: (torch.randn(3, 20, 40), tokens(3, 1)),
        lambda: (torch.randn(1, 20, 40), tokens(1, 9)),
    ],
    "gru_bidirectional": SPEECH,
    "lstm_bidirectional": SPEECH,
    "lstm_projected": [lambda: recurrent(1, 1), lambda: recurrent(17, 3)],
    "lstm_packed": [
        lambda: (torch.randn(1, 1, 12), torch.tensor([1])),
        lambda: (torch.randn(3, 17, 12), torch.tensor([1, 17, 16])),
    ],
    "gru_packed": [
        lambda: (torch.randn(1, 1, 12), torch.tensor([1])),
        lambda: (torch.randn(17, 3, 12), torch.tensor([17, 17, 2])),
    ],
    "rnnt_greedy": shapes((1, 1, 12), (17, 1, 12)),
    "conformer": [
        lambda: (torch.randn(1, 1, 32), torch.tensor([1])),
        lambda: (torch.randn(3, 17, 32), torch.tensor([17, 1, 5])),
    ],
    "vocoder": shapes((1, 20, 1), (3, 20, 17)),
    "dlrm_offsets": [lambda: bags(1), lambda: bags(3)],
    "dlrm_fixed": [
        lambda: (torch.randn(1, 6), torch.randint(0, 10, (3, 1, 1))),
        lambda: (torch.randn(3, 6), torch.randint(0, 10, (3, 3, 7))),
    ],
    "point_cloud": shapes((1, 17, 3), (3, 33, 3)),
    "suppression": [
        lambda: (torch.rand(1, 4), torch.rand(1)),
        lambda: (torch.rand(17, 4), torch.rand(17)),
    ],
    "detector": shapes((1, 3, 33, 47)),
    "deformable": shapes((3, 3, 13, 9), (1, 3, 7, 17)),
    "stft_front_end": shapes((1, 64), (3, 117)),
    "convolutional_front_end": shapes((1, 64), (3, 117)),
    "wavelet": shapes((1, 16), (3, 136)),
    "video": shapes((3, 3, 5, 17, 19)),
    "segnet": shapes((3, 3, 10, 14), (1, 3, 6, 8)),
    "graph": [
        lambda: (torch.randn(1, 8), torch.zeros(2, 1, dtype=torch.long)),
        lambda: (torch.randn(17, 8), torch.randint(0, 17, (2, 33))),
    ],
    "fourier_operator": shapes((1, 2, 17), (3, 2, 40)),
    "spectral_vocoder": shapes((1, 10, 2), (3, 10, 17)),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _thread_settings() -> Iterator[None]:
    threads, before = torch.get_num_threads(), treadle.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BIND_AFTER", 0)  # plans and the interpreter differ by rounding
        yield
    torch.set_num_threads(threads)
    treadle.set_num_threads(before)


def test_all_architectures_are_here() -> None:
    assert OTHERS.keys() == {entry.name for entry in ENTRIES}


@pytest.mark.parametrize("name", OTHERS)
def test_agrees_with_torch_in_other_batches_and_lengths(name: str, tmp_path: Path) -> None:
    (entry,) = (e for e in ENTRIES if e.name == name)
    archive = entry.save(tmp_path / "model.pt")
    oracle, module = torch.jit.load(str(archive)), treadle.load(str(archive))
    for seed, make in enumerate(OTHERS[name]):
        torch.manual_seed(seed)
        inputs = make()
        with torch.no_grad():
            expected = as_arrays(oracle(*inputs))
        arrays = [as_argument(value) for value in inputs]
        bits = set()
        for threads in (1, 3):
            treadle.set_num_threads(threads)
            actual = as_arrays(module(*arrays))
            for ours, theirs in zip(actual, expected, strict=True):
                assert largest_deviation(ours, theirs) <= TOLERANCE
            bits.add(tuple(output.tobytes() for output in actual))
        assert len(bits) == 1
        explanation = module.explain(*arrays)
        assert explanation.planned == (not entry.interpreted), explanation.reason
