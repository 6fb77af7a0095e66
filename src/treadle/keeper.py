"""`Keeper`: plans of a method that assigns to attributes of its module, or warns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.compiler import Explanation
from treadle.errors import Cancelled, DeadlineExceeded, Error, ThreadingError
from treadle.ir.graph import Graph
from treadle.ir.program import UnsupportedTensor
from treadle.locks import fork_lock
from treadle.passes.exposure import WARN, Exposed
from treadle.runtime import RunControl
from treadle.structure import Leaf, as_array, filled, key_of, split
from treadle.variants import DeclinedError, Variant

MAX_STATES = 16
"""Structures of attributes that plans are kept for: None and a tensor, numbers that differ."""


class Keeper:
    """The plans of one variant of such a method, one for each structure of its attributes.

    A plan has no effects: what it gives is assigned, and warned of, when it has run. One that fails
    has done nothing, so that the interpreter finds the error in its turn. Plans are made for the
    values of numbers, so these have to come back once: a counter never does.
    """

    def __init__(self, exposed: Exposed, template: tuple[Any, ...], num_regions: int) -> None:
        """`template` is the structure of the arguments."""
        self._exposed, self._template = exposed, template
        self._subject = _Subject(exposed.graph, num_regions)
        self._lock = fork_lock()
        self._variants: dict[Any, Variant] = {}
        self._met: set[Any] = set()

    def run(self, arrays: Sequence[Any], threads: int | None, control: RunControl | None) -> Any:
        """The result for arrays in place of the leaves.

        Raises:
            DeclinedError: if the interpreter has to run it; nothing has happened then.
        """
        taken, held = self._with_state(arrays)
        variant = self._variant(held)
        if variant is None:
            raise DeclinedError
        try:
            result, values, warnings = variant.run(taken, threads, control)
        except (Cancelled, DeadlineExceeded, ThreadingError):
            raise
        except Error:
            raise DeclinedError from None
        for (owner, name), value in zip(self._exposed.assigned, values, strict=True):
            owner.attributes[name] = _plain(value)
        warn = WARN.reference
        assert warn is not None
        for warning in warnings:
            warn(*warning)
        return result

    def explain(self, arrays: Sequence[np.ndarray]) -> Explanation:
        """How that would run, with the attributes of now."""
        try:
            taken, held = self._with_state(arrays)
        except DeclinedError:
            return Explanation(False, "an attribute has no value")
        return self._new(held).explain(taken)

    def _with_state(self, arrays: Sequence[Any]) -> tuple[list[Any], tuple[Any, ...]]:
        """`arrays` with those in attributes behind them, and the structure of the attributes."""
        taken = list(arrays)
        held = []
        for owner, name in self._exposed.read:
            value = owner.attributes.get(name, owner)
            if value is owner or isinstance(value, UnsupportedTensor):
                raise DeclinedError
            held.append(split(value, taken))
        return taken, tuple(held)

    def _variant(self, held: tuple[Any, ...]) -> Variant | None:
        """What runs attributes of that structure; None if it may be one that never comes back."""
        try:
            key = key_of(held)
        except TypeError:
            return None
        with self._lock:
            found = self._variants.get(key)
            if found is None and (_has_no_numbers(held) or key in self._met):
                if len(self._variants) >= MAX_STATES:
                    del self._variants[next(iter(self._variants))]
                found = self._variants[key] = self._new(held)
            elif found is None:
                if len(self._met) >= MAX_STATES:
                    self._met.clear()
                self._met.add(key)
            return found

    def _new(self, held: tuple[Any, ...]) -> Variant:
        return Variant(self._subject, (*self._template, *held), planned=True)


class _Subject:
    """An exposed graph, which is planned or not run at all."""

    def __init__(self, graph: Graph, num_regions: int) -> None:
        self.inlined_graph, self.num_regions = graph, num_regions

    def keeper(self, template: tuple[Any, ...]) -> None:
        """Nothing is left to be kept."""

    def interpret(self, arguments: Sequence[Any], control: RunControl | None) -> Any:
        raise DeclinedError


def _has_no_numbers(held: Any) -> bool:
    if isinstance(held, tuple | list):
        return all(map(_has_no_numbers, held))
    if isinstance(held, dict):
        return all(map(_has_no_numbers, held.values()))
    return held is None or isinstance(held, Leaf)


def _plain(value: Any) -> Any:
    """`value` with arrays for tensors, as attributes hold them."""
    arrays: list[Any] = []
    return filled(split(value, arrays), [as_array(a) for a in arrays])
