"""Programs with dicts: keys of every type, what is missing, iteration, aliasing."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B007, B905, C402, C404, C406, C408, C416, C420, RUF015, SIM911, UP006, UP007, UP035, UP045

from typing import Dict, List, Optional, Tuple, Union

import torch
from torch import Tensor

T = torch.tensor


def tensor_keys(x: Tensor, y: Tensor) -> Tuple[int, bool, bool, int, Tensor]:
    d: Dict[Tensor, int] = {}
    d[x] = 1
    d[y] = 2
    d[x] = 3
    t = 0
    for k, v in d.items():
        t += v
    return len(d), x in d, x + 0 in d, d[x] + t, list(d.keys())[0]


def tensor_keys_lit(x: Tensor, y: Tensor) -> Dict[Tensor, str]:
    return {x: "a", y: "b"}


def tensor_keys_more(x: Tensor, y: Tensor) -> List[int]:
    d = {x: 1, y: 2}
    out: List[int] = []
    g = d.get(x)
    if g is not None:
        out.append(g)
    out.append(d.get(x + 1, 7))
    out.append(d.pop(y))
    out.append(d.setdefault(y, 9))
    del d[x]
    d.update({x: 4})
    for k in d:
        out.append(d[k])
    e = d.copy()
    e.clear()
    out.append(len(d))
    out.append(len(e))
    return out


def tensor_key_print(x: Tensor):
    d = {x: 1}
    print(d)


def tensor_key_comp(x: Tensor) -> Dict[Tensor, int]:
    return {k: 1 for k in [x, x + 1]}


def tensor_key_popitem(x: Tensor) -> Tuple[Tensor, int]:
    d = {x: 1}
    return d.popitem()


def tensor_key_dictcall(x: Tensor) -> Dict[Tensor, int]:
    d = {x: 1}
    d2 = dict(d)
    d2[x + 1] = 2
    return dict([(k, v) for k, v in d2.items()])


def complex_keys(x: complex) -> Dict[complex, int]:
    d = {x: 1, 2j: 3}
    d[x] += 4
    return d


def bool_keys(x: bool) -> Dict[bool, int]:
    return {x: 1, not x: 2}


def iterate(d: Dict[str, int]) -> List[str]:
    out: List[str] = []
    for k in d:
        out.append(k)
    for k, v in d.items():
        out.append(k + str(v))
    for v in d.values():
        out.append(str(v))
    for i, (k, v) in enumerate(d.items()):
        out.append(f"{i}{k}{v}")
    for k, v in zip(d.keys(), d.values()):
        out.append(f"{k}{v}")
    return out


def nested(d: Dict[str, List[int]]) -> int:
    d["a"][0] = 5
    d["a"].append(3)
    d["b"] = [1]
    d["b"] += [2]
    d["a"] += [9]
    return sum(d["a"]) + sum(d["b"])


def aug(d: Dict[str, int]) -> Dict[str, int]:
    d["a"] += 1
    d["a"] *= 5
    d["b"] = d["a"] // 2
    d["a"] -= 1
    return d


def boolean(d: Dict[str, int]) -> bool:
    if d:
        return True
    return not d


def bool_call(d: Dict[str, int]) -> bool:
    return bool(d)


def kwargs_dict(d: Dict[str, int]) -> Dict[str, int]:
    return dict(a=1, b=2)


def pairs_dict(d: Dict[str, int]) -> Dict[str, int]:
    return dict([("a", 1), ("b", 2)])


def pairs_kw_dict(d: Dict[str, int]) -> Dict[str, int]:
    return dict([("a", 1), ("b", 2)], c=3)


def pairs_gen_dict(d: Dict[str, int]) -> Dict[str, int]:
    return dict((k, v) for k, v in d.items())


def dict_copy_kw(d: Dict[str, int]) -> Dict[str, int]:
    return dict(d, b=2)


def comp(n: int) -> Dict[int, float]:
    return {i: i * 0.5 for i in range(n)}


def empty_typed(n: int) -> Dict[str, Tensor]:
    d = {}
    d["a"] = torch.ones(n)
    return d


def popdef(d: Dict[str, int]) -> Tuple[int, int]:
    x = d.pop("a", 5)
    return x, len(d)


def popmiss(d: Dict[str, int]) -> int:
    return d.pop("b")


def popitem_(d: Dict[str, int]) -> Tuple[str, int]:
    return d.popitem()


def popmiss_int(d: Dict[int, int]) -> int:
    return d.pop(7)


def miss_float(d: Dict[float, int]) -> int:
    return d[0.1]


def miss_complex(d: Dict[complex, int]) -> int:
    return d[0.1j]


def miss_bool(d: Dict[bool, int]) -> int:
    return d[False]


def del_missing(d: Dict[str, int]) -> int:
    del d["q"]
    return 1


def order_after(d: Dict[str, int]) -> List[str]:
    del d["a"]
    d["a"] = 4
    d["b"] = 9
    return list(d.keys()) + list(d)


def listy(d: Dict[str, int]) -> Tuple[List[int], List[Tuple[str, int]]]:
    return list(d.values()), list(d.items())


def sorted_items(d: Dict[str, int]) -> List[Tuple[str, int]]:
    return sorted(d.items())


def tensor_vals(d: Dict[str, Tensor]) -> Tensor:
    d["a"] += 1
    d["b"] = d["a"] * 2
    for v in d.values():
        v.add_(1)
    return d["b"]


def nested_dicts(d: Dict[str, Dict[str, int]]) -> int:
    d["a"]["c"] = 3
    e = d.copy()
    e["a"]["z"] = 1
    return len(d["a"])


def opt_vals_get(d: Dict[str, Optional[int]]) -> int:
    v = d["b"]
    assert v is not None
    return v


def get_three(d: Dict[str, int]) -> Tuple[int, int]:
    return d.get("x", 3), d.setdefault("y", 7)


def in_values(d: Dict[str, int]) -> bool:
    return 1 in d.values()


def union_vals(n: int) -> Dict[str, Union[int, str]]:
    d: Dict[str, Union[int, str]] = {"a": 1, "b": "c"}
    d["z"] = "y"
    return d


def mutate_iter(n: int) -> List[str]:
    d = {"a": 1}
    out: List[str] = []
    for k in d:
        out.append(k)
        d[k + "x"] = 1
    return out


def missing_in_loop(n: int) -> int:
    d = {0: 1}
    for i in range(n):
        d[i + 1] = d[i] * 2
    return d[n + 5]


CASES = [
    (tensor_keys, (T([1.0]), T([2.0]))),
    (tensor_keys_lit, (T([1.0]), T([2.0]))),
    (tensor_keys_more, (T([1.0]), T([2.0]))),
    (tensor_key_print, (T([1.0]),)),
    (tensor_key_comp, (T([1.0]),)),
    (tensor_key_popitem, (T([1.0, 2.0]),)),
    (tensor_key_dictcall, (T([1.0, 2.0]),)),
    (complex_keys, (1j,)),
    (bool_keys, (True,)),
    (iterate, ({"a": 1, "b": 2},)),
    (nested, ({"a": [1]},)),
    (aug, ({"a": 1},)),
    (boolean, ({"a": 1},), ({},)),
    (bool_call, ({"a": 1},), ({},)),
    (kwargs_dict, ({"a": 1},)),
    (pairs_dict, ({"a": 1},)),
    (pairs_kw_dict, ({"a": 1},)),
    (pairs_gen_dict, ({"a": 1},)),
    (dict_copy_kw, ({"a": 1},)),
    (comp, (3,)),
    (empty_typed, (3,)),
    (popdef, ({"a": 1},), ({},)),
    (popmiss, ({"a": 1},), ({},)),
    (popitem_, ({"a": 1},), ({},)),
    (popmiss_int, ({1: 1},), ({},)),
    (miss_float, ({1.5: 1},)),
    (miss_complex, ({1.5j: 1},)),
    (miss_bool, ({True: 1},)),
    (del_missing, ({"a": 1},)),
    (order_after, ({"a": 1, "b": 2, "c": 3},)),
    (listy, ({"a": 1, "b": 2},)),
    (sorted_items, ({"b": 1, "a": 2},)),
    (tensor_vals, ({"a": T([1.0])},)),
    (nested_dicts, ({"a": {"b": 1}},)),
    (opt_vals_get, ({"a": None, "b": 1},)),
    (get_three, ({"a": 1},)),
    (in_values, ({"a": 1},)),
    (union_vals, (3,)),
    (mutate_iter, (3,)),
    (missing_in_loop, (2,)),
]
