"""Results have the strides of PyTorch's, and share memory where they do."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, note, settings
from hypothesis import strategies as st

import treadle
from treadle.errors import Error
from treadle.interpreter import regions, run

pytestmark = pytest.mark.torch
Array = np.ndarray[Any, Any]

LINES = (
    "a = x", "b = y", "a = b", "a, b, c = b, c, a", "a = x.t()", "a = a.t()", "b = c.t()",
    "a = a[1:]", "b = a[0]", "c = b[..., 1:3]", "c = a.unsqueeze(0)", "a = a.transpose(0, -1)",
    "b = a.reshape(-1)", "c = a.view(-1)", "a = a.contiguous()", "b = a.flatten()", "c = c.clone()",
    "a = a.expand(2, -1, -1)", "b = a.diagonal()", "c = a.narrow(0, 0, 1)", "b = b.detach()",
    "a = torch.relu(a)", "b = a + 1.5", "c = a * a.contiguous()", "c = b - c", "a = b.float()",
    "b = torch.softmax(a, 0)", "a = torch.cat([a, a])", "c = a.sum(0)", "b = torch.stack([b, b])",
    "a = a.to(torch.float64)", "c = torch.where(a > 0, a, a - 1)",
    "a, b = torch.sigmoid(a).chunk(2, 0)", "a = b.matmul(b.transpose(0, -1))",
    "c = F.gelu(c)", "b = a.flip(0)", "c = torch.zeros_like(a)", "b = a.permute(1, 0)",
    "d = b + 0.5\n    d += 1.0\n    b = d", "d = torch.relu(c)\n    d[0] = 2.0\n    c = d.t()",
    "a += 1.0", "b.mul_(2.0)", "c[0] = 4.0",
    "a = a.swapaxes(0, 1)", "c = a.squeeze(0)", "b = torch.tanh(b).view(-1)", "c = a.T.reshape(-1)",
)  # fmt: skip
numbers = itertools.count()


def program(lines: Sequence[str], results: str, *, decided: bool) -> Callable[..., Any]:
    """The Python function of some lines, with a source that can be looked up."""
    guard = "    if bool(x.sum() > 1e9):\n        raise ValueError('')\n" if decided else ""
    body = "".join(f"    {line}\n" for line in lines)
    source = (
        FUNCTIONS
        + f"def program(x, y):\n{guard}    a, b, c = x, y, y\n{body}    return {results}\n"
    )
    file = f"<layouts {next(numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"torch": torch, "F": torch.nn.functional, "__name__": "programs"}
    exec(compile(source, file, "exec", dont_inherit=True), names)
    function: Callable[..., Any] = names["program"]
    return function


def inputs(layout: str) -> list[Array]:
    """Two arrays of 4 by 4, of which one is row-major and the other has a layout."""
    x, y = (np.arange(16, dtype=np.float32).reshape(4, 4) - 7.25 for _ in range(2))
    if layout == "transposed":
        return [x, y.T]
    if layout == "cut":
        wide = np.zeros((4, 9), np.float32)
        wide[:, 1::2] = y
        return [x, wide[:, 1::2]]
    return [x, y]


def owner(array: Array) -> Any:
    """What the memory of an array belongs to."""
    while True:
        base = array.base
        if not isinstance(base, np.ndarray):
            base = getattr(base, "base", None)
        if not isinstance(base, np.ndarray):
            return id(array) if array.base is None else id(array.base)
        array = base


def described(arrays: Sequence[Array], owners: Sequence[Any]) -> Any:
    """What may be seen of tensors: strides (of more than one element), shared memory, elements."""
    strides = [
        tuple(s // a.itemsize for n, s in zip(a.shape, a.strides, strict=True) if n > 1)
        for a in arrays
    ]
    kinds = [(a.dtype, a.shape) for a in arrays]
    return kinds, strides, [owners.index(o) for o in owners]


def outcome(call: Callable[..., Any], layout: str, *, with_torch: bool) -> Any:
    """What is seen of arguments and results; None if it fails."""
    given_arrays = inputs(layout)
    try:
        if with_torch:
            tensors = [torch.from_numpy(a) for a in given_arrays]
            tensors += call(*tensors)
            arrays = [t.numpy() for t in tensors]
            owners: list[Any] = [t.untyped_storage().data_ptr() for t in tensors]
        else:
            arrays = given_arrays + [r.numpy() for r in call(*map(treadle.Tensor, given_arrays))]
            owners = [owner(a) for a in arrays]
    except (RuntimeError, Error, IndexError):
        return None, None
    return described(arrays, owners), arrays


@pytest.fixture(autouse=True)
def _regions_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BIND_AFTER", 0)
        yield


def check(lines: Sequence[str], results: str, layout: str) -> None:
    for decided in (False, True):
        function = program(lines, results, decided=decided)
        wanted, wanted_arrays = outcome(torch.jit.script(function), layout, with_torch=True)
        script = treadle.script(function)
        graph = script.inlined_graph  # what the passes drop, errors and all, PyTorch drops too

        def interpreted(*tensors: treadle.Tensor, script: Any = script, graph: Any = graph) -> Any:
            arrays = [t.numpy() for t in tensors]
            return [treadle.Tensor(a) for a in run(script._source, graph, arrays)]

        for form in (script, interpreted, script):
            found, arrays = outcome(form, layout, with_torch=False)
            assert found == wanted, (decided, form)
            for ours, theirs in zip(arrays or (), wanted_arrays or (), strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@settings(max_examples=60)
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=6),
    results=st.lists(st.sampled_from("abcxy"), min_size=1, max_size=4),
    layout=st.sampled_from(("plain", "transposed", "cut")),
)
def test_random_programs_of_views_and_writes(
    lines: list[str], results: list[str], layout: str
) -> None:
    note("\n".join([*lines, f"return [{', '.join(results)}]  # {layout}"]))
    check(lines, f"[{', '.join(results)}]", layout)


CASES = {
    "one tensor twice": "[x + 1.0] * 2",
    "an argument": "[x, y.float(), x.contiguous()]",
    "dropout without training": "[F.dropout(x, 0.5, False), F.dropout(x + y, 0.5, False)]",
    "views of a task": "views(torch.jit.fork(whole_and_row, x))",
    "only views of a task": "views(torch.jit.fork(rows, x))",
    "views of a task's argument": "views(torch.jit.fork(argument_and_row, x))",
    "a task waited for twice": "twice(torch.jit.fork(torch.relu, x))",
    "strides asked for": "[x + x.t().stride(0), x * y.stride(1), x - int(y.is_contiguous())]",
    "images": "images(x.reshape(1, 4, 2, 2).contiguous(memory_format=torch.channels_last))",
    "a refused view": "[torch.relu(x.t()).view(16)]",
    "lists": "[torch.relu(y).split(3)[1], x.unbind(0)[2], y.unbind(1)[1], x.chunk(2)[0]]",
    "formats": "[y.clone(memory_format=torch.contiguous_format), y.clone()]",
    "conversions": "[x.to(y), x.to(torch.float64), x.to(x.dtype, copy=True), x.type_as(y)]",
    "reductions": "[y.max(0)[0], y.t().sum(0, keepdim=True), y.argmax(1), y.topk(2, 0)[0]]",
    "a type of another shape": "[x.type_as(y.unsqueeze(0)).sum(0), x.to(y[0].double()).t()]",
    "a write into an expanded tensor": "[x, x.t().expand(2, -1, -1).add_(1.0)]",
    "products": "[y @ x, (x @ y).t(), F.linear(y, x), torch.addmm(y, x, x)]",
}  # fmt: skip
FUNCTIONS = """
from typing import List, Tuple
from torch import Tensor
def whole_and_row(x):
    y = torch.relu(x)
    return y, y[0]
def rows(x):
    y = torch.relu(x)
    return y[1], y[0]
def argument_and_row(x):
    return x, x[0]
def views(task: torch.jit.Future[Tuple[Tensor, Tensor]]):
    a, b = torch.jit.wait(task)
    return [a, b, a[1:]]
def twice(task: torch.jit.Future[Tensor]):
    return [torch.jit.wait(task), torch.jit.wait(task)]
def images(x):
    y = torch.relu(F.conv2d(x, torch.ones(2, 4, 1, 1)))
    return [y, F.max_pool2d(y, 2), y.flatten(1), torch.sigmoid(x)]
"""


@pytest.mark.parametrize("layout", ["plain", "transposed", "cut"])
@pytest.mark.parametrize("results", CASES.values(), ids=CASES.keys())
def test_results_lie_where_they_do_in_pytorch(results: str, layout: str) -> None:
    check([], results, layout)


def test_what_is_written_through_one_result_is_seen_in_the_others() -> None:
    function = program(["a = torch.relu(x)"], "[a, a.t(), x.view(-1), a[1:]]", decided=False)
    (x, y), script = inputs("plain"), treadle.script(function)
    a, transposed, argument, rest = (r.numpy() for r in script(x, y))
    a[1, 2], argument[0] = 77.0, -3.0
    assert transposed[2, 1] == rest[0, 2] == 77.0
    assert x[0, 0] == -3.0


def test_plans_of_transposed_arguments_come_from_templates() -> None:
    script = treadle.script(program([], "[y.t() @ x, torch.relu(y)[1:]]", decided=False))
    for n in range(3, 30):
        x = np.ones((n, n), np.float32)
        product, rest = script(x, np.arange(n * n, dtype=np.float32).reshape(n, n).T)
        assert product.shape == (n, n)
        assert rest.stride() == (1, n)
        assert rest[0, 0] == 1.0
