"""Programs with tensors: shapes, dtypes, operators, errors."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP035, UP045

import warnings
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

X = torch.arange(12.0).reshape(3, 4)

V = torch.tensor([0.5, -1.0, 2.0])

N = torch.arange(6).reshape(2, 3)


def optional_tensor(x: Tensor, m: Optional[Tensor] = None) -> Tensor:
    if m is None:
        m = torch.ones_like(x)
    return x * m


def shape_arithmetic(x: Tensor) -> List[int]:
    n, m = x.shape
    return [n, m, x.numel() // n, x.shape[0] * x.shape[-1], len(x.shape), x.ndim]


def shape_branches(x: Tensor) -> Tensor:
    if x.dim() == 2 and x.size(1) > 3:
        return x.sum(1)
    return x.flatten()


def shape_as_tuple(x: Tensor) -> Tuple[int, int]:
    a, b = x.size()
    return a, b


def reshape_by_shape(x: Tensor) -> Tensor:
    return x.reshape(x.shape[1], -1).view(2, -1)


def dtypes_of_results(x: Tensor) -> List[Tensor]:
    return [x + 1, x + 1.5, x / 2, x // 2, x > 1, x * True, x.float(), x.to(torch.int32) + 1, -x]


def dtype_branches(x: Tensor) -> str:
    if x.dtype == torch.float32:
        return "float"
    if x.dtype == torch.int64:
        return "long"
    return "other"


def dtype_arguments(n: int) -> List[Tensor]:
    return [
        torch.zeros(n, dtype=torch.int64), torch.ones([n], dtype=torch.bool),
        torch.full([n], 3), torch.full([n], 2.5), torch.arange(n), torch.arange(0.0, 1.0, 0.25),
        torch.tensor([1, 2]), torch.tensor([1.0, 2.0]), torch.tensor(True), torch.eye(n),
        torch.linspace(0.0, 1.0, n), torch.empty(0),
    ]  # fmt: skip


def items(x: Tensor) -> Tuple[float, int, bool]:
    return x[0, 1].item(), int(x[0, 2].item()), bool(x[0, 0] == 0)


def reductions(x: Tensor) -> List[Tensor]:
    return [
        x.sum(), x.mean(), x.max(), x.min(), x.sum(0), x.mean(1, keepdim=True), x.prod(),
        x.std(), x.var(1, unbiased=False), x.argmax(), x.argmin(1), x.cumsum(0), x.any(), x.all(1),
        x.norm(), torch.logsumexp(x, 1), x.amax(0), x.median(),
    ]  # fmt: skip


def max_with_indices(x: Tensor) -> Tuple[Tensor, Tensor]:
    values, indices = x.max(dim=1)
    return values, indices


def named_results(x: Tensor) -> Tensor:
    r = torch.max(x, 1)
    return r[0] + r[1]


def sorted_both(x: Tensor) -> Tuple[Tensor, Tensor]:
    return torch.sort(x, descending=True)


def top(x: Tensor) -> Tuple[Tensor, Tensor]:
    return x.topk(2, dim=1)


def broadcasts(x: Tensor) -> Tensor:
    return x.unsqueeze(1) + x.unsqueeze(0) * 0.5


def where_of(x: Tensor) -> Tensor:
    return torch.where(x > 5, x, torch.zeros_like(x))


def activations(x: Tensor) -> List[Tensor]:
    return [
        x.relu(), x.sigmoid(), x.tanh(), F.relu(x), F.gelu(x), F.silu(x), F.softplus(x),
        F.elu(x), F.leaky_relu(x, 0.2), F.hardtanh(x), F.softmax(x, dim=0), F.log_softmax(x, dim=0),
        torch.erf(x), x.exp().log1p(), x.abs().sqrt(), x.clamp(min=0.0), x.clamp(-1, 1),
    ]  # fmt: skip


def linear_layer(x: Tensor, w: Tensor, b: Optional[Tensor] = None) -> Tensor:
    return F.linear(x, w, b)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = q @ k.transpose(-2, -1) / (q.size(-1) ** 0.5)
    return scores.softmax(-1) @ v


def layer_norm(x: Tensor, eps: float = 1e-5) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    var = (x - mean).pow(2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(var + eps)


def greedy(x: Tensor, steps: int) -> List[int]:
    out: List[int] = []
    state = x
    for _ in range(steps):
        best = int(state.argmax())
        if best == 0:
            break
        out.append(best)
        state = state.clone()
        state[best] = -1.0
    return out


def growing_cache(x: Tensor, n: int) -> Tensor:
    cache = x[:0]
    for i in range(n):
        cache = torch.cat([cache, x[i : i + 1] * (i + 1)])
        if cache.size(0) > 2:
            cache = cache[1:]
    return cache


def data_decides(x: Tensor) -> Tensor:
    while x.norm() > 1:
        x = x / 2
    if x.sum() < 0:
        x = -x
    return x


def tensor_in_condition(x: Tensor) -> str:
    if x.max() > 3 and not bool(x.min() > 0):
        return "yes"
    return "no"


def tolist_of_each_rank(x: Tensor) -> Tuple[List[float], List[List[float]]]:
    a: List[float] = x[0].tolist()
    b: List[List[float]] = x.tolist()
    return a, b


def properties(x: Tensor) -> List[bool]:
    return [
        x.is_floating_point(), x.is_contiguous(), x.t().is_contiguous(), x.is_complex(),
        x.requires_grad, x.is_cuda, x.numel() == 12, x.stride(0) == 4,
    ]  # fmt: skip


def device_and_layout(x: Tensor) -> Tuple[bool, str]:
    return x.device == torch.device("cpu"), str(x.device)


def created_like(x: Tensor) -> List[Tensor]:
    return [
        torch.zeros_like(x), torch.ones_like(x, dtype=torch.int64), torch.full_like(x, 2.0),
        x.new_zeros(2), x.new_ones([2, 2]), x.new_full([2], 3.0), torch.zeros(x.shape),
    ]  # fmt: skip


def einsums(x: Tensor) -> List[Tensor]:
    return [torch.einsum("ij->i", x), torch.einsum("ij,kj->ik", x, x)]


def errors_of_shapes(x: Tensor) -> Tensor:
    return x @ x


def errors_of_views(x: Tensor) -> Tensor:
    return x.view(5, 7)


def errors_of_indices(x: Tensor) -> Tensor:
    return x[10]


def errors_of_item(x: Tensor) -> float:
    return x.item()


def printed_then_shape_error(x: Tensor) -> Tensor:
    print("before")
    return torch.cat([x, x[0]])


def warned(x: Tensor) -> Tensor:
    print("tensor of", x.shape, x.dim())
    return x


def printed_tensor(x: Tensor) -> None:
    print(x)


def warned_by_python(x: Tensor) -> Tensor:
    warnings.warn(f"of {x.dim()} dims", stacklevel=2)
    return x


CASES = [
    (optional_tensor, (X, None), (X, X)),
    (shape_arithmetic, (X,)),
    (shape_branches, (X,), (V,)),
    (shape_as_tuple, (X,)),
    (reshape_by_shape, (X,)),
    (dtypes_of_results, (X,), (N,)),
    (dtype_branches, (X,), (N,), (X > 1,)),
    (dtype_arguments, (3,)),
    (items, (X,)),
    (reductions, (X,)),
    (max_with_indices, (X,)),
    (named_results, (X,)),
    (sorted_both, (V,)),
    (top, (X,)),
    (broadcasts, (V,)),
    (where_of, (X,)),
    (activations, (V,)),
    (linear_layer, (X, X, None), (X, X, V)),
    (attention, (X, X, X)),
    (layer_norm, (X, 1e-5)),
    (greedy, (torch.tensor([0.5, 2.0, 1.0]), 5)),
    (growing_cache, (X, 3), (X, 0)),
    (data_decides, (X,), (-X,)),
    (tensor_in_condition, (X,), (V,)),
    (tolist_of_each_rank, (X,)),
    (properties, (X,)),
    (device_and_layout, (X,)),
    (created_like, (X,)),
    (einsums, (X,)),
    (errors_of_shapes, (X,)),
    (errors_of_views, (X,)),
    (errors_of_indices, (X,)),
    (errors_of_item, (X,), (X[:1, :1],)),
    (printed_then_shape_error, (X,)),
    (warned, (X,)),
    (printed_tensor, (V,), (X,), (N,)),
    (warned_by_python, (torch.ones(2, 3),)),
]
