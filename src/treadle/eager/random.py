"""Random tensors. The numbers are NumPy's, not torch's: equal seeds give other values there."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.eager.creation import (
    Array,
    SizeArgument,
    check_options,
    check_size,
    new_array,
    new_array_like,
)  # fmt: skip
from treadle.eager.dtypes import as_element, dtype_of_array
from treadle.errors import InputError
from treadle.tensor import Tensor


class Generator:
    """A source of random numbers; safe to use from many threads, then in no fixed order."""

    def __init__(self, device: Any = "cpu") -> None:
        check_options("Generator", device, False)
        self._seed = 0
        self._source = np.random.default_rng()

    def manual_seed(self, seed: int) -> Generator:
        """Start over with the numbers that belong to `seed`."""
        self._seed = int(seed)
        self._source = np.random.default_rng(self._seed % 2**64)
        return self

    def seed(self) -> int:
        """Start over with a seed that nobody chose; gives it."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
        return self._seed

    def initial_seed(self) -> int:
        """The last seed."""
        return self._seed


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the numbers that all functions of this module, and random operators, draw by default."""
    from treadle.ops import random  # measured: 0.1 s that those who never seed need not wait for

    random.manual_seed(int(seed) % 2**64)
    return default_generator.manual_seed(seed)


def rand(
    *size: SizeArgument,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers uniform in [0, 1)."""
    array = new_array("rand", size, dtype, device, requires_grad)
    return _drawn("rand", "random", array, generator)


def randn(
    *size: SizeArgument,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Numbers of the standard normal distribution."""
    array = new_array("randn", size, dtype, device, requires_grad)
    return _drawn("randn", "standard_normal", array, generator)


def _make_like(name: str, method: str, doc: str) -> Callable[..., Tensor]:
    """The function `name`: random numbers in the shape, and by default the dtype, of another."""

    def function(
        tensor: Any,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        array = new_array_like(name, tensor, dtype, device, requires_grad)
        return _drawn(name, method, array, generator)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


rand_like = _make_like("rand_like", "random", "`rand` in the shape and dtype of another tensor.")
randn_like = _make_like(
    "randn_like", "standard_normal", "`randn` in the shape and dtype of another tensor."
)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """Integers uniform in [low, high): ``randint(high, size)`` or ``randint(low, high, size)``."""
    check_options("randint", device, requires_grad)
    if size is None and isinstance(high, list | tuple):
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise InputError("randint: argument size is missing")
    if low >= high:
        raise InputError(f"randint: there is no integer from {low} to below {high}")
    element = as_element("int64" if dtype is None else dtype)
    source = (generator or default_generator)._source
    drawn = source.integers(low, high, check_size("randint", (size,)), dtype=np.int64)
    return Tensor(np.asarray(drawn).astype(element.numpy, copy=False))


def randperm(
    n: int,
    *,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """The integers below `n` in random order."""
    check_options("randperm", device, requires_grad)
    (count,) = check_size("randperm", (n,))
    element = as_element("int64" if dtype is None else dtype)
    source = (generator or default_generator)._source
    return Tensor(source.permutation(count).astype(element.numpy, copy=False))


def _drawn(function: str, method: str, array: Array, generator: Generator | None) -> Tensor:
    """`array` filled with random numbers; each part of a complex one has half of the variance."""
    draw = getattr((generator or default_generator)._source, method)
    if array.dtype in _DRAWN:
        draw(out=array, dtype=array.dtype)
        return Tensor(array)
    if array.dtype.kind == "c":
        parts = array.reshape(-1).view(array.real.dtype)
        draw(out=parts, dtype=parts.dtype)
        if method == "standard_normal":
            parts *= math.sqrt(0.5)
        return Tensor(array)
    if not dtype_of_array(array).is_floating_point:
        raise InputError(
            f"{function}: only floating and complex dtypes, got {dtype_of_array(array)}"
        )
    array[...] = draw(array.shape, dtype=np.float32)
    return Tensor(array)


_DRAWN = (np.dtype(np.float32), np.dtype(np.float64))
