"""Programs with unions, Any and tests of types."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP007, UP035, UP045

from typing import Any, Dict, List, Optional, Tuple, Union

import torch
from torch import Tensor

T = torch.tensor


def un_basic(x: Union[int, str]) -> str:
    if isinstance(x, int):
        return str(x + 1)
    return x + "b"


def un_three(x: Union[int, str, float]) -> float:
    if isinstance(x, str):
        return 0.0
    elif isinstance(x, int):
        return x + 0.5
    else:
        return x


def un_none(x: Union[int, str, None]) -> str:
    if x is None:
        return "none"
    if isinstance(x, str):
        return x
    return str(x)


def un_cont(x: Union[List[int], Dict[str, int]]) -> int:
    if isinstance(x, list):
        return 1
    return 2


def un_lists(x: Union[List[int], List[str]]) -> int:
    if torch.jit.isinstance(x, List[int]):
        return x[0]
    return -1


def un_tupletest(x: Union[int, str, float]) -> bool:
    return isinstance(x, (int, float))


def any_is(x: Any) -> str:
    if isinstance(x, int):
        return "int" + str(x + 1)
    elif isinstance(x, str):
        return x
    return "other"


def any_tensor(x: Any) -> int:
    if isinstance(x, torch.Tensor):
        return int(x.sum())
    return -1


def un_reassign(x: Union[int, str]) -> str:
    if isinstance(x, int):
        x = "now"
    return x


def un_var(n: int) -> str:
    x: Union[int, str] = n
    if n > 2:
        x = "big"
    if isinstance(x, str):
        return x
    return "small"


def un_var2(n: int) -> str:
    x: Union[int, str] = n
    assert isinstance(x, int)
    return str(x + 1)


def un_list(n: int) -> int:
    x: List[Union[int, str]] = [1, "a"]
    t = 0
    for v in x:
        if isinstance(v, int):
            t += v
        else:
            t += len(v)
    return t


def un_ret(n: int) -> Union[int, str]:
    if n > 2:
        return n
    return "a"


def un_opt_sub(n: int) -> Optional[Union[int, str]]:
    if n > 2:
        return None
    return "a"


def un_tuple(n: Union[Tuple[int, float], Tuple[int, int]]) -> int:
    if torch.jit.isinstance(n, Tuple[int, float]):
        return 1
    return 2


def num_union(x: Union[int, float]) -> float:
    if isinstance(x, int):
        return x * 2.0
    return x


def not_isinstance(x: Union[int, str]) -> int:
    if not isinstance(x, int):
        return len(x)
    return x


def isinstance_or(x: Union[int, str]) -> int:
    if isinstance(x, str) or x > 1:
        return 1
    return -1


def isinstance_early(x: Union[int, str]) -> int:
    if isinstance(x, str):
        return len(x)
    return x + 1


def isinstance_ternary(x: Union[int, str]) -> int:
    return x if isinstance(x, int) else len(x)


def isinstance_static(x: int) -> Tuple[bool, bool, bool]:
    return isinstance(x, int), isinstance(x, str), isinstance(x, (str, int))


CASES = [
    (un_basic, (1,), ("a",)),
    (un_three, (1,), ("a",), (2.5,)),
    (un_none, (1,), ("a",), (None,)),
    (un_cont, ([1],), ({"a": 1},)),
    (un_lists, ([1],), (["a"],)),
    (un_tupletest, (1,), ("a",)),
    (any_is, (1,), ("a",), ([1],)),
    (any_tensor, (T([1.0]),), (3,)),
    (un_reassign, (1,), ("a",)),
    (un_var, (3,)),
    (un_var2, (3,)),
    (un_list, (3,)),
    (un_ret, (3,)),
    (un_opt_sub, (3,)),
    (un_tuple, ((1, 2.0),), ((1, 2),)),
    (num_union, (2.5,), (2,)),
    (not_isinstance, (2,)),
    (isinstance_or, (2,), ("a",)),
    (isinstance_early, (2,), ("a",)),
    (isinstance_ternary, (2,), ("a",)),
    (isinstance_static, (2,)),
]
