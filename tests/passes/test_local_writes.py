"""Writes into tensors that a graph makes: planned, and seen by every view, as PyTorch has it."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, note, settings
from hypothesis import strategies as st

import treadle

pytestmark = pytest.mark.torch
LINES = (
    "z = x * 2", "z = x * 0", "z = x.clone()", "v = z[1:3]", "v = z[:, ::2]",
    "v = z.t()", "v = z.view(2, 2, 6)[1]", "v = z[2]", "w = v", "z[:, 1:] += x[:, 1:]",
    "z[0] = x[1]", "z[1, 2] = 7.0", "v.mul_(0.5)", "v.add_(1.0)", "w.zero_()",
    "z.view(-1)[3:9] = x.view(-1)[:6]", "z.masked_fill_(x > 0, 0.25)", "z[..., 0] -= 1.5",
    "z[1:3, 2:5].copy_(x[0:2, 1:4])", "x = z + 1", "z[:, 3].clamp_(-0.5, 0.5)", "u = v.sum() + z",
    "for i in range(4): z[i] = x[3 - i] * i", "z[3] *= z[0]", "u = torch.relu(v).sum() - w.sum()",
    "z.transpose(0, 1)[2].fill_(4.0)", "z[:, :3] = z[:, 3:]",
)  # fmt: skip
numbers = itertools.count()


def compiled(lines: list[str]) -> Callable[..., Any]:
    """The Python function of some lines, with a source that can be looked up."""
    body = "\n".join(f"    {line}" for line in lines)
    source = (
        "def program(x: Tensor):\n    z = x * 3\n    v = z[:2]\n    w = z\n    u = x + 0\n"
        f"{body}\n    return z, v, w, u, x + 0\n"
    )
    file = f"<program of writes {next(numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"torch": torch, "Tensor": torch.Tensor, "__name__": "programs"}
    exec(compile(source, file, "exec", dont_inherit=True), names)
    program: Callable[..., Any] = names["program"]
    return program


def check(lines: list[str]) -> None:
    """Compare the plan with torch: values, strides, and which results share memory."""
    program = compiled(lines)
    x = np.random.default_rng(2).standard_normal((4, 6)).astype(np.float32)
    script = treadle.script(program)
    explanation = script.explain(x)
    assert explanation.planned, explanation.reason
    wanted = [t.numpy() for t in program(torch.from_numpy(x.copy()))]
    given = [np.asarray(t) for t in script(x.copy())]
    for ours, theirs in zip(given, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        assert ours.strides == theirs.strides
    assert sharing(given) == sharing(wanted)


def sharing(arrays: list[np.ndarray[Any, Any]]) -> list[bool]:
    return [np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2)]


@pytest.mark.parametrize(
    "lines",
    [
        ["z[:, 1:] += x[:, 1:]"],
        ["v.mul_(0.5)", "z[0] = x[1]"],
        ["z = torch.zeros(4, 6)", "w = z[:, 1:4]", "for i in range(4): z[i] = x[i]", "w += 1"],
        ["z[:, ::2] = 0.0", "v.add_(z[2:])", "z[:, :3] = z[:, 3:]"],
        ["v = z.view(2, 2, 6)[1]", "z[3].zero_()", "v[0, 1:3] = 9.0"],
        ["v = z.t()", "v[2].fill_(4.0)", "u = v * 1"],
        ["z = x.clone()", "z[0:0] = 1.0", "z[:] = x + 1"],
    ],
    ids=lambda lines: lines[0],
)
def test_a_write_into_a_part_of_a_local_tensor_is_planned(lines: list[str]) -> None:
    check(lines)


@pytest.mark.slow
@settings(max_examples=25)
@given(lines=st.lists(st.sampled_from(LINES), min_size=2, max_size=8))
def test_random_writes_give_what_torch_gives(lines: list[str]) -> None:
    note("\n".join(lines))
    check(lines)


def test_rows_written_one_by_one_are_one_concatenation() -> None:
    def rows(x: torch.Tensor) -> torch.Tensor:
        out = torch.empty(4, 6)
        for i in range(4):
            out[i] = x[i] * i
        return out

    script = treadle.script(rows)
    x = np.ones((4, 6), np.float32)
    steps = [step.name for step in script.explain(x).steps]
    assert sum("concat" in step for step in steps) <= 4
    np.testing.assert_array_equal(script(x), np.repeat(np.arange(4.0)[:, None], 6, 1))


def test_a_write_into_an_argument_is_not_planned() -> None:
    def writes(x: torch.Tensor) -> torch.Tensor:
        x[0] = 1.0
        return x + 1

    explanation = treadle.script(writes).explain(np.ones((2, 3), np.float32))
    assert not explanation.planned
    assert "visible elsewhere" in explanation.reason
