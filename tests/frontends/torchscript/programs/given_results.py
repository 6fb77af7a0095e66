"""Programs with ``out=``: results that have a place already."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035, UP045

from typing import Optional, Tuple

import torch
from torch import Tensor

X = torch.arange(6.0).reshape(2, 3) - 2
N = torch.arange(6).reshape(2, 3) - 2
EMPTY = torch.zeros(0)
F64, I64 = torch.float64, torch.int64


def made_here(x: Tensor) -> Tuple[Tensor, Tensor]:
    c = torch.empty_like(x)
    return c, torch.add(x, x, out=c)


def added(x: Tensor, c: Tensor) -> Tensor:
    return torch.add(x, x, alpha=2, out=c)


def multiplied(x: Tensor, c: Tensor) -> Tensor:
    return torch.mm(x, x.t(), out=c)


def summed(x: Tensor, c: Tensor) -> Tensor:
    return torch.sum(x, dim=1, out=c)


def averaged(x: Tensor, c: Tensor) -> Tensor:
    return torch.mean(x, dim=1, out=c)


def compared(x: Tensor, c: Tensor) -> Tensor:
    return torch.eq(x, x, out=c)


def clamped(x: Tensor, c: Tensor) -> Tensor:
    return torch.clamp(x, -1, 1, out=c)


def joined(x: Tensor, c: Tensor) -> Tensor:
    return torch.cat([x, x], 0, out=c)


def largest(x: Tensor, a: Tensor, b: Tensor) -> Tuple[Tensor, Tensor]:
    return torch.max(x, 1, max=a, max_values=b)


def in_order(x: Tensor, a: Tensor, b: Tensor) -> Tuple[Tensor, Tensor]:
    return torch.sort(x, 1, True, values=a, indices=b)


def filled(c: Tensor) -> Tensor:
    return torch.full([5], 2.5, out=c)


def counted(c: Tensor) -> Tensor:
    return torch.arange(5, out=c)


def spaced(c: Tensor) -> Tensor:
    torch.logspace(0, 1, 5, out=c)
    return torch.linspace(0, 1, 5, out=c)


def into_a_row(x: Tensor) -> Tensor:
    torch.mul(x[0], 2, out=x[1])
    return x


def into_itself(x: Tensor) -> Tensor:
    torch.mul(x, 2, out=x)
    return x


def into_a_column(x: Tensor) -> Tensor:
    torch.exp(x[:, 0], out=x[:, 1])
    return x


def maybe_given(x: Tensor, c: Optional[Tensor]) -> Tensor:
    if c is not None:
        return torch.exp(x, out=c)
    return x


def one_after_another(x: Tensor) -> Tensor:
    c = torch.empty_like(x)
    torch.clamp(x, -1, 1, out=c)
    torch.where(x > 0, x, c, out=c)
    torch.stack([x[0], x[1]], out=c)
    return torch.div(c, 2.0 * torch.ones(3), rounding_mode="floor", out=c)


def in_a_loop(x: Tensor, n: int) -> Tensor:
    total = torch.zeros_like(x)
    for i in range(n):
        torch.add(total, x * i, out=total)
    return total


def batched(x: Tensor) -> Tensor:
    c = torch.empty(0)
    d = c
    torch.bmm(x[None], x[None].transpose(1, 2), out=c)
    return d


CASES = [
    (made_here, (X,), (N,)),
    (
        added,
        (X, X * 0),
        (X, X.double()),
        (X, N.clone()),
        (X, EMPTY),
        (X, torch.zeros(3, 2).t()),
        (N, X.clone()),
    ),
    (multiplied, (X, torch.zeros(2, 2)), (X, torch.zeros(2, 2, dtype=F64)), (X, EMPTY)),
    (summed, (X, torch.zeros(2)), (X, torch.zeros(2, dtype=F64)), (X, torch.zeros(2, dtype=I64))),
    (averaged, (X, torch.zeros(2)), (X, torch.zeros(2, dtype=F64)), (X, EMPTY)),
    (compared, (X, torch.zeros(2, 3, dtype=torch.bool)), (X, X.clone())),
    (clamped, (X, X * 0), (X, X.double()), (N, N * 0)),
    (joined, (X, torch.zeros(4, 3)), (X, EMPTY), (X, torch.zeros(4, 3, dtype=F64))),
    (largest, (X, torch.zeros(2), torch.zeros(2, dtype=I64)), (X, EMPTY, EMPTY.to(I64))),
    (in_order, (X, X * 0, N * 0), (X, X * 0, X * 0)),
    (filled, (torch.zeros(5),), (torch.zeros(5, dtype=I64),)),
    (counted, (torch.zeros(5),), (torch.zeros(5, dtype=I64),), (EMPTY,)),
    (spaced, (torch.zeros(5),), (EMPTY,)),
    (into_a_row, (X,)),
    (into_itself, (X,), (N,)),
    (into_a_column, (X,)),
    (maybe_given, (X, None), (X, X * 0)),
    (one_after_another, (X,)),
    (in_a_loop, (X, 0), (X, 7)),
    (batched, (X,)),
]
