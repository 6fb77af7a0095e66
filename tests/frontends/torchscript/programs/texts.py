"""Longer programs that print, format and read strings."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP031, UP032, UP035

from typing import Dict, List, Optional, Tuple

import torch


def print_everything(n: int) -> None:
    print(n, 2.5, True, None, "text", [1, 2], ["a"], {"k": 1.0}, (1, "b"), 1e10, 1e-5, float("inf"))
    print()
    print([1.0, 2.5], [True], [[1], [2, 3]], {1: [2]}, 1 + 2j)


def print_in_branches(xs: List[int]) -> int:
    for x in xs:
        if x > 2:
            print("big", x)
            continue
        print("small", x)
    else_ = len(xs)
    return else_


def print_before_raise(n: int) -> int:
    print("before")
    if n > 2:
        raise ValueError("MSG too big: " + str(n))
    print("after")
    return n


def format_many(n: int, x: float, s: str) -> str:
    return "{} {} {} {}".format(n, x, s, [n, n])


def format_percent(n: int, x: float, s: str) -> str:
    return "%d|%f|%s|%i|%e|%c|%%" % (n, x, s, n, x, n)


def format_f_string(n: int, x: float, s: str) -> str:
    return f"<{n}> {x} '{s}' {n + 1} {[n]} {(s, n)} {n > 3} {None}"


def format_braces(n: int) -> str:
    return f"{{{n}}}"


def format_float_values(x: float) -> str:
    return str(x) + " " + str(x * 1e20) + " " + str(x / 3.0) + " " + f"{x}"


def string_iteration(s: str) -> List[int]:
    return [ord(c) for c in s]


def string_reverse(s: str) -> str:
    out = ""
    for c in s:
        out = c + out
    return out


def string_palindrome(s: str) -> bool:
    i = 0
    j = len(s) - 1
    while i < j:
        if s[i] != s[j]:
            return False
        i += 1
        j -= 1
    return True


def string_words(s: str) -> Dict[str, int]:
    out: Dict[str, int] = {}
    for w in s.lower().split():
        w = w.strip(".,!")
        out[w] = out.get(w, 0) + 1
    return out


def string_join_numbers(xs: List[int]) -> str:
    return ", ".join([str(x) for x in xs])


def string_compare(a: str, b: str) -> List[bool]:
    return [a == b, a != b, a < b, a <= b, a > b, a >= b]


def string_index_error(s: str) -> int:
    return s.index("zz")


def string_bad_int(s: str) -> int:
    return int(s)


def caesar(s: str, k: int) -> str:
    out = ""
    for c in s:
        if c.isalpha() and c.islower():
            out += chr((ord(c) - 97 + k) % 26 + 97)
        else:
            out += c
    return out


CASES = [
    (print_everything, (7,)),
    (print_in_branches, ([1, 3, 2],)),
    (print_before_raise, (1,), (5,)),
    (format_many, (1, 2.5, "s"), (-1, 1e-7, "")),
    (format_percent, (65, 2.5, "s"), (97, 12345.678, "x")),
    (format_f_string, (1, 2.5, "s"), (5, 1e10, "")),
    (format_braces, (3,)),
    (format_float_values, (1.0,), (0.1,), (123456789.123,), (-2.5,)),
    (string_iteration, ("abc",), ("",)),
    (string_reverse, ("abc",)),
    (string_palindrome, ("abcba",), ("ab",), ("",)),
    (string_words, ("The cat. The dog!",)),
    (string_join_numbers, ([1, 2, 3],), ([],)),
    (string_compare, ("a", "b"), ("b", "a"), ("a", "a")),
    (string_index_error, ("abc",)),
    (string_bad_int, ("12",), ("x",)),
    (
        caesar,
        ("hello, World", 3),
    ),
]
