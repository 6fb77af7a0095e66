"""Programs with conversions between tensors, numbers and lists, and with annotations."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035, UP045

from typing import List, Optional, Tuple

import torch
from torch import Tensor

T = torch.tensor


def tolist_(x: Tensor) -> List[int]:
    y: List[int] = x.tolist()
    return y


def tolist2_(x: Tensor) -> List[List[int]]:
    y: List[List[int]] = x.tolist()
    return y


def tolist_wrong(x: Tensor) -> List[int]:
    y: List[int] = x.tolist()
    return y


def tolist_dim(x: Tensor) -> List[int]:
    y: List[int] = x.tolist()
    return y


def tolist_0(x: Tensor) -> int:
    y: int = x.tolist()
    return y


def tolist_b(x: Tensor) -> List[bool]:
    y: List[bool] = x.tolist()
    return y


def tolist_c(x: Tensor) -> List[complex]:
    y: List[complex] = x.tolist()
    return y


def item_many(x: Tensor) -> float:
    return float(x)


def complex_t(x: Tensor) -> complex:
    return complex(x)


def complex_tt(x: Tensor, y: Tensor) -> complex:
    return complex(x, y)


def complex_tf(x: Tensor, y: float) -> complex:
    return complex(x, y) + complex(y, x)


def implicit_int(x: Tensor) -> Tensor:
    return torch.zeros(x)


def implicit_slice(x: Tensor) -> List[int]:
    return [1, 2, 3, 4][:x]


def dtype_arg(d: torch.dtype) -> Tensor:
    return torch.zeros(2, dtype=d)


def dtype_print(x: Tensor) -> str:
    return str(x.dtype) + str(torch.long)


def dev(x: Tensor) -> Tuple[str, Optional[int], bool, str]:
    return x.device.type, x.device.index, x.device == torch.device("cpu"), str(x.device)


def dev_bad(x: Tensor) -> torch.device:
    return torch.device("nonsense")


def grad_(x: Tensor) -> Optional[Tensor]:
    return x.grad


def seed_(n: int) -> int:
    torch.manual_seed(n)
    return n


def type_comment(n):
    # type: (int) -> int
    return n + 1


def type_comment_opt(n, m=None):
    # type: (int, Optional[int]) -> int
    if m is not None:
        return n + m
    return n


def builtin_generics(n: int) -> dict[str, list[tuple[int, float]]]:
    x: list[tuple[int, float]] = [(n, 1.0)]
    return {"a": x}


def str_ann(n: "int") -> "List[int]":
    return [n]


def empty_tuple(n: int) -> Tuple[()]:
    return ()


def tuple_slice(n: int) -> Tuple[int, str]:
    return (n, "a", 2.5)[:2]


def tuple_idx(n: int) -> int:
    return (1, 2, 3, 4)[n]


def tuple_sorted(n: int) -> List[int]:
    return sorted((n, 1))


CASES = [
    (tolist_, (T([1, 2]),)),
    (tolist2_, (T([[1, 2]]),)),
    (tolist_wrong, (T([1.0, 2]),)),
    (tolist_dim, (T([[1, 2]]),)),
    (tolist_0, (T(3),)),
    (tolist_b, (T([True, False]),)),
    (tolist_c, (T([1j, 2.0]),)),
    (item_many, (T([2.5, 1]),)),
    (complex_t, (T(1 + 2j),)),
    (complex_tt, (T(1), T(2.0))),
    (complex_tf, (T(1), 2.0)),
    (implicit_int, (T(3),)),
    (implicit_slice, (T(3),)),
    (dtype_arg, (torch.float32,)),
    (dtype_print, (T([1.0]),)),
    (dev, (T([1.0]),)),
    (dev_bad, (T([1.0]),)),
    (grad_, (T([1.0]),)),
    (seed_, (3,)),
    (type_comment, (3,)),
    (type_comment_opt, (3, None)),
    (builtin_generics, (3,)),
    (str_ann, (3,)),
    (empty_tuple, (3,)),
    (tuple_slice, (3,)),
    (tuple_idx, (3,)),
    (tuple_sorted, (3,)),
]
