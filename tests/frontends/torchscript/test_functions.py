"""Calls between functions, default arguments, names from outside, tensors' indices and methods."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.

from __future__ import annotations

import pytest
import torch

from tests.frontends.torchscript.support import check

SCALE = 3


def helper(x: int, factor: int = 2, offset: int = 0) -> int:
    return x * factor + offset


def calls_helper(x: int) -> tuple[int, int, int]:
    return helper(x), helper(x, 5), helper(x, offset=7, factor=1)


def inferred(x, y):
    return x + y


def calls_inferred(x: torch.Tensor) -> torch.Tensor:
    return inferred(x, x * 2)


def uses_global(x: int) -> int:
    return x * SCALE


def keyword_operator(x: torch.Tensor) -> torch.Tensor:
    return torch.sum(x, dim=[0], keepdim=True)


def tensor_methods(x: torch.Tensor) -> tuple[torch.Tensor, int, list[int], int]:
    y = x.view(-1).relu()
    return y.reshape(2, -1).t(), x.size(0), x.shape, x.dim()


def tensor_index(x: torch.Tensor) -> list[torch.Tensor]:
    return [x[0], x[-1, 1], x[:, 1], x[1:], x[..., 0], x[None], x[:, None, 1:], x[0:2, ::2]]


def tensor_assignment(x: torch.Tensor) -> torch.Tensor:
    x[0, 1] = 5.0
    x[1] = torch.zeros(3)
    x[:, 2] += 1
    return x


def mask_index(x: torch.Tensor) -> torch.Tensor:
    return x[x > 2]


def list_index(x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
    return x[i]


def in_place(x: torch.Tensor) -> torch.Tensor:
    y = x
    y += 1
    x.mul_(2)
    return x + y


def dtypes(x: torch.Tensor) -> list[torch.Tensor]:
    return [
        x.to(torch.float64),
        x.to(torch.long),
        torch.zeros(2, dtype=torch.int32),
        x.to(torch.int64),
    ]


def creation(n: int) -> list[torch.Tensor]:
    return [torch.zeros(n), torch.ones(n, 2), torch.full([n], 2.5), torch.arange(n)]


def broadcast_list(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.max_pool2d(x, 2)


def several_results(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    values, indices = torch.max(x, 1)
    return values, indices


def optional_bias(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None = None) -> torch.Tensor:
    return torch.nn.functional.linear(x, w, b)


def no_grad(x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        y = x * 2
    return y


def scripting(x: int) -> int:
    if torch.jit.is_scripting():
        return x
    else:
        return undefined_name(x)  # noqa: F821


def annotated_empty() -> list[str]:
    return torch.jit.annotate(list[str], [])


def closure_variable(x: int) -> int:
    return x + len("abc")


def item(x: torch.Tensor) -> tuple[float, list[float]]:
    ys: list[float] = x.tolist()
    return float(x[0].item()), ys


X = torch.arange(6.0).reshape(2, 3)
CASES = [
    (calls_helper, (4,)),
    (calls_inferred, (torch.ones(2),)),
    (keyword_operator, (X,)),
    (tensor_methods, (X,)),
    (tensor_index, (X,)),
    (tensor_assignment, (X,)),
    (mask_index, (X,)),
    (list_index, (X, torch.tensor([1, 0, 1]))),
    (in_place, (X,)),
    (dtypes, (X,)),
    (creation, (3,), (0,)),
    (broadcast_list, (torch.arange(16.0).reshape(1, 1, 4, 4),)),
    (several_results, (X,)),
    (optional_bias, (X, torch.ones(4, 3), None), (X, torch.ones(4, 3), torch.ones(4))),
    (no_grad, (X,)),
    (scripting, (3,)),
    (annotated_empty, ()),
    (closure_variable, (2,)),
    (item, (torch.tensor([1.5, 2.0]),)),
]


@pytest.mark.parametrize(
    ("function", "args"), [(case[0], args) for case in CASES for args in case[1:]]
)
def test_agrees_with_torch(function, args) -> None:
    check(function, *args)
