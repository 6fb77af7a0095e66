"""A Python function for each of torch's operators: finds the overload, keeps what was prepared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.eager.adapters import ADAPTERS
from treadle.eager.dtypes import as_element, dtype
from treadle.eager.execute import (
    Prepared,
    PreparedInPlace,
    as_array,
    gives_view,
    number_key,
    prepare,
)
from treadle.eager.matching import Leaf, match_call
from treadle.eager.table import KNOWN
from treadle.eager.views import CastCall, ViewCall
from treadle.errors import InputError
from treadle.ir.dtypes import from_numpy
from treadle.ir.op import OpDef
from treadle.ir.schema import Schema
from treadle.ir.types import ListType, OptionalType, TensorType, Type
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL
from treadle.passes.abstract import Unplannable
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]

REFUSALS = (ValueError, TypeError, IndexError, ArithmeticError, MemoryError)
"""What Python and NumPy raise of arguments that no rule of an operator looked at."""
MAX_PREPARED = 512
"""Calls that a function remembers; the oldest go first."""
_ARRAYS = (Tensor, np.ndarray)
_MISSING: Any = type("Missing", (), {})()
MAX_NUMBERS = 4096
_numbers: dict[Any, Array | None] = {}
_ATTRIBUTES = frozenset({"data", "imag", "len", "mT", "nonzero_numpy", "numpy_T", "real"})
"""Operators that are no methods: attributes of tensors give what they do, or they are internal."""
_METHODS_ONLY = (_ATTRIBUTES - {"imag", "real"}) | {
    "contiguous", "cpu", "dim", "index", "is_contiguous", "lift_fresh", "size", "stride", "to",
    "type_as", "view", "view_as",
}  # fmt: skip


def function_names() -> list[str]:
    """Names that are both torch's and operators on tensors here."""
    found = {
        op.schema.base
        for op in OPS.by_name.values()
        if op.schema is not None and op.schema.namespace == "aten" and _is_on_tensors(op)
    }
    names = (n for n in found if n[0].islower() and n not in _METHODS_ONLY)
    return sorted({*names, *ADAPTERS})


def method_names() -> list[str]:
    """Names of the operators that are methods: the first argument is a tensor."""
    found = {
        op.schema.base
        for op in OPS.by_name.values()
        if op.schema is not None and op.schema.namespace == "aten" and _is_method(op.schema)
    }
    return sorted(n for n in found if n[0].islower() and n not in _ATTRIBUTES)


def make_function(name: str) -> Callable[..., Any]:
    """The function `name`.

    Raises:
        KeyError: if there is no such operator.
    """
    return ADAPTERS[name] if name in ADAPTERS else make_plain(name)


def make_plain(name: str) -> Callable[..., Any]:
    """The function of the operators called `name`.

    Raises:
        KeyError: if there is no such operator.
    """
    overloads = [op for op in OPS.overloads(f"aten::{name}") if _is_on_tensors(op)]
    if not overloads:
        raise KeyError(name)
    dispatcher = _Dispatcher(name, overloads)
    make = _view_function if all(map(gives_view, overloads)) else _any_function
    function = make(dispatcher)
    setattr(function, KNOWN, dispatcher.known)
    function.__name__ = function.__qualname__ = name
    function.__module__ = "treadle"
    schemas = "\n".join(f"    {op.schema}" for op in overloads)
    function.__doc__ = f"The operator ``{name}`` of torch.\n\n{schemas}"
    return function


def _view_function(dispatcher: _Dispatcher) -> Callable[..., Any]:
    """Views are known by all their arguments, and by the types of these."""
    known = dispatcher.known

    def function(
        first: Any = _MISSING, second: Any = _MISSING, /, *rest: Any, **kwargs: Any
    ) -> Any:
        if not kwargs:
            program = None
            try:
                if rest:
                    kinds = (type(second), *map(type, rest))
                    program = known.get((type(first), second, *rest, *kinds))
                elif type(second) is int or type(second) is tuple or second is _MISSING:
                    program = known.get((type(first), second))
            except TypeError:  # a list
                program = None
            if program is not None:
                return program(first)[0]
        if second is _MISSING:
            return dispatcher.call(() if first is _MISSING else (first,), kwargs)
        return dispatcher.call((first, second, *rest), kwargs)

    return function


def _any_function(dispatcher: _Dispatcher) -> Callable[..., Any]:
    """Written out for speed: one or two arguments are all that most calls have."""
    known = dispatcher.known

    def function(
        first: Any = _MISSING, second: Any = _MISSING, /, *rest: Any, **kwargs: Any
    ) -> Any:
        if not kwargs and not rest:
            kind = type(second)
            program = known.get((type(first), second if kind is int else kind))
            if program is None and kind is int:
                program = known.get((type(first), int))
            if program is not None:
                try:
                    if second is _MISSING:
                        return program(first)[0]
                    return program(first, second)[0]
                except (Unplannable, *REFUSALS):
                    pass  # `call` runs the reference, or names the operator in the error
        if second is _MISSING:
            return dispatcher.call(() if first is _MISSING else (first,), kwargs)
        return dispatcher.call((first, second, *rest), kwargs)

    return function


class _Dispatcher:
    """All overloads of one function, and the calls of it that were prepared.

    `known` holds what runs calls of one or two arguments that were made before, by the type of the
    first, a tensor, and the second's, or the second itself if it is an int.
    """

    def __init__(self, name: str, overloads: Sequence[OpDef]) -> None:
        self.name = name
        self.known: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self._overloads = overloads
        self._prepared: dict[Any, Prepared | PreparedInPlace] = {}
        if _has_number_twin(overloads):
            for tensor in _ARRAYS:
                for number in (int, float):
                    self.known[tensor, number] = self._call_with_number

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of any call."""
        out = kwargs.pop("out", None) if kwargs else None
        tensors: list[Any] = []
        try:
            key = _key(args, tensors)
            if kwargs:
                key = (key, tuple(kwargs), _key(tuple(kwargs.values()), tensors))
            prepared = self._known(key) or self._prepare(args, kwargs, key)
            return prepared.run(tensors) if out is None else self._into(prepared, tensors, out)
        except InputError as error:
            raise type(error)(_named(self.name, error)) from None
        except REFUSALS as error:
            raise InputError(_named(self.name, error)) from error

    def _known(self, key: Any) -> Prepared | PreparedInPlace | None:
        try:
            return self._prepared.get(key)
        except TypeError:  # unhashable: no argument of an operator
            return None

    def _call_with_number(self, tensor: Any, number: int | float) -> tuple[Any]:
        """The call with `number` as a tensor without dims, which needs no kernel of its own."""
        array = _number_array(as_array(tensor), number)
        if array is None:
            return (self.call((tensor, number), {}),)
        program = self.known.get((type(tensor), np.ndarray))
        if program is None:
            return (self.call((tensor, array), {}),)
        result: tuple[Any] = program(tensor, array)
        return result

    def _prepare(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], key: Any
    ) -> Prepared | PreparedInPlace:
        leaves: list[Leaf] = []
        positional = _leaves(args, leaves)
        keywords = {k: _leaves(v, leaves) for k, v in kwargs.items()}
        op, bound = match_call(self.name, self._overloads, positional, keywords)
        prepared = prepare(op, bound, len(leaves))
        if _count(bound) != len(leaves):
            return prepared  # an argument came from the elements of a tensor: not to be kept
        if len(self._prepared) >= MAX_PREPARED:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[key] = prepared
        if not kwargs and args and isinstance(args[0], _ARRAYS) and len(self.known) < MAX_PREPARED:
            self._remember(args, prepared)
        return prepared

    def _remember(self, args: tuple[Any, ...], prepared: Prepared | PreparedInPlace) -> None:
        """Let calls like this one find their program without a look at values."""
        program = prepared.program
        if program is None:
            self._remember_cast(args, prepared)
        elif isinstance(program, ViewCall):
            if all(map(_is_sizes, args[1:])):
                self.known[_view_key(args)] = program
        elif len(args) == 1:
            self.known[type(args[0]), type(_MISSING)] = program
        elif len(args) > 2:
            return
        elif isinstance(args[1], _ARRAYS):
            self.known[type(args[0]), type(args[1])] = program
        elif type(args[1]) is int:
            self.known[type(args[0]), args[1]] = lambda tensor, _: program(tensor)

    def _remember_cast(self, args: tuple[Any, ...], prepared: Prepared | PreparedInPlace) -> None:
        cast = prepared.cast if isinstance(prepared, Prepared) else None
        if cast is not None and len(args) == 2 and type(args[1]) is dtype:
            self.known[Tensor, args[1]] = CastCall(cast, prepared.run, as_element(args[1]).numpy)

    def _into(self, prepared: Prepared | PreparedInPlace, tensors: list[Any], out: Any) -> Any:
        if not isinstance(out, _ARRAYS):
            kind = type(out).__name__
            raise InputError(f"{self.name}: argument out must be a tensor, got {kind}")
        prepared.run_into(tensors, as_array(out))
        return out


def _is_sizes(value: Any) -> bool:
    """Whether it is an int, or a tuple of them."""
    return type(value) is int or (type(value) is tuple and all(type(v) is int for v in value))


def _view_key(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a view function looks a call up by."""
    first, *others = args
    if len(others) < 2:
        return (type(first), others[0] if others else _MISSING)
    return (type(first), *others, *map(type, others))


def _named(name: str, error: Exception) -> str:
    message = str(error)
    return message if message.startswith(name) else f"{name}: {message}"


def _key(values: Any, tensors: list[Any]) -> Any:
    """A hashable name of arguments, in which all tensors look alike; these go to `tensors`."""
    key: list[Any] = []
    for value in values:
        kind = type(value)
        if kind is Tensor or kind is np.ndarray:
            tensors.append(value)
            key.append(Tensor)
        elif kind is int or kind is str or value is None:
            key.append(kind)
            key.append(value)
        elif isinstance(value, list | tuple):
            key.append(_key(value, tensors))
        elif _is_foreign(value):
            tensors.append(Tensor(as_array(value)))
            key.append(Tensor)
        else:
            key.append(number_key(kind, value))
    return tuple(key)


def _is_foreign(value: Any) -> bool:
    """Whether `value` is a tensor of another library, or an array of a class of its own."""
    return hasattr(value, "__dlpack__") and not isinstance(value, np.generic)


def _leaves(value: Any, leaves: list[Leaf]) -> Any:
    """`value` with a `Leaf` for each tensor, numbered as `_key` meets them."""
    if isinstance(value, list | tuple):
        return [_leaves(v, leaves) for v in value]
    if not isinstance(value, _ARRAYS) and not _is_foreign(value):
        return value
    array = as_array(value)
    if from_numpy(array.dtype) is None:
        raise InputError(f"tensors have no dtype {array.dtype}")
    leaves.append(Leaf(len(leaves), array))
    return leaves[-1]


def _count(value: Any) -> int:
    if isinstance(value, list | tuple):
        return sum(_count(v) for v in value)
    return int(isinstance(value, Leaf))


def _is_method(schema: Schema) -> bool:
    return bool(schema.arguments) and isinstance(schema.arguments[0].type, TensorType)


def _is_on_tensors(op: OpDef) -> bool:
    """Whether it takes or makes tensors."""
    schema = op.schema
    return schema is not None and any(
        _has_tensor(a.type) for a in (*schema.arguments, *schema.results)
    )


def _has_tensor(type_: Type) -> bool:
    if isinstance(type_, OptionalType | ListType):
        return _has_tensor(type_.element)
    return isinstance(type_, TensorType)


def _has_number_twin(overloads: Sequence[OpDef]) -> bool:
    """Whether a number as second argument may be passed as a tensor without dims."""
    by_overload = {op.schema.overload: op for op in overloads if op.schema is not None}
    tensor = by_overload.get("Tensor")
    if "Scalar" not in by_overload or tensor is None:
        return False
    return tensor.lower is not None or tensor.name in FUNCTIONAL


def _number_array(array: Array, number: int | float) -> Array | None:
    """`number` as an array without dims that gives the same result; None if there is none."""
    key = (array.dtype.num, not array.ndim, number_key(type(number), number))
    if key not in _numbers:
        if len(_numbers) >= MAX_NUMBERS:
            _numbers.clear()
        _numbers[key] = _make_number_array(array, number)
    return _numbers[key]


def _make_number_array(array: Array, number: int | float) -> Array | None:
    element = from_numpy(array.dtype)
    if element is None or element.is_complex or (element.itemsize < 4 and not array.ndim):
        return None
    if element.is_floating:
        return np.asarray(number, np.float64 if element.name == "f64" else np.float32)
    if isinstance(number, float):
        return np.asarray(number, np.float32)
    if element.kind == "b":
        return np.asarray(number, np.int64)
    limits = np.iinfo(element.numpy)
    return np.asarray(number, element.numpy) if limits.min <= number <= limits.max else None
