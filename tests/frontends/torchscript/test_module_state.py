"""Modules with several methods, attributes that change, and modules that calls choose."""

import io

import numpy as np
import pytest
import torch
from torch import nn

import treadle
from tests.frontends.torchscript.support import (
    assert_same,
    check,
    run_archive,
    to_numpy,
    written,
)
from tests.frontends.torchscript.test_modules import Conv
from treadle.errors import InputError, UnsupportedError


def test_traced_module_agrees_with_torch() -> None:
    module = Conv().eval()
    x = torch.arange(32.0).reshape(2, 1, 4, 4)
    traced = torch.jit.trace(module, x)
    assert_same(run_archive(traced, (x.numpy(),)), to_numpy(traced(x)))


def test_frozen_module_agrees_with_torch() -> None:
    module = torch.jit.freeze(torch.jit.script(Conv().eval()))
    x = torch.arange(32.0).reshape(2, 1, 4, 4)
    assert_same(run_archive(module, (x.numpy(),)), to_numpy(module(x)))


class Streaming(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = 3
        self.weights = nn.ParameterList([nn.Parameter(torch.ones(2)), nn.Parameter(torch.zeros(2))])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale + self.weights[0]

    @torch.jit.export
    def set_scale(self, n: int) -> None:
        self.scale = n


def test_a_planned_method_sees_what_another_one_assigned() -> None:
    model = treadle.load(written(torch.jit.script(Streaming())))
    x = np.ones(2, np.float32)
    assert np.asarray(model(x)).tolist() == [4.0, 4.0]
    model.set_scale(10)
    assert np.asarray(model(x)).tolist() == [11.0, 11.0]
    assert model.scale == 10


class Cached(nn.Module):
    items: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("cache", torch.ones(2))
        self.items = [1, 2]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.cache * 2 + len(self.items)

    @torch.jit.export
    def reset(self) -> None:
        self.cache.zero_()

    @torch.jit.export
    def push(self, n: int) -> None:
        self.items.append(n)


def test_a_planned_method_sees_what_another_one_changed_in_place() -> None:
    scripted = torch.jit.script(Cached())
    model = treadle.load(written(scripted))
    x = torch.zeros(2)
    for change in (lambda m: None, lambda m: m.reset(), lambda m: m.push(3)):
        change(scripted)
        change(model)
        assert np.asarray(model(x.numpy())).tolist() == scripted(x).tolist()


def test_attributes_are_not_set_from_python() -> None:
    model = treadle.load(written(torch.jit.script(Streaming())))
    with pytest.raises(InputError, match="'scale' cannot be set"):
        model.scale = 5


class Rounding(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.fake_quantize_per_tensor_affine(x, 1.0, 0, 0, 255)
        return y[:2].flatten(0)


def test_results_of_unknown_operators_count_as_tensors() -> None:
    with pytest.raises(UnsupportedError, match="aten::fake_quantize_per_tensor_affine"):
        treadle.load(written(torch.jit.script(Rounding())))


def test_extra_files_are_read_by_name() -> None:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Streaming()), buffer, _extra_files={"note.txt": "hi"})
    found = {"note.txt": b"", "other": b"unchanged"}
    treadle.load(buffer.getvalue(), extra_files=found)
    assert found == {"note.txt": b"hi", "other": b"unchanged"}


class Methods(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x)

    def both(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x + y, self.linear(y)


def test_traced_modules_keep_all_their_methods() -> None:
    x = torch.ones(2, 3)
    traced = torch.jit.trace_module(Methods().eval(), {"forward": x, "both": (x, x)})
    model = treadle.load(written(traced))
    for got, want in zip(model.both(x.numpy(), x.numpy()), traced.both(x, x), strict=True):
        torch.testing.assert_close(torch.from_numpy(got.numpy()), want.detach())


@pytest.mark.filterwarnings("ignore")
def test_archives_with_bytecode_are_read_by_their_source() -> None:
    scripted = torch.jit.script(Methods().eval())
    model = treadle.load(scripted._save_to_buffer_for_lite_interpreter())
    x = torch.ones(2, 3)
    torch.testing.assert_close(torch.from_numpy(model(x.numpy()).numpy()), scripted(x).detach())


class Act(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.relu()


class Scale(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1,), 3.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


@torch.jit.interface
class Layer(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pass


class Choosing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Act(), Scale()])

    def forward(self, x: torch.Tensor, i: int) -> torch.Tensor:
        layer: Layer = self.layers[i]
        return layer.forward(x)


@pytest.mark.parametrize("i", [0, 1])
def test_a_module_is_chosen_by_a_number_that_the_call_brings(i: int) -> None:
    check(Choosing(), torch.tensor([-1.0, 2.0]), i)


def test_a_number_that_no_module_has_is_an_error() -> None:
    model = treadle.load(written(torch.jit.script(Choosing())))
    with pytest.raises(treadle.ScriptError, match="there is no such module"):
        model(torch.ones(1).numpy(), 2)
