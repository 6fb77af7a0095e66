"""Programs with generators of random numbers, and questions about dtypes."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035

from typing import Tuple

import torch
from torch import Tensor

T = torch.tensor


def gens(n: int) -> bool:
    g = torch.Generator()
    g.manual_seed(n)
    a = torch.rand(2, generator=g)
    g.manual_seed(n)
    b = torch.rand(2, generator=g)
    return torch.equal(a, b)


def dts(n: int) -> Tuple[bool, bool, int, int]:
    return (
        torch.can_cast(torch.float, torch.int),
        torch.can_cast(torch.int, torch.float),
        torch.promote_types(torch.int, torch.half),
        torch.result_type(1, 2.5),
    )


def claims(x: Tensor) -> Tensor:
    torch._assert_async(x.sum() > 0)
    return x + 1


def claims_m(x: Tensor) -> Tensor:
    torch._assert_async(x.sum() > 0, "positive")
    return x + 1


def rt(x: Tensor, f: float) -> Tuple[int, int]:
    return torch.result_type(x, f), torch.result_type(f, x)


def seed_rand(n: int) -> bool:
    torch.manual_seed(n)
    a = torch.rand(2)
    torch.manual_seed(n)
    return torch.equal(a, torch.rand(2))


CASES = [
    (gens, (3,)),
    (dts, (3,)),
    (claims, (T([1.0]),), (T([-1.0]),)),
    (claims_m, (T([1.0]),)),
    (rt, (T([1.0]), 2.5)),
    (seed_rand, (3,)),
]
