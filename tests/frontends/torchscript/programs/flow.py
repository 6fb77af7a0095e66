"""Longer programs with branches, loops, exits, closures, refinement, hidden types and errors."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035, UP045, UP007, B007, SIM108, C416

from typing import Any, Dict, List, Optional, Tuple, Union

import torch

OFFSET = 4
NAMES = ["a", "b"]
LIMITS = (1, 2.5, "x")


def loop_else_of_flags(xs: List[int]) -> int:
    found = -1
    for i, x in enumerate(xs):
        if x == 7:
            found = i
            break
    if found == -1:
        found = 100
    return found


def loops_in_loops_with_exits(n: int) -> List[int]:
    out: List[int] = []
    for i in range(n):
        if i % 2 == 0:
            continue
        j = 0
        while True:
            j += 1
            if j > i:
                break
            if j == 2:
                continue
            out.append(i * 10 + j)
    return out


def return_in_while(n: int) -> int:
    while n > 0:
        n -= 3
        if n == 4:
            return 44
        while n % 5 == 0:
            n -= 1
            if n < 2:
                return -7
    return n


def range_variants(n: int) -> List[List[int]]:
    out: List[List[int]] = []
    out.append([i for i in range(n)])
    out.append([i for i in range(2, n)])
    out.append([i for i in range(n, 0, -2)])
    out.append([i for i in range(-n, n, 3)])
    return out


def loop_variable_after(n: int) -> int:
    i = -1
    for i in range(n):
        pass
    return i


def loop_changes_bound(n: int) -> int:
    count = 0
    for i in range(n):
        n = n - 1
        count += n
    return count


def chained_comparisons(a: int, b: int, c: int) -> List[bool]:
    return [a < b < c, a <= b <= c, a < b > c, a == b == c, a != b != c, 0 < a < 10]


def short_circuits(xs: List[int], i: int) -> List[bool]:
    return [i < len(xs) and xs[i] > 0, i >= len(xs) or xs[i] > 0, not (i < 3 and i > 1)]


def boolean_values(a: int, b: float, s: bool) -> List[bool]:
    return [bool(a), bool(b), not s, bool(s), a != 0 and s, s or a == 0]


def nested_ternary(n: int) -> str:
    return "neg" if n < 0 else "zero" if n == 0 else "pos"


def ternary_with_none(n: int) -> Optional[int]:
    return n if n > 0 else None


def deep_ifs(a: int, b: int) -> int:
    if a > 0:
        if b > 0:
            r = 1
        elif b == 0:
            r = 2
        else:
            r = 3
    else:
        if b > 0:
            r = 4
        else:
            r = 5
        r = r * 10
    return r


def early_returns_in_loop_and_branch(xs: List[int]) -> str:
    for x in xs:
        if x < 0:
            return "negative"
        if x > 100:
            if x == 200:
                return "exact"
            break
    else_value = "none"
    if len(xs) > 3:
        return "long"
    return else_value


def raise_in_loop(xs: List[int]) -> int:
    total = 0
    for x in xs:
        if x == 3:
            raise RuntimeError("MSG three after " + str(total))
        total += x
    return total


class CustomError(Exception):
    def __init__(self, message: str):
        super().__init__(message)


def raise_own_class(n: int) -> int:
    if n > 0:
        raise CustomError("MSG own " + str(n))
    return n


def raise_kinds(n: int) -> int:
    if n == 0:
        raise ValueError("MSG value")
    if n == 1:
        raise KeyError("MSG key")
    if n == 2:
        raise IndexError("MSG index")
    if n == 3:
        raise TypeError("MSG type")
    if n == 4:
        raise NotImplementedError("MSG missing")
    if n == 5:
        raise Exception("MSG exception")
    if n == 6:
        raise AssertionError("MSG assertion")
    if n == 7:
        raise ZeroDivisionError("MSG zero")
    if n == 8:
        raise RuntimeError(f"MSG {n} formatted")
    return n


def assert_kinds(n: int) -> int:
    assert n != 1
    assert n != 2, "MSG two"
    assert n != 3, f"MSG is {n}"
    assert n != 4, "MSG " + str(n)
    return n


def raise_without_call(n: int) -> int:
    if n > 0:
        raise ValueError
    return n


def inner_raises(n: int) -> int:
    return raise_kinds(n) + 1


def callers_see_inner_errors(n: int) -> int:
    total = 0
    for i in range(n):
        total += inner_raises(9 - i)
    return total


def index_errors(xs: List[int], i: int) -> int:
    return xs[i]


def empty_max(xs: List[int]) -> int:
    return max(xs)


def closure_over_value(n: int) -> int:
    def add(x: int) -> int:
        return x + n

    return add(3) * add(4)


def refinement_by_is_none(x: Optional[int], y: Optional[int]) -> int:
    if x is None and y is None:
        return 0
    if x is None:
        assert y is not None
        return y
    if y is None:
        return x
    return x + y


def refinement_in_loop(xs: List[Optional[str]]) -> str:
    last: Optional[str] = None
    for x in xs:
        if x is None:
            continue
        last = x if last is None else "more"
    if last is None:
        return "nothing"
    return last


def refinement_of_not(x: Optional[int]) -> int:
    if not (x is not None):
        return -1
    return x


def refinement_by_else_raise(x: Optional[str]) -> str:
    if x is not None:
        pass
    else:
        raise ValueError("MSG none")
    return x.upper()


def refinement_in_ternary(x: Optional[torch.Tensor], y: torch.Tensor) -> torch.Tensor:
    return x + y if x is not None else y * 2


def unwrapped(x: Optional[int]) -> int:
    return torch.jit._unwrap_optional(x) + 1


def optional_in_dict(d: Dict[str, Optional[int]]) -> int:
    v = d["a"]
    if v is None:
        return -1
    return v


def optional_tuple(t: Optional[Tuple[int, str]]) -> str:
    if t is None:
        return "none"
    return t[1] + str(t[0])


def union_int_str(x: Union[int, str]) -> str:
    if isinstance(x, str):
        return x.upper()
    return str(x * 2)


def union_with_none(x: Union[int, str, None]) -> int:
    if x is None:
        return 0
    if isinstance(x, int):
        return x
    return len(x)


def union_of_lists(x: Union[List[int], List[str]]) -> int:
    if isinstance(x, List[int]):
        return sum(x)
    return len(x)


def union_assigned(n: int) -> str:
    x: Union[int, str] = n
    if n > 2:
        x = "big"
    if isinstance(x, int):
        return "int " + str(x)
    return x


def any_inspected(x: Any) -> str:
    if isinstance(x, torch.Tensor):
        return "tensor"
    if isinstance(x, bool):
        return "bool"
    if isinstance(x, float):
        return "float " + str(x)
    if isinstance(x, str):
        return x
    return "other"


def any_in_list(xs: List[Any]) -> int:
    total = 0
    for x in xs:
        if isinstance(x, int):
            total += x
        elif isinstance(x, str):
            total += len(x)
    return total


def isinstance_of_static(x: int) -> List[bool]:
    return [isinstance(x, int), isinstance(x, float), isinstance(x, (float, int))]


def isinstance_of_list(x: List[int]) -> bool:
    return isinstance(x, List[int])


def defaults(a: int, b: int = 2, c: float = 0.5, d: str = "x", e: Optional[int] = None) -> str:
    return str(a) + str(b) + str(c) + d + ("-" if e is None else str(e))


def calls_with_defaults(n: int) -> List[str]:
    return [
        defaults(n), defaults(n, 3), defaults(n, c=1.0), defaults(n, d="y", b=1),
        defaults(a=n, e=5), defaults(n, 1, 2.0, "z", 9),
    ]  # fmt: skip


def gives_tuple(n: int) -> Tuple[int, str]:
    return n, str(n)


def unpacks_result(n: int) -> str:
    a, b = gives_tuple(n)
    _, c = gives_tuple(n + 1)
    return b + str(a) + c


def multiple_targets(n: int) -> List[int]:
    a = b = n
    a += 1
    return [a, b]


def augmented_everything(n: int) -> List[float]:
    a = float(n)
    a += 1
    a -= 0.5
    a *= 3
    a /= 2
    b = n
    b -= 2
    b *= 5
    c = 2.0
    c = c**n
    return [a, float(b), c]


def annotated_variables(n: int) -> float:
    x: float = 1.0
    y: List[float] = []
    z: Dict[str, float] = {}
    t: Tuple[int, float] = (n, x)
    y.append(x)
    z["a"] = y[0] + t[1]
    return z["a"]


def jit_annotate(n: int) -> List[Optional[int]]:
    xs = torch.jit.annotate(List[Optional[int]], [])
    xs.append(None)
    xs.append(n)
    return xs


def none_result(n: int) -> None:
    n += 1


def pass_only(n: int) -> None:
    pass


def string_annotations(n: "int") -> "List[int]":
    return [n]


def docstring_inside(n: int) -> int:
    """Say what it is."""
    "another"
    return n


def scripting_flag(n: int) -> int:
    if not torch.jit.is_scripting():
        return -1
    return n


def cast_everything(n: int, x: float, b: bool) -> List[float]:
    return [float(n), float(int(x)), float(b), float(int(b)), float(bool(n)), float("2.5")]


def fibonacci(n: int) -> List[int]:
    memo: Dict[int, int] = {0: 0, 1: 1}
    for i in range(2, n + 1):
        memo[i] = memo[i - 1] + memo[i - 2]
    return list(memo.values())


def sieve(n: int) -> List[int]:
    prime = [True] * n
    out: List[int] = []
    for i in range(2, n):
        if not prime[i]:
            continue
        out.append(i)
        j = i * i
        while j < n:
            prime[j] = False
            j += i
    return out


def newton(x: float) -> float:
    guess = x
    for _ in range(50):
        better = (guess + x / guess) / 2.0
        if abs(better - guess) < 1e-12:
            return better
        guess = better
    return guess


def gcd(a: int, b: int) -> int:
    while b != 0:
        a, b = b, a % b
    return a


def effects_in_order(xs: List[int]) -> Tuple[List[int], int]:
    total = xs.pop() * 100 + xs.pop() * 10 + xs.pop()
    return xs, total


def conditional_effects(xs: List[int]) -> List[int]:
    flag = len(xs) > 2 and xs.pop() > 0
    if flag or len(xs) > 1:
        xs.append(50)
    return xs


def raise_between_tensors(x: torch.Tensor, n: int) -> torch.Tensor:
    y = x + 1
    if n > 3:
        raise ValueError("MSG too big " + str(n))
    y = y.view(-1) * 2
    assert y.size(0) < 5, "MSG too long"
    return y.exp()


def raise_before_a_shape_error(x: torch.Tensor, n: int) -> torch.Tensor:
    y = x * 2
    if n > 3:
        raise ValueError("MSG too big")
    return y.view(7)


CASES = [
    (raise_between_tensors, (torch.ones(2), 1), (torch.ones(2), 5), (torch.ones(6), 1)),
    (raise_before_a_shape_error, (torch.ones(2), 5), (torch.ones(2), 1), (torch.ones(7), 1)),
    (loop_else_of_flags, ([1, 7],), ([1],), ([],)),
    (loops_in_loops_with_exits, (6,), (0,)),
    (return_in_while, (13,), (10,), (7,), (0,)),
    (range_variants, (5,), (0,)),
    (loop_variable_after, (5,), (0,)),
    (loop_changes_bound, (5,)),
    (chained_comparisons, (1, 2, 3), (2, 2, 2), (3, 5, 1)),
    (short_circuits, ([1, -1], 0), ([1, -1], 1), ([], 2)),
    (boolean_values, (0, 0.0, True), (2, -1.5, False)),
    (nested_ternary, (-1,), (0,), (1,)),
    (ternary_with_none, (-1,), (1,)),
    (deep_ifs, (1, 1), (1, 0), (1, -1), (0, 1), (0, 0)),
    (
        early_returns_in_loop_and_branch,
        ([1, -1],),
        ([1, 200],),
        ([101, -1],),
        ([1, 2, 3, 4],),
        ([],),
    ),
    (raise_in_loop, ([1, 2],), ([1, 3],)),
    (raise_own_class, (0,), (1,)),
    (raise_kinds, *[(i,) for i in range(10)]),
    (assert_kinds, *[(i,) for i in range(6)]),
    (raise_without_call, (0,), (1,)),
    (callers_see_inner_errors, (1,), (5,)),
    (index_errors, ([1, 2], 1), ([1, 2], -3), ([], 0)),
    (empty_max, ([1],), ([],)),
    (refinement_by_is_none, (None, None), (1, None), (None, 2), (1, 2)),
    (refinement_in_loop, (["a", None, "b"],), ([None],), ([],)),
    (refinement_of_not, (None,), (3,)),
    (refinement_by_else_raise, (None,), ("a",)),
    (refinement_in_ternary, (None, torch.ones(2)), (torch.ones(2), torch.ones(2))),
    (unwrapped, (3,), (None,)),
    (optional_in_dict, ({"a": None},), ({"a": 3},)),
    (optional_tuple, (None,), ((2, "x"),)),
    (union_int_str, (3,), ("x",)),
    (union_with_none, (3,), ("xy",), (None,)),
    (union_of_lists, ([1, 2],), (["a"],)),
    (union_assigned, (1,), (5,)),
    (any_inspected, (torch.ones(1),), (True,), (2.5,), ("s",), (3,)),
    (any_in_list, ([1, "ab", 2.5],)),
    (isinstance_of_static, (3,)),
    (isinstance_of_list, ([3],)),
    (calls_with_defaults, (1,)),
    (defaults, (1, 2, 0.5, "x", None)),
    (unpacks_result, (2,)),
    (multiple_targets, (2,)),
    (augmented_everything, (7,)),
    (annotated_variables, (2,)),
    (jit_annotate, (2,)),
    (none_result, (2,)),
    (pass_only, (2,)),
    (string_annotations, (2,)),
    (docstring_inside, (2,)),
    (scripting_flag, (2,)),
    (cast_everything, (2, 2.75, True), (0, -2.75, False)),
    (fibonacci, (20,)),
    (sieve, (50,)),
    (newton, (2.0,)),
    (gcd, (48, 18), (7, 0)),
    (effects_in_order, ([1, 2, 3, 4],)),
    (conditional_effects, ([1, 2, 3],), ([1, 2, -3],), ([1],)),
]
