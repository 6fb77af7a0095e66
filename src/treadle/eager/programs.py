"""The native programs of operators, one for each set of arguments that are no tensors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from treadle.compiler import single
from treadle.eager.matching import Leaf
from treadle.eager.operands import Lay, find_lay, insert_view, is_read_as_it_lies
from treadle.ir.graph import Graph
from treadle.ir.op import OpDef
from treadle.ops import OPS
from treadle.passes.abstract import Unplannable
from treadle.passes.specialise import specialise
from treadle.runtime import Plan, Program
from treadle.template import Binder, Signature, argument_of
from treadle.tensor import Tensor

MAX_PROGRAMS = 2048
"""Of operators with their non-tensor arguments; the oldest go first."""
MAX_LAYS = 64
"""Ways in which the operands of one program lie in memory before further ones are copied."""
_programs: dict[Any, Program] = {}
Lays: TypeAlias = tuple[Lay | None, ...]


def program_of(op: OpDef, arguments: Sequence[Any]) -> Program:
    """The program of `op` with these non-tensor arguments, made once."""
    key = (op.name, _key(arguments))
    program = _programs.get(key)
    if program is None:
        if len(_programs) >= MAX_PROGRAMS:
            del _programs[next(iter(_programs))]
        program = _programs[key] = Program(_Plans(op, arguments).bind, Tensor, refusal=Unplannable)
    return program


class _Plans:
    """Makes the plans of one operator for tensors of given types; the native program calls it."""

    def __init__(self, op: OpDef, arguments: Sequence[Any]) -> None:
        self._op, self._arguments = op, arguments
        self._binders: dict[Lays, Binder] = {}

    def bind(self, specs: Signature) -> Plan | tuple[Plan, list[int]]:
        """The plan, and with it which tensors it reads where they lie.

        Raises:
            Unplannable: if there is none.
        """
        lays, wide = self._laid(specs)
        plan = self._binder(lays).bind(wide)[0]
        lying = [number for number, lay in enumerate(lays) if lay is not None]
        return (plan, lying) if lying else plan

    def _binder(self, lays: Lays) -> Binder:
        binder = self._binders.get(lays)
        if binder is None:
            graph = self._graph(lays)
            binder = self._binders[lays] = Binder(lambda: graph, lambda types: types)
        return binder

    def _graph(self, lays: Lays) -> Graph:
        graph = single(self._op, _stand_ins(self._arguments, itertools.repeat(np.empty(0))))[0]
        for param, lay in zip(graph.params, lays, strict=True):
            if lay is not None:
                insert_view(graph, param, lay)
        return graph

    def _laid(self, specs: Signature) -> tuple[Lays, Signature]:
        """How tensors lie that are read there, and the types with those of their memory."""
        found = [find_lay(*spec[1:]) if len(spec) == 3 else None for spec in specs]
        none = (None,) * len(specs)
        if not any(found) or len(self._binders) >= MAX_LAYS:
            return none, specs
        graph = self._graph(tuple(f and f[0] for f in found))
        wide = tuple((s[0], f[1]) if f else s for s, f in zip(specs, found, strict=True))
        types = [argument_of(*spec) for spec in wide]
        params = specialise(graph, types, OPS.by_name, shared=True).graph.params
        for number, param in enumerate(params):
            here = found[number]
            if here is not None and not is_read_as_it_lies(param, here[0], math.prod(here[1])):
                found[number] = None
        wide = tuple((s[0], f[1]) if f else s for s, f in zip(specs, found, strict=True))
        return tuple(f and f[0] for f in found), wide


def _stand_ins(value: Any, leaves: Any) -> Any:
    """`value` with an array, any array, for each tensor: they become parameters of a graph."""
    if isinstance(value, Leaf | np.ndarray):
        return next(leaves)
    if isinstance(value, list | tuple):
        return [_stand_ins(v, leaves) for v in value]
    return value


def _key(value: Any) -> Any:
    """A hashable name of the arguments, in which all tensors look alike."""
    if isinstance(value, Leaf | np.ndarray):
        return Leaf
    if isinstance(value, list | tuple):
        return tuple(_key(v) for v in value)
    return _number_key(type(value), value)


def _number_key(kind: type, value: Any) -> Any:
    """A hashable name of a Python value, different for 0.0 and -0.0, for 1 and True."""
    return (kind, value) if value or kind is not float else (kind, repr(value))
