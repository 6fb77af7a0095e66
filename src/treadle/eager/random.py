"""Random tensors. The numbers are NumPy's, not torch's: equal seeds give other values there."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.eager.creation import SizeArgument, check_options, check_size
from treadle.eager.dtypes import as_element
from treadle.errors import InputError
from treadle.runtime import empty as empty_array
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
    check_options("rand", device, requires_grad)
    return _floats("rand", "random", size, dtype, generator)


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
    check_options("randn", device, requires_grad)
    return _floats("randn", "standard_normal", size, dtype, generator)


def rand_like(
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
    """`rand` in the shape, and by default the dtype, of another tensor."""
    check_options("rand_like", device, requires_grad)
    return rand(tensor.shape, dtype=dtype or tensor.dtype, generator=generator)


def randn_like(
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
    """`randn` in the shape, and by default the dtype, of another tensor."""
    check_options("randn_like", device, requires_grad)
    return randn(tensor.shape, dtype=dtype or tensor.dtype, generator=generator)


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


def _floats(
    function: str, method: str, size: Any, dtype: Any, generator: Generator | None
) -> Tensor:
    element = as_element("float32" if dtype is None else dtype)
    if not element.is_floating:
        raise InputError(f"{function}: only floating dtypes, got {element.torch_name}")
    source = (generator or default_generator)._source
    shape = check_size(function, size)
    drawn = np.float64 if element.name == "f64" else np.float32
    array = empty_array(shape, np.dtype(drawn))
    getattr(source, method)(out=array, dtype=drawn)
    return Tensor(array.astype(element.numpy, copy=False))
