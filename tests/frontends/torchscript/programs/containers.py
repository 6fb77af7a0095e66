"""Longer programs with lists, dicts, tuples and strings; what they print and raise."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035, UP045, UP031, UP032, B905, RUF059, F841, C416

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


def tuple_slice(t: Tuple[int, str, float, int]) -> Tuple[str, float]:
    return t[1:3]


def tuple_negative(t: Tuple[int, str, float]) -> float:
    return t[-1]


def tuple_concatenated(t: Tuple[int, str]) -> Tuple[int, str, int, str]:
    return t + t


def tuple_nested_unpack(n: int) -> int:
    a, (b, (c, d)) = n, (n + 1, (n + 2, n + 3))
    return a + b * 10 + c * 100 + d * 1000


def tuple_starred(n: int) -> List[int]:
    a, *b, c = (n, n + 1, n + 2, n + 3)
    return [a, c]


def tuple_swap(a: int, b: int) -> Tuple[int, int]:
    a, b = b, a + b
    return a, b


def tuple_of_lists_is_shared(n: int) -> Tuple[List[int], int]:
    xs = [n]
    t = (xs, n)
    t[0].append(4)
    return xs, len(t[0])


def tuple_in_dict(n: int) -> Tuple[int, str]:
    d = {"a": (n, "x")}
    return d["a"]


def tuple_one(n: int) -> Tuple[int]:
    return (n,)


def tuple_empty(n: int) -> Tuple[()]:
    return ()


def tuple_compare(n: int) -> List[bool]:
    return [(n, 1) == (2, 1), (n, 3) == (3, 3)]


def tuple_loop(t: Tuple[int, int, int]) -> int:
    total = 0
    for x in t:
        total = total * 10 + x
    return total


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


def matrix_multiply(a: List[List[int]], b: List[List[int]]) -> List[List[int]]:
    out: List[List[int]] = []
    for row in a:
        line: List[int] = []
        for j in range(len(b[0])):
            total = 0
            for k in range(len(b)):
                total += row[k] * b[k][j]
            line.append(total)
        out.append(line)
    return out


def bubble_sort(xs: List[int]) -> List[int]:
    n = len(xs)
    for i in range(n):
        swapped = False
        for j in range(n - 1 - i):
            if xs[j] > xs[j + 1]:
                xs[j], xs[j + 1] = xs[j + 1], xs[j]
                swapped = True
        if not swapped:
            break
    return xs


def binary_search(xs: List[int], x: int) -> int:
    lo, hi = 0, len(xs)
    while lo < hi:
        mid = (lo + hi) // 2
        if xs[mid] == x:
            return mid
        if xs[mid] < x:
            lo = mid + 1
        else:
            hi = mid
    return -1


def stack_machine(code: List[str]) -> List[float]:
    stack: List[float] = []
    for word in code:
        if word == "+":
            b = stack.pop()
            a = stack.pop()
            stack.append(a + b)
        elif word == "*":
            b = stack.pop()
            a = stack.pop()
            stack.append(a * b)
        elif word == "dup":
            stack.append(stack[-1])
        elif word.isdigit():
            stack.append(float(word))
        else:
            raise ValueError("MSG unknown word " + word)
    return stack


def breadth_first(edges: Dict[int, List[int]], start: int) -> List[int]:
    seen = {start: True}
    queue = [start]
    order: List[int] = []
    while len(queue) > 0:
        v = queue.pop(0)
        order.append(v)
        if v in edges:
            for w in edges[v]:
                if w not in seen:
                    seen[w] = True
                    queue.append(w)
    return order


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
    (tuple_slice, ((1, "a", 2.5, 4),)),
    (tuple_negative, ((1, "a", 2.5),)),
    (tuple_concatenated, ((1, "a"),)),
    (tuple_nested_unpack, (1,)),
    (tuple_starred, (1,)),
    (tuple_swap, (1, 2)),
    (tuple_of_lists_is_shared, (1,)),
    (tuple_in_dict, (1,)),
    (tuple_one, (1,)),
    (tuple_empty, (1,)),
    (tuple_compare, (2,), (3,)),
    (tuple_loop, ((1, 2, 3),)),
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
    (matrix_multiply, ([[1, 2], [3, 4]], [[5, 6], [7, 8]])),
    (bubble_sort, ([3, 1, 2],), ([1, 2],), ([],)),
    (binary_search, ([1, 3, 5, 7], 5), ([1, 3], 4), ([], 1)),
    (stack_machine, (["2", "3", "+", "dup", "*"],), (["q"],), (["+"],)),
    (breadth_first, ({0: [1, 2], 1: [3], 2: [3]}, 0)),
]
