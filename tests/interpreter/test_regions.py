"""Interpreted methods of which regions are planned: as the interpreter alone, and as torch."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, note, settings

import treadle
from benchmarks.interpreter_cases import Decoder, Detector, Transformer
from tests.check_pass import assert_same
from tests.ir.random_graphs import graphs
from tests.plans import THREADS, budget, engine_for, fine_tasks
from treadle.errors import ScriptError
from treadle.interpreter import Settings, plan_regions, regions, run
from treadle.ir.clone import clone_graph
from treadle.ir.dtypes import BY_TORCH_NAME
from treadle.ir.graph import Graph
from treadle.ir.op import CONSTANT, REGION
from treadle.ir.program import Program
from treadle.ir.text import print_graph
from treadle.ir.types import ListType, TensorType
from treadle.ops import OPS


@pytest.fixture(autouse=True)
def plans_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BIND_AFTER", 0)
        yield


class FineBinder:
    """Binds plans that are cut finely, so that small tensors use all threads."""

    templates = ()

    def __init__(self, graph: Graph, fixed: Sequence[Any]) -> None:
        self.graph, self.fixed = graph, fixed

    def bind(self, signature: regions.Signature) -> tuple[Any, Any]:
        types = [TensorType(BY_TORCH_NAME[dtype], shape) for dtype, shape in signature]
        with fine_tasks():
            bound = engine_for("native").bind(self.graph, [*types, *self.fixed])
        return bound.plan, bound.result


class Runner:
    """Runs a graph again and again on the same arguments and constants."""

    def __init__(self, graph: Graph, *, planned: bool) -> None:
        self.graph = clone_graph(graph)
        values = self.graph.returns
        packed = self.graph.add(OPS["list"], values, (ListType(values[0].type),))
        self.graph.set_returns([packed.output])
        if planned:
            plan_regions(self.graph, FineBinder)
        constants = [n.attributes["value"] for n in graph.nodes_of(CONSTANT)]
        self.kept = [(c, c.copy()) for c in constants if isinstance(c, np.ndarray)]

    def run(self, arguments: list[Any], compile_after: int) -> list[Any]:
        """The results, and the arguments and constants as they are afterwards."""
        for constant, original in self.kept:
            np.copyto(constant, original)
        given = copy.deepcopy(arguments)
        results = run(Program(), self.graph, given, Settings(compile_after=compile_after))
        return copy.deepcopy([*results, *given, *[c for c, _ in self.kept]])


@settings(max_examples=15)
@given(graph=graphs(max_nodes=20, writes=True))
def test_random_programs_mean_the_same_on_any_number_of_threads(graph: Graph) -> None:
    note(print_graph(graph))
    generator = np.random.default_rng(0)
    arguments: list[Any] = [
        generator.standard_normal((2, 3)).astype(np.float32) for _ in graph.params[1:]
    ]
    arguments.append(True)
    plain, planned = Runner(graph, planned=False), Runner(graph, planned=True)
    wanted, first = plain.run(arguments, 2**62), None
    for threads in THREADS:
        with budget(threads):
            found = planned.run(arguments, 1)
        assert_same(found, wanted, rtol=1e-5)
        bits = b"".join(np.asarray(a).tobytes() for a in found)
        assert first is None or bits == first
        first = bits


def momentum(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    v = torch.zeros_like(x)
    rate = 0.5
    for _ in range(int(n)):
        v = v * 0.9 - x * rate
        x = x + v
        rate *= 0.99
    return x


def fills_rows(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    y = x.clone()
    row = y[0]
    for i in range(int(n)):
        y[i % 2] = torch.relu(y[i % 2] - 0.1 * i) + row.sum()
    return y


def writes_into_a_view(x: torch.Tensor, n: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    y = torch.exp(x)
    view = y.view(-1)
    z = y * 2
    if bool(n > 1):
        view[0] = 5.0
        z = y + z
    return y, z


def returns_a_view(x: torch.Tensor, n: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    y = torch.tanh(x)
    part = y[0]
    if bool(n > 1):
        y += 1
    return part, y


def collects(x: torch.Tensor, n: torch.Tensor) -> list[torch.Tensor]:
    found = [x]
    while len(found) < int(n):
        x = torch.sigmoid(x) - 0.5
        found.append(x)
        found[0] = found[0] + x.mean()
    return found


def stops_early(x: torch.Tensor, n: torch.Tensor) -> tuple[torch.Tensor, int]:
    for i in range(100):
        x = x * 0.7 + 0.1
        if bool(x.abs().max() < 0.4) or i > int(n):
            return x, i
    return x, -1


def two_names(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    a = torch.neg(x)
    b = a
    for i in range(int(n)):
        a = a.t().contiguous().t() + i
        b.add_(a)
    return b


def masks(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    scores = torch.softmax(x, 1)
    kept = scores > scores.mean()
    found = scores[kept]
    for i in range(int(n)):
        found = found * i + 1
    return found


def grows(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    cache = x[:0]
    for i in range(int(n)):
        cache = torch.cat([cache, x * i])
        x = x + cache.mean(0)
    return cache


def ints(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    y = (x * 3).long()
    for i in range(int(n)):
        y = (y + i) * 2 - (y > i).long()
    return y


def branches_on_sizes(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    for _ in range(int(n)):
        if x.size(0) > 1 and x.dim() == 2:
            x = torch.relu(x) + torch.sigmoid(x).mean(1, keepdim=True)
        else:
            x = x + 1
        for k in range(3):
            x = x * (0.5 + 0.1 * k)
    return x


def masks_from_outside(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    flags = [(x > 0).any(0), x[0] == x[0]]
    for i in range(int(n)):
        kept = flags[i % 2]
        y = torch.exp(x) + i
        z = y.t()[kept] * 2.0
        x = x + torch.tanh(z.sum()) * y
    return x


FUNCTIONS = (
    masks_from_outside,
    momentum, fills_rows, writes_into_a_view, returns_a_view, collects, stops_early, two_names,
    masks, grows, ints, branches_on_sizes,
)  # fmt: skip


MODULES = (
    (Decoder(16, 8, 24), (torch.tensor([1, 2]), torch.zeros(2, 24), torch.zeros(2, 24), -1, 9)),
    (Transformer(16, 8, 2), (torch.tensor([[1]]), -1, 7)),
    (Detector(4), (torch.linspace(-1, 1, 3 * 48 * 40).sin().reshape(1, 3, 48, 40),)),
)


@pytest.mark.parametrize(("module", "arguments"), MODULES)
def test_decoders_and_detectors_agree_with_torch_on_any_number_of_threads(
    module: torch.nn.Module, arguments: tuple[Any, ...]
) -> None:
    scripted = torch.jit.script(module.eval())
    archive = io.BytesIO()
    torch.jit.save(scripted, archive)
    with torch.no_grad():
        wanted = arrays(scripted(*arguments))
    first: list[bytes] = []
    for threads in THREADS:
        with budget(threads), fine_tasks():
            model = treadle.load(archive.getvalue())
            for limit in (None, 1, threads):
                found = arrays(model(*arguments, threads=limit))
                assert_same(found, wanted, rtol=1e-4)
                bits = [np.asarray(a).tobytes() for a in found]
                first = first or bits
                assert bits == first


def num_plans(method: Any) -> int:
    graph, _ = method._interpreted
    return sum(r.attributes["plans"]._num_plans for r in graph.nodes_of(REGION))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_scripts_agree_with_torch_and_with_the_interpreter(function: Callable[..., Any]) -> None:
    script, compiled = treadle.script(function), torch.jit.script(function)
    reference = treadle.script(function, interpret=True)
    for shape in ((2, 3), (2, 1), (3, 5)):
        for n in (0, 1, 7):
            x = torch.linspace(-1, 1, shape[0] * shape[1]).reshape(shape)
            count = torch.tensor(n)
            wanted = arrays(compiled(x.clone(), count))
            for model in (script, reference):
                assert_same(arrays(model(x.clone(), count)), wanted, rtol=2e-5)
    assert num_plans(script) > 0


def arrays(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [arrays(v) for v in value]
    return np.asarray(value) if hasattr(value, "__array__") else value


def fails_in_the_middle(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    for i in range(int(n)):
        x = torch.relu(x) + 1
        x = x @ x if i > 2 else x * 2
        x = torch.exp(-x)
    return x


def picks(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    for i in range(int(n)):
        x = torch.relu(x) + 1
        x = torch.embedding(n * i, x) + x
    return x


def asserts(x: torch.Tensor, n: torch.Tensor) -> torch.Tensor:
    for _ in range(int(n)):
        x = torch.relu(x)
        if x.size(0) > 7:
            raise ValueError("MSG too long")
        x = torch.cat([x, x])
    return x


@pytest.mark.parametrize("function", [fails_in_the_middle, picks, asserts])
def test_errors_name_the_same_line_with_the_same_message(function: Callable[..., Any]) -> None:
    x, n = np.ones((2, 3), np.float32), np.array(6)
    texts = []
    for interpret in (False, True):
        with pytest.raises(ScriptError) as raised:
            treadle.script(function, interpret=interpret)(x, n)
        texts.append((str(raised.value), raised.value.script_class))
    assert texts[0] == texts[1]
