# No postponed annotations here: torch.jit.script evaluates those of the classes below.
"""Pickles of modules in modules, and of objects of script classes, that PyTorch wrote."""

import pytest
import torch

from tests.frontends.torchscript.test_unpickle import check_same, state_of

pytestmark = pytest.mark.torch


@torch.jit.script
class Counter:
    def __init__(self, start: int) -> None:
        self.start = start


class Inner(torch.nn.Module):
    hidden: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
        self.register_buffer("hidden", torch.ones(2), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight + self.hidden.sum()


def test_nested_modules_keep_names_and_order() -> None:
    first = Inner()
    state = state_of(torch.nn.Sequential(first, torch.nn.BatchNorm2d(2)))
    assert [key for key in state if key.isdigit()] == ["0", "1"]
    inner, norm = state["0"], state["1"]
    assert inner.type_name == f"__torch__.{__name__}.Inner"
    # torch numbers a class that it scripted before with other attributes: ___torch_mangle_4.
    assert norm.type_name.startswith("__torch__.torch.nn.modules.batchnorm.")
    assert norm.type_name.endswith(".BatchNorm2d")
    assert inner.state["training"] is True
    check_same(inner.state["weight"], first.weight.detach())
    check_same(inner.state["hidden"], torch.ones(2))
    check_same(norm.state["num_batches_tracked"], torch.tensor(0))


def test_submodule_in_two_places_keeps_its_tensors_tied() -> None:
    inner = Inner()
    state = state_of(torch.nn.Sequential(inner, inner))
    assert state["0"].state["weight"] is state["1"].state["weight"]


def test_script_class_instance() -> None:
    class Owner(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.counter = Counter(5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.counter.start

    counter = state_of(Owner())["counter"]
    assert counter.type_name == f"__torch__.{__name__}.Counter"
    assert counter.state == {"start": 5}
