"""Plans of LSTMs against torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.plans import results_of

pytestmark = [pytest.mark.native, pytest.mark.torch]
torch.set_num_threads(1)


def _check(
    time: int, batch: int, inputs: int, hidden: int, layers: int = 1, *,
    bidirectional: bool = False, batch_first: bool = False, bias: bool = True,
    dtype: torch.dtype = torch.float32,
    isa: str = "native",
) -> None:  # fmt: skip
    torch.manual_seed(0)
    model = torch.nn.LSTM(
        inputs, hidden, layers, bias=bias, bidirectional=bidirectional, batch_first=batch_first,
        dtype=dtype,
    )  # fmt: skip
    x = torch.randn((batch, time, inputs) if batch_first else (time, batch, inputs), dtype=dtype)
    states = layers * (1 + bidirectional)
    h, c = (torch.randn(states, batch, hidden, dtype=dtype) for _ in range(2))
    with torch.no_grad():
        y, (hn, cn) = model(x, (h, c))
    weights = [w.detach().numpy() for w in model._flat_weights if w is not None]
    actual = results_of(
        f"""
        graph(%x: Tensor, %h: Tensor, %c: Tensor)
        %w: List[Tensor] = constant(@w)
        %s: List[Tensor] = list(%h, %c)
        %y: Tensor, %hn: Tensor, %cn: Tensor = lstm.input(%x, %s, %w, {bias}, {layers}, 0.0, False, {bidirectional}, {batch_first})
        %r: Tuple[Tensor, Tensor, Tensor] = tuple(%y, %hn, %cn)
        return %r
        """,  # noqa: E501
        x.numpy(), h.numpy(), c.numpy(), constants={"w": weights}, isa=isa,
    )  # fmt: skip
    for ours, theirs in zip(actual, (y, hn, cn), strict=True):
        assert ours.shape == tuple(theirs.shape)
        tolerance = 1e-5 if dtype == torch.float32 else 1e-12
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=tolerance)


@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("batch", [1, 2, 7])
def test_layers_in_both_directions(batch: int, isa: str) -> None:
    _check(5, batch, 6, 19, 2, bidirectional=True, isa=isa)


@pytest.mark.parametrize("hidden", [1, 8, 40])
def test_width_need_not_fill_vectors(hidden: int) -> None:
    _check(3, 2, 4, hidden)


def test_batch_first() -> None:
    _check(4, 3, 5, 10, 2, batch_first=True)
    _check(4, 1, 5, 10, 1, batch_first=True, bidirectional=True)


def test_without_bias() -> None:
    _check(4, 2, 5, 10, 2, bias=False)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6])
def test_any_number_of_steps(steps: int) -> None:
    _check(steps, 1, 3, 70, 2, bidirectional=True)


def test_doubles() -> None:
    _check(4, 2, 5, 10, 2, bidirectional=True, dtype=torch.float64)


def test_initial_state_in_another_layout() -> None:
    """The state's features need not be adjacent."""
    torch.manual_seed(0)
    model = torch.nn.LSTM(5, 9)
    x, h, c = torch.randn(4, 3, 5), torch.randn(1, 9, 3), torch.randn(1, 9, 3)
    with torch.no_grad():
        y, (hn, cn) = model(x, (h.mT, c.mT))
    actual = results_of(
        """
        graph(%x: Tensor, %h: Tensor, %c: Tensor)
        %w: List[Tensor] = constant(@w)
        %ht: Tensor = transpose.int(%h, 1, 2)
        %ct: Tensor = transpose.int(%c, 1, 2)
        %s: List[Tensor] = list(%ht, %ct)
        %y: Tensor, %hn: Tensor, %cn: Tensor = lstm.input(%x, %s, %w, True, 1, 0.0, False, False, False)
        %r: Tuple[Tensor, Tensor, Tensor] = tuple(%y, %hn, %cn)
        return %r
        """,  # noqa: E501
        x.numpy(), h.numpy(), c.numpy(),
        constants={"w": [w.detach().numpy() for w in model._flat_weights if w is not None]},
    )  # fmt: skip
    for ours, theirs in zip(actual, (y, hn, cn), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dim", [0, 1, 2])
def test_outputs_joined_along_any_dim(dim: int) -> None:
    torch.manual_seed(0)
    model = torch.nn.LSTM(5, 9)
    x = torch.randn(4, 3, 5)
    with torch.no_grad():
        y, _ = model(x)
    (actual,) = results_of(
        f"""
        graph(%x: Tensor, %h: Tensor)
        %w: List[Tensor] = constant(@w)
        %s: List[Tensor] = list(%h, %h)
        %y: Tensor, %hn: Tensor, %cn: Tensor = lstm.input(%x, %s, %w, True, 1, 0.0, False, False, False)
        %u: Tensor = tanh(%y)
        %l: List[Tensor] = list(%u, %y, %y)
        %z: Tensor = stack(%l, {dim})
        return %z
        """,  # noqa: E501
        x.numpy(), np.zeros((1, 3, 9), np.float32),
        constants={"w": [w.detach().numpy() for w in model._flat_weights if w is not None]},
    )  # fmt: skip
    want = torch.stack([y.tanh(), y, y], dim).numpy()
    np.testing.assert_allclose(actual, want, rtol=0, atol=1e-5)


def test_outputs_beside_something_in_another_layout() -> None:
    torch.manual_seed(0)
    model = torch.nn.LSTM(5, 9)
    x, other = torch.randn(4, 3, 5), torch.randn(2, 9, 3)
    with torch.no_grad():
        y, _ = model(x)
    (actual,) = results_of(
        """
        graph(%x: Tensor, %h: Tensor, %z: Tensor)
        %w: List[Tensor] = constant(@w)
        %t: Tensor = transpose.int(%z, 1, 2)
        %u: Tensor = tanh(%t)
        %s: List[Tensor] = list(%h, %h)
        %y: Tensor, %hn: Tensor, %cn: Tensor = lstm.input(%x, %s, %w, True, 1, 0.0, False, False, False)
        %l: List[Tensor] = list(%u, %y)
        %c: Tensor = cat(%l, 0)
        %r: Tensor = softmax.int(%c, 2, None)
        return %r
        """,  # noqa: E501
        x.numpy(), np.zeros((1, 3, 9), np.float32), other.numpy(),
        constants={"w": [w.detach().numpy() for w in model._flat_weights if w is not None]},
    )  # fmt: skip
    want = torch.cat([other.mT.tanh(), y]).softmax(2).numpy()
    np.testing.assert_allclose(actual, want, rtol=0, atol=1e-5)
