"""Operators on lists, dicts, tuples, optionals and enums; lists and dicts have identity.

Source: torch/csrc/jit/runtime/register_prim_ops.cpp (behaviour read off torch 2.13).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.ir.op import OpDef
from treadle.ir.program import EnumValue
from treadle.ir.schema import parse_schema
from treadle.ops.registry import define
from treadle.ops.string import format_value


def _define(schema: str, reference: Callable[..., Any], *, pure: bool = True) -> OpDef:
    parsed = parse_schema(schema)
    base = parsed.base if parsed.namespace == "aten" else f"{parsed.namespace}.{parsed.base}"
    name = f"{base}.{parsed.overload or 'any'}"
    return define(OpDef(name, parsed, reference=reference, pure=pure and not parsed.writes))


def _position(items: list[Any], index: int, message: str = "list index out of range") -> int:
    if not -len(items) <= index < len(items):
        raise IndexError(message)
    return index


def _get(items: list[Any], index: int) -> Any:
    return items[_position(items, index)]


def _set(items: list[Any], index: int, value: Any) -> list[Any]:
    items[_position(items, index)] = value
    return items


def _append(items: list[Any], value: Any) -> list[Any]:
    items.append(value)
    return items


def _pop(items: list[Any], index: int) -> Any:
    if not items:
        raise IndexError("pop from empty list")
    return items.pop(_position(items, index, "pop index out of range"))


def _delete(items: list[Any], index: int) -> None:
    del items[_position(items, index)]


def _extend(items: list[Any], other: list[Any]) -> None:
    items.extend(other)


def _add_in_place(items: list[Any], other: list[Any]) -> list[Any]:
    items.extend(other)
    return items


def _repeat_in_place(items: list[Any], count: int) -> list[Any]:
    items[:] = items * count
    return items


_define("aten::__getitem__.t(t[](a) list, int idx) -> t(*)", _get)
_define("aten::select.t(t[](a) list, int idx) -> t(*)", _get)
_define("aten::_set_item.t(t[](a!) l, int idx, t(b -> *) el) -> t[](a!)", _set)
_define("aten::append.t(t[](a!) self, t(c -> *) el) -> t[](a!)", _append)
_define("aten::insert.t(t[](a!) self, int idx, t(b -> *) el) -> ()", list.insert)
_define("aten::pop.t(t[](a!) self, int idx=-1) -> t(*)", _pop)
_define("aten::Delete.t(t[](a!) self, int idx) -> ()", _delete)
_define("aten::clear.t(t[](a!) self) -> ()", list.clear)
_define("aten::reverse.t(t[](a!) self) -> ()", list.reverse)
_define("aten::extend.t(t[](a!) self, t[] other) -> ()", _extend)
_define("aten::copy.t(t[](a) self) -> t[]", list)
_define("aten::list.t(t[] l) -> t[]", list)
_define("aten::len.t(t[] a) -> int", len)
_define("aten::add.t(t[] a, t[] b) -> t[]", lambda a, b: a + b)
_define("aten::add_.t(t[](a!) self, t[] b) -> t[]", _add_in_place)
_define("aten::mul.left_t(t[] l, int n) -> t[]", lambda items, n: items * n)
_define("aten::mul.right_(int n, t[] l) -> t[]", lambda n, items: items * n)
_define("aten::mul_.t(t[](a!) l, int n) -> t[](a!)", _repeat_in_place)
_define(
    "aten::slice.t(t[] l, int? start=None, int? end=None, int step=1) -> t[]",
    lambda items, start, end, step: items[start:end:step],
)
_define("aten::Size(int[] sizes) -> int[]", list)


def _remove(items: list[Any], value: Any) -> None:
    if value not in items:
        raise ValueError("list.remove(x): x not in list")
    items.remove(value)


def _index(items: list[Any], value: Any) -> int:
    if value not in items:
        raise ValueError(f"'{value}' is not in list")
    return items.index(value)


def _sort(items: list[Any], reverse: bool) -> None:
    items.sort(reverse=reverse)


def _smaller(a: list[Any], b: list[Any]) -> list[Any]:
    return b if b < a else a


def _larger(a: list[Any], b: list[Any]) -> list[Any]:
    return b if a < b else a


def _of_all(function: Callable[[list[Any]], Any], name: str) -> Callable[[list[Any]], Any]:
    def apply(items: list[Any]) -> Any:
        if not items:
            raise ValueError(f"{name}() arg is an empty sequence")
        return function(items)

    return apply


for _t in ("int", "float", "bool", "str"):
    for _op, _equal in (("eq", True), ("ne", False)):
        _define(
            f"aten::{_op}.{_t}_list({_t}[] a, {_t}[] b) -> bool",
            lambda a, b, equal=_equal: (a == b) is equal,
        )
    _define(f"aten::remove.{_t}({_t}[](a!) self, {_t} el) -> ()", _remove)
    _define(f"aten::index.list_{_t}({_t}[] self, {_t} el) -> int", _index)
    _define(f"aten::count.{_t}({_t}[] self, {_t} el) -> int", list.count)
    _define(f"aten::sort.{_t}({_t}[](a!) self, bool reverse=False) -> ()", _sort)
    _define(f"aten::sorted.{_t}({_t}[](a) input) -> {_t}[]", sorted)
    if _t != "bool":
        _define(f"aten::__contains__.{_t}_list({_t}[] l, {_t} item) -> bool", list.__contains__)
    if _t != "str":
        for _op, _pick, _best in (("max", _larger, max), ("min", _smaller, min)):
            _define(f"prim::{_op}.{_t}_list({_t}[] l, {_t}[] r) -> {_t}[]", _pick)
            _define(f"prim::{_op}.self_{_t}({_t}[] self) -> {_t}", _of_all(_best, _op))
        _define(f"aten::all.{_t}({_t}[] self) -> bool", all)
        _zero = 0.0 if _t == "float" else 0
        _define(
            f"aten::sum.{_t}({_t}[] self) -> {'int' if _t == 'bool' else _t}",
            lambda items, zero=_zero: sum(items, zero),
        )
    _define(f"aten::any.{_t}({_t}[] self) -> bool", any)


def _check_sortable(items: list[Any]) -> None:
    if items and isinstance(items[0], (list, dict)):
        raise ValueError(
            "Only lists of tensors, numbers, strings, tuples of these, and objects with __lt__ "
            "can be sorted"
        )


def _sorted_any(items: list[Any]) -> list[Any]:
    _check_sortable(items)
    return sorted(items)


def _sort_any(items: list[Any], reverse: bool) -> None:
    _check_sortable(items)
    _sort(items, reverse)


_define("aten::sorted.any(t[](a) self) -> t[]", _sorted_any)
_define("aten::sort.any(t[](a!) self, bool reverse=False) -> ()", _sort_any)


def _same_tensors(a: list[Any], b: list[Any]) -> bool:
    """Whether two lists hold equal tensors, each of one element."""
    return len(a) == len(b) and all(bool(x == y) for x, y in zip(a, b, strict=True))


_define("aten::eq.Tensor_list(Tensor[] a, Tensor[] b) -> bool", _same_tensors)
_define(
    "aten::ne.Tensor_list(Tensor[] a, Tensor[] b) -> bool", lambda a, b: not _same_tensors(a, b)
)

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


def _pop_last(items: dict[Any, Any]) -> tuple[Any, Any]:
    if not items:
        raise KeyError("popitem(): dictionary is empty")
    return items.popitem()


def _values(items: dict[Any, Any]) -> list[Any]:
    return list(items.values())


def _items(items: dict[Any, Any]) -> list[tuple[Any, Any]]:
    return list(items.items())


for _k in ("str", "int", "bool", "float", "complex"):
    _d, _w = f"Dict({_k}, t)", f"Dict({_k}, t)(a!)"
    _define(f"aten::len.Dict_{_k}({_d} self) -> int", len)
    _define(f"aten::keys.{_k}({_d} self) -> {_k}[](*)", list)
    _define(f"aten::values.{_k}({_d} self) -> t[](*)", _values)
    _define(f"aten::items.{_k}({_d} self) -> (({_k}, t)[])", _items)
    _define(f"aten::__getitem__.Dict_{_k}({_d} self, {_k} key) -> t(*)", _get_key)
    _define(f"aten::__contains__.{_k}({_d} dict, {_k} key) -> bool", dict.__contains__)
    _define(f"aten::get.{_k}({_d} self, {_k} key) -> t(*)?", dict.get)
    _define(f"aten::get.default_{_k}({_d} self, {_k} key, t default_value) -> t(*)", dict.get)
    _define(f"aten::copy.Dict_{_k}({_d} self) -> {_d}", dict)
    _define(f"aten::dict.{_k}(({_k}, tVal)[] inputs) -> Dict({_k}, tVal)", dict)
    _define(f"aten::dict.Dict_{_k}({_d} self) -> {_d}", dict)
    for _schema, _function in (
        (f"_set_item.{_k}({_w} l, {_k} idx, t v) -> ()", _set_key),
        (f"Delete.Dict_{_k}({_w} self, {_k} key) -> ()", _delete_key),
        (f"pop.Dict_{_k}({_w} self, {_k} key) -> t(*)", _pop_key),
        (f"pop.Dict_default_{_k}({_w} self, {_k} key, t default_value) -> t(*)", dict.pop),
        (f"setdefault.{_k}({_w} self, {_k} key, t default_value) -> t(*)", dict.setdefault),
        (f"popitem.{_k}({_w} self) -> (({_k}, t))", _pop_last),
        (f"update.{_k}({_w} self, {_d} to_add) -> ()", dict.update),
        (f"clear.{_k}({_w} self) -> ()", dict.clear),
    ):
        _define(f"aten::{_schema}", _function, pure=False)


def _unwrap(value: Any) -> Any:
    if value is None:
        raise ValueError("Unwrapping null optional")
    return value


_define("aten::_unwrap_optional(t(a)? optional) -> t(a)", _unwrap)
_define("prim::unchecked_unwrap_optional(t(a)? optional) -> t(a)", _unwrap)


def _enum_value(member: EnumValue) -> Any:
    return member.value


def _enum_name(member: EnumValue) -> str:
    return member.name


for _t in ("int", "float", "str"):
    _define(f"prim::EnumValue.{_t}(AnyEnumType enum) -> {_t}", _enum_value)
_define("prim::EnumName(AnyEnumType enum) -> str", _enum_name)


def broadcast_shapes(a: list[int], b: list[int]) -> list[int]:
    """The sizes to which `a` and `b` broadcast."""
    rank = max(len(a), len(b))
    padded = ([1] * (rank - len(sizes)) + sizes for sizes in (a, b))
    sizes = []
    for m, n in zip(*padded, strict=True):
        if m != n and 1 not in (m, n):
            raise ValueError(f"The size of tensor a ({m}) must match the size of tensor b ({n})")
        sizes.append(n if m == 1 else m)
    return sizes


_define("aten::broadcast_shapes(int[] a, int[] b) -> int[]", broadcast_shapes)
_define("aten::_infer_size(int[] a, int[] b) -> int[]", broadcast_shapes)
_define(
    "aten::_size_if_not_equal(int[] self_size, int[] other_size) -> int[]?",
    lambda a, b: None if a == b else list(a),
)
