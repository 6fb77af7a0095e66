"""NamedTuples as Python sees them: one class for each type, with the fields as attributes."""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable, Iterable
from typing import Any

from treadle.ir.types import TupleType, Type


@functools.lru_cache(maxsize=256)
def tuple_maker(type_: Type) -> Callable[[Iterable[Any]], tuple[Any, ...]]:
    """What makes a tuple of `type_` of its parts: a namedtuple if the type has fields."""
    if not isinstance(type_, TupleType) or not type_.name or not type_.fields:
        return tuple
    name = type_.name.rpartition(".")[2]
    cls = namedtuple(name, type_.fields, rename=True)  # type: ignore[misc]
    make: Callable[[Iterable[Any]], tuple[Any, ...]] = cls._make
    return make


def tuple_like(template: tuple[Any, ...], parts: Iterable[Any]) -> tuple[Any, ...]:
    """A tuple of `parts` of the same class as `template`."""
    make: Callable[[Iterable[Any]], tuple[Any, ...]] = getattr(type(template), "_make", tuple)
    return make(parts)
