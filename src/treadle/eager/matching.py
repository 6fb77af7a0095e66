"""Which overload of an operator a call means, and its arguments in the order of the schema.

TorchScript's matching (`frontends.torchscript.resolve`) goes by types of a graph's values; this is
its counterpart for Python values, with torch's rules for calls from Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from treadle.eager.dtypes import as_element, names_dtype
from treadle.errors import InputError, SignatureError
from treadle.ir.op import OpDef
from treadle.ir.schema import REQUIRED, Argument, Schema
from treadle.ir.types import ListType, OptionalType, TensorType, Type
from treadle.ops.promotion import dtype_of

_OTHER_NAMES = {
    "input": "self", "axis": "dim", "keepdims": "keepdim",
    "tensor": "self", "split_size_or_sections": "split_size",
}  # fmt: skip
_VARIADIC = frozenset({
    "atleast_1d", "atleast_2d", "atleast_3d", "block_diag", "broadcast_tensors", "cartesian_prod",
    "einsum", "meshgrid",
})  # fmt: skip
"""Functions that take their tensors one by one, even a single one."""
_NO: Any = object()
_INTS = (int, np.integer)
_NUMBERS = (bool, int, float, complex, np.number, np.bool_)


class Leaf:
    """Stands for tensor number `index` of a call, over `array`."""

    __slots__ = ("array", "index", "tensor")

    def __init__(self, index: int, tensor: Any, array: Any) -> None:
        self.index, self.tensor, self.array = index, tensor, array

    def forget(self) -> None:
        """Let go of the tensor: what was prepared for a call outlives it."""
        self.tensor = self.array = None


def match_call(
    name: str, overloads: Sequence[OpDef], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[OpDef, list[Any]]:
    """The first overload that takes the call, without conversions if one does, and its arguments.

    In `args` and `kwargs` a `Leaf` stands for each tensor, also inside lists.

    Raises:
        SignatureError: if none does; names the argument that fits least late.
    """
    reasons: list[tuple[int, str]] = []
    for convert in (False, True):
        for op in overloads:
            assert op.schema is not None
            binder = _Binder(op.schema, convert)
            try:
                return op, binder.bind(args, kwargs)
            except _MismatchError as mismatch:
                reasons.append((binder.position, str(mismatch)))
    accepted = "; ".join(_shown(op.schema) for op in overloads if op.schema is not None)
    reason = max(reasons, key=lambda r: r[0])[1] if reasons else "no such operator"
    raise SignatureError(f"{name}: {reason} (accepted: {accepted})")


class _MismatchError(Exception):
    """Control flow: the call is not one of this overload, for this reason."""


class _Binder:
    """Binds one call to one schema; `position` is how many arguments it came to."""

    def __init__(self, schema: Schema, convert: bool) -> None:
        self.schema, self.convert = schema, convert
        self.position = 0

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        positional, keywords = list(args), self._keywords(kwargs)
        bound: list[Any] = []
        for argument in self.schema.arguments:
            given = _NO
            if positional and not argument.keyword_only:
                if self._takes_rest(argument, positional):
                    given, positional = positional, []
                else:
                    given = positional.pop(0)
                if argument.name in keywords:
                    raise _MismatchError(f"argument {argument.name} is given twice")
            elif argument.name in keywords:
                given = keywords.pop(argument.name)
            if given is _NO:
                if argument.default is REQUIRED:
                    raise _MismatchError(f"argument {argument.name} is missing")
                bound.append(argument.default)
                continue
            value = self._value(given, argument.type, argument)
            if value is _NO:
                wanted = "dtype" if argument.name == "dtype" else argument.type
                raise _MismatchError(
                    f"argument {argument.name} must be {wanted}, got {_type(given)}"
                )
            bound.append(value)
            self.position += 1
        if positional:
            raise _MismatchError(f"{len(args)} arguments are too many")
        if keywords and not self._asks_for_no_gradients(keywords):
            raise _MismatchError(f"there is no argument {min(keywords)!r}")
        return bound

    def _asks_for_no_gradients(self, keywords: Mapping[str, Any]) -> bool:
        """Whether all that is left is ``requires_grad=False`` of a function that makes a tensor."""
        makes = any(a.name == "pin_memory" for a in self.schema.arguments)
        return makes and keywords == {"requires_grad": False}

    def _keywords(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        names = {a.name for a in self.schema.arguments}
        return {
            (_OTHER_NAMES[k] if k not in names and k in _OTHER_NAMES else k): v
            for k, v in kwargs.items()
        }

    def _takes_rest(self, argument: Argument, positional: Sequence[Any]) -> bool:
        """Whether the sizes of ``x.view(2, 3)`` stand for a list."""
        if not isinstance(argument.type, ListType) or argument.size is not None:
            return False
        if isinstance(argument.type.element, TensorType):
            enough = len(positional) > 1 or self.schema.base in _VARIADIC
            return enough and all(isinstance(p, Leaf) for p in positional)
        return all(isinstance(p, _INTS) and not isinstance(p, bool) for p in positional)

    def _value(self, value: Any, type_: Type, argument: Argument) -> Any:
        """`value` as the reference of an operator takes it, or `_NO`."""
        if isinstance(type_, OptionalType):
            return None if value is None else self._value(value, type_.element, argument)
        if isinstance(type_, TensorType):
            return self._tensor(value)
        if isinstance(type_, ListType):
            return self._list(value, type_, argument)
        if argument.name == "dtype":
            return as_element(value).code if names_dtype(value) else _NO
        if isinstance(value, Leaf):
            return self._number(value, type_)
        return _SCALARS.get(str(type_), _as_is)(value)

    def _tensor(self, value: Any) -> Any:
        if isinstance(value, Leaf):
            return value
        if self.convert and isinstance(value, _NUMBERS):
            number = _number(value)
            return np.asarray(number, dtype_of(number).numpy)
        return _NO

    def _list(self, value: Any, type_: ListType, argument: Argument) -> Any:
        if argument.size is not None and isinstance(value, int | float | np.integer):
            value = [value] * argument.size
        if isinstance(value, Leaf) and value.array.ndim == 1 and value.array.dtype.kind in "iu":
            value = value.array.tolist() if self.convert else _NO
        if not isinstance(value, list | tuple):
            return _NO
        items = [self._value(item, type_.element, argument) for item in value]
        return _NO if any(item is _NO for item in items) else items

    def _number(self, leaf: Leaf, type_: Type) -> Any:
        """The element of a tensor without dims, where a number is wanted."""
        if not self.convert or leaf.array.ndim:
            return _NO
        return _SCALARS.get(str(type_), lambda _: _NO)(leaf.array.item())


def _int(value: Any) -> Any:
    return int(value) if isinstance(value, _INTS) and not isinstance(value, bool) else _NO


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, int | float | np.number) else _NO


def _bool(value: Any) -> Any:
    return bool(value) if isinstance(value, bool | np.bool_) else _NO


def _number(value: Any) -> Any:
    if isinstance(value, np.number | np.bool_):
        return value.item()
    return value if isinstance(value, _NUMBERS) else _NO


def _str(value: Any) -> Any:
    return value if isinstance(value, str) else _NO


def _device(value: Any) -> Any:
    if isinstance(value, str) or type(value).__name__ == "device":
        if str(value).partition(":")[0] != "cpu":
            raise InputError(f"Treadle computes on the CPU only, got device {str(value)!r}")
        return "cpu"
    return _NO


def _source(value: Any) -> Any:
    return getattr(value, "_source", _NO)


def _as_is(value: Any) -> Any:
    return value


_SCALARS = {
    "int": _int, "float": _float, "bool": _bool, "number": _number, "str": _str, "Device": _device,
    "Generator": _source,
}  # fmt: skip


def _type(value: Any) -> str:
    if isinstance(value, Leaf):
        return f"a tensor of shape {list(value.array.shape)}"
    return type(value).__name__


def _shown(schema: Schema) -> str:
    return f"{schema.text.partition('::')[2].rpartition(' -> ')[0]}"
