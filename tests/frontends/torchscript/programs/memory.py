"""Programs that change tensors and share their memory."""

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: F401, UP006, UP035

from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

X = torch.arange(12.0).reshape(3, 4)


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


def changed_then_error(x: Tensor, n: int) -> Tensor:
    x += 1
    if n > 0:
        raise ValueError("MSG after the change")
    return x


def windows_of_given_strides(x: Tensor, step: int) -> Tuple[Tensor, Tensor]:
    y = x.transpose(0, 1).reshape(2, -1, 2) + 1
    size, stride = list(y.size()), [y.stride(0), y.stride(1) // step, y.stride(2)]
    size[1] = size[1] * step - step + 1
    z = y.as_strided(size, stride)
    return z.softmax(-1), z


def given_strides_see_change(x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
    y = x.t() * 2
    part = y[1:].as_strided([2, 3], [1, 4])
    rest = y[1:].as_strided([3], [3], 2)
    y.mul_(2)
    return part, rest, y


def strides_of_an_argument(x: Tensor, n: int) -> Tuple[Tensor, Tensor]:
    y = x[1:].as_strided([n], [2])
    return y, torch.as_strided(x, [n, 0], [100, 100])


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
    (changed_then_error, (X, 0), (X, 1)),
    (windows_of_given_strides, (X, 1), (X, 2), (X[:2], 2)),
    (given_strides_see_change, (X,)),
    (strides_of_an_argument, (X, 4), (X, 1), (X, 9)),
]
