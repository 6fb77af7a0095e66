"""Functions of several operators, and methods with a short way, against torch on equal numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import treadle
import treadle.nn.functional

pytestmark = pytest.mark.torch
_NUMBERS = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
_SIGNAL = np.random.default_rng(1).standard_normal(100).astype(np.float32)
_CLASSES = np.array([1, 0, 5, 2])


def _tensor(engine: Any, array: np.ndarray[Any, Any]) -> Any:
    return engine.from_numpy(array.copy())


def _both(call: Callable[[Any, Callable[[Any], Any]], Any]) -> None:
    """Compare ``call(engine, tensor)``, where ``tensor(array)`` makes a tensor of the engine."""
    ours = call(treadle, lambda array: _tensor(treadle, array))
    theirs = call(torch, lambda array: _tensor(torch, array))
    listed = ours if isinstance(ours, tuple) else (ours,)
    wanted = theirs if isinstance(theirs, tuple) else (theirs,)
    assert len(listed) == len(wanted)
    for a, b in zip(listed, wanted, strict=True):
        assert str(a.dtype).partition(".")[2] == str(b.dtype).partition(".")[2]
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda t, x: t.stft(x(_SIGNAL), 16, window=t.ones(16), return_complex=True),
        lambda t, x: t.stft(
            x(_SIGNAL), 16, 4, 8, t.hann_window(8), center=False, return_complex=True
        ),
        lambda t, x: t.stft(
            x(_SIGNAL[None]), 16, window=t.ones(16), pad_mode="constant", return_complex=True
        ),
        lambda t, x: t.cdist(x(_NUMBERS), x(_NUMBERS), compute_mode="donot_use_mm_for_euclid_dist"),
        lambda t, x: t.unravel_index(x(_CLASSES), (2, 3)),
        lambda t, x: t.meshgrid(x(_CLASSES), indexing="ij"),
        lambda t, x: t.cartesian_prod(x(_CLASSES)),
        lambda t, x: t.nn.functional.multi_margin_loss(x(_NUMBERS), x(_CLASSES)),
        lambda t, x: t.nn.functional.triplet_margin_with_distance_loss(
            x(_NUMBERS), x(_NUMBERS + 1), x(_NUMBERS - 1), swap=True, reduction="none"
        ),
        lambda t, x: t.nn.functional.adaptive_avg_pool2d(x(_NUMBERS[None]), (None, 2)),
        lambda t, x: t.nn.functional.interpolate(x(_NUMBERS[None]), 4, mode="area"),
        lambda t, x: t.nn.functional.max_unpool1d(
            *t.nn.functional.max_pool1d(x(_NUMBERS[None]), 2, return_indices=True), 2
        ),
        lambda t, x: t.nn.functional.batch_norm(
            x(_NUMBERS), x(np.zeros(6, np.float32)), x(np.ones(6, np.float32)), training=True
        ),
        lambda t, x: t.linspace(4.3, -3, 9, dtype=t.int64),
        lambda t, x: t.arange(0.0, -8.5, -4.0, dtype=t.int64),
        lambda t, x: t.eye(3, 5) + t.eye(3, 5, dtype=t.int64),
    ],
)
def test_a_function_is_torchs(call: Callable[..., Any]) -> None:
    _both(call)


def test_ctc_is_torchs() -> None:
    steps = np.random.default_rng(2).standard_normal((7, 2, 5)).astype(np.float32)
    targets = np.array([[1, 2, 2], [4, 1, 0]])
    _both(
        lambda t, x: t.nn.functional.ctc_loss(
            t.nn.functional.log_softmax(x(steps), -1), x(targets), (7, 6), (3, 2)
        )
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("batched", [False, True])
def test_attention_of_several_heads_is_torchs(batched: bool, masked: bool) -> None:
    source = np.random.default_rng(3)
    shape = (5, 2, 8) if batched else (5, 8)
    x, w_in, w_out, b_in, b_out = (
        source.standard_normal(s).astype(np.float32) for s in (shape, (24, 8), (8, 8), (24,), (8,))
    )
    mask = np.triu(np.ones((5, 5), bool), 1)

    def call(t: Any, tensor: Callable[[Any], Any]) -> Any:
        options = {"attn_mask": tensor(mask)} if masked else {}
        return t.nn.functional.multi_head_attention_forward(
            tensor(x), tensor(x), tensor(x), 8, 2, tensor(w_in), tensor(b_in), None, None, False,
            0.0, tensor(w_out), tensor(b_out), training=False, **options,
        )  # fmt: skip

    _both(call)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.view(2, 12),
        lambda x: x.view(-1, 8),
        lambda x: x.reshape((3, 8)),
        lambda x: x.permute(1, 0),
        lambda x: x.transpose(0, -1),
        lambda x: x.unsqueeze(1).expand_as(x.unsqueeze(1)),
        lambda x: x[1:3, ::2],
        lambda x: x[1:, 1],
        lambda x: x.detach()[0],
    ],
)
def test_a_view_lies_as_torchs_does(call: Callable[[Any], Any]) -> None:
    for _ in range(2):  # the second call finds what the first prepared
        x, y = _tensor(treadle, _NUMBERS), _tensor(torch, _NUMBERS)
        ours, theirs = call(x), call(y)
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert ours.stride() == theirs.stride()
        assert ours.data_ptr() - x.data_ptr() == theirs.data_ptr() - y.data_ptr()


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.unbind(1),
        lambda x: x.chunk(3, 1),
        lambda x: x.split(4),
        lambda x: x.split([1, 3]),
        lambda x: x.split(0, 0) if not x.numel() else x.split(5),
    ],
)
def test_parts_lie_as_torchs_do(call: Callable[[Any], Any]) -> None:
    for _ in range(2):
        x, y = _tensor(treadle, _NUMBERS), _tensor(torch, _NUMBERS)
        ours, theirs = call(x), call(y)
        assert [p.stride() for p in ours] == [p.stride() for p in theirs]
        assert [p.data_ptr() - x.data_ptr() for p in ours] == [
            p.data_ptr() - y.data_ptr() for p in theirs
        ]


@pytest.mark.parametrize("name", ["mul_", "add_", "sub_", "div_"])
def test_a_known_call_in_place_writes_again(name: str) -> None:
    other = np.full(6, 2.0, np.float32)
    x, y = _tensor(treadle, _NUMBERS), _tensor(torch, _NUMBERS)
    for _ in range(3):
        assert getattr(x, name)(_tensor(treadle, other)) is x
        getattr(y, name)(_tensor(torch, other))
    np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-6)


def test_a_known_call_in_place_refuses_read_only_memory() -> None:
    array = np.ones(3, np.float32)
    x = treadle.from_numpy(array)
    x.mul_(x)
    array.flags.writeable = False
    writes: tuple[Callable[[], Any], ...] = (
        lambda: x.mul_(x), lambda: x.zero_(), lambda: x.fill_(1.0), lambda: x.copy_(x + 1),
    )  # fmt: skip
    for call in writes:
        with pytest.raises(treadle.InputError, match="read-only"):
            call()


def test_a_tensor_of_the_dtype_is_given_back() -> None:
    x = treadle.ones(3)
    assert x.to(treadle.float64).dtype is treadle.float64
    for _ in range(2):
        y = x.to(treadle.float64)
        assert y.to(treadle.float64) is y
        assert y.double() is y


@pytest.mark.parametrize("name", ["rand", "randn"])
def test_complex_random_numbers_have_both_parts(name: str) -> None:
    x = getattr(treadle, name)(1000, dtype=treadle.complex64)
    y = getattr(treadle, f"{name}_like")(x)
    for z in (x, y):
        assert z.dtype is treadle.complex64
        assert float(z.imag.abs().mean()) > 0.2
