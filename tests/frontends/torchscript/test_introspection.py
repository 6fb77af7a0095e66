"""``code``, ``graph`` and ``inlined_graph`` of models; places in the errors of calls."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from torch import nn

import treadle
from tests.frontends.torchscript.support import written
from treadle.errors import CompileError, ScriptError
from treadle.ir.text import parse_graph, print_graph
from treadle.ops import OPS


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor, n: int = 2) -> torch.Tensor:
        for _ in range(n):
            x = self.linear(x)[:, :4]
            x = torch.cat([x, x[:, :1]], 1)
        return torch.relu(x)


class Raising(nn.Module):
    def check(self, x: torch.Tensor) -> torch.Tensor:
        if float(x.sum()) > 100.0:
            raise ValueError("MSG too large")
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = x + 1
        return self.check(y) * 2


def loaded(module: nn.Module, **options: bool) -> treadle.Module:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module), buffer)
    return treadle.load(buffer.getvalue(), **options)


def test_code_is_the_source_of_the_archive() -> None:
    code = loaded(Model()).code
    assert code.startswith("def forward(self: ")
    assert "torch.relu(" in code


def test_code_of_a_script_is_what_was_written() -> None:
    @treadle.script
    def double(x: treadle.Tensor) -> treadle.Tensor:
        return x * 2

    assert "return x * 2" in double.code


@pytest.mark.parametrize("which", ["graph", "inlined_graph"])
def test_graphs_print_and_parse_back(which) -> None:
    constants: dict[str, object] = {}
    text = print_graph(getattr(loaded(Model()), which), constants)
    assert print_graph(parse_graph(text, OPS, constants), dict(constants)) == text


@pytest.mark.parametrize("interpret", [False, True])
def test_a_model_that_raises_shows_its_own_lines(interpret) -> None:
    model = loaded(Raising(), interpret=interpret)
    small = np.ones(3, np.float32)
    np.testing.assert_array_equal(np.asarray(model(small)), small * 2 + 2)
    with pytest.raises(ScriptError, match="MSG too large") as caught:
        model(small * 1000)
    message = str(caught.value)
    assert caught.value.script_class == "ValueError"
    assert "ops.prim.RaiseException(" in message
    assert "Traceback of TorchScript" in message


def test_compile_errors_point_at_the_place() -> None:
    def bad(x: treadle.Tensor) -> treadle.Tensor:
        return x + undefined_name  # noqa: F821

    with pytest.raises(CompileError, match=r"test_introspection\.py:\d+:\d+\)") as caught:
        treadle.script(bad)
    assert str(caught.value).splitlines()[-1].strip() == "^"


class Failing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.reshaped(x)

    def reshaped(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(7)


class Calling(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.Sequential(nn.ReLU(), Failing())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.parts(x)


@pytest.mark.parametrize("interpret", [False, True])
def test_a_traceback_has_all_callers_though_they_were_inlined(interpret: bool) -> None:
    model = treadle.load(written(torch.jit.script(Calling())), interpret=interpret)
    with pytest.raises(treadle.ScriptError) as caught:
        model(torch.ones(3).numpy())
    places = [line for line in str(caught.value).splitlines() if line.startswith("  File")]
    assert [place.rpartition(" ")[2] for place in places] == ["forward"] * 3 + ["reshaped"]
    assert "torch.reshape(x, [7])" in str(caught.value)
