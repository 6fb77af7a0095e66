"""What Python sees of a loaded module: the same as PyTorch shows of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import treadle
from tests.frontends.torchscript.support import written


class Parts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3)])
        self.named = nn.ModuleDict({"a": nn.Linear(3, 3), "b": nn.Tanh()})
        self.chain = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
        self.again = self.layers[0]
        self.bias = nn.Parameter(torch.ones(3))
        self.register_buffer("scale", torch.full((3,), 2.0))
        self.register_parameter("absent", None)
        self.sizes = [1, 2]
        self._hidden = 1.5

    @property
    def doubled(self) -> float:
        return self._hidden * 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        x = self.named["a"](self.chain(x)) + self.again(x)
        return x * self.scale + self.bias + self.doubled + len(self.sizes)


@pytest.fixture(scope="module")
def both() -> tuple[Any, Any]:
    torch.manual_seed(0)
    data = written(torch.jit.script(Parts().eval()))
    return treadle.load(data), torch.jit.load(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["named_parameters", "named_buffers"])
@pytest.mark.parametrize("arguments", [{}, {"recurse": False}, {"prefix": "p"}])
def test_tensors_have_torchs_names_and_order(both: Any, kind: str, arguments: Any) -> None:
    ours, theirs = ([*getattr(m, kind)(**arguments)] for m in both)
    assert [(n, tuple(t.shape)) for n, t in ours] == [(n, tuple(t.shape)) for n, t in theirs]


@pytest.mark.parametrize("kind", ["named_modules", "named_children"])
def test_modules_have_torchs_names_and_order(both: Any, kind: str) -> None:
    ours, theirs = ([(n, m.original_name) for n, m in getattr(m, kind)()] for m in both)
    assert ours == theirs


def test_plain_iterators_leave_the_names_out(both: Any) -> None:
    ours, theirs = both
    for kind in ("parameters", "buffers", "modules", "children"):
        assert len(list(getattr(ours, kind)())) == len(list(getattr(theirs, kind)()))


def test_the_state_dict_is_torchs(both: Any) -> None:
    ours, theirs = (m.state_dict() for m in both)
    assert list(ours) == list(theirs)
    for name, tensor in theirs.items():
        assert ours[name].tolist() == tensor.tolist()


def test_members_are_found_by_their_dotted_names(both: Any) -> None:
    model = both[0]
    assert model.get_parameter("layers.0.weight").shape == (3, 3)
    assert model.get_buffer("scale").tolist() == [2.0, 2.0, 2.0]
    assert model.get_submodule("named.a").original_name == "Linear"
    assert model.get_submodule("").original_name == "Parts"
    with pytest.raises(AttributeError, match="no submodule 'nothing'"):
        model.get_submodule("layers.nothing")
    with pytest.raises(AttributeError, match="no parameter 'scale'"):
        model.get_parameter("scale")


def test_containers_are_indexed_and_iterated(both: Any) -> None:
    model = both[0]
    assert len(model.layers) == 3
    assert [m.original_name for m in model.layers] == ["Linear", "ReLU", "Linear"]
    assert model.layers[-2].original_name == "ReLU"
    assert [m.original_name for m in model.layers[1:]] == ["ReLU", "Linear"]
    assert model.chain[0].original_name == "Linear"
    assert list(model.named) == ["a", "b"]
    assert "a" in model.named
    assert model.named["b"].original_name == "Tanh"
    assert [name for name, _ in model.named.items()] == model.named.keys()
    assert len(model.named.values()) == 2
    with pytest.raises(IndexError, match="index 3 is out of range for 3 modules"):
        model.layers[3]
    with pytest.raises(KeyError, match="no module 'z'; there are: a, b"):
        model.named["z"]


def test_a_module_that_is_no_container_has_no_length_but_is_true(both: Any) -> None:
    model = both[0]
    assert model
    with pytest.raises(TypeError, match="Parts is no ModuleList, ModuleDict or Sequential"):
        len(model)
    assert not hasattr(model, "keys")


def test_attributes_are_python_values(both: Any) -> None:
    model = both[0]
    assert (model.sizes, model._hidden, model.absent, model.doubled) == ([1, 2], 1.5, None, 3.0)
    assert hasattr(model, "bias")
    assert not hasattr(model, "nothing")
    assert {"layers", "forward", "bias", "state_dict"} <= set(dir(model))


def test_submodules_are_called(both: Any) -> None:
    ours, theirs = both
    x = torch.ones(2, 3)
    want = theirs.layers._modules["0"](x)
    torch.testing.assert_close(torch.from_numpy(ours.layers[0](x.numpy()).numpy()), want)


def test_graphs_and_code_are_printed(both: Any) -> None:
    model = both[0]
    assert str(model.graph).startswith("graph __torch__.")
    assert "aten::" not in str(model.inlined_graph)
    assert str(model.forward.graph) == str(model.graph)
    assert repr(model).splitlines()[:3] == [
        "Module(original_name=Parts",
        "  (layers): Module(original_name=ModuleList",
        "    (0): Module(original_name=Linear)",
    ]


def test_code_comes_with_the_constants_that_it_names() -> None:
    added = torch.tensor([1.0, 2.0, 3.0])
    traced = torch.jit.trace(lambda x: x + added, torch.ones(3))
    code, constants = treadle.load(written(traced)).code_with_constants
    assert "CONSTANTS.c0" in code
    assert [1.0, 2.0, 3.0] in [value.tolist() for value in constants.values()]


def test_a_module_saves_itself(both: Any, tmp_path: Path) -> None:
    ours, theirs = both
    ours.save(tmp_path / "again.pt")
    again = torch.jit.load(tmp_path / "again.pt")
    x = torch.ones(2, 3)
    assert torch.equal(again(x), theirs(x))


class Switched(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 0 if self.training else x


def test_training_mode_is_set_for_all_modules() -> None:
    model = treadle.load(written(torch.jit.script(nn.Sequential(Switched()))))
    x = torch.ones(4).numpy()
    assert model.training
    assert model(x).tolist() == [0.0] * 4
    assert model.eval() is model
    assert not model[0].training
    assert model(x).tolist() == [1.0] * 4
    assert model.train()(x).tolist() == [0.0] * 4


def test_moving_to_the_cpu_changes_nothing(both: Any) -> None:
    model = both[0]
    assert model.to("cpu").cpu() is model
    assert model.to(treadle.float32).float() is model
    with pytest.raises(treadle.InputError, match=r"stays on the CPU .*, got cuda: convert it in"):
        model.to("cuda")
    for convert in (model.half, model.double):
        with pytest.raises(treadle.InputError, match="keeps its dtypes"):
            convert()


def test_weights_come_to_the_cpu_and_nowhere_else() -> None:
    archive = written(torch.jit.script(nn.Linear(2, 2)))
    for place in (None, "cpu", torch.device("cpu")):
        assert treadle.jit.load(archive, map_location=place).weight.shape == (2, 2)
    with pytest.raises(treadle.InputError, match="load: there is only the device cpu, got 'cuda'"):
        treadle.load(archive, "cuda")


def test_shared_modules_appear_once_unless_asked_for(both: Any) -> None:
    ours, theirs = both
    for once in (True, False):
        names = [[n for n, _ in m.named_modules(remove_duplicate=once)] for m in (ours, theirs)]
        assert names[0] == names[1]


class HalfComplex(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("pairs", torch.ones(2, dtype=torch.complex64).to(torch.complex32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_a_tensor_that_treadle_lacks_is_refused_where_it_is_read() -> None:
    model = treadle.load(written(torch.jit.script(HalfComplex())))
    assert model(torch.ones(1).numpy()).tolist() == [2.0]
    with pytest.raises(treadle.UnsupportedError, match="tensors of complex32 are not supported"):
        model.pairs  # noqa: B018 - reading it is what is tested
