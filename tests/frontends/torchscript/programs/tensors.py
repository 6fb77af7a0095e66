"""Longer programs with tensors: views, changes in place that others see, indexing, dtypes."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP035, UP045, B905

from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

X = torch.arange(12.0).reshape(3, 4)
V = torch.tensor([0.5, -1.0, 2.0])
N = torch.arange(6).reshape(2, 3)


def argument_changed(x: Tensor) -> Tensor:
    x.add_(1)
    return x * 2


def argument_changed_by_slice(x: Tensor) -> float:
    x[1, 2] = 7.5
    x[0] = x[0] * 10
    x[:, -1] += 1
    return float(x.sum())


def argument_given_back(x: Tensor) -> Tensor:
    return x


def argument_given_twice(x: Tensor) -> Tuple[Tensor, Tensor]:
    return x, x


def view_given_back(x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    return x.view(-1), x[0], x.t()


def copy_given_back(x: Tensor) -> Tuple[Tensor, Tensor]:
    return x.clone(), x.reshape(-1) + 0


def view_sees_change(x: Tensor) -> Tensor:
    y = x.view(-1)
    x.mul_(2)
    return y + 1


def change_through_view(x: Tensor) -> Tensor:
    y = x.clone()
    row = y[1]
    row.fill_(9.0)
    return y


def change_through_two_views(x: Tensor) -> Tensor:
    y = x.clone()
    a = y[:, 0]
    b = y.t()
    a += 100
    b[1] = 5
    return y


def list_of_views(x: Tensor) -> List[Tensor]:
    y = x.clone()
    rows = [y[i] for i in range(y.size(0))]
    rows[0].zero_()
    rows[1] *= 2
    rows.append(y)
    return rows


def dict_of_views(x: Tensor) -> Dict[str, Tensor]:
    d = {"all": x, "first": x[0]}
    d["first"].add_(5)
    return d


def change_in_loop(x: Tensor, n: int) -> Tensor:
    for i in range(n):
        x[i] = x[i] + i
    return x


def change_in_branch(x: Tensor, flag: bool) -> Tensor:
    y = x
    if flag:
        y = x.clone()
    y += 1
    return y


def plus_equals_rebinds_or_not(x: Tensor) -> Tuple[Tensor, Tensor]:
    y = x
    y = y + 1
    z = x
    z += 1
    return y, z


def optional_tensor(x: Tensor, m: Optional[Tensor] = None) -> Tensor:
    if m is None:
        m = torch.ones_like(x)
    return x * m


def index_with_mask(x: Tensor) -> Tensor:
    return x[x > 4]


def assign_with_mask(x: Tensor) -> Tensor:
    x[x > 4] = 0.0
    return x


def assign_with_mask_tensor(x: Tensor) -> Tensor:
    x[x > 8] = torch.tensor([1.0, 2.0, 3.0])
    return x


def index_with_tensors(x: Tensor, i: Tensor, j: Tensor) -> Tensor:
    return x[i, j]


def index_mixed(x: Tensor, i: Tensor) -> List[Tensor]:
    return [x[i], x[:, i], x[i, 1:], x[i, 0], x[None, i]]


def index_with_lists(x: Tensor) -> List[Tensor]:
    return [x[[0, 2]], x[:, [1, 0]], x[[0, 1], [1, 2]]]


def assign_with_tensors(x: Tensor, i: Tensor) -> Tensor:
    x[i] = 1.0
    x[:, i] += 2
    return x


def slices_of_all_kinds(x: Tensor) -> List[Tensor]:
    return [x[1:], x[:-1], x[::2], x[:, 1:3], x[1:2, ::3], x[..., 1], x[-1], x[:, None], x[None, 0]]


def slice_bounds_from_variables(x: Tensor, a: int, b: int) -> Tensor:
    return x[a:b, a]


def boolean_index(x: Tensor, flag: bool) -> Tensor:
    return x[torch.tensor(flag)]


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


def iterated(x: Tensor) -> List[float]:
    out: List[float] = []
    for row in x:
        for v in row:
            out.append(float(v))
    return out


def zipped(x: Tensor, y: Tensor) -> Tensor:
    total = torch.zeros(4)
    for a, b in zip(x, y):
        total = total + a * b
    return total


def enumerated(x: Tensor) -> Tensor:
    total = torch.zeros(4)
    for i, row in enumerate(x):
        total += row * i
    return total


def unpacked(x: Tensor) -> Tensor:
    a, b, c = x.unbind(0)
    return a + b * c


def split_and_joined(x: Tensor) -> Tensor:
    parts = x.split(2, 1)
    return torch.cat([parts[1], parts[0]], 1)


def chunks(x: Tensor) -> Tensor:
    a, b = x.chunk(2, dim=1)
    return a * b.sigmoid()


def stacked(x: Tensor) -> Tensor:
    return torch.stack([x, x + 1], dim=1).sum(dim=(0, 1))


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


def gathered(x: Tensor) -> Tensor:
    return x.gather(1, x.argmax(1, keepdim=True))


def scattered(i: Tensor) -> Tensor:
    return torch.zeros(2, 5).scatter_(1, i, 1.0)


def selected(x: Tensor, i: Tensor) -> Tensor:
    return x.index_select(0, i).masked_fill(x[0] > 1, -1.0)


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


def changed_then_error(x: Tensor, n: int) -> Tensor:
    x += 1
    if n > 0:
        raise ValueError("MSG after the change")
    return x


def warned(x: Tensor) -> Tensor:
    print("tensor of", x.shape, x.dim())
    return x


def printed_tensor(x: Tensor) -> None:
    print(x)


CASES = [
    (argument_changed, (X,)),
    (argument_changed_by_slice, (X,)),
    (argument_given_back, (X,)),
    (argument_given_twice, (X,)),
    (view_given_back, (X,)),
    (copy_given_back, (X,)),
    (view_sees_change, (X,)),
    (change_through_view, (X,)),
    (change_through_two_views, (X,)),
    (list_of_views, (X,)),
    (dict_of_views, (X,)),
    (change_in_loop, (X, 3), (X, 0)),
    (change_in_branch, (X, True), (X, False)),
    (plus_equals_rebinds_or_not, (X,)),
    (optional_tensor, (X, None), (X, X)),
    (index_with_mask, (X,), (V,)),
    (assign_with_mask, (X,)),
    (assign_with_mask_tensor, (X,)),
    (index_with_tensors, (X, torch.tensor([0, 2]), torch.tensor([1, 3]))),
    (index_mixed, (X, torch.tensor([0, 2]))),
    (index_with_lists, (X,)),
    (assign_with_tensors, (X, torch.tensor([0, 2]))),
    (slices_of_all_kinds, (X,)),
    (slice_bounds_from_variables, (X, 1, 3), (X, 0, 0)),
    (boolean_index, (X, True), (X, False)),
    (shape_arithmetic, (X,)),
    (shape_branches, (X,), (V,)),
    (shape_as_tuple, (X,)),
    (reshape_by_shape, (X,)),
    (dtypes_of_results, (X,), (N,)),
    (dtype_branches, (X,), (N,), (X > 1,)),
    (dtype_arguments, (3,)),
    (items, (X,)),
    (iterated, (X,)),
    (zipped, (X, X)),
    (enumerated, (X,)),
    (unpacked, (X,), (X[:2],)),
    (split_and_joined, (X,)),
    (chunks, (X,)),
    (stacked, (X,)),
    (reductions, (X,)),
    (max_with_indices, (X,)),
    (named_results, (X,)),
    (sorted_both, (V,)),
    (top, (X,)),
    (gathered, (X,)),
    (scattered, (torch.tensor([[0, 2], [1, 4]]),)),
    (selected, (X, torch.tensor([2, 0, 1]))),
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
    (changed_then_error, (X, 0), (X, 1)),
    (warned, (X,)),
    (printed_tensor, (V,), (X,), (N,)),
]
