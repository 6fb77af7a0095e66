"""A tensor's text is torch's, whatever its dtype, shape and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import treadle

pytestmark = pytest.mark.torch
_DTYPES = (
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128"),
    *("bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"),
)
_SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
_NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 1e-4, 9.9e-5, 1e8, 1.5e8, 1000.0, 65504.0]),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 1e-310, 3e-42, 1e300, 1 / 3]),
    st.floats(-2000, 2000),
    st.integers(-300, 300).map(float),
)


@pytest.fixture(autouse=True)
def default_options() -> Iterator[None]:
    yield
    for engine in (treadle, torch):
        engine.set_printoptions(profile="default")


def same_text(array: np.ndarray[Any, Any], dtype: str) -> None:
    """Compare the text of both engines' tensors of `array` as `dtype`; names are of one length."""
    theirs = torch.from_numpy(array.copy()).to(getattr(torch, dtype))
    ours = treadle.from_dlpack(theirs) if dtype == "bfloat16" else treadle.tensor(theirs.numpy())
    expected = repr(theirs).replace("torch.", "treadle.")
    lone = ",\n       dtype="  # a longer name may need another line
    assert repr(ours).replace(lone, ", dtype=") == expected.replace(lone, ", dtype=")


@settings(deadline=None)
@given(st.data(), st.sampled_from(_DTYPES))
def test_text_is_torchs(data: st.DataObject, dtype: str) -> None:
    shape = data.draw(_SHAPES)
    if dtype in ("bool", "complex64", "complex128", *_DTYPES[:4]):
        values = data.draw(arrays.arrays(np.float64, shape, elements=_NUMBERS))
    else:
        values = data.draw(arrays.arrays(np.int64, shape, elements=st.integers(0, 127)))
        if not dtype.startswith("u"):
            values -= 60
    if dtype.startswith("complex"):
        values = np.stack([values, np.roll(values, 1)], -1).view(np.complex128)[..., 0]
    with np.errstate(all="ignore"):
        same_text(values, dtype)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "int64", "float64"])
@pytest.mark.parametrize(
    "shape",
    [(1001,), (1000,), (7, 200), (3, 3, 200), (1100, 1), (2, 1000), (6, 7, 6, 7), (1, 1500)],
)
def test_of_large_tensors_the_edges_are_shown(shape: tuple[int, ...], dtype: str) -> None:
    count = int(np.prod(shape))
    same_text(np.arange(count).reshape(shape), dtype)
    same_text((np.arange(count) * 1000.5).reshape(shape)[..., ::-1], dtype)


@pytest.mark.parametrize(
    "options",
    [
        {"precision": 2},
        {"sci_mode": True},
        {"sci_mode": False},
        {"linewidth": 30},
        {"threshold": 5, "edgeitems": 1},
        {"threshold": 5, "edgeitems": 0},
        {"profile": "short"},
        {"profile": "full", "precision": 1},
    ],
)
def test_options_are_torchs(options: dict[str, Any]) -> None:
    for engine in (treadle, torch):
        engine.set_printoptions(**options)
    same_text(np.array([[0.125, 2000.0, -3.5, 1e-5]] * 4), "float32")
    same_text(np.arange(12.0).reshape(3, 4), "float64")
    same_text(np.arange(12).reshape(4, 3), "int64")
    same_text(np.arange(8) * (1 - 2j), "complex64")


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(treadle.InputError, match="argument profile must be one of"):
        treadle.set_printoptions(profile="tiny")


def test_containers_show_the_tensors_in_them() -> None:
    x = treadle.tensor([1.5, 2.0])
    assert f"{[x]}" == "[tensor([1.5000, 2.0000])]"
    assert repr({"x": x}) == "{'x': tensor([1.5000, 2.0000])}"
    assert f"{x}" == repr(x) == str(x)
    assert f"{treadle.tensor(2.5):6.2f}|{treadle.tensor(7):03d}" == "  2.50|007"
    with pytest.raises(TypeError, match="unsupported format string"):
        format(x, ".2f")
