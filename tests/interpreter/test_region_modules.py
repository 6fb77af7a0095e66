"""Modules that keep state from call to call, with planned regions: as torch."""

import io
from collections.abc import Iterator
from typing import Any, List, Optional  # noqa: UP035  TorchScript's attributes want them

import numpy as np
import pytest
import torch
from torch import nn

import treadle
from treadle.interpreter import regions


class Streaming(nn.Module):
    """A recurrent cell whose state is replaced or written, as its values say."""

    h: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.norm = nn.GRUCell(4, 6), nn.BatchNorm1d(6)
        self.register_buffer("h", torch.zeros(2, 6))
        self.count = 0
        self.seen = torch.jit.Attribute([], List[torch.Tensor])  # noqa: UP006

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.cell(x, self.h)
        old = self.h
        if bool(h.sum() > 0):
            self.h = h * 2
        else:
            self.h.mul_(0.5).add_(h)
        self.count += 1
        self.seen.append(old)
        y = self.norm(self.h)
        self.h.clamp_(-1.0, 1.0)
        return y + old + self.count + len(self.seen)


class Memory(nn.Module):
    """Rows that are written one by one, and read through a view that grows."""

    rows: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(4, 4)
        self.register_buffer("rows", torch.zeros(8, 4))

    def forward(
        self,
        x: torch.Tensor,
        position: torch.Tensor,
        mask: Optional[torch.Tensor] = None,  # noqa: UP045
    ) -> torch.Tensor:
        k = self.lin(x)
        p = int(position)
        self.rows[p] = k[0]
        view = self.rows[: p + 1]
        weights = torch.softmax(view @ k[0], 0)
        if mask is not None:
            weights = weights * mask[: p + 1]
        out = weights @ view
        self.rows[p] += out
        return out + view.sum(0)


CALLS: list[tuple[Any, list[tuple[Any, ...]]]] = [
    (Streaming, [(torch.full((2, 4), 0.3 * i).sin(),) for i in range(6)]),
    (Memory, [(torch.full((1, 4), 0.7 * i).cos(), torch.tensor(i)) for i in range(6)]),
    (Memory, [(torch.ones(1, 4), torch.tensor(i), torch.full((8,), 0.5)) for i in range(6)]),
]


@pytest.fixture(autouse=True)
def _plans_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BIND_AFTER", 0)
        yield


@pytest.mark.parametrize(("kind", "calls"), CALLS)
def test_state_is_as_torch_has_it(kind: Any, calls: list[tuple[Any, ...]]) -> None:
    torch.manual_seed(1)
    archive = io.BytesIO()
    torch.jit.save(torch.jit.script(kind().eval()), archive)
    model = treadle.load(archive.getvalue())
    archive.seek(0)
    oracle = torch.jit.load(archive)
    for call in calls:
        with torch.no_grad():
            wanted = oracle(*[a.clone() for a in call])
        found = model(*[a.clone() for a in call])
        np.testing.assert_allclose(np.asarray(found), wanted.numpy(), rtol=1e-4, atol=1e-6)
    assert model.method("forward").num_regions > 0
    state = model.state_dict()
    for name, value in oracle.state_dict().items():
        np.testing.assert_allclose(np.asarray(state[name]), value.numpy(), rtol=1e-4, atol=1e-6)
