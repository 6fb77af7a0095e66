"""Programs with assignments, calls and declarations."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP035, UP045

from typing import Any, Dict, List, Optional, Tuple, Union

import torch


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


CASES = [
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
]
