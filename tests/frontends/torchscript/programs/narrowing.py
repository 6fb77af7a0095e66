"""Programs with Optional, Union and Any, and what tests tell of them."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP007, UP035, UP045

from typing import Any, Dict, List, Optional, Tuple, Union

import torch


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


CASES = [
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
]
