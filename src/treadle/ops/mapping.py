"""Operators on dicts, which have identity, keep the order of insertion, and have keys of one type.

Source: torch/csrc/jit/runtime/register_prim_ops.cpp (behaviour read off torch 2.13).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.ops.container import define_builtin
from treadle.ops.primitives import TensorKey
from treadle.ops.string import format_value

_Function = Callable[..., Any]
_MISSING: Any = object()


def _get_key(items: dict[Any, Any], key: Any) -> Any:
    try:
        return items[key]
    except KeyError:
        raise KeyError(format_value(key)) from None


def _set_key(items: dict[Any, Any], key: Any, value: Any) -> None:
    items[key] = value


def _delete_key(items: dict[Any, Any], key: Any) -> None:
    if items.pop(key, _MISSING) is _MISSING:
        raise KeyError(format_value(key))


def _pop_key(items: dict[Any, Any], key: Any) -> Any:
    if key not in items:
        raise KeyError(format_value(key))
    return items.pop(key)


def _pop_first(items: dict[Any, Any]) -> tuple[Any, Any]:
    if not items:
        raise KeyError("popitem(): dictionary is empty")
    first = next(iter(items))
    return first, items.pop(first)


def _values(items: dict[Any, Any]) -> list[Any]:
    return list(items.values())


def _items(items: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return list(items.items())


def _same(function: _Function) -> _Function:
    return function


def _sealed(function: _Function) -> _Function:
    """A function of a dict and a key, where the key is a tensor."""
    return lambda items, key, *rest: function(items, TensorKey(key), *rest)


def _tensors(items: dict[TensorKey, Any]) -> list[Any]:
    return [key.tensor for key in items]


def _tensor_items(items: dict[TensorKey, Any]) -> list[tuple[Any, Any]]:
    return [(key.tensor, value) for key, value in items.items()]


def _pop_first_tensor(items: dict[TensorKey, Any]) -> tuple[Any, Any]:
    key, value = _pop_first(items)
    return key.tensor, value


def _of_tensors(pairs: list[tuple[Any, Any]]) -> dict[TensorKey, Any]:
    return {TensorKey(key): value for key, value in pairs}


def _define_family(
    k: str, keyed: Callable[[_Function], _Function], keys: _Function, items: _Function,
    pop_first: _Function, of_pairs: _Function,
) -> None:  # fmt: skip
    """The operators on dicts with keys of type `k`, on which `keyed` functions work."""
    d, w = f"Dict({k}, t)", f"Dict({k}, t)(a!)"
    for schema, function in (
        (f"len.Dict_{k}({d} self) -> int", len),
        (f"keys.{k}({d} self) -> {k}[](*)", keys),
        (f"values.{k}({d} self) -> t[](*)", _values),
        (f"items.{k}({d} self) -> (({k}, t)[])", items),
        (f"__getitem__.Dict_{k}({d} self, {k} key) -> t(*)", keyed(_get_key)),
        (f"__contains__.{k}({d} dict, {k} key) -> bool", keyed(dict.__contains__)),
        (f"get.{k}({d} self, {k} key) -> t(*)?", keyed(dict.get)),
        (f"get.default_{k}({d} self, {k} key, t default_value) -> t(*)", keyed(dict.get)),
        (f"copy.Dict_{k}({d} self) -> {d}", dict),
        (f"dict.{k}(({k}, tVal)[] inputs) -> Dict({k}, tVal)", of_pairs),
        (f"dict.Dict_{k}({d} self) -> {d}", dict),
    ):
        define_builtin(f"aten::{schema}", function)
    for schema, function in (
        (f"_set_item.{k}({w} l, {k} idx, t v) -> ()", keyed(_set_key)),
        (f"Delete.Dict_{k}({w} self, {k} key) -> ()", keyed(_delete_key)),
        (f"pop.Dict_{k}({w} self, {k} key) -> t(*)", keyed(_pop_key)),
        (f"pop.Dict_default_{k}({w} self, {k} key, t default_value) -> t(*)", keyed(dict.pop)),
        (f"setdefault.{k}({w} self, {k} key, t default_value) -> t(*)", keyed(dict.setdefault)),
        (f"popitem.{k}({w} self) -> (({k}, t))", pop_first),
        (f"update.{k}({w} self, {d} to_add) -> ()", dict.update),
        (f"clear.{k}({w} self) -> ()", dict.clear),
    ):
        define_builtin(f"aten::{schema}", function, pure=False)


define_builtin("aten::dict() -> Dict(str, Tensor)", dict)
for _k in ("str", "int", "bool", "float", "complex"):
    _define_family(_k, _same, list, _items, _pop_first, dict)
_define_family("Tensor", _sealed, _tensors, _tensor_items, _pop_first_tensor, _of_tensors)
