"""The bundled network, its held-out data and its two forked branches."""

import importlib

import numpy as np
import pytest

import treadle
from tests.support import DATA, as_arrays, largest_deviation

ARCHIVE = DATA / "digits.pt"


def test_archive_is_small() -> None:
    assert ARCHIVE.stat().st_size < 1_000_000


def test_archive_holds_no_paths_of_the_machine_that_wrote_it() -> None:
    assert b"debug_pkl" not in ARCHIVE.read_bytes()


def test_classifies_at_least_98_percent_of_the_held_out_digits() -> None:
    with np.load(DATA / "heldout.npz") as held_out:
        images, labels = held_out["images"], held_out["labels"]
    assert images.shape == (400, 1, 8, 8)
    assert images.dtype == np.float32
    (scores,) = as_arrays(treadle.load(str(ARCHIVE))(images))
    assert (scores.argmax(1) == labels).mean() >= 0.98


@pytest.mark.torch
@pytest.mark.parametrize("batch", [1, 3, 32])
def test_agrees_with_torch(batch: int) -> None:
    import torch

    with np.load(DATA / "heldout.npz") as held_out:
        images = held_out["images"][:batch]
    with torch.no_grad():
        (theirs,) = as_arrays(torch.jit.load(str(ARCHIVE))(torch.from_numpy(images)))
    (ours,) = as_arrays(treadle.load(str(ARCHIVE))(images))
    assert largest_deviation(ours, theirs) <= 1e-5


@pytest.mark.torch
def test_is_the_network_of_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.syspath_prepend(DATA.parents[2] / "examples" / "digits")
    network = importlib.import_module("network")
    archive = torch.jit.load(str(ARCHIVE))
    model = network.DigitsNet().eval()
    model.load_state_dict(archive.state_dict())
    images = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(archive(images), model(images))
