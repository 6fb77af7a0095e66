"""Dicts that a module fills in its first call: computed while compiling, or left as they are."""

import io

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import treadle

pytestmark = [pytest.mark.torch, pytest.mark.native]
X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


def trained(flag: bool) -> bool:
    return flag


class Biased(nn.Module):
    """Adds a bias that it keeps by device, as LeViT does."""

    kept: dict[str, Tensor]
    positions: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.biases = nn.Parameter(torch.arange(8.0))
        self.register_buffer("positions", torch.tensor([[1, 0, 3, 2], [2, 2, 5, 7], [4, 6, 1, 0]]))
        self.kept = {}

    def bias(self, device: torch.device) -> Tensor:
        if trained(self.training):
            return self.biases[self.positions]
        key = str(device)
        if key not in self.kept:
            self.kept[key] = self.biases[self.positions]
        return self.kept[key]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias(x.device)


class Shown(Biased):
    @torch.jit.export
    def all_kept(self) -> dict[str, Tensor]:
        return self.kept


class Dropped(Biased):
    @torch.jit.export
    def drop(self) -> None:
        self.kept.clear()


class Written(Biased):
    def forward(self, x: Tensor) -> Tensor:
        self.bias(x.device).add_(1)
        return x + self.bias(x.device)


class Branching(Biased):
    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] == 3:
            return x + self.bias(x.device)
        return x - self.bias(x.device)[: x.shape[0]]


class Disagreeing(Biased):
    kept: dict[str, Tensor]

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[0] == 2 and "cpu" not in self.kept:
            self.kept["cpu"] = self.biases[self.positions] * 2
        if "cpu" not in self.kept:
            self.kept["cpu"] = self.biases[self.positions]
        return x + self.kept["cpu"]


class Telling(Biased):
    kept: dict[str, Tensor]

    def forward(self, x: Tensor) -> Tensor:
        if "cpu" not in self.kept:
            self.kept["cpu"] = self.biases[self.positions]
            print("made")
        return x + self.kept["cpu"]


class Counted(Biased):
    kept: dict[str, Tensor]
    count: int

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def bias(self, device: torch.device) -> Tensor:
        self.count += 1
        if str(device) not in self.kept:
            self.kept[str(device)] = self.biases[self.positions] * self.count
        return self.kept[str(device)]


def both(module: nn.Module) -> tuple[torch.jit.ScriptModule, treadle.Module]:
    """The module in PyTorch and here."""
    scripted, buffer = torch.jit.script(module.eval()), io.BytesIO()
    torch.jit.save(scripted, buffer)
    return scripted, treadle.load(buffer.getvalue())


def check(theirs: torch.jit.ScriptModule, ours: treadle.Module) -> None:
    """Check that three calls in a row agree."""
    for factor in (1, -1, 2):
        with torch.no_grad():
            want = theirs(torch.from_numpy(X * factor)).numpy()
        np.testing.assert_allclose(ours(X * factor).numpy(), want, atol=1e-6)


@pytest.mark.parametrize("make", [Biased, Branching])
def test_a_bias_that_is_kept_is_planned_and_there_after_the_first_call(
    make: type[nn.Module],
) -> None:
    theirs, ours = both(make())
    check(theirs, ours)
    assert ours.explain(X).planned
    assert ours.kept.keys() == theirs.kept.keys()
    assert ours.kept["cpu"].tolist() == theirs.kept["cpu"].tolist()


def test_a_memo_that_the_archive_has_is_planned() -> None:
    theirs, _ = both(Biased())
    theirs(torch.from_numpy(X))
    buffer = io.BytesIO()
    torch.jit.save(theirs, buffer)
    ours = treadle.load(buffer.getvalue())
    check(theirs, ours)
    assert ours.explain(X).planned


@pytest.mark.parametrize("make", [Shown, Dropped, Written, Telling, Counted])
def test_a_dict_that_is_more_than_a_memo_is_read_in_every_run(make: type[nn.Module]) -> None:
    theirs, ours = both(make())
    check(theirs, ours)
    assert not ours.explain(X).planned


def test_what_another_method_drops_is_made_again() -> None:
    theirs, ours = both(Dropped())
    for module in (theirs, ours):
        module(torch.from_numpy(X))
        module.drop()
    assert not ours.kept
    check(theirs, ours)


def test_places_that_would_keep_different_values_keep_what_the_first_run_makes() -> None:
    theirs, ours = both(Disagreeing())
    for module in (theirs, ours):
        with pytest.raises(Exception, match="size"):
            module(torch.from_numpy(X[:2]))
    check(theirs, ours)
