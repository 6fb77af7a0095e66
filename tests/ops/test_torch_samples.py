"""Functions on the samples that torch tests itself with; `scripts/op_db.py` runs all of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("expecttest", reason="torch's samples need it")

from torch.testing._internal.common_methods_invocations import op_db

from tests.ops.torch_samples import compare, dtypes_of

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
EVERY = 16
"""The whole table takes minutes: each run of the tests sees every so manieth entry of it."""
_SLOW = ("masked.", "max_pool", "grid_sampler", "linalg.lstsq", "pca", "svd_lowrank", "logdet")


def _entries() -> list[Any]:
    quick = [info for info in op_db if not any(part in info.name for part in _SLOW)]
    return quick[::EVERY]


@pytest.mark.parametrize("info", _entries(), ids=lambda info: info.formatted_name)
def test_results_are_torchs(info: Any) -> None:
    for dtype in dtypes_of(info, []):
        found = compare(info, dtype)
        assert not found.differences, found.examples


@pytest.mark.parametrize("info", _entries(), ids=lambda info: info.formatted_name)
def test_what_torch_refuses_is_refused(info: Any) -> None:
    found = compare(info, torch.float32, errors=True)
    assert not found.differences, found.examples
