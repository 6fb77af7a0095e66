"""Abstract values, on which `specialise` runs a graph: what they are and hold.

A tensor of run time is a `Value` of the new graph, one known now an array; all else is Python's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import Error
from treadle.ir import dtypes
from treadle.ir.graph import Block, Value
from treadle.ir.named import tuple_like
from treadle.ir.op import (
    OpDef,
)  # fmt: skip
from treadle.ir.symbols import is_whole
from treadle.ir.types import (
    ListType,
    OptionalType,
    TensorType,
    TupleType,
    Type,
    UnionType,
)  # fmt: skip


class Unplannable(Error):
    """The graph, or a part of it, has to be interpreted; the message says why."""


class AbstractNumber:
    """A tensor of one number, computed from sizes: how traced models pass sizes on."""

    def __init__(self, value: Any) -> None:
        self.value = value


class AbstractObject:
    """An object that the graph makes: the block that does, and the attributes so far."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.attributes: dict[str, Any] = {}


class AbstractFuture:
    """What a fork returns: the node, and the abstract value of its block."""

    def __init__(self, value: Value, result: Any) -> None:
        self.value, self.result = value, result


def as_types(abstract: Any) -> Any:
    """An abstract value as `OpDef.infer` takes it."""
    if isinstance(abstract, Value):
        return abstract.type
    if isinstance(abstract, np.ndarray):
        return TensorType(dtypes.from_numpy(abstract.dtype), abstract.shape)
    if isinstance(abstract, list):
        return [as_types(a) for a in abstract]
    if isinstance(abstract, tuple):
        return tuple(as_types(a) for a in abstract)
    return abstract


def has_run_time(abstract: Any) -> bool:
    """Whether anything in a structure is only known in a run."""
    if isinstance(abstract, list | tuple):
        return any(has_run_time(a) for a in abstract)
    if isinstance(abstract, dict):
        return any(has_run_time(a) for a in abstract.values())
    return isinstance(abstract, Value | AbstractFuture)


def has_tensor(abstract: Any) -> bool:
    """Whether a tensor is in a list or tuple."""
    if isinstance(abstract, list | tuple):
        return any(has_tensor(a) for a in abstract)
    return isinstance(abstract, Value | np.ndarray)


def has_types(inferred: Any) -> bool:
    """Whether a tensor type is in what a type rule gave."""
    if isinstance(inferred, list | tuple):
        return any(has_types(a) for a in inferred)
    return isinstance(inferred, TensorType)


def arrays_in(abstract: Any) -> list[np.ndarray]:
    """The arrays in a structure."""
    if isinstance(abstract, list | tuple):
        return [found for a in abstract for found in arrays_in(a)]
    if isinstance(abstract, dict):
        return arrays_in(list(abstract.values()))
    return [abstract] if isinstance(abstract, np.ndarray) else []


def memory_of(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory of a view, also of one that NumPy's `as_strided` made."""
    while True:
        base = array.base
        if not isinstance(base, np.ndarray):
            base = getattr(base, "base", None)
        if not isinstance(base, np.ndarray):
            return array
        array = base


def takes_tensor(type_: Type) -> bool:
    """Whether values of the type may hold a tensor."""
    if isinstance(type_, OptionalType | ListType):
        return takes_tensor(type_.element)
    return isinstance(type_, TensorType)


def makes_tensor(op: OpDef) -> bool:
    """Whether a tensor is among the results of `op`."""
    return op.schema is not None and any(takes_tensor(r.type) for r in op.schema.results)


def mutates_list(op: OpDef) -> bool:
    """Whether the only effect of `op` is on a list or dict, which are Python's own here."""
    schema = op.schema
    return (
        schema is not None
        and not any(takes_tensor(a.type) for a in schema.arguments)
        and (any(a.writes for a in schema.arguments))
    )


def flatten(structure: Any) -> Sequence[Value]:
    """The values in a structure of tuples, lists and dicts, depth first."""
    if isinstance(structure, Value):
        return [structure]
    if isinstance(structure, tuple | list):
        return [v for item in structure for v in flatten(item)]
    if isinstance(structure, dict):
        return [v for item in structure.values() for v in flatten(item)]
    return []


def substitute(structure: Any, values: Any) -> Any:
    """`structure` with its graph values replaced, in order, by the next of `values`."""
    if isinstance(structure, Value):
        return next(values)
    if isinstance(structure, tuple):
        return tuple_like(structure, [substitute(s, values) for s in structure])
    if isinstance(structure, list):
        return [substitute(s, values) for s in structure]
    if isinstance(structure, dict):
        return {k: substitute(s, values) for k, s in structure.items()}
    return structure


def is_instance(value: Any, type_: Type) -> bool:
    """Whether an abstract value is of a type, as ``isinstance`` in a script asks."""
    if isinstance(type_, UnionType):
        return any(is_instance(value, t) for t in type_.options)
    if isinstance(type_, OptionalType):
        return value is None or is_instance(value, type_.element)
    if isinstance(type_, TensorType):
        return isinstance(value, Value | np.ndarray)
    if isinstance(type_, ListType):
        return isinstance(value, list) and all(is_instance(v, type_.element) for v in value)
    if isinstance(type_, TupleType):
        return (
            isinstance(value, tuple)
            and len(value) == len(type_.elements)
            and all(map(is_instance, value, type_.elements))
        )
    containers = {"AnyListType": list, "AnyTupleType": tuple}
    if str(type_) in containers:
        return isinstance(value, containers[str(type_)])
    python = {"int": int, "float": float, "bool": bool, "str": str, "NoneType": type(None)}
    expected = python.get(str(type_))
    if expected is None:
        raise Unplannable(f"isinstance of {type_}")
    return type(value) is expected or (expected is int and is_whole(value))
