"""Lists, dicts, tuples and strings."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B007, RUF059, UP031

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch

from tests.frontends.torchscript.support import check


def list_methods(xs: list[int]) -> tuple[list[int], int, int, int, bool]:
    xs.append(4)
    xs.extend([5, 6])
    xs.insert(0, -1)
    last = xs.pop()
    xs.reverse()
    ys = xs.copy()
    ys.sort()
    ys.remove(4)
    ys[0] = 100
    del ys[1]
    return ys + xs, last, ys.index(100), xs.count(5), 5 in xs


def list_slices(xs: list[int]) -> list[list[int]]:
    return [xs[1:], xs[:-1], xs[::2], xs[1:3], xs[-2:], xs * 2, list(xs), sorted(xs)]


def list_index(xs: list[int], i: int) -> int:
    return xs[i]


def aliasing(xs: list[int]) -> tuple[int, int]:
    ys = xs
    ys.append(1)
    zs = [xs, ys]
    zs[0].append(2)
    return len(xs), len(ys)


def comprehension(xs: list[int]) -> tuple[list[int], list[float]]:
    return [x * 2 for x in xs], [float(x) for x in xs]


def dict_comprehension(xs: list[str]) -> dict[str, int]:
    return {x: len(x) for x in xs}


def dict_methods(d: dict[str, int]) -> tuple[list[str], list[int], int, int | None, int, bool]:
    d["new"] = 7
    d.update({"a": 1})
    d.setdefault("b", 5)
    popped = d.pop("new")
    del d["b"]
    return list(d.keys()), list(d.values()), d["a"], d.get("zz"), d.get("q", popped), "a" in d


def dict_iteration(d: dict[str, int]) -> tuple[str, int]:
    text = ""
    total = 0
    for k in d:
        text += k
    for k, v in d.items():
        total += v
    return text, total


def int_dict(n: int) -> dict[int, float]:
    out: dict[int, float] = {}
    for i in range(n):
        out[i * i] = i / 2
    return out


def missing_key(d: dict[str, int]) -> int:
    return d["missing"]


def tuples(t: tuple[int, str, float]) -> tuple[float, str, int, tuple[str, float]]:
    a, b, c = t
    return c, t[1], a + t[0], t[1:]


class Point(NamedTuple):
    x: int
    y: float = 2.5


def named_tuple(x: int) -> tuple[int, float, float]:
    p = Point(x)
    q = Point(x=1, y=0.5)
    return p.x, p.y + q.y, q[1]


def nested(xs: list[list[int]]) -> dict[str, list[int]]:
    return {"first": xs[0], "sums": [sum(x) for x in xs]}


def list_of_tensors(xs: list[torch.Tensor]) -> torch.Tensor:
    return torch.cat(xs, 0) if len(xs) > 1 else xs[0]


def empty_list() -> list[int]:
    xs: list[int] = []
    return xs


def strings(s: str) -> list[str]:
    return [
        s.upper(), s.lower(), s.strip(), s.replace("a", "bb"), s[1:3], s[0], s + "!", s.title(),
        "-".join(s.split(" ")), s.capitalize(), s.center(20, "*"), s.zfill(20), s[::2],
    ]  # fmt: skip


def string_tests(s: str) -> list[bool]:
    return [s.startswith("He"), s.endswith("o"), "ell" in s, s == "Hello", s.isalpha(), s < "I"]


def string_numbers(s: str) -> list[int]:
    return [len(s), s.find("l"), s.rfind("l"), s.count("l"), ord(s[0]), s.find("zz")]


def formatting(i: int, x: float, s: str, xs: list[int]) -> list[str]:
    return [
        f"{i} and {s}", f"{i} {xs}", "%d-%s" % (i, s), str(xs), f"{x}", str(True),
        f"{(i, s)}", f"{None}",
    ]  # fmt: skip


def floats_as_text(xs: list[float]) -> list[str]:
    return [str(x) for x in xs]


def escapes() -> list[str]:
    return ["tab\tquote\"'", "new\nline", "back\\slash", "nul\x07", "ünïcödé ✓"]


def star_unpack(t: tuple[int, int, int]) -> int:
    a, *rest = t
    return a + len(rest)


def list_unpack(xs: list[int]) -> int:
    a, b, c = xs
    return a * 100 + b * 10 + c


CASES = [
    (list_methods, ([1, 2],), ([],)),
    (list_slices, ([3, 1, 2, 5],), ([],)),
    (list_index, ([1, 2, 3], -1), ([1, 2, 3], 3), ([], 0)),
    (aliasing, ([],)),
    (comprehension, ([1, 2, 3],), ([],)),
    (dict_comprehension, (["a", "bbb"],)),
    (dict_methods, ({"q": 2},)),
    (dict_iteration, ({"b": 2, "a": 3},)),
    (int_dict, (4,)),
    (missing_key, ({},)),
    (tuples, ((1, "a", 2.5),)),
    (named_tuple, (3,)),
    (nested, ([[1, 2], [3]],)),
    (list_of_tensors, ([torch.ones(2), torch.zeros(1)],)),
    (empty_list, ()),
    (strings, ("Hello banana",), (" a ",)),
    (string_tests, ("Hello",)),
    (string_numbers, ("Hello",)),
    (formatting, (3, 0.5, "x", [1, 2])),
    (floats_as_text, ([1.0, 0.1, 1e10, 1e-7, 123456.789, float("inf"), 1e22],)),
    (escapes, ()),
    (star_unpack, ((1, 2, 3),)),
    (list_unpack, ([1, 2, 3],), ([1, 2],)),
]


@pytest.mark.parametrize(
    ("function", "args"), [(case[0], args) for case in CASES for args in case[1:]]
)
def test_agrees_with_torch(function, args) -> None:
    check(function, *args)
