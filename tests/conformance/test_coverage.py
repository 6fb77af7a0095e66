"""Core ATen is there: every operator that torch tags so, but those of training."""

from __future__ import annotations

import pytest
import torch

from treadle.ops import OPS

pytestmark = pytest.mark.torch
ELSEWHERE = {"_embedding_bag": "tests/ops/test_bags.py; torch's further results are its own"}
"""Core operators without samples, and where they are tested."""


def _core() -> list[str]:
    """Names with overloads, ``add.Tensor``, of the operators tagged `core`."""
    found = []
    for base in dir(torch.ops.aten):
        packet = getattr(torch.ops.aten, base)
        for overload in packet.overloads() if hasattr(packet, "overloads") else ():
            if torch.Tag.core in getattr(packet, overload).tags:
                found.append(base if overload == "default" else f"{base}.{overload}")
    return found


def test_every_core_operator_is_supported() -> None:
    core = _core()
    assert len(core) > 150
    missing = [name for name in core if name not in OPS and "_backward" not in name]
    assert missing == []


def test_every_core_operator_has_samples_or_makes_memory() -> None:
    untested = [
        name
        for name in _core()
        if name in OPS and not OPS[name].samples and OPS[name].pure and "empty" not in name
        if name not in ELSEWHERE
    ]
    assert untested == []
