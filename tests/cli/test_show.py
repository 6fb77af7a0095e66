"""``treadle show``: operators, sizes, graph, and how a call runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.cli.support import DIGITS, edited_model, model_with

OTHER_METHOD = """, x: Tensor) -> Tensor:
    return (self).scaled(x, )
  def scaled(self: __torch__.network.DigitsNet, x: Tensor, by: float=2.) -> Tensor:
    return torch.tanh(torch.mul(x, by))
"""
DATA_DEPENDENT = """, x: Tensor) -> Tensor:
    return torch.nonzero(x)
"""


BY_REFERENCE = """, x: Tensor) -> Tensor:
    return torch.linalg_svdvals(torch.relu(x))
"""


def test_an_operator_that_the_reference_computes_stands_out(treadle: Command) -> None:
    model = model_with(Path("singular.pt"), BY_REFERENCE)
    result = treadle("show", model, "--input", "3x3")
    rows = [line.split() for line in result.output.splitlines()]
    assert ["relu", "1", "kernels"] in rows
    assert ["linalg_svdvals", "1", "extern"] in rows
    assert "interpreted: linalg_svdvals is not compiled" in result.output
    document = json.loads(treadle("show", model, "--json").output)
    assert document["computed_by"] == {"relu": "kernels", "linalg_svdvals": "extern"}


def test_counts_operators_and_sizes(treadle: Command) -> None:
    result = treadle("show", DIGITS)
    assert result.status == 0
    assert "DigitsNet, 32 tensors, 130,159 numbers" in result.output
    assert "  forward(images: Tensor) -> Tensor\n" in result.output
    rows = [line.split() for line in result.output.splitlines()]
    assert ["stem", "Sequential", "417", "1.7", "KB"] in rows
    assert ["conv2d", "5", "kernels"] in rows
    assert ["fork", "2", "script"] in rows


def test_all_methods_are_listed_and_each_can_be_shown(treadle: Command) -> None:
    model = model_with(Path("two.pt"), OTHER_METHOD)
    assert "  scaled(x: Tensor, by: float = 2.0) -> Tensor\n" in treadle("show", model).output
    result = treadle("show", model, "--method", "scaled", "--input", "2x3", "--input", "scalar")
    assert "operator of scaled" in result.output
    assert "planned: 1 step" in result.output
    treadle("show", model, "--method", "gone").refused("has no method 'gone'; it has: forward")


def test_a_model_without_forward_shows_its_first_method(treadle: Command) -> None:
    def rename(source: str) -> str:
        name = "(self: __torch__.network.DigitsNet,"
        return source.replace(f"def forward{name}", f"def score{name}")

    result = treadle("show", edited_model(Path("score.pt"), rename))
    assert result.status == 0
    assert "operator of score" in result.output


def test_shapes_give_the_steps_of_the_plan(treadle: Command) -> None:
    result = treadle("show", DIGITS, "--input", "3x1x8x8")
    assert "planned: " in result.output
    assert "conv2d+relu" in result.output
    assert "contraction" in result.output


def test_a_call_that_cannot_be_planned_says_why(treadle: Command) -> None:
    model = model_with(Path("nonzero.pt"), DATA_DEPENDENT)
    result = treadle("show", model, "--input", "3")
    assert result.status == 0
    assert "interpreted: " in result.output
    assert "nonzero" in result.output


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--graph", "conv2d(%images"),
        ("--source-graph", "call_method"),
        ("--parameters", "stem.0.weight"),
        ("--code", "def forward(self: __torch__.network.DigitsNet"),
    ],
)
def test_graphs_and_parameters_on_request(treadle: Command, option: str, text: str) -> None:
    result = treadle("show", DIGITS, option)
    assert result.status == 0
    assert text in result.output


def test_json_holds_the_same(treadle: Command) -> None:
    found = json.loads(treadle("show", DIGITS, "--json", "--input", "1x1x8x8").output)
    assert found["inputs"] == ["images"]
    assert found["operators"]["conv2d"] == 5
    assert found["tensors"][0] == {
        "name": "stem.0.weight",
        "kind": "parameter",
        "dtype": "float32",
        "shape": [32, 1, 3, 3],
    }
    assert found["total_elements"] == 130_159
    assert found["total_tensors"] == len(found["tensors"]) == 32
    assert found["plan"]["planned"] is True
    assert {"name", "kind", "num_tasks", "cost_ns"} <= set(found["plan"]["steps"][0])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("3by4", "write 1x3x224x224"),
        ("", "write 1x3x224x224"),
        ("1x-3", "write 1x3x224x224"),
        ("1x3:float99", "dtype 'float99' is none of"),
        ("99999999999999x9", "write 1x3x224x224"),
        ("9999999x9999999", "more than"),
        ("3x8x8", ""),
        ("1x1x8x8:int64", ""),
    ],
)
def test_bad_shapes_are_refused(treadle: Command, shape: str, message: str) -> None:
    treadle("show", DIGITS, "--input", shape).refused(message)


def test_too_many_shapes_are_refused(treadle: Command) -> None:
    treadle("show", DIGITS, "--input", "1", "--input", "1").refused("takes 1 argument, got 2")
