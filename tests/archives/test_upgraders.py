"""Every operator that changed between file versions means what the version of the file says.

Archives are written by torch, their version and code edited; torch itself, which has a table of
these changes, tells what is right.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch

import treadle
from tests.frontends.torchscript.test_library import OldModule, rewritten

FLOATS = torch.tensor([[7.5, -7.5, 3.0]])
OTHERS = torch.tensor([[2.0, -3.0, 0.5]])
INTS, DIVISORS = torch.tensor([7, -7, 3]), torch.tensor([2, 2, -2])
PAIRS = ((FLOATS, OTHERS), (INTS, DIVISORS), (INTS, torch.tensor([2.0, 2.0, -2.0])))
MODES = ('"floor"', '"trunc"', "None")

CASES: dict[str, tuple[str, ...]] = {
    "div.Tensor": ("torch.div(x, y)",),
    "div.Scalar": ("torch.div(x, 2)", "torch.div(x, 2.5)"),
    "div.Tensor_mode": tuple(f"torch.div(x, y, rounding_mode={mode})" for mode in MODES),
    "div.Scalar_mode": tuple(
        f"torch.div(x, {n}, rounding_mode={mode})" for mode in MODES for n in ("2", "2.5")
    ),
    "div_.Tensor": ("torch.div_(torch.clone(x), y)",),
    "div_.Scalar": ("torch.div_(torch.clone(x), 2)", "torch.div_(torch.clone(x), 2.5)"),
    "div_.Tensor_mode": tuple(
        f"torch.div_(torch.clone(x), y, rounding_mode={mode})" for mode in MODES
    ),
    "div_.Scalar_mode": tuple(
        f"torch.div_(torch.clone(x), 2, rounding_mode={mode})" for mode in MODES
    ),
    "full": (
        "torch.full([2], 7)", "torch.full([2], 7, dtype=4)", "torch.full([2], 1.5)",
        "torch.full([2], 1.5, dtype=4)", "torch.full([], True)",
    ),
    "linspace": (
        "torch.linspace(0, 1, None)", "torch.linspace(0, 1)", "torch.linspace(0, 1, 5)",
        "torch.linspace(0, 10, 4, dtype=7)",
    ),
    "logspace": (
        "torch.logspace(0, 1, None)", "torch.logspace(0, 1)", "torch.logspace(0, 1, 4, 2.)",
        "torch.logspace(0, 3, 4, 2., dtype=7)",
    ),
    "gelu": ("torch.gelu(torch.to(x, 6))",),
    "div.out": ("torch.div(x, y, out=torch.zeros_like(torch.to(x, 6)))",),
    "div.out_mode": ('torch.div(x, y, rounding_mode="trunc", out=torch.to(x, 6))',),
    "full.out": ("torch.full([2], 7, out=torch.zeros([2]))",),
    "linspace.out": (
        "torch.linspace(0, 1, 5, out=torch.zeros([5]))",
        "torch.linspace(0, 1, out=torch.zeros([0]))",
    ),
    "logspace.out": (
        "torch.logspace(0, 1, 5, 10., out=torch.zeros([5]))",
        "torch.logspace(0, 1, out=torch.zeros([0]))",
    ),
    "gelu.out": ("torch.gelu(torch.to(x, 6), out=torch.zeros([1, 3]))",),
}  # fmt: skip
CHANGED = {"div": 4, "div_": 4, "full": 5, "linspace": 8, "logspace": 9, "gelu": 10}
NEW_FORM = 'torch.gelu(torch.to(x, 6), approximate="tanh")'


@pytest.fixture(scope="module")
def module() -> torch.jit.ScriptModule:
    scripted: torch.jit.ScriptModule = torch.jit.script(OldModule())
    return scripted


def results(data: bytes, pair: tuple[torch.Tensor, torch.Tensor]) -> list[np.ndarray | None]:
    """What torch gives and what Treadle gives; None for an error."""
    found: list[np.ndarray | None] = []
    for load in (lambda: torch.jit.load(io.BytesIO(data)), lambda: treadle.load(data)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found.append(np.asarray(load()(*pair)))
            except (RuntimeError, treadle.Error):
                found.append(None)
    return found


def versions() -> Iterator[tuple[str, int]]:
    """Each form in the oldest version, and around the one with which its operator changed."""
    for name, codes in CASES.items():
        changed = CHANGED[name.partition(".")[0]]
        for code in codes:
            yield from ((code, version) for version in sorted({3, changed - 1, changed}))
    yield NEW_FORM, CHANGED["gelu"]


@pytest.mark.parametrize(("code", "version"), list(versions()))
def test_an_operator_means_what_its_version_means(
    module: torch.jit.ScriptModule, code: str, version: int
) -> None:
    data = rewritten(module, version, **{"torch.sub(x, y)": code})
    for pair in PAIRS if "x" in code else PAIRS[:1]:
        want, got = results(data, pair)
        assert (got is None) == (want is None), (pair, want, got)
        if want is not None and got is not None:
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_all_changes_that_torch_knows_of_are_here() -> None:
    known = torch._C._get_operator_version_map()
    assert {name.removeprefix("aten::") for name in known} == {*CASES}
