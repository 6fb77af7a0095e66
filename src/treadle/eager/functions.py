"""A Python function for each of torch's operators: finds the overload, keeps what was prepared."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import is_
from typing import Any

import numpy as np

from treadle._native import Function
from treadle.eager.adapters import ADAPTERS
from treadle.eager.execute import as_array, tells_dtype
from treadle.eager.matching import Leaf, match_call
from treadle.eager.signatures import signature_of
from treadle.eager.writing import AnyPrepared, PreparedInto, in_dtype_of_out, prepare
from treadle.errors import InputError
from treadle.ir.dtypes import from_numpy
from treadle.ir.op import OpDef
from treadle.ir.schema import Schema
from treadle.ir.types import DictType, ListType, OptionalType, TensorType, Type
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]
REFUSALS = (InputError, ValueError, TypeError, IndexError, ArithmeticError, MemoryError)
"""What is raised of arguments: by rules, or by Python and NumPy where no rule looked at them."""
_ARRAYS = (Tensor, np.ndarray)
_NUMBERS = (bool, int, float, complex)
_OF_TENSOR = re.compile(r"[^(]*\(Tensor(\([^)]*\))? ")
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
        if op.schema is not None and op.schema.namespace == "aten" and is_on_tensors(op)
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
    names = (n for n in found if n[0].islower() and n not in _ATTRIBUTES)
    return sorted({*names, *ADAPTERS})


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
    overloads = [op for op in OPS.overloads(f"aten::{name}") if is_on_tensors(op)]
    if not overloads:
        raise KeyError(name)
    function = _Dispatcher(name, overloads).function
    function.__name__ = function.__qualname__ = name
    function.__module__ = "treadle"
    schemas = "\n".join(f"    {op.schema}" for op in overloads)
    function.__doc__ = f"The operator ``{name}`` of torch.\n\n{schemas}"
    signature = signature_of([op.schema for op in overloads if op.schema is not None])
    if signature is not None:
        function.__signature__ = signature
    return function


class _Dispatcher:
    """All overloads of one function; `function` runs calls like those that were made before."""

    def __init__(self, name: str, overloads: Sequence[OpDef]) -> None:
        self.function = Function(self._call, Tensor)
        self._name, self._overloads = name, overloads
        self._takes_numbers = _has_number_twin(overloads)
        self._twins: dict[Any, AnyPrepared] = {}

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        """The result of a call that `function` does not know."""
        try:
            own = _own(args), _own(tuple(kwargs.values()))
            if own[0] is not args or not all(map(is_, own[1], kwargs.values())):
                return self.function(*own[0], **dict(zip(kwargs, own[1], strict=True)))
            if self._takes_numbers and len(args) == 2 and not kwargs:
                run = self._known_with_number(*args)
                if run is not None:
                    return run(args[:1])
            return self._first_call(args, kwargs)
        except REFUSALS as error:
            raise named(self._name, error) from _cause(error)

    def _first_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        leaves: list[Leaf] = []
        positional = _leaves(args, leaves)
        keywords = {k: _leaves(v, leaves) for k, v in kwargs.items()}
        tensors = [leaf.tensor for leaf in leaves]
        out = keywords.pop("out", None)
        op, bound = match_call(self._name, self._overloads, positional, keywords)
        if isinstance(out, Leaf):
            bound = in_dtype_of_out(op, bound, out.array)
        plain = prepare(op, bound, tensors)
        prepared = plain if out is None else PreparedInto(self._name, plain, out)
        for leaf in leaves:
            leaf.forget()
        are_all = _count(bound) + (out is not None) == len(leaves)  # else one gave its element
        run = _Runner(self._name, prepared)
        if are_all and self._remember(args, kwargs, prepared, prepared.inputs, run):
            return self.function(*args, **kwargs)
        return run(tensors)

    def _known_with_number(self, tensor: Any, number: Any) -> _Runner | None:
        """Let calls with this number be known as those with a tensor without dims.

        Such calls need no kernel for each number. None if that would give another result.
        """
        if type(number) not in (int, float) or not isinstance(tensor, _ARRAYS):
            return None
        array = as_array(tensor)
        twin = _make_number_array(array, number)
        if twin is None:
            return None
        key = array.dtype, not array.ndim, twin.dtype
        if key not in self._twins:
            leaves = Leaf(0, tensor, array), Leaf(1, twin, twin)
            op, bound = match_call(self._name, self._overloads, leaves, {})
            self._twins[key] = prepare(op, bound, [tensor, twin])
            for leaf in leaves:
                leaf.forget()
        prepared = self._twins[key]
        inputs = [twin if i == 1 else i for i in prepared.inputs]
        run = _Runner(self._name, prepared, twin)
        self._remember((tensor, number), {}, prepared, inputs, run)
        return run

    def _remember(
        self, args: Any, kwargs: Any, prepared: AnyPrepared, inputs: Any, run: _Runner
    ) -> bool:
        how = prepared.program, inputs, prepared.make, prepared.target, prepared.gives_views
        reference = prepared.reference if inputs is prepared.inputs else None
        return self.function.remember(args, kwargs, run, *how, reference)


class _Runner:
    """Runs a prepared call as it can; errors begin with the name of the function."""

    __slots__ = ("_name", "_prepared", "_twin")

    def __init__(self, name: str, prepared: AnyPrepared, *twin: Array) -> None:
        self._name, self._prepared, self._twin = name, prepared, twin

    def __call__(self, tensors: Sequence[Any]) -> Any:
        try:
            return self._prepared.run([*tensors, *self._twin])
        except REFUSALS as error:
            raise named(self._name, error) from _cause(error)


def named(name: str, error: Exception) -> InputError:
    """The error of a function of that name."""
    kind = type(error) if isinstance(error, InputError) else InputError
    message = str(error) or "there is not enough memory"
    return kind(message if message.startswith(name) else f"{name}: {message}")


def _cause(error: Exception) -> Exception | None:
    """What a user is shown beside an error: nothing of one that was written for users."""
    return None if isinstance(error, InputError) else error


def _own(value: Any) -> Any:
    """`value` with tensors of other libraries as ours, and NumPy's numbers as Python's."""
    if isinstance(value, list | tuple):
        items = tuple(map(_own, value))
        return value if all(map(is_, items, value)) else items
    if type(value) in _ARRAYS:
        return value
    if isinstance(value, np.generic):
        number = value.item()
        return number if isinstance(number, _NUMBERS) else value
    return Tensor(as_array(value)) if hasattr(value, "__dlpack__") else value


def _leaves(value: Any, leaves: list[Leaf]) -> Any:
    """`value` with a `Leaf` for each tensor, numbered in the order in which they are met."""
    if isinstance(value, list | tuple):
        return [_leaves(v, leaves) for v in value]
    if not isinstance(value, _ARRAYS):
        return value
    array = as_array(value)
    if from_numpy(array.dtype) is None:
        raise InputError(f"tensors have no dtype {array.dtype}")
    leaves.append(Leaf(len(leaves), value, array))
    return leaves[-1]


def _count(value: Any) -> int:
    if isinstance(value, list | tuple):
        return sum(_count(v) for v in value)
    return int(isinstance(value, Leaf))


def _is_method(schema: Schema) -> bool:
    """Whether the first argument is a tensor; to parse the schemas of all methods takes 20 ms."""
    return _OF_TENSOR.match(schema.text) is not None


def is_on_tensors(op: OpDef) -> bool:
    """Whether it takes or makes tensors, or tells a dtype, and is no method of lists or dicts."""
    schema = op.schema
    if schema is None:
        return False
    first = schema.arguments[0] if schema.arguments else None
    if first and first.name == "self" and isinstance(first.type, ListType | DictType):
        return False
    if tells_dtype(op):
        return True
    return any(_has_tensor(a.type) for a in (*schema.arguments, *schema.results))


def _has_tensor(type_: Type) -> bool:
    if isinstance(type_, OptionalType | ListType):
        return _has_tensor(type_.element)
    return isinstance(type_, TensorType)


def _has_number_twin(overloads: Sequence[OpDef]) -> bool:
    """Whether a number as second argument may be passed as a tensor without dims."""
    by_overload = {op.schema.overload: op for op in overloads if op.schema is not None}
    tensor = by_overload.get("Tensor")
    if "Scalar" not in by_overload or tensor is None or tensor.schema is None:
        return False
    if tensor.schema.base == "pow_":
        return False  # it refuses numbers that tensors may hold
    return tensor.lower is not None or tensor.name in FUNCTIONAL


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
