"""Programs that use the functions of torch: named results, choices by an argument, defaults."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: N802, N812, RUF059, UP006, UP035

import math
from typing import List, Tuple

import torch
from torch import Tensor
from torch.nn import functional as F

T = torch.tensor


def unused(x: int) -> int:
    return x + 1


def calls_unused_now(n: int) -> int:
    return unused(n)


def sit(x: Tensor) -> Tensor:
    return x + 1


def calls_sit(x: Tensor) -> Tensor:
    return sit(x)


def is_script(n: int) -> int:
    if torch.jit.is_scripting():
        return 1
    else:
        return eval("2")


def fn_aten_var(x: Tensor) -> Tensor:
    f = torch.relu
    return f(x)


def math_fns2(x: int) -> List[int]:
    return [math.factorial(x), math.gcd(x, 10), math.floor(2.5), math.ceil(2.5)]


def math_fns3(
    x: float,
) -> Tuple[Tuple[float, int], Tuple[float, float], bool, bool, bool, float, float]:
    return (
        math.frexp(x),
        math.modf(x),
        math.isnan(x),
        math.isinf(x),
        math.isfinite(x),
        math.ldexp(x, 2),
        math.remainder(x, 2.0),
    )


def F_more(x: Tensor) -> Tensor:
    return (
        F.linear(x, x)
        + F.mse_loss(x, x)
        + F.pad(x, (1, 1)).sum()
        + F.one_hot(torch.tensor([0, 1])).sum()
        + F.cosine_similarity(x, x)
    )


def torch_ops_(x: Tensor) -> Tensor:
    return torch.ops.aten.relu(x) + torch.ops.aten.add(x, x, alpha=2)


def with_profiler(x: Tensor) -> Tensor:
    with torch.autograd.profiler.record_function("a"):
        y = x + 1
    return y


def unique_(x: Tensor) -> Tuple[Tensor, Tensor]:
    a, b = torch.unique(x, return_counts=True)
    return a, b


def unique_inv(x: Tensor) -> Tuple[Tensor, Tensor]:
    return torch.unique(x, return_inverse=True)


def max_pair(x: Tensor) -> Tuple[Tensor, Tensor]:
    m = torch.max(x, dim=0)
    v, i = x.topk(2)
    return m.values, m[1]


def sort_named(x: Tensor) -> Tensor:
    r = x.sort(descending=True)
    return r.values + r.indices


def max_return(x: Tensor) -> Tuple[Tensor, Tensor]:
    return torch.max(x, 0)


def svd_named(x: Tensor) -> Tensor:
    return torch.linalg.svd(x).S


def size_calls(x: Tensor) -> List[Tensor]:
    return [
        torch.zeros(2, 3),
        torch.ones([2]),
        torch.full((2,), 3),
        torch.full([2], 1.5),
        torch.arange(3),
        torch.arange(1, 4, 2),
        torch.arange(0, 1, 0.5),
        torch.eye(2),
        torch.linspace(0, 1, 3),
        torch.zeros(x.shape),
        torch.zeros_like(x),
        x.new_zeros(2),
        x.new_tensor([1, 2]) if False else x,
        torch.empty(0),
        x.new_full((1,), 2),
    ]


def index_assign(x: Tensor) -> Tensor:
    i = torch.tensor([1, 0])
    x[0] = 1
    x[1, 2] = 9.5
    x[:, 0] = torch.tensor([7.0, 8.0])
    x[x > 8] = 0
    x[i, i] = 3
    x[0, 1:] += 2
    x[1] *= 2
    x[i] -= 1
    x[..., 2] = x[..., 1]
    x[0:1, 0:1] = 5
    return x


def aug_bits(x: Tensor) -> Tensor:
    x &= 3
    x |= 4
    x ^= 1
    x <<= 1
    x >>= 1
    return x


def aug_int(x: int) -> List[float]:
    a = x
    a += 1
    a -= 2
    a *= 3
    out = [float(a)]
    b = float(x)
    b /= 4
    out.append(b)
    return out


def aug_f(x: float) -> float:
    x += 1
    x -= 0.5
    x *= 2
    x /= 3
    return x


def tensordot_of_count(x: Tensor) -> Tensor:
    return torch.tensordot(x, x.t(), 1) + torch.tensordot(x, x) + torch.tensordot(x, x, dims=2)


def tensordot_of_lists(x: Tensor) -> Tensor:
    return torch.tensordot(x, x, dims=[[0], [0]]) + torch.tensordot(x, x, dims=([0], [0]))


def lu_factors(x: Tensor) -> Tuple[Tensor, Tensor, Tensor, Tensor]:
    lu, pivots = torch.linalg.lu_factor(x @ x.t() + torch.eye(2))
    p, lower, upper = torch.lu_unpack(lu, pivots)
    return lu, p, lower, upper


CASES = [
    (calls_unused_now, (1,)),
    (calls_sit, (T([1.0]),)),
    (is_script, (1,)),
    (fn_aten_var, (T([1.0]),)),
    (math_fns2, (5,)),
    (math_fns3, (5.5,)),
    (F_more, (T([[3.0, 4.0]]),)),
    (torch_ops_, (T([[3.0, 4.0]]),)),
    (with_profiler, (T([[3.0, 4.0]]),)),
    (unique_, (T([1, 2, 2]),)),
    (unique_inv, (T([1, 2, 2]),)),
    (max_pair, (T([1.0, 2.0, 2.0]),)),
    (sort_named, (T([1.0, 2.0, 2.0]),)),
    (max_return, (T([1.0, 2.0, 2.0]),)),
    (svd_named, (T([[1.0, 2.0], [3.0, 4.0]]),)),
    (size_calls, (T([[1.0, 2.0], [3.0, 4.0]]),)),
    (index_assign, (T([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),)),
    (aug_bits, (T([1, 2, 3]),)),
    (aug_int, (6,)),
    (aug_f, (6.5,)),
    (tensordot_of_count, (torch.arange(6.0).reshape(2, 3),)),
    (tensordot_of_lists, (torch.arange(6.0).reshape(2, 3),)),
    (lu_factors, (torch.arange(6.0).reshape(2, 3),)),
]
