"""Plans for new sizes without binding again.

A model that is called with ever new sizes (sequences of many lengths, a cache that grows) would
spend its time in `Engine.bind`. So when a third signature differs from earlier ones in sizes alone,
the graph is bound with those sizes as symbols (`ir.symbols`). What comes out, a `Template`, gives
the plan of another signature in microseconds, or says that its guards do not hold there.

A template is trusted once it is verified: the graph is bound at other sizes as well, and every
number of that plan has to be what the template gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from treadle.collector import collection_paused
from treadle.compiler import Bound, engine
from treadle.ir.dtypes import BY_TORCH_NAME
from treadle.ir.graph import Graph
from treadle.ir.strides import dense_order, dense_strides
from treadle.ir.symbols import Symbol, plain
from treadle.ir.traces import Trace
from treadle.ir.types import TensorType
from treadle.locks import fork_lock
from treadle.ops import OPS
from treadle.passes.layouts import ArgumentType, StridedType
from treadle.passes.specialise import specialise
from treadle.plan_parts import PlanParts
from treadle.runtime import Plan, span
from treadle.schedule.choices import Choices
from treadle.schedule.schedule import make_schedule

Entry: TypeAlias = tuple[str, tuple[int, ...]] | tuple[str, tuple[int, ...], tuple[int, ...]]
"""Dtype and sizes of an argument; also its strides, in elements, if it is not row-major."""
Signature: TypeAlias = tuple[Entry, ...]
Numbers = tuple[Any, ...]

SEEN_BEFORE = 2
"""Signatures that are bound one by one before sizes are believed to vary."""
MAX_TEMPLATES = 64
"""Of one binder; a template holds for a range of sizes, or for one size modulo a tile."""
MAX_FAILURES = 8
"""Templates that hold for their own sizes only before no more are made."""


@dataclass(frozen=True, slots=True)
class Template:
    """The plan of all signatures that `pattern` fits and the guards of `instance` admit.

    `pattern` is a signature with names of symbols for the sizes that vary, and orders of dims for
    strides.
    """

    pattern: tuple[Any, ...]
    instance: Callable[..., Numbers | None]
    parts: PlanParts
    result: Any

    def plan(self, signature: Signature) -> Plan | None:
        """The plan of `signature`, or None if this template does not hold there."""
        sizes = _fit(self.pattern, signature)
        numbers = None if sizes is None else self.instance(*sizes)
        return None if numbers is None else self.parts.plan(numbers)


class Binder:
    """Makes the plans of one graph: from a template where one holds, else by binding.

    `arguments` makes, from the types of a signature, the arguments of `specialise`.
    """

    def __init__(
        self, graph: Callable[[], Graph], arguments: Callable[[list[ArgumentType]], Sequence[Any]]
    ) -> None:
        self._graph, self._arguments = graph, arguments
        self._seen: list[Signature] = []
        self.templates: list[Template] = []
        self._failures = 0
        self._lock = fork_lock()

    def bind(self, signature: Signature) -> tuple[Plan, Any]:
        """The plan for `signature`, and the structure of its result.

        Raises:
            Unplannable: if the graph has to be interpreted.
        """
        for template in self.templates:
            plan = template.plan(signature)
            if plan is not None:
                return plan, template.result
        learned = self._learned(signature)
        if learned is not None:
            return learned.parts.plan(_plain(learned.parts.numbers)), learned.result
        bound = self.bind_once(signature)
        return bound.plan, bound.result

    def bind_once(self, signature: Signature) -> Bound:
        """Bind without templates."""
        types: list[ArgumentType] = [argument_of(*entry) for entry in signature]
        return engine().bind(self._graph(), self._arguments(types), shared=True)

    def _learned(self, signature: Signature) -> Template | None:
        """A new template for `signature`, if it is time for one."""
        with self._lock:
            like = [s for s in self._seen if _kind(s) == _kind(signature)][-SEEN_BEFORE:]
            self._seen = [*self._seen[-7:], signature]
            if (
                len(like) < SEEN_BEFORE
                or _has_gaps(signature)
                or self._failures >= MAX_FAILURES + len(self.templates)
                or len(self.templates) >= MAX_TEMPLATES
            ):
                return None
            pattern, sizes = _pattern([*like, signature])
            template = self._verified(pattern, sizes)
            if template is None:
                self._failures += 1
            else:
                self.templates = [template, *self.templates]
            return template

    @span("make template")
    @collection_paused()
    def _verified(self, pattern: tuple[Any, ...], sizes: list[int]) -> Template | None:
        """A template for `pattern`, made at `sizes` and verified at others."""
        choices = Choices()
        try:
            template = self._traced(pattern, sizes, choices)
            for others in _probes(sizes):
                numbers = template.instance(*others)
                if numbers is not None:
                    other = self._traced(pattern, others, choices)
                    return template if _same(template, other, numbers) else None
        except Exception:  # of code that cannot compute with symbols: it binds without them
            return None
        return None

    def _traced(self, pattern: tuple[Any, ...], sizes: Sequence[int], choices: Choices) -> Template:
        """A template, not yet verified, made at `sizes`."""
        trace = Trace(sizes)
        types: list[ArgumentType] = []
        for dtype, shape, order in pattern:
            sizes = tuple(_filled(shape, trace.symbols))
            types.append(argument_of(dtype, sizes, order and dense_strides(sizes, order)))
        with choices.used():
            specialised = specialise(
                self._graph(), self._arguments(types), OPS.by_name, shared=True
            )
            schedule = make_schedule(specialised.graph, engine().machine)
            parts = engine().parts(specialised, schedule)
        return Template(pattern, trace.compile(parts.numbers), parts, specialised.result)


def argument_of(
    dtype: str, sizes: tuple[int, ...], strides: tuple[int, ...] | None = None
) -> ArgumentType:
    """An argument of `specialise`."""
    type_ = TensorType(BY_TORCH_NAME[dtype], sizes)
    return type_ if strides is None else StridedType(type_, strides)


def _order(shape: tuple[int, ...], strides: tuple[int, ...] | None = None) -> Any:
    """The order of dims of an argument that is not row-major; None also if it has gaps."""
    return strides and dense_order(shape, strides)


def _has_gaps(signature: Signature) -> bool:
    return any(len(entry) == 3 and _order(*entry[1:]) is None for entry in signature)


def _kind(signature: Signature) -> list[tuple[Any, ...]]:
    """What signatures share that differ in sizes alone."""
    return [(entry[0], len(entry[1]), _order(*entry[1:])) for entry in signature]


def _pattern(signatures: Sequence[Signature]) -> tuple[tuple[Any, ...], list[int]]:
    """A signature with symbols where `signatures` differ, and their sizes in the last.

    Sizes that were equal to each other in every signature are one symbol.
    """
    names: dict[tuple[int, ...], str] = {}

    def entry(sizes: tuple[int, ...]) -> int | str:
        return sizes[-1] if len(set(sizes)) == 1 else names.setdefault(sizes, f"d{len(names)}")

    pattern = tuple(
        (
            tensors[0][0],
            tuple(map(entry, zip(*(shape for _, shape, *_ in tensors), strict=True))),
            _order(*tensors[0][1:]),
        )
        for tensors in zip(*signatures, strict=True)
    )
    return pattern, [sizes[-1] for sizes in names]


def _fit(pattern: tuple[Any, ...], signature: Signature) -> list[int] | None:
    """The sizes of the symbols under which `pattern` is `signature`; None if there are none."""
    sizes: dict[str, int] = {}
    for (dtype, shape, order), given in zip(pattern, signature, strict=True):
        actual = given[1]
        if dtype != given[0] or len(shape) != len(actual):
            return None
        if (order is not None or len(given) == 3) and order != _order(*given[1:]):
            return None
        for entry, size in zip(shape, actual, strict=True):
            if entry != size if isinstance(entry, int) else sizes.setdefault(entry, size) != size:
                return None
    return [sizes[f"d{i}"] for i in range(len(sizes))]


def _filled(shape: Sequence[int | str], symbols: Sequence[Symbol]) -> Iterator[int]:
    for entry in shape:
        yield entry if isinstance(entry, int) else symbols[int(entry[1:])]


def _probes(sizes: Sequence[int]) -> Iterator[list[int]]:
    """Other sizes, near and a few tiles away, each symbol moved by another distance.

    Then with one symbol moved: the others may hold for one size only, of no elements or of one.
    """
    numbers = range(len(sizes))
    alone = [[int(i == moved) for i in numbers] for moved in numbers] if len(sizes) > 1 else []
    for distances in ([1 + i for i in numbers], *alone):
        for step in (1, 2, 16, 32, 64, 128, -1, -2, -16, -32, -64):
            moved = [size + step * d for size, d in zip(sizes, distances, strict=True)]
            if min(moved) >= 0:
                yield moved


def _same(template: Template, other: Template, numbers: Numbers) -> bool:
    """Whether `numbers`, from `template`, are those that `other` was made with."""
    return (
        _plain(other.parts.numbers) == numbers
        and [k.address for k in template.parts.kernels] == [k.address for k in other.parts.kernels]
        and len(template.parts.constants) == len(other.parts.constants)
        and all(map(_equal, template.parts.constants, other.parts.constants))
    )


def _plain(numbers: Any) -> Any:
    if isinstance(numbers, tuple | list):
        return type(numbers)(map(_plain, numbers))
    return plain(numbers)


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return a is b or (a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
