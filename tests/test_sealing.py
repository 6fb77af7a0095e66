"""What Python gets of a module's tensors: their memory; a write counts, or is refused."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import treadle
from treadle.errors import InputError

X = np.ones(3, np.float32)


class Cache(nn.Module):
    kept: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.kept.add_(x)
        return self.kept * 1


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache()
        self.weight = nn.Parameter(torch.arange(6.0).reshape(2, 3))
        self.tables = [torch.ones(2)]
        self.last = torch.zeros(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.cache(x) + self.last + torch.mv(self.weight, x).sum()
        self.last = x
        return y

    @torch.jit.export
    def weights(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return self.weight, self.weight.t(), self.weight[1]

    @torch.jit.export
    def doubled(self) -> torch.Tensor:
        return torch.mul(self.weight, 2)

    @torch.jit.export
    def sum_of_kept(self) -> torch.Tensor:
        total: torch.Tensor = self.cache.kept.sum()
        return total


def archive() -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Model().eval()), buffer)
    return buffer.getvalue()


ARCHIVE = archive()


@pytest.fixture(params=["before a run", "after a run"])
def model(request: pytest.FixtureRequest) -> treadle.Module:
    loaded = treadle.load(ARCHIVE)
    if request.param == "after a run":
        loaded(X.copy())  # which it keeps
    return loaded


GIVEN: dict[str, Callable[[Any], Any]] = {
    "attribute": lambda m: m.weight,
    "named_parameters": lambda m: dict(m.named_parameters())["weight"],
    "state_dict": lambda m: m.state_dict()["weight"],
    "get_parameter": lambda m: m.get_parameter("weight"),
    "result": lambda m: (m(X.copy()), *m.weights())[1],
    "view as a result": lambda m: (m(X.copy()), *m.weights())[2],
    "list": lambda m: m.tables[0],
}
WRITES: dict[str, Callable[[Any], Any]] = {
    "an operator": lambda t: t.mul_(2),
    "a part": lambda t: t.__setitem__(0, 5.0),
    "fill_": lambda t: t.fill_(1.0),
    "out": lambda t: treadle.neg(t, out=t),
    "a view": lambda t: t.view(-1).zero_() if t.is_contiguous() else t.t().zero_(),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("given", GIVEN)
def test_a_write_into_what_plans_hold_is_refused(
    model: treadle.Module, given: str, write: str
) -> None:
    tensor = GIVEN[given](model)
    before = tensor.tolist()
    with pytest.raises(InputError, match="read-only"):
        WRITES[write](tensor)
    with pytest.raises(ValueError, match="read-only"):
        tensor.numpy()[...] = 1
    assert tensor.tolist() == before


def test_what_the_module_changes_may_be_written_and_the_next_run_sees_it(
    model: treadle.Module,
) -> None:
    theirs = torch.jit.load(io.BytesIO(ARCHIVE))
    for module in (model, theirs):
        module.cache.kept.fill_(7.0)
        module.last.fill_(2.0)
    assert model(X).tolist() == theirs(torch.from_numpy(X)).tolist()
    assert model.cache.kept.tolist() == theirs.cache.kept.tolist()
    assert model.sum_of_kept().item() == theirs.sum_of_kept().item()


def test_one_method_sees_what_another_wrote_into_a_submodule() -> None:
    model = treadle.load(ARCHIVE)
    assert model.sum_of_kept().item() == 0
    model(X)
    assert model.sum_of_kept().item() == 3


@pytest.mark.parametrize("interpret", [False, True])
def test_a_result_that_is_a_parameter_has_its_memory_and_strides(interpret: bool) -> None:
    ours, theirs = treadle.load(ARCHIVE, interpret=interpret), torch.jit.load(io.BytesIO(ARCHIVE))
    for got, want in zip(ours.weights(), theirs.weights(), strict=True):
        assert got.stride() == want.stride()
        assert got.tolist() == want.tolist()
        assert np.shares_memory(got.numpy(), ours.weight.numpy())
    assert not np.shares_memory(ours.doubled().numpy(), ours.doubled().numpy())


def test_everything_of_an_interpreted_module_may_be_written() -> None:
    ours, theirs = treadle.load(ARCHIVE, interpret=True), torch.jit.load(io.BytesIO(ARCHIVE))
    for module in (ours, theirs):
        module(X if module is ours else torch.from_numpy(X))
        module.state_dict()["weight"].fill_(0.5)
    assert ours(X).tolist() == theirs(torch.from_numpy(X)).tolist()


def test_torch_takes_parameters_without_a_copy() -> None:
    model = treadle.load(ARCHIVE)
    taken = torch.utils.dlpack.from_dlpack(model.weight)
    assert taken.data_ptr() == model.weight.data_ptr()


class Reader(nn.Module):
    kept: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.kept


class Writer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.reader = Reader()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.reader.kept.add_(x)
        y: torch.Tensor = self.reader(x)
        return y


def test_a_submodule_that_is_called_alone_reads_what_the_whole_writes() -> None:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Writer().eval()), buffer)
    model = treadle.load(buffer.getvalue())
    view = model.reader.kept[:2]
    assert model.reader(X).tolist() == [1, 1, 1]
    assert model(X).tolist() == [2, 2, 2]
    view.fill_(4.0)
    assert model.reader(X).tolist() == [5, 5, 2]
