"""A quantised or sparse tensor in an archive is no obstacle until a call uses it, which says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import treadle

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
TENSORS: dict[str, Callable[[], Tensor]] = {
    "sparse tensors": lambda: torch.eye(2).to_sparse(),
    r"quantized tensors \(qint8\)": lambda: torch.quantize_per_tensor(
        torch.ones(2, 2), 0.1, 0, torch.qint8
    ),
}


class Holder(nn.Module):
    def __init__(self, tensor: Tensor) -> None:
        super().__init__()
        self.register_buffer("held", tensor)
        self.several: list[Tensor] = [tensor]

    def forward(self, x: Tensor, how: int) -> Tensor:
        if how == 1:
            return x + self.held
        if how == 2:
            return self.held
        if how == 3:
            return self.held[0]
        if how == 4:
            return x * self.held.shape[0]
        if how == 5:
            return self.several[0] + x
        return x + 1


@pytest.mark.parametrize("kind", TENSORS)
@pytest.mark.parametrize("interpret", [False, True])
def test_what_uses_the_tensor_is_refused_and_nothing_else(
    tmp_path: Path, kind: str, interpret: bool
) -> None:
    torch.jit.save(torch.jit.script(Holder(TENSORS[kind]())), tmp_path / "model.pt")
    model = treadle.load(tmp_path / "model.pt", interpret=interpret)
    assert model(treadle.ones(2, 2), 0).tolist() == [[2.0, 2.0]] * 2
    for how in range(1, 6):
        with pytest.raises(treadle.UnsupportedError, match=f"{kind} are not supported"):
            model(treadle.ones(2, 2), how)
    with pytest.raises(treadle.UnsupportedError, match=f"{kind} are not supported"):
        _ = model.held
