"""A Python function for each of torch's operators: finds the overload, keeps what was prepared."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.eager.execute import Prepared, PreparedInPlace, as_array, prepare
from treadle.eager.matching import Leaf, match_call
from treadle.errors import IndexOutOfRange, InputError
from treadle.ir.dtypes import from_numpy
from treadle.ir.op import OpDef
from treadle.ir.types import ListType, OptionalType, TensorType, Type
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL
from treadle.passes.specialise import Unplannable
from treadle.runtime import Program
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]

MAX_PREPARED = 512
"""Calls that a function remembers; the oldest go first."""
_ARRAYS = (Tensor, np.ndarray)
_QUERIES = ("size", "dim", "len", "stride", "is_contiguous")


def function_names() -> list[str]:
    """Names that are both torch's and operators on tensors here."""
    found = {
        op.schema.base
        for op in OPS.by_name.values()
        if op.schema is not None and op.schema.namespace == "aten" and _is_on_tensors(op)
    }
    return sorted(n for n in found if n[0].islower() and n not in _QUERIES)


def make_function(name: str) -> Callable[..., Any]:
    """The function `name`.

    Raises:
        KeyError: if there is no such operator.
    """
    overloads = [op for op in OPS.overloads(f"aten::{name}") if _is_on_tensors(op)]
    if not overloads:
        raise KeyError(name)
    dispatcher = _Dispatcher(name, overloads)
    known = dispatcher.known

    def function(*args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            program = known.get(tuple(map(type, args)))
            if program is not None:
                try:
                    return program(*args)[0]
                except (Unplannable, IndexOutOfRange):
                    pass  # `call` runs the reference, or names the operator in the error
        return dispatcher.call(args, kwargs)

    function.__name__ = function.__qualname__ = name
    function.__module__ = "treadle"
    schemas = "\n".join(f"    {op.schema}" for op in overloads)
    function.__doc__ = f"The operator ``{name}`` of torch.\n\n{schemas}"
    return function


class _Dispatcher:
    """All overloads of one function, and the calls of it that were prepared.

    `known` holds the programs of calls with nothing but tensors, by the types of the arguments.
    """

    def __init__(self, name: str, overloads: Sequence[OpDef]) -> None:
        self.name = name
        self.known: dict[tuple[type, ...], Program] = {}
        self._overloads = overloads
        self._prepared: dict[Any, Prepared | PreparedInPlace] = {}
        self._result: type[Any] | None = _result_class(name, overloads)
        self._by_number = _number_twin(overloads)
        self._writes = all(op.schema is not None and op.schema.writes for op in overloads)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = kwargs.pop("out", None) if kwargs else None
        if self._by_number and len(args) == 2 and type(args[1]) in (int, float) and not kwargs:
            number = _number_array(args[0], args[1])
            if number is not None:
                args = (args[0], number)
        arrays: list[Array] = []
        key = (_key(args, arrays), _key(kwargs, arrays))
        try:
            prepared = self._prepared.get(key)
            if prepared is None:
                prepared = self._prepare(args, kwargs, key)
            if out is not None:
                return self._run_into(prepared, arrays, out)
            result = prepared.run(arrays)
        except IndexOutOfRange as error:
            raise IndexOutOfRange(_named(self.name, error)) from None
        if self._writes:
            return args[0] if args else result[0]
        return self._wrapped(prepared.op, result)

    def _prepare(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], key: Any
    ) -> Prepared | PreparedInPlace:
        leaves: list[Leaf] = []
        positional = _leaves(args, leaves)
        keywords = {k: _leaves(v, leaves) for k, v in kwargs.items()}
        op, bound = match_call(self.name, self._overloads, positional, keywords)
        prepared = prepare(op, bound)
        used = _count(bound)
        if used != len(leaves):
            return prepared  # an argument came from the elements of a tensor: not to be kept
        if len(self._prepared) >= MAX_PREPARED:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[key] = prepared
        program = prepared.program()
        if program is not None and not kwargs and self._is_plain(op, args):
            self.known[tuple(map(type, args))] = program
        return prepared

    def _is_plain(self, op: OpDef, args: tuple[Any, ...]) -> bool:
        """Whether tensors, and nothing else, give one tensor."""
        assert op.schema is not None
        results = op.schema.results
        single = len(results) == 1 and not isinstance(results[0].type, ListType)
        return single and all(isinstance(a, _ARRAYS) for a in args)

    def _run_into(self, prepared: Prepared | PreparedInPlace, arrays: list[Array], out: Any) -> Any:
        if not isinstance(out, _ARRAYS) or not isinstance(prepared, Prepared):
            raise InputError(
                f"{self.name}: argument out must be a tensor, got {type(out).__name__}"
            )
        prepared.run_into(arrays, as_array(out))
        return out

    def _wrapped(self, op: OpDef, result: Sequence[Any]) -> Any:
        values = tuple(_wrap(v) for v in result)
        assert op.schema is not None
        results = op.schema.results
        if len(results) == 1 and not isinstance(results[0].type, ListType):
            return values[0]
        if self._result is not None and len(values) == len(self._result._fields):
            return self._result(*values)
        return values


def _wrap(value: Any) -> Any:
    return Tensor(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value


def _named(name: str, error: Exception) -> str:
    message = str(error)
    return message if message.startswith(f"{name}:") else f"{name}: {message}"


def _key(value: Any, arrays: list[Array]) -> Any:
    """A hashable name of arguments, in which all tensors look alike; these go to `arrays`."""
    kind = type(value)
    if kind is Tensor:
        arrays.append(value._array)
        return Tensor
    if kind is np.ndarray:
        arrays.append(value)
        return Tensor
    if isinstance(value, list | tuple):
        return tuple([_key(v, arrays) for v in value])
    if kind is dict:
        return tuple([(k, _key(v, arrays)) for k, v in value.items()])
    if hasattr(value, "__dlpack__") and not isinstance(value, np.generic):
        arrays.append(np.from_dlpack(value))
        return Tensor
    return (kind, value)


def _leaves(value: Any, leaves: list[Leaf]) -> Any:
    """`value` with a `Leaf` for each tensor, numbered as `_key` meets them."""
    if isinstance(value, list | tuple):
        return [_leaves(v, leaves) for v in value]
    if isinstance(value, _ARRAYS):
        array = as_array(value)
    elif hasattr(value, "__dlpack__") and not isinstance(value, np.generic):
        array = np.from_dlpack(value)
    else:
        return value
    if from_numpy(array.dtype) is None:
        raise InputError(f"tensors have no dtype {array.dtype}")
    leaves.append(Leaf(len(leaves), array))
    return leaves[-1]


def _count(value: Any) -> int:
    if isinstance(value, list | tuple):
        return sum(_count(v) for v in value)
    return int(isinstance(value, Leaf))


def _is_on_tensors(op: OpDef) -> bool:
    return op.schema is not None and any(_has_tensor(a.type) for a in op.schema.arguments)


def _has_tensor(type_: Type) -> bool:
    if isinstance(type_, OptionalType | ListType):
        return _has_tensor(type_.element)
    return isinstance(type_, TensorType)


def _result_class(name: str, overloads: Sequence[OpDef]) -> type[Any] | None:
    """A named tuple, as torch's functions with several named results return one."""
    for op in overloads:
        assert op.schema is not None
        fields = [r.name for r in op.schema.results]
        if len(fields) > 1 and all(fields):
            return namedtuple(name, fields)
    return None


def _number_twin(overloads: Sequence[OpDef]) -> bool:
    """Whether a number as second argument may be passed as a tensor without dims."""
    by_overload = {op.schema.overload: op for op in overloads if op.schema is not None}
    tensor = by_overload.get("Tensor")
    if "Scalar" not in by_overload or tensor is None:
        return False
    return tensor.lower is not None or tensor.name in FUNCTIONAL


def _number_array(tensor: Any, number: int | float) -> Array | None:
    """`number` as an array without dims that gives the same result; None if there is none.

    A number that is an array needs no kernel of its own.
    """
    if not isinstance(tensor, _ARRAYS):
        return None
    array = as_array(tensor)
    element = from_numpy(array.dtype)
    if element is None or element.is_complex:
        return None
    if element.is_floating:
        if element.itemsize < 4 and not array.ndim:
            return None
        return np.asarray(number, np.float64 if element.name == "f64" else np.float32)
    if isinstance(number, float):
        return np.asarray(number, np.float32)
    if element.kind == "b":
        return np.asarray(number, np.int64)
    limits = np.iinfo(element.numpy)
    return np.asarray(number, element.numpy) if limits.min <= number <= limits.max else None
