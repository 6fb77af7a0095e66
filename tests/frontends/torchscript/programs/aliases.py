"""Programs with names for types, and operators that change what stands before them."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: N812, UP006, UP007, UP035, UP045

from typing import List, Optional, Tuple, Union

import torch
from torch import Tensor
from torch.nn import functional as F

T = torch.tensor


Pair = Tuple[int, int]


IntList = List[int]


MaybeT = Optional[Tensor]


U = Union[int, str]


LB = list[int]


def alias_of_tuple(n: int) -> Pair:
    x: Pair = (n, 1)
    return x


def alias_of_list(n: IntList) -> IntList:
    y: LB = []
    y.append(1)
    return y + n


def alias_of_optional(n: MaybeT) -> int:
    return 0 if n is None else 1


def alias_of_union(n: U) -> bool:
    return isinstance(n, int)


def pool_idx(x: Tensor) -> Tuple[Tensor, Tensor]:
    y = x.float().view(1, 1, 3)
    return F.max_pool1d(y, 2, return_indices=True)


def pool_noidx(x: Tensor) -> Tensor:
    y = x.float().view(1, 1, 3)
    return F.max_pool1d(y, 2) + F.max_pool1d(y, 2, return_indices=False)


def augmod(x: float) -> float:
    x %= 2
    return x


def augmod_t(x: Tensor) -> Tensor:
    x %= 2
    return x


def augpow_t(x: Tensor) -> Tensor:
    x **= 2
    return x


def augbit_t(x: Tensor) -> Tensor:
    x &= 3
    x <<= 1
    return x


def augmod_i(x: int) -> float:
    x %= 2
    return x


CASES = [
    (alias_of_tuple, (3,)),
    (alias_of_list, ([3],)),
    (alias_of_optional, (None,), (T([1.0]),)),
    (alias_of_union, (1,), ("a",)),
    (pool_idx, (T([1, 2, 2]),)),
    (pool_noidx, (T([1, 2, 2]),)),
    (augmod, (7.5,), (-7.5,)),
    (augmod_t, (T([7.0, -7.0]),)),
    (augpow_t, (T([7.0, -7.0]),)),
    (augbit_t, (T([7, 6]),)),
    (augmod_i, (7,)),
]
