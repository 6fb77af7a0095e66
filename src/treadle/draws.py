"""Where random numbers come from, for operators and eager functions alike, and how they are drawn.

Sources are counter-based (Philox): what is drawn depends on the seed and on what was drawn before,
never on threads. The numbers are not torch's, the distributions are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import ml_dtypes
import numpy as np

from treadle._native import Drawer

Array = np.ndarray[Any, Any]


class Source(np.random.Generator):
    """A generator of NumPy's; `drawer` draws from it without a step in Python."""

    def __init__(self, bits: np.random.BitGenerator) -> None:
        super().__init__(bits)
        self.drawer: Drawer = Drawer(bits)


DEFAULT: Source = Source(np.random.Philox())
"""What everything draws from that is told no other source."""
CURRENT: ContextVar[Source] = ContextVar("source of random numbers", default=DEFAULT)
_DRAWN = "fd"
"""The dtypes that are drawn, float32 and float64."""
FEW = 1 << 32
_FIELDS = (("state", "counter", 4), ("state", "key", 2), ("buffer", "", 4))
_NUMBERS = ("buffer_pos", "has_uint32", "uinteger")
NUM_STATE_WORDS = sum(count for *_, count in _FIELDS) + len(_NUMBERS)


def seed(source: Source, number: int) -> None:
    """Let `source` start over with the numbers that belong to `number`."""
    source.bit_generator.state = np.random.Philox(number % 2**64).state


def get_state(source: Source) -> list[int]:
    """Where `source` is, as words of 64 bits; `set_state` takes it back there."""
    state: Any = source.bit_generator.state
    words = [int(w) for outer, inner, _ in _FIELDS for w in _field(state, outer, inner)]
    return [*words, *(int(state[name]) for name in _NUMBERS)]


def set_state(source: Source, words: Sequence[int]) -> None:
    """Let `source` go on from where it was when `get_state` gave these words."""
    state: Any = source.bit_generator.state
    rest = list(words)
    for outer, inner, count in _FIELDS:
        _field(state, outer, inner)[:] = np.array(rest[:count], np.uint64)
        del rest[:count]
    source.bit_generator.state = {**state, **dict(zip(_NUMBERS, rest, strict=True))}


def _field(state: Any, outer: str, inner: str) -> Any:
    return state[outer][inner] if inner else state[outer]


def fill_uniform(source: Source, array: Array, low: float = 0.0, high: float = 1.0) -> None:
    """Fill `array` with numbers in [low, high); each part of a complex one is such a number."""
    try:
        source.drawer.fill_uniform(array, low, high)
    except TypeError:
        _fill_uniform_cast(source, array, low, high)


def _fill_uniform_cast(source: Source, array: Array, low: float, high: float) -> None:
    _cast(source.drawer.fill_uniform, array, low, high)
    if array.dtype.kind != "c" and (low, high) == (0.0, 1.0):
        read: Any = ml_dtypes.finfo
        below_one = array.dtype.type(1 - read(array.dtype).epsneg)
        np.minimum(array, below_one, out=array)  # rounding gave 1


def fill_normal(source: Source, array: Array, mean: float = 0.0, std: float = 1.0) -> None:
    """Fill `array` with numbers of a normal distribution; parts of complex ones share `std`."""
    try:
        source.drawer.fill_normal(array, mean, std)
    except TypeError:
        _fill_normal_cast(source, array, mean, std)


def _fill_normal_cast(source: Source, array: Array, mean: float, std: float) -> None:
    if array.dtype.kind != "c":
        _cast(source.drawer.fill_normal, array, mean, std)
        return
    _cast(source.drawer.fill_normal, array, 0.0, std * 0.5**0.5)
    array += array.dtype.type(mean)


def fill_chance(source: Source, array: Array, chance: float) -> None:
    """Fill `array` with ones with this chance, else zeros."""
    try:
        source.drawer.fill_chance(array, chance)
    except TypeError:
        _cast(source.drawer.fill_chance, array, chance)


def fill_exponential(source: Source, array: Array, rate: float) -> None:
    """Fill `array` with numbers of an exponential distribution."""
    try:
        source.drawer.fill_exponential(array, rate)
    except TypeError:
        _cast(source.drawer.fill_exponential, array, rate)


def _cast(fill: Callable[..., None], array: Array, *args: float) -> None:
    """Fill the array with what `fill` draws in another dtype, or elsewhere in memory."""
    if array.dtype.kind == "c":
        parts = np.empty((*array.shape, 2), array.real.dtype)
        fill(parts, *args)
        array.real, array.imag = parts[..., 0], parts[..., 1]
    else:
        drawn = np.empty(array.shape, np.float64 if array.dtype.char == "d" else np.float32)
        fill(drawn, *args)
        array[...] = drawn


def bernoulli(source: Source, chances: Array) -> Array:
    """Ones with these chances, else zeros, of the same dtype."""
    return _drawn_from(source.drawer.fill_bernoulli, chances)


def poisson(source: Source, rates: Array) -> Array:
    """Numbers of events of which `rates` are expected, of the same dtype.

    Raises:
        ValueError: if one is no rate.
    """
    return _drawn_from(source.drawer.fill_poisson, rates)


def _drawn_from(fill: Callable[[Array], None], parameters: Array) -> Array:
    """What `fill` makes of the parameter of each element."""
    if parameters.dtype.char in _DRAWN:
        result: Array = parameters.copy()
        fill(result)
        return result
    drawn = parameters.astype(np.float64, "C")
    fill(drawn)
    result = drawn.astype(parameters.dtype)
    return result


def integers(source: Source, low: int, high: int, shape: Sequence[int]) -> Array:
    """Integers of 64 bits in [low, high)."""
    drawn = np.empty(shape, np.int64)
    fill_integers(source, drawn, low, high)
    return drawn


def fill_integers(source: Source, array: Array, low: int, high: int) -> None:
    """Fill `array` with `integers`."""
    if high - low > FEW:
        array[...] = source.integers(low, high, array.shape, np.int64)
    else:
        source.drawer.fill_integers(array, low, high - low)


def permutation(source: Source, count: int) -> Array:
    """The integers below `count` in random order."""
    order = np.arange(count, dtype=np.int64)
    source.drawer.shuffle(order)
    return order
