"""Whole architectures, from the archive that torch saved to torch's numbers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import treadle
from tests.models.agreement import check_agrees_with_torch, check_interpreter_agrees
from tests.models.registry import MODELS, save
from tests.support import as_arrays, largest_deviation

pytestmark = [pytest.mark.torch, pytest.mark.slow]

TOLERANCE = 1e-4  # of the largest output: sums of thousands of float32 products in another order
THREADS = (1, 2, 3, 8)
SMALL, IMAGE_DIMS = 80, 4


@pytest.fixture(autouse=True)
def _thread_settings() -> Iterator[None]:
    before = treadle.get_num_threads()
    torch.set_num_threads(1)
    yield
    treadle.set_num_threads(before)


@pytest.mark.parametrize("name", MODELS)
def test_is_planned_and_agrees_with_torch_with_equal_bits_at_every_thread_count(
    name: str, tmp_path: Path
) -> None:
    archive = save(name, tmp_path / f"{name}.pt")
    inputs = MODELS[name].example_inputs()
    _, explanation = check_agrees_with_torch(archive, inputs, THREADS, TOLERANCE)
    assert explanation.planned


@pytest.mark.parametrize("name", MODELS)
def test_the_interpreter_agrees_with_torch(name: str, tmp_path: Path) -> None:
    inputs = [
        x[..., :SMALL, :SMALL] if x.dim() == IMAGE_DIMS else x
        for x in MODELS[name].example_inputs()
    ]
    check_interpreter_agrees(save(name, tmp_path / f"{name}.pt"), inputs, TOLERANCE)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_large"])
def test_one_module_takes_other_batches_and_image_sizes(name: str, tmp_path: Path) -> None:
    archive = save(name, tmp_path / f"{name}.pt")
    oracle = torch.jit.load(str(archive))
    module = treadle.load(str(archive))
    generator = np.random.default_rng(5)
    for shape in ((2, 3, 64, 64), (1, 3, 97, 65), (2, 3, 64, 64)):
        images = generator.standard_normal(shape, np.float32)
        with torch.no_grad():
            (theirs,) = as_arrays(oracle(torch.from_numpy(images)))
        (ours,) = as_arrays(module(images))
        assert largest_deviation(ours, theirs) <= TOLERANCE
