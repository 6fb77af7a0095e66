"""Longer programs with dicts."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B905, C416, F401, RUF059, UP006, UP035

from typing import Dict, List, Optional, Tuple

import torch


def dict_update(d: Dict[str, int]) -> Dict[str, int]:
    e = {"new": 1, "a": 100}
    d.update(e)
    return d


def dict_delete(d: Dict[str, int], k: str) -> Dict[str, int]:
    del d[k]
    return d


def dict_pop_default(d: Dict[str, int]) -> Tuple[int, int]:
    return d.pop("zz", 9), len(d)


def dict_popitem(d: Dict[str, int]) -> int:
    k, v = d.popitem()
    return v + len(d)


def dict_clear(d: Dict[str, int]) -> int:
    e = d
    d.clear()
    return len(e)


def dict_of_dicts(n: int) -> Dict[str, Dict[int, str]]:
    d: Dict[str, Dict[int, str]] = {}
    d["a"] = {n: "x"}
    d["a"][n + 1] = "y"
    return d


def dict_of_lists(words: List[str]) -> Dict[int, List[str]]:
    d: Dict[int, List[str]] = {}
    empty: List[str] = []
    for w in words:
        if len(w) not in d:
            d[len(w)] = empty.copy()
        d[len(w)].append(w)
    return d


def dict_counts(text: str) -> Dict[str, int]:
    d: Dict[str, int] = {}
    for c in text:
        d[c] = d.get(c, 0) + 1
    return d


def dict_augmented(d: Dict[str, int]) -> Dict[str, int]:
    d["a"] += 5
    d["a"] *= 2
    return d


def dict_setdefault(d: Dict[str, List[int]]) -> Dict[str, List[int]]:
    d.setdefault("q", [0]).append(1)
    return d


def dict_copy_is_new(d: Dict[str, int]) -> Tuple[int, int]:
    e = d.copy()
    e["z"] = 1
    return len(d), len(e)


def dict_of_tensors(d: Dict[str, torch.Tensor]) -> torch.Tensor:
    total = torch.zeros(2)
    for k in d:
        total = total + d[k]
    return total


def dict_with_float_keys(x: float) -> List[float]:
    d = {1.5: "a", x: "b"}
    return list(d.keys())


def dict_with_bool_keys(x: bool) -> str:
    d = {True: "yes", False: "no"}
    return d[x]


def dict_comprehension_of_pairs(n: int) -> Dict[int, str]:
    return {i: str(i * i) for i in range(n)}


def dict_from_zip(ks: List[str], vs: List[int]) -> Dict[str, int]:
    return {k: v for k, v in zip(ks, vs)}


def dict_items_list(d: Dict[int, str]) -> List[Tuple[int, str]]:
    return list(d.items())


def dict_missing_int(d: Dict[int, str]) -> str:
    return d[12]


def dict_popitem_of_two(d: Dict[str, int]) -> List[int]:
    k, v = d.popitem()
    print(k, "a" in d, "b" in d)
    return [v, len(d)]


CASES = [
    (dict_update, ({"a": 1},)),
    (dict_delete, ({"a": 1, "b": 2}, "a"), ({"a": 1}, "q")),
    (dict_pop_default, ({"a": 1},), ({"zz": 1},)),
    (dict_popitem, ({"a": 1},), ({},)),
    (dict_clear, ({"a": 1},)),
    (dict_of_dicts, (3,)),
    (dict_of_lists, (["a", "bb", "c", "dd"],)),
    (dict_counts, ("hello",), ("",)),
    (dict_augmented, ({"a": 1},), ({"b": 1},)),
    (dict_setdefault, ({"a": [1]},), ({"q": [5]},)),
    (dict_copy_is_new, ({"a": 1},)),
    (dict_of_tensors, ({"a": torch.ones(2), "b": torch.ones(2)},)),
    (dict_with_float_keys, (2.5,), (1.5,)),
    (dict_with_bool_keys, (True,), (False,)),
    (dict_comprehension_of_pairs, (4,)),
    (dict_from_zip, (["a", "b"], [1, 2])),
    (dict_items_list, ({2: "b", 1: "a"},)),
    (dict_missing_int, ({1: "a"},)),
    (dict_popitem_of_two, ({"a": 1, "b": 2},)),
]
