"""Sizes that go through tensors of one number are integers again."""

from __future__ import annotations

import io
from textwrap import dedent

import numpy as np
import torch

import treadle
from tests.check_pass import check_pass
from treadle.passes.number_tensors import untensor_numbers

SIZE = """graph(%x: f32[B, 4])
%n: int = size.int(%x, 1)
%t: Tensor = NumToTensor.Scalar(%n)
"""
"""A size, and the tensor that a traced model makes of it."""


def check(before: str, after: str | None = None) -> None:
    """Check what the pass makes of nodes behind `SIZE`."""
    check_pass(
        untensor_numbers,
        before=SIZE + dedent(before),
        after=None if after is None else SIZE + dedent(after),
        constants={"three": np.array(3)},
    )


def test_a_size_that_was_a_tensor_is_the_size() -> None:
    check(
        """\
        %i: int = Int.Tensor(%t)
        %s: number = ScalarImplicit(%t)
        %a: Tensor = arange(%s, None, None, None, None)
        return %i, %a""",
        """\
        %a: Tensor = arange(%n, None, None, None, None)
        return %n, %a""",
    )


def test_calculations_with_constants_are_of_integers() -> None:
    tensors = """\
        %three: Tensor = constant(@three)
        %q: Tensor = floor_divide(%t, %three)
        %d: Tensor = sub.Tensor(%t, %q, 1)
        """
    check(
        f"""{tensors}%i: int = Int.Tensor(%d)
        return %i""",
        f"""{tensors}%4: int = constant(3)
        %5: int = floordiv.int(%n, %4)
        %6: int = sub.int(%n, %5)
        return %6""",
    )


def test_counts_of_repetition_and_remainders_are_integers() -> None:
    tensors = """\
        %r: Tensor = remainder.Scalar(%t, 3)
        %d: Tensor = rsub.Scalar(%r, 3, 1)
        """
    check(
        f"""{tensors}%y: Tensor = repeat_interleave.self_Tensor(%x, %d, 1, None)
        return %y""",
        f"""{tensors}%4: int = remainder.int(%n, 3)
        %5: int = sub.int(3, %4)
        %6: Tensor = repeat_interleave.self_int(%x, %5, 1, None)
        return %6""",
    )


def test_tensors_that_are_written_into_stay() -> None:
    check(
        """\
        %w: Tensor = add_.Scalar(%t, 1, 1)
        %i: int = Int.Tensor(%t)
        return %i"""
    )


def test_numbers_that_are_no_integers_and_scaled_terms_stay() -> None:
    check(
        """\
        %f: float = constant(2.5)
        %u: Tensor = NumToTensor.Scalar(%f)
        %i: int = Int.Tensor(%u)
        %v: Tensor = add.Tensor(%t, %t, 2)
        %j: int = Int.Tensor(%v)
        return %i, %j"""
    )


class Traced(torch.nn.Module):
    """Heads that are repeated, half of what they have, positions: as published models do it."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.view(x.shape[0], x.shape[1], 2, x.shape[2] // 2)
        heads = x.shape[3]
        x = x.repeat_interleave(heads // 2, dim=2, output_size=heads)
        return x.flatten(2)[..., : heads // 2] + torch.arange(x.shape[1])[:, None]


def test_counts_of_repetition_that_are_traced_are_planned() -> None:
    x = torch.randn(2, 3, 8)
    traced = torch.jit.trace(Traced(), (x,), check_trace=False)
    buffer = io.BytesIO()
    torch.jit.save(traced, buffer)
    module = treadle.load(buffer.getvalue())
    for batch in (x, torch.randn(1, 5, 8)):
        assert module.explain(batch.numpy()).planned
        np.testing.assert_allclose(module(batch.numpy()), traced(batch), rtol=1e-6)
