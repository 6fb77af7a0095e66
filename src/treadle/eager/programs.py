"""The native programs of operators, one for each set of arguments that are no tensors."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.compiler import single
from treadle.eager.matching import Leaf
from treadle.ir.graph import Graph
from treadle.ir.op import OpDef
from treadle.passes.abstract import Unplannable
from treadle.runtime import Plan, Program
from treadle.template import Binder, Signature
from treadle.tensor import Tensor

MAX_PROGRAMS = 2048
"""Of operators with their non-tensor arguments; the oldest go first."""
_programs: dict[Any, Program] = {}


def program_of(op: OpDef, arguments: Sequence[Any]) -> Program:
    """The program of `op` with these non-tensor arguments, made once."""
    key = (op.name, _key(arguments))
    program = _programs.get(key)
    if program is None:
        if len(_programs) >= MAX_PROGRAMS:
            del _programs[next(iter(_programs))]
        program = _programs[key] = Program(_binder(op, arguments), Tensor)
    return program


def _binder(op: OpDef, arguments: Sequence[Any]) -> Callable[[Signature], Plan]:
    """Makes the plan for tensors of given types; called by the native program."""

    @functools.cache
    def graph() -> Graph:
        return single(op, _stand_ins(arguments, itertools.repeat(np.empty(0))))[0]

    binder = Binder(graph, lambda types: types)

    refused: dict[Signature, str] = {}

    def bind(specs: Signature) -> Plan:
        if specs in refused:
            raise Unplannable(refused[specs])
        try:
            return binder.bind(specs)[0]
        except Unplannable as reason:
            if len(refused) < MAX_PROGRAMS:
                refused[specs] = str(reason)
            raise

    return bind


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
