"""Small versions of many architectures: torch's numbers, equal bits, a plan where one is due."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import treadle
from tests.models.zoo.table import ENTRIES, Entry
from tests.support import as_arrays, largest_deviation

pytestmark = [
    pytest.mark.torch,
    pytest.mark.native,
    pytest.mark.filterwarnings("ignore:LSTM with projections"),
]

TOLERANCE = 1e-4  # of the largest output: float32 sums in another order
THREADS = (1, 2)


@pytest.fixture(autouse=True)
def _thread_settings() -> Iterator[None]:
    before = treadle.get_num_threads()
    torch.set_num_threads(1)
    yield
    treadle.set_num_threads(before)


def _listed(output: Any) -> tuple[Any, ...]:
    return as_arrays(tuple(output.values()) if isinstance(output, dict) else output)


def _arrays(value: Any) -> Any:
    if isinstance(value, list):
        return [_arrays(v) for v in value]
    return value.numpy()


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.name) for e in ENTRIES])
def test_agrees_with_torch_at_every_thread_count(entry: Entry, tmp_path: Path) -> None:
    archive = entry.save(tmp_path / "model.pt")
    inputs = entry.arguments()
    with torch.no_grad():
        expected = _listed(torch.jit.load(str(archive))(*inputs))
    module = treadle.load(str(archive))
    arrays = [_arrays(i) for i in inputs]
    explanation = module.explain(*arrays)
    first: tuple[bytes, ...] = ()
    for threads in THREADS:
        treadle.set_num_threads(threads)
        outputs = _listed(module(*arrays))
        assert len(outputs) == len(expected)
        for ours, theirs in zip(outputs, expected, strict=True):
            assert largest_deviation(ours, theirs) <= TOLERANCE
        bits = tuple(output.tobytes() for output in outputs)
        first = first or bits
        assert bits == first, f"other bits at {threads} threads"
    assert explanation.planned == (not entry.interpreted), explanation.reason
    assert entry.interpreted in explanation.reason
