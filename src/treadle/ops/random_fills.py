"""Random numbers written into a tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle import draws
from treadle.errors import InputError
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of
from treadle.ops.random import integers, normal, sourced, uniform

Array = np.ndarray[Any, Any]


def _filled(
    schema: str,
    fill: Callable[..., None],
    fits: Callable[..., bool] = lambda *_: True,
    allowed: str = "",
) -> None:
    """A random fill in place; `fits` tells of the arguments whether they are `allowed`."""
    name = schema.removeprefix("aten::").partition("(")[0]

    def reference(x: Array, *args: Any) -> Array:
        if not fits(*args):
            raise InputError(f"{name}: {allowed}, got {', '.join(map(str, args[:-1]))}")
        fill(x, *args)
        return x

    op(schema, reference=sourced(reference), infer=lambda x, *_: x)


def _cast(draw: Callable[..., Array]) -> Callable[..., None]:
    """A fill with what ``draw(shape, *args)`` gives."""

    def fill(x: Array, *args: Any) -> None:
        x[...] = draw(x.shape, *args).astype(x.dtype)

    return fill


_filled(
    "aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? "
    "generator=None) -> Tensor(a!)",
    lambda x, low, high, _: draws.fill_uniform(draws.CURRENT.get(), x, low, high),
    lambda low, high, _: low <= high,
    "from must not exceed to",
)
_filled(
    "aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? "
    "generator=None) -> Tensor(a!)",
    lambda x, mean, std, _: draws.fill_normal(draws.CURRENT.get(), x, mean, std),
    lambda _, std, __: std >= 0,
    "std must not be negative",
)
_filled(
    "aten::bernoulli_.float(Tensor(a!) self, float p=0.5, *, Generator? generator=None) "
    "-> Tensor(a!)",
    lambda x, p, _: draws.fill_chance(draws.CURRENT.get(), x, p),
    lambda p, _: 0 <= p <= 1,
    "p must be from 0 to 1",
)


_filled(
    "aten::exponential_(Tensor(a!) self, float lambd=1., *, Generator? generator=None) -> "
    "Tensor(a!)",
    lambda x, rate, _: draws.fill_exponential(draws.CURRENT.get(), x, rate),
    lambda rate, _: rate > 0,
    "lambd must be positive",
)
_filled(
    "aten::cauchy_(Tensor(a!) self, float median=0., float sigma=1., *, Generator? "
    "generator=None) -> Tensor(a!)",
    _cast(lambda shape, median, sigma, _: median + sigma * np.tan(np.pi * (uniform(shape) - 0.5))),
    lambda _, sigma, __: sigma > 0,
    "sigma must be positive",
)
_filled(
    "aten::log_normal_(Tensor(a!) self, float mean=1., float std=2., *, Generator? "
    "generator=None) -> Tensor(a!)",
    _cast(lambda shape, mean, std, _: np.exp(normal(shape) * std + mean)),
    lambda _, std, __: std > 0,
    "std must be positive",
)


_filled(
    "aten::geometric_(Tensor(a!) self, float p, *, Generator? generator=None) -> Tensor(a!)",
    _cast(lambda shape, p, _: np.ceil(np.log1p(-uniform(shape)) / np.log1p(-p)).clip(1)),
    lambda p, _: 0 < p < 1,
    "p must be between 0 and 1",
)


def _random_integers(x: Array, low: int, high: int | None) -> Array:
    """Integers up to the largest that the dtype holds without gaps, if `high` is None."""
    if high is None:
        dtype = dtype_of(x)
        most = {"f16": 2**11, "bf16": 2**8, "f32": 2**24, "f64": 2**53, "bool": 1}.get(dtype.name)
        high = (int(np.iinfo(x.dtype).max) if most is None else most) + (most is None or most == 1)
        high = min(high, 2**63 - 1)
    x[...] = integers(x.shape, low, high)
    return x


for _overload, _arguments, _bounds in (
    ("", "", lambda: (0, None)),
    (".to", ", int to", lambda to: (0, to)),
    (".from", ", int from, int? to", lambda start, to: (start, to)),
):

    def _reference(x: Array, *args: Any, bounds: Callable[..., Any] = _bounds) -> Array:
        return _random_integers(x, *bounds(*args[:-1]))

    op(
        f"aten::random_{_overload}(Tensor(a!) self{_arguments}, *, Generator? generator=None) -> "
        "Tensor(a!)",
        reference=sourced(_reference),
        infer=lambda x, *_: x,
    )
