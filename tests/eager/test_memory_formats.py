"""The argument `memory_format`, and the strides of copies without it: as torch's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

import treadle
from treadle.ir.strides import same_strides

torch = pytest.importorskip("torch")

FORMATS = (None, "contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
LAYS: dict[str, Callable[[Any], Any]] = {
    "contiguous": lambda make: make(2, 3, 4, 5),
    "channels_last": lambda make: make(2, 4, 5, 3).permute(0, 3, 1, 2),
    "channels_last_3d": lambda make: make(2, 4, 5, 6, 3).permute(0, 4, 1, 2, 3),
    "five dims": lambda make: make(2, 3, 4, 5, 2),
    "sliced": lambda make: make(2, 3, 4, 6)[:, :, :, ::2],
    "sliced channels_last": lambda make: make(2, 4, 6, 3).permute(0, 3, 1, 2)[..., 1:4],
    "transposed": lambda make: make(2, 3, 4, 5).transpose(1, 2),
    "transposed matrix": lambda make: make(3, 4).t(),
    "permuted": lambda make: make(2, 3, 4).permute(2, 0, 1),
    "expanded": lambda make: make(2, 1, 4, 5).expand(2, 3, 4, 5),
    "expanded, transposed": lambda make: make(3, 1).expand(3, 4).t(),
    "sizes 1": lambda make: make(1, 3, 1, 5),
    "one channel, last": lambda make: make(2, 4, 5, 1).permute(0, 3, 1, 2),
    "one pixel": lambda make: make(2, 1, 1, 3).permute(0, 3, 1, 2),
    "one image, channels_last": lambda make: make(1, 4, 5, 3).permute(0, 3, 1, 2),
    "no channels": lambda make: make(2, 0, 4, 5),
    "no images": lambda make: make(0, 3, 4, 5),
    "every second": lambda make: make(6)[::2],
    "a number": lambda make: make(1)[0],
}
Call = Callable[..., Any]
CALLS: dict[str, Call] = {
    **{
        name: lambda lib, x, name=name, **options: getattr(lib, name)(x, **options)
        for name in ("clone", "empty_like", "ones_like", "rand_like", "randn_like", "zeros_like")
    },
    **{
        f".{name}": lambda lib, x, name=name, **options: getattr(x, name)(**options)
        for name in ("bool", "clone", "contiguous", "double", "float", "half", "is_contiguous")
    },
    "full_like": lambda lib, x, **options: lib.full_like(x, 2, **options),
    "ones_like of a dtype": lambda lib, x, **options: lib.ones_like(x, dtype=lib.int8, **options),
    "empty": lambda lib, x, **options: lib.empty(x.shape, **options),
    "to a dtype": lambda lib, x, **options: x.to(lib.float64, **options),
    "to a type": lambda lib, x, **options: x.to(float, **options),
    "to its dtype": lambda lib, x, **options: x.to(lib.float32, **options),
    "to a copy": lambda lib, x, **options: x.to(lib.float32, copy=True, **options),
    "to a device": lambda lib, x, **options: x.to("cpu", **options),
    "to a named device": lambda lib, x, **options: x.to(lib.device("cpu"), **options),
    "to a format": lambda lib, x, **options: x.to(**options),
    "to another": lambda lib, x, **options: x.to(lib.zeros(1).double(), **options),
}


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_strides_are_torchs(call: Call, memory_format: str | None) -> None:
    for name, lay in LAYS.items():
        ours, theirs = (_told(lib, lay, call, memory_format) for lib in (treadle, torch))
        assert _are_alike(ours, theirs), (name, ours, theirs)


def test_values_are_those_of_what_was_copied() -> None:
    x = treadle.arange(120).reshape(2, 3, 4, 5)
    last: Any = {"memory_format": treadle.channels_last}
    for copy in (x.clone(**last), x.contiguous(**last), x.to(**last), x.float(**last)):
        assert copy.is_contiguous(**last)
        assert copy.tolist() == x.tolist()


def test_what_lies_as_asked_is_given_back() -> None:
    x = treadle.empty(2, 3, 4, 5, memory_format=treadle.channels_last)
    assert x.contiguous(memory_format=treadle.channels_last) is x
    assert x.to(memory_format=treadle.channels_last) is x
    assert x.to(memory_format=treadle.contiguous_format) is not x


def test_a_known_call_looks_at_strides_again() -> None:
    x = treadle.zeros(2, 3, 4, 5)
    last: Any = {"memory_format": treadle.channels_last}
    for tensor in (x, x.clone(**last), x.transpose(2, 3), x):
        assert tensor.to(**last).is_contiguous(**last)
        assert tensor.clone(**last).is_contiguous(**last)


def test_formats_of_images_refuse_other_ranks() -> None:
    x = treadle.zeros(2, 3)
    calls: tuple[Call, ...] = (
        treadle.clone, treadle.zeros_like, treadle.Tensor.contiguous, treadle.Tensor.double,
    )  # fmt: skip
    for call in calls:
        with pytest.raises(treadle.ShapeError, match=r"channels_last is of 4 dims, got \[2, 3\]"):
            call(x, memory_format=treadle.channels_last)
    with pytest.raises(treadle.ShapeError, match=r"channels_last_3d is of 5 dims, got \[4\]"):
        treadle.empty(4, memory_format=treadle.channels_last_3d)
    with pytest.raises(treadle.InputError, match="preserve"):
        treadle.empty(4, memory_format=treadle.preserve_format)
    with pytest.raises(treadle.InputError, match="preserve"):
        x.t().contiguous(memory_format=treadle.preserve_format)


def _told(lib: Any, lay: Call, call: Call, memory_format: str | None) -> Any:
    """What torch and Treadle should agree on; None if the call is refused."""
    x = lay(lambda *sizes: lib.ones(math.prod(sizes)).reshape(sizes))
    options = {} if memory_format is None else {"memory_format": getattr(lib, memory_format)}
    try:
        result = call(lib, x, **options)
    except (treadle.Error, RuntimeError):
        return None
    if isinstance(result, bool):
        return result
    return tuple(result.shape), tuple(result.stride()), str(result.dtype).rpartition(".")[2]


def _are_alike(ours: Any, theirs: Any) -> bool:
    if not isinstance(ours, tuple) or not isinstance(theirs, tuple):
        return bool(ours == theirs)
    is_same_type = (ours[0], ours[2]) == (theirs[0], theirs[2])
    return is_same_type and (0 in ours[0] or same_strides(ours[0], ours[1], theirs[1]))
