"""Operators on dtypes they are not made for are refused before any machine code is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import treadle

WHOLE = treadle.tensor([1, 2])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: treadle.frac(WHOLE), "frac: needs floating numbers, got i64"),
        (lambda: treadle.hypot(WHOLE, WHOLE), "hypot: needs floating numbers"),
        (lambda: treadle.gelu(WHOLE), "gelu: needs floating numbers, got i64"),
        (
            lambda: treadle.addcdiv(WHOLE, WHOLE, WHOLE),
            "addcdiv: needs floating numbers or",
        ),
        (lambda: treadle.masked_fill(WHOLE, WHOLE, 1), "a condition is of bools, got i64"),
        (lambda: treadle.where(WHOLE, WHOLE, WHOLE), "where: a condition is of bools"),
        (lambda: treadle.where(WHOLE, 1.5, 0.0), "a condition is of bools, got i64"),
        (
            lambda: treadle.nn.functional.interpolate(
                treadle.ones(1, 1, 4, 4, dtype=treadle.int64), size=(2, 2), mode="bilinear"
            ),
            "interpolate.*needs floating numbers, got i64",
        ),
    ],
)
def test_what_the_dtype_has_not_got_is_refused(call: Callable[[], object], match: str) -> None:
    with pytest.raises(treadle.ShapeError, match=match):
        call()


HUGE = 2**62
X = treadle.ones(2, 3)
IMAGE = treadle.ones(1, 2, 3, 4)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("fft_fftshift", (X, [-(2**63)])),
        ("upsample_bilinear2d", (IMAGE, None, False, [-1.0, float("inf")])),
        ("upsample_nearest2d", (IMAGE, None, [float("nan"), 1.0])),
        ("new_zeros", (X, [HUGE, 3])),
        ("replication_pad2d", (IMAGE, [1, 2, HUGE, 1])),
        ("narrow", (X, 0, HUGE, 1)),
        ("select", (X, -HUGE, 0)),
        ("roll", (X, [1, 2, 3], [0])),
        ("split", (X, -1)),
        ("view", (X, [HUGE, HUGE])),
        ("expand", (X, [HUGE, -3])),
        ("topk", (X, HUGE)),
        ("index_select", (X, 0, treadle.tensor([HUGE]))),
        ("gather", (X, 1, treadle.tensor([[-(2**62)]]))),
        ("embedding", (X, treadle.tensor([-1]))),
    ],
)
def test_values_beyond_all_bounds_are_refused_by_name(
    name: str, arguments: tuple[object, ...]
) -> None:
    function = getattr(treadle, name, None) or getattr(treadle.Tensor, name)
    for _ in range(2):
        with pytest.raises(treadle.Error, match=rf"^{name}"):
            function(*arguments)


def test_options_of_torch_that_change_nothing_are_taken() -> None:
    assert treadle.zeros(2, layout=treadle.strided, pin_memory=False).tolist() == [0.0, 0.0]
    like = treadle.ones_like(X, memory_format=treadle.preserve_format, layout=None)
    assert like.shape == X.shape
    with pytest.raises(treadle.UnsupportedError, match=r"randn_like: .*no gradients"):
        treadle.randn_like(X, requires_grad=True)
