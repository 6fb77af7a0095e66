"""Small versions of many architectures: torch's numbers, equal bits, a plan where one is due."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import treadle
from tests.models.agreement import check_agrees_with_torch
from tests.models.zoo.table import ENTRIES, Entry
from treadle.interpreter import regions

pytestmark = [
    pytest.mark.torch,
    pytest.mark.native,
    pytest.mark.filterwarnings("ignore:LSTM with projections"),
]

TOLERANCE = 1e-4  # of the largest output: float32 sums in another order
THREADS = (1, 2, 3, 8)


@pytest.fixture(autouse=True)
def _thread_settings() -> Iterator[None]:
    before = treadle.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BIND_AFTER", 0)  # plans and the interpreter differ by rounding
        yield
    treadle.set_num_threads(before)


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in ENTRIES])
def test_agrees_with_torch_at_every_thread_count(entry: Entry, tmp_path: Path) -> None:
    archive = entry.save(tmp_path / "model.pt")
    explanation = check_agrees_with_torch(archive, entry.arguments(), THREADS, TOLERANCE)
    assert explanation.planned == (not entry.interpreted), explanation.reason
    assert entry.interpreted in explanation.reason
