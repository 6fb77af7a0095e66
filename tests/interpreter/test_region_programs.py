"""Random scripts with loops, views, writes, lists and exits: regions change nothing."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, note, settings
from hypothesis import strategies as st

import treadle
from tests.check_pass import assert_same
from treadle.errors import ScriptError
from treadle.interpreter import regions, run

SIMPLE = (
    "a = torch.tanh(b)", "a = b * 0.5 + c", "b = a - c * k", "c = a.clone()", "a = b", "b = a[:]",
    "a = torch.relu(c) - b.mean()", "v = a[k % 2]", "v = b[:, k % 3]",
    "v = c.view(-1)", "v = a.sum(0)", "a += 0.25", "a.mul_(0.5)", "b.add_(c).clamp_(-2.0, 2.0)",
    "v[0] = 0.125", "v.sub_(0.5)", "a[k % 2] = b[0]", "c[0, 1] += 1.0", "k += 1", "k = k * 3 % 7",
    "xs.append(a)", "xs[-1] = b", "b = xs[0]", "a = torch.cat([b[:1], c[1:]])", "r = r * 0.9",
    "b = b * r", "a = torch.where(a > b, a, c)", "r = float(a.mean().clamp(-1.0, 1.0))",
    "b = torch.stack([a[0], v[:3] if v.numel() > 2 else a[1]])", "a = c.expand(2, 3)",
    "k += a.size(0) + a.dim()", "c = a.reshape(3, 2).exp().reshape(2, 3)", "a, b = b, a",
    "c = torch.zeros(2, 3) + r", "v = torch.softmax(v, 0)", "a = a @ (b.t() @ c)",
)  # fmt: skip
HEADS = (
    "for i in range({n}):", "if bool(a.sum() > b.sum()):", "if k % 2 == 0:", "if a.size(1) == 3:",
    "for i in range(int(steps)):", "while bool(a.abs().max() > 0.01) and len(xs) < {n}:",
)  # fmt: skip
EXITS = ("break", "continue", "return a, b, c, v, k, xs", 'raise ValueError("MSG")')
numbers = itertools.count()


@st.composite
def bodies(draw: Any, depth: int = 0, in_loop: bool = False) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 6))):
        kind = draw(st.integers(0, 9))
        if kind < 2 and depth < 3:
            head = draw(st.sampled_from(HEADS)).format(n=draw(st.integers(0, 7)))
            looping = head.startswith(("for", "while"))
            inner = draw(bodies(depth + 1, in_loop or looping))
            first = ["    xs.append(a)"] if head.startswith("while") else []  # so that it ends
            lines += [head, *first, *(f"    {line}" for line in inner)]
        elif kind == 9 and in_loop:
            end = draw(st.sampled_from(EXITS))
            lines += ["if k > 5:", f"    {end}"]
        else:
            lines.append(draw(st.sampled_from(SIMPLE)))
    return lines


def compiled(lines: list[str]) -> Callable[..., Any]:
    """The Python function of some lines, with a source that can be looked up."""
    body = "\n".join(f"    {line}" for line in lines)
    source = (
        "def program(a: Tensor, b: Tensor, steps: Tensor):\n"
        "    if bool(steps < 0):\n        raise ValueError('no plan decides this')\n"
        "    c = a + b\n    v = a[0]\n    k = 0\n    r = 1.0\n    xs = [b]\n"
        f"{body}\n    return a, b, c, v, k, xs\n"
    )
    file = f"<region program {next(numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"torch": torch, "Tensor": torch.Tensor, "__name__": "programs"}
    exec(compile(source, file, "exec", dont_inherit=True), names)
    program: Callable[..., Any] = names["program"]
    return program


def outcome(model: Any) -> Any:
    """What a model gives, writes, or fails with."""
    generator = np.random.default_rng(1)
    a, b = (generator.standard_normal((2, 3)).astype(np.float32) for _ in range(2))
    try:
        results = model(a, b, np.array(5))
    except ScriptError as error:
        return [str(error), a, b]
    flat = [*results[:5], *results[5]]
    arrays = [np.asarray(r) for r in flat if not isinstance(r, int)]
    shared = [np.may_share_memory(x, y) for x in (a, b, *arrays) for y in (a, b, *arrays)]
    return [results[4], shared, a, b, *arrays]


@pytest.fixture(autouse=True)
def _plans_at_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regions, "BIND_AFTER", 0)
        yield


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:(overflow|invalid value) encountered:RuntimeWarning")
@settings(max_examples=20)
@given(lines=bodies())
def test_random_scripts_give_the_same_with_regions(lines: list[str]) -> None:
    note("\n".join(lines))
    script = treadle.script(compiled(lines))
    graph = script.inlined_graph  # the passes drop operators that nobody needs, errors and all
    wanted = outcome(lambda *arguments: run(script._source, graph, arguments))
    with np.errstate(all="ignore"):
        assert_same(outcome(script), wanted, rtol=1e-3)
