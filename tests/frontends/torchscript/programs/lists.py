"""Longer programs with lists: methods, comprehensions, iteration."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B905, C416, UP006, UP035, UP045

from typing import Dict, List, Optional, Tuple

import torch


def list_assign_slice(xs: List[int]) -> List[int]:
    xs[1] = 10
    xs[-1] = 20
    return xs


def list_delete(xs: List[int]) -> List[int]:
    del xs[0]
    del xs[-1]
    return xs


def list_clear_and_extend(xs: List[int]) -> List[int]:
    ys = xs.copy()
    xs.clear()
    xs.extend(ys)
    xs.extend(xs)
    return xs


def list_plus_equals(xs: List[int]) -> Tuple[List[int], List[int]]:
    ys = xs
    ys += [7, 8]
    return xs, ys


def list_times_equals(xs: List[int]) -> Tuple[List[int], List[int]]:
    ys = xs
    ys *= 2
    return xs, ys


def list_sorted_reverse(xs: List[int]) -> List[int]:
    xs.sort(reverse=True)
    return xs


def list_of_strings_sorted(xs: List[str]) -> List[str]:
    ys = sorted(xs)
    xs.sort()
    return xs + ys


def list_of_tuples_sorted(xs: List[Tuple[int, str]]) -> List[Tuple[int, str]]:
    return sorted(xs)


def list_reversed(xs: List[int]) -> List[int]:
    out: List[int] = []
    for x in xs[::-1]:
        out.append(x)
    return out


def list_compare(xs: List[int], ys: List[int]) -> List[bool]:
    return [xs == ys, xs != ys]


def list_identity(xs: List[int]) -> Tuple[bool, bool]:
    ys = xs
    return xs is ys, xs is xs.copy()


def list_membership(xs: List[str], x: str) -> Tuple[bool, bool]:
    return x in xs, x not in xs


def list_unpack(xs: List[int]) -> int:
    a, b, c = xs
    return a * 100 + b * 10 + c


def list_remove(xs: List[int], x: int) -> List[int]:
    xs.remove(x)
    return xs


def list_insert(xs: List[int], i: int) -> List[int]:
    xs.insert(i, 99)
    return xs


def list_pop(xs: List[int], i: int) -> Tuple[int, List[int]]:
    x = xs.pop(i)
    return x, xs


def list_index_assign(xs: List[int], i: int) -> List[int]:
    xs[i] = 5
    return xs


def list_minmax(xs: List[int], ys: List[int]) -> Tuple[List[int], List[int], int]:
    return min(xs, ys), max(xs, ys), max(xs)


def list_any_all(xs: List[bool]) -> Tuple[bool, bool]:
    return any(xs), all(xs)


def list_of_optional(xs: List[Optional[int]]) -> int:
    total = 0
    for x in xs:
        if x is not None:
            total += x
    return total


def list_of_tensors(xs: List[torch.Tensor]) -> torch.Tensor:
    xs.append(xs[0] * 2)
    total = torch.zeros_like(xs[0])
    for x in xs:
        total += x
    return total


def list_mutated_while_counting(n: int) -> List[int]:
    xs = [n]
    while len(xs) < 6:
        xs.append(xs[-1] + len(xs))
    return xs


def nested_comprehension(n: int) -> List[List[int]]:
    return [[i * j for j in range(i)] for i in range(n)]


def comprehension_over_zip(xs: List[int], ys: List[int]) -> List[int]:
    return [x * y for x, y in zip(xs, ys)]


def comprehension_over_enumerate(xs: List[str]) -> List[str]:
    return [str(i) + x for i, x in enumerate(xs)]


def comprehension_over_dict(d: Dict[str, int]) -> List[str]:
    return [k for k in d]


def comprehension_over_items(d: Dict[str, int]) -> List[int]:
    return [v for k, v in d.items()]


def comprehension_of_tensor(x: torch.Tensor) -> List[torch.Tensor]:
    return [row + 1 for row in x]


def zip_three(xs: List[int], ys: List[str], zs: List[float]) -> str:
    out = ""
    for x, y, z in zip(xs, ys, zs):
        out += str(x) + y + str(z)
    return out


def enumerate_zip(xs: List[int], ys: List[int]) -> int:
    total = 0
    for i, (x, y) in enumerate(zip(xs, ys)):
        total += i * (x + y)
    return total


def enumerate_from(xs: List[str]) -> List[Tuple[int, str]]:
    out: List[Tuple[int, str]] = []
    for i, x in enumerate(xs, 5):
        out.append((i, x))
    return out


def zip_with_range(xs: List[int]) -> int:
    total = 0
    for i, x in zip(range(2, 9), xs):
        total += i * x
    return total


CASES = [
    (list_assign_slice, ([1, 2, 3],)),
    (list_delete, ([1, 2, 3],), ([1, 2],)),
    (list_clear_and_extend, ([1, 2],), ([],)),
    (list_plus_equals, ([1],)),
    (list_times_equals, ([1, 2],)),
    (list_sorted_reverse, ([3, 1, 2],)),
    (list_of_strings_sorted, (["b", "a", "B"],)),
    (list_of_tuples_sorted, ([(2, "a"), (1, "b"), (1, "a")],)),
    (list_reversed, ([1, 2, 3],), ([],)),
    (list_compare, ([1, 2], [1, 2]), ([1], [2])),
    (list_identity, ([1],)),
    (list_membership, (["a", "b"], "b"), ([], "b")),
    (list_unpack, ([1, 2, 3],), ([1, 2],)),
    (list_remove, ([1, 2, 1], 1), ([1], 5)),
    (list_insert, ([1, 2, 3], 1), ([1, 2], -1), ([1, 2], 50), ([1, 2], -50)),
    (list_pop, ([1, 2, 3], 0), ([1, 2, 3], -2), ([1], 4)),
    (list_index_assign, ([1, 2], 1), ([1, 2], -2), ([1, 2], 2)),
    (list_minmax, ([1, 5], [1, 4]), ([], [1]), ([2], [])),
    (list_any_all, ([True, False],), ([],)),
    (list_of_optional, ([1, None, 3],)),
    (list_of_tensors, ([torch.ones(2), torch.ones(2)],)),
    (list_mutated_while_counting, (1,)),
    (nested_comprehension, (4,), (0,)),
    (comprehension_over_zip, ([1, 2, 3], [4, 5]), ([], [1])),
    (comprehension_over_enumerate, (["a", "b"],)),
    (comprehension_over_dict, ({"b": 1, "a": 2},)),
    (comprehension_over_items, ({"b": 1, "a": 2},)),
    (comprehension_of_tensor, (torch.ones(2, 3),)),
    (zip_three, ([1, 2], ["a", "b"], [0.5, 1.0])),
    (enumerate_zip, ([1, 2], [3, 4])),
    (enumerate_from, (["a", "b"],)),
    (zip_with_range, ([1, 2, 3],)),
]
