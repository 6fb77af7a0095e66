"""Operators on lists, optionals and enums; those on dicts are in `mapping`.

Source: torch/csrc/jit/runtime/register_prim_ops.cpp (behaviour read off torch 2.13).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.ir.op import OpDef
from treadle.ir.program import EnumValue, Object
from treadle.ir.schema import parse_schema
from treadle.ops.registry import define


def define_builtin(schema: str, reference: Callable[..., Any], *, pure: bool = True) -> OpDef:
    """Define an operator on Python values, named after its schema."""
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


def _repeat(items: list[Any], count: int) -> list[Any]:
    if items and count < 0:
        raise ValueError(f"a list cannot be repeated {count} times")
    return items * count


def _repeat_in_place(items: list[Any], count: int) -> list[Any]:
    items[:] = items * count
    return items


define_builtin("aten::__getitem__.t(t[](a) list, int idx) -> t(*)", _get)
define_builtin("aten::select.t(t[](a) list, int idx) -> t(*)", _get)
define_builtin("aten::_set_item.t(t[](a!) l, int idx, t(b -> *) el) -> t[](a!)", _set)
define_builtin("aten::append.t(t[](a!) self, t(c -> *) el) -> t[](a!)", _append)
define_builtin("aten::insert.t(t[](a!) self, int idx, t(b -> *) el) -> ()", list.insert)
define_builtin("aten::pop.t(t[](a!) self, int idx=-1) -> t(*)", _pop)
define_builtin("aten::Delete.t(t[](a!) self, int idx) -> ()", _delete)
define_builtin("aten::clear.t(t[](a!) self) -> ()", list.clear)
define_builtin("aten::reverse.t(t[](a!) self) -> ()", list.reverse)
define_builtin("aten::extend.t(t[](a!) self, t[] other) -> ()", _extend)
define_builtin("aten::copy.t(t[](a) self) -> t[]", list)
define_builtin("aten::list.t(t[] l) -> t[]", list)
define_builtin("aten::len.t(t[] a) -> int", len)
define_builtin("aten::add.t(t[] a, t[] b) -> t[]", lambda a, b: a + b)
define_builtin("aten::add_.t(t[](a!) self, t[] b) -> t[]", _add_in_place)
define_builtin("aten::mul.left_t(t[] l, int n) -> t[]", _repeat)
define_builtin("aten::mul.right_(int n, t[] l) -> t[]", lambda n, items: _repeat(items, n))
define_builtin("aten::mul_.t(t[](a!) l, int n) -> t[](a!)", _repeat_in_place)
define_builtin(
    "aten::slice.t(t[] l, int? start=None, int? end=None, int step=1) -> t[]",
    lambda items, start, end, step: items[start:end:step],
)
define_builtin("aten::Size(int[] sizes) -> int[]", list)


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
        define_builtin(
            f"aten::{_op}.{_t}_list({_t}[] a, {_t}[] b) -> bool",
            lambda a, b, equal=_equal: (a == b) is equal,
        )
    define_builtin(f"aten::remove.{_t}({_t}[](a!) self, {_t} el) -> ()", _remove)
    define_builtin(f"aten::index.list_{_t}({_t}[] self, {_t} el) -> int", _index)
    define_builtin(f"aten::count.{_t}({_t}[] self, {_t} el) -> int", list.count)
    define_builtin(f"aten::sort.{_t}({_t}[](a!) self, bool reverse=False) -> ()", _sort)
    define_builtin(f"aten::sorted.{_t}({_t}[](a) input) -> {_t}[]", sorted)
    if _t != "bool":
        define_builtin(
            f"aten::__contains__.{_t}_list({_t}[] l, {_t} item) -> bool", list.__contains__
        )
    if _t != "str":
        for _op, _pick, _best in (("max", _larger, max), ("min", _smaller, min)):
            define_builtin(f"prim::{_op}.{_t}_list({_t}[] l, {_t}[] r) -> {_t}[]", _pick)
            define_builtin(f"prim::{_op}.self_{_t}({_t}[] self) -> {_t}", _of_all(_best, _op))
        define_builtin(f"aten::all.{_t}({_t}[] self) -> bool", all)
        _zero = 0.0 if _t == "float" else 0
        define_builtin(
            f"aten::sum.{_t}({_t}[] self) -> {'int' if _t == 'bool' else _t}",
            lambda items, zero=_zero: sum(items, zero),
        )
    define_builtin(f"aten::any.{_t}({_t}[] self) -> bool", any)
define_builtin("aten::sum.complex(complex[] self) -> complex", lambda items: sum(items, 0j))


def _check_sortable(items: list[Any]) -> None:
    if items and isinstance(items[0], (list, dict, Object)):
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


define_builtin("aten::sorted.any(t[](a) self) -> t[]", _sorted_any)
define_builtin("aten::sort.any(t[](a!) self, bool reverse=False) -> ()", _sort_any)


def _tensor_position(items: list[Any], value: Any) -> int:
    """Where the first tensor stands that equals `value`, each of one element; -1 if none does."""
    return next((i for i, item in enumerate(items) if bool(item == value)), -1)


def _tensor_index(items: list[Any], value: Any) -> int:
    position = _tensor_position(items, value)
    if position < 0:
        raise ValueError("the tensor is not in the list")
    return position


def _remove_tensor(items: list[Any], value: Any) -> None:
    position = _tensor_position(items, value)
    if position < 0:
        raise ValueError("list.remove(x): x not in list")
    del items[position]


define_builtin("aten::index.list_Tensor(Tensor[] self, Tensor el) -> int", _tensor_index)
define_builtin(
    "aten::count.Tensor(Tensor[] self, Tensor el) -> int",
    lambda items, value: sum(bool(item == value) for item in items),
)
define_builtin("aten::remove.Tensor(Tensor[](a!) self, Tensor el) -> ()", _remove_tensor)


def _same_tensors(a: list[Any], b: list[Any]) -> bool:
    """Whether two lists hold equal tensors, each of one element."""
    return len(a) == len(b) and all(bool(x == y) for x, y in zip(a, b, strict=True))


define_builtin("aten::eq.Tensor_list(Tensor[] a, Tensor[] b) -> bool", _same_tensors)
define_builtin(
    "aten::ne.Tensor_list(Tensor[] a, Tensor[] b) -> bool", lambda a, b: not _same_tensors(a, b)
)


def _unwrap(value: Any) -> Any:
    if value is None:
        raise ValueError("Unwrapping null optional")
    return value


define_builtin("aten::_unwrap_optional(t(a)? optional) -> t(a)", _unwrap)
define_builtin("prim::unchecked_unwrap_optional(t(a)? optional) -> t(a)", _unwrap)


def _enum_value(member: EnumValue) -> Any:
    return member.value


def _enum_name(member: EnumValue) -> str:
    return member.name


for _t in ("int", "float", "str"):
    define_builtin(f"prim::EnumValue.{_t}(AnyEnumType enum) -> {_t}", _enum_value)
define_builtin("prim::EnumName(AnyEnumType enum) -> str", _enum_name)


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


define_builtin("aten::broadcast_shapes(int[] a, int[] b) -> int[]", broadcast_shapes)
define_builtin("aten::_infer_size(int[] a, int[] b) -> int[]", broadcast_shapes)
define_builtin(
    "aten::_size_if_not_equal(int[] self_size, int[] other_size) -> int[]?",
    lambda a, b: None if a == b else list(a),
)
