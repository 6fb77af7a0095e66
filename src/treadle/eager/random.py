"""Random tensors. Equal seeds give other numbers than torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle import draws
from treadle.eager.creation import (
    Array,
    SizeArgument,
    check_options,
    check_size,
    new_array,
    new_array_like,
)  # fmt: skip
from treadle.eager.device import CPU
from treadle.eager.device import device as Device  # noqa: N812  the property has its name
from treadle.eager.dtypes import as_element, dtype_of_array
from treadle.eager.outs import made_into
from treadle.errors import InputError
from treadle.tensor import Tensor

Fill = Callable[[draws.Source, Array], None]


class Generator:
    """A source of random numbers; safe to use from many threads, then in no fixed order."""

    def __init__(self, device: Any = "cpu") -> None:
        check_options("Generator", device, False)
        self._source = draws.Source(np.random.Philox())
        self._seed = 0

    @property
    def device(self) -> Device:
        """Where the numbers are drawn."""
        return CPU

    def manual_seed(self, seed: int) -> Generator:
        """Start over with the numbers that belong to `seed`."""
        self._seed = int(seed) % 2**64
        draws.seed(self._source, self._seed)
        return self

    def seed(self) -> int:
        """Start over with a seed that nobody chose; gives it."""
        self.manual_seed(int(np.random.SeedSequence().generate_state(1, np.uint64)[0]))
        return self._seed

    def initial_seed(self) -> int:
        """The last seed."""
        return self._seed

    def get_state(self) -> Tensor:
        """Where the sequence of numbers is, as bytes."""
        words = [*draws.get_state(self._source), self._seed]
        return Tensor(np.array(words, np.uint64).view(np.uint8))

    def set_state(self, new_state: Any) -> Generator:
        """Go on from where `get_state` was called.

        Raises:
            InputError: if that is no state of a generator.
        """
        state = np.ascontiguousarray(np.asarray(new_state))
        if state.dtype != np.uint8 or state.shape != (_STATE_BYTES,):
            raise InputError(
                f"set_state: argument new_state must be {_STATE_BYTES} bytes of get_state, got"
                f" {state.dtype}{list(state.shape)}"
            )
        *words, self._seed = state.view(np.uint64).tolist()
        draws.set_state(self._source, words)
        return self


_STATE_BYTES = 8 * (draws.NUM_STATE_WORDS + 1)
default_generator = Generator()
default_generator._source = draws.DEFAULT


def manual_seed(seed: int) -> Generator:
    """Seed the numbers that all functions and operators draw by default."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed them with a number that nobody chose; gives it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The last seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Where the default generator is, as bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Let the default generator go on from where `get_rng_state` was called."""
    default_generator.set_state(new_state)


def _source(generator: Generator | None) -> draws.Source:
    return draws.DEFAULT if generator is None else generator._source


def rand(
    *size: SizeArgument,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Numbers uniform in [0, 1)."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(rand, out, dtype, *size, generator=generator, **options)
    array = new_array("rand", size, dtype, device, requires_grad)
    return _filled("rand", draws.fill_uniform, array, generator)


def randn(
    *size: SizeArgument,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Numbers of the standard normal distribution."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(randn, out, dtype, *size, generator=generator, **options)
    array = new_array("randn", size, dtype, device, requires_grad)
    return _filled("randn", draws.fill_normal, array, generator)


def _make_like(name: str, fill: Fill, doc: str) -> Callable[..., Tensor]:
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
        memory_format: int | None = None,
    ) -> Tensor:
        array = new_array_like(name, tensor, dtype, device, requires_grad, memory_format)
        return _filled(name, fill, array, generator)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


rand_like = _make_like(
    "rand_like", draws.fill_uniform, "`rand` in the shape and dtype of another tensor."
)
randn_like = _make_like(
    "randn_like", draws.fill_normal, "`randn` in the shape and dtype of another tensor."
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
    out: Tensor | None = None,
) -> Tensor:
    """Integers uniform in [low, high): ``randint(high, size)`` or ``randint(low, high, size)``."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(randint, out, dtype, low, high, size, generator=generator, **options)
    if size is None and isinstance(high, list | tuple):
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None:
        raise InputError("randint: argument size is missing")
    if low >= high:
        raise InputError(f"randint: there is no integer from {low} to below {high}")
    drawn = new_array("randint", (size,), "int64", device, requires_grad)
    draws.fill_integers(_source(generator), drawn, low, high)
    return Tensor(drawn if dtype is None else drawn.astype(as_element(dtype).numpy, copy=False))


def randperm(
    n: int,
    *,
    dtype: Any = None,
    generator: Generator | None = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """The integers below `n` in random order."""
    if out is not None:
        options = {"device": device, "requires_grad": requires_grad}
        return made_into(randperm, out, dtype, n, generator=generator, **options)
    check_options("randperm", device, requires_grad)
    (count,) = check_size("randperm", (n,))
    order = draws.permutation(_source(generator), count)
    return Tensor(order if dtype is None else order.astype(as_element(dtype).numpy, copy=False))


def _filled(function: str, fill: Fill, array: Array, generator: Generator | None) -> Tensor:
    if array.dtype.kind not in "fc" and not dtype_of_array(array).is_floating_point:
        raise InputError(
            f"{function}: only floating and complex dtypes, got {dtype_of_array(array)}"
        )
    fill(draws.DEFAULT if generator is None else generator._source, array)
    return Tensor(array)
