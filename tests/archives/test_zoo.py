"""Every small architecture: its graphs print and parse back, and torch runs what is saved of it."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import treadle
from tests.models.zoo.table import ENTRIES, Entry
from tests.support import as_arrays
from treadle.frontends.torchscript.checking import check_archive
from treadle.ir.graph import Graph
from treadle.ir.text import parse_graph, print_graph
from treadle.ops import OPS

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")


@pytest.fixture(scope="module", params=[pytest.param(e, id=e.name) for e in ENTRIES])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    entry: Entry = request.param
    return Case(entry, entry.save(tmp_path_factory.mktemp(entry.name) / "model.pt"))


class Case:
    """An architecture, its archive, and the module that Treadle reads from that."""

    def __init__(self, entry: Entry, path: Path) -> None:
        self.entry, self.path, self.module = entry, path, treadle.load(path)

    def graphs(self) -> Iterator[tuple[str, Graph]]:
        """The graphs of all methods of the module, as they are and inlined."""
        for name in self.module.method_names:
            method = self.module.method(name)
            yield name, method.graph
            yield f"{name}, inlined", method.inlined_graph


def test_graphs_print_and_parse_back(case: Case) -> None:
    for name, graph in case.graphs():
        constants: dict[str, object] = {}
        text = print_graph(graph, constants)
        again = parse_graph(text, OPS, constants)
        assert print_graph(again, dict(constants)) == text, name
        assert str(graph).startswith("graph")


def test_code_is_in_the_archive(case: Case) -> None:
    sources = "\n".join(case.module._program.sources.values())
    for name in case.module.method_names:
        lines = [line.strip() for line in case.module.method(name).code.splitlines()]
        assert all(line in sources for line in lines), name
        assert lines[0].startswith(f"def {name}(self: ")


def test_torch_gives_the_same_from_what_is_saved(case: Case) -> None:
    buffer = io.BytesIO()
    treadle.save(case.module, buffer)
    buffer.seek(0)
    want, got = torch.jit.load(str(case.path)), torch.jit.load(buffer)
    assert list(got.state_dict()) == list(want.state_dict())
    for name, tensor in want.state_dict().items():
        np.testing.assert_array_equal(got.state_dict()[name], tensor, err_msg=name)
    assert [n for n, _ in got.named_parameters()] == [n for n, _ in want.named_parameters()]
    for one, other in zip(_results(got, case), _results(want, case), strict=True):
        scale = np.abs(other).max(initial=0)  # torch fuses as it has profiled, so sums may differ
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * scale)


def _results(module: torch.jit.ScriptModule, case: Case) -> tuple[np.ndarray, ...]:
    torch.manual_seed(0)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return as_arrays(module(*case.entry.arguments()))


def test_whether_everything_is_supported_is_said_without_running(case: Case) -> None:
    checked = check_archive(case.path)
    assert checked.loads
    assert checked.operators
    assert not checked.tensors
