"""Programs that index, slice and move the elements of tensors."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: B905, F401, UP006, UP035

from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

X = torch.arange(12.0).reshape(3, 4)

V = torch.tensor([0.5, -1.0, 2.0])


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


def gathered(x: Tensor) -> Tensor:
    return x.gather(1, x.argmax(1, keepdim=True))


def scattered(i: Tensor) -> Tensor:
    return torch.zeros(2, 5).scatter_(1, i, 1.0)


def selected(x: Tensor, i: Tensor) -> Tensor:
    return x.index_select(0, i).masked_fill(x[0] > 1, -1.0)


def new_dims_around_dots(x: Tensor) -> List[Tensor]:
    return [
        x[..., None],
        x[None, ..., None],
        x[..., None, 0],
        x[..., 0, None],
        x[..., None, 1:2],
        x[None, :, None, ..., None],
        x[:, None, ..., 0, None, :],
    ]


def new_dims_assigned(x: Tensor) -> Tensor:
    x[..., None] = 1.0
    x[..., 0, None] += 2
    x[None, ..., 1:] *= 2
    return x


def new_dims_beside_tensors(x: Tensor) -> List[Tensor]:
    i = torch.tensor([1, 0])
    return [x[i, None], x[None, i], x[i, 1:, None], x[1:, None, torch.tensor([0])]]


def list_of_bools_is_of_positions(x: Tensor) -> Tensor:
    return x[[True, False, True]]


CASES = [
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
    (iterated, (X,)),
    (zipped, (X, X)),
    (enumerated, (X,)),
    (unpacked, (X,), (X[:2],)),
    (split_and_joined, (X,)),
    (chunks, (X,)),
    (stacked, (X,)),
    (gathered, (X,)),
    (scattered, (torch.tensor([[0, 2], [1, 4]]),)),
    (selected, (X, torch.tensor([2, 0, 1]))),
    (new_dims_around_dots, (torch.arange(24.0).reshape(2, 3, 4),)),
    (new_dims_assigned, (torch.arange(24.0).reshape(2, 3, 4),)),
    (new_dims_beside_tensors, (torch.arange(24.0).reshape(2, 3, 4),)),
    (list_of_bools_is_of_positions, (torch.arange(24.0).reshape(2, 3, 4),)),
]
