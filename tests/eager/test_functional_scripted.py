"""The calls of `test_functional` give the same bits eagerly and planned, the same interpreted."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import treadle
from tests.eager import test_functional
from tests.eager.test_functional import CALLS, plain

HEAD = "import treadle.nn.functional as F\nfrom treadle import Tensor\n\n\n"


def sources() -> dict[str, str]:
    """Each call as the text of a function of tensors."""
    tree = ast.parse(Path(test_functional.__file__).read_text(encoding="utf-8"))
    table = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "CALLS"
    )
    assert isinstance(table, ast.Dict)
    found = {}
    for key, value in zip(table.keys, table.values, strict=True):
        assert isinstance(key, ast.Constant)
        assert isinstance(value, ast.Tuple)
        call = value.elts[0]
        assert isinstance(call, ast.Lambda)
        _, *parameters = (a.arg for a in call.args.args)
        body = re.sub(r"\bf\.", "F.", ast.unparse(call.body))
        found[str(key.value)] = f"def call({', '.join(parameters)}):\n    return {body}\n"
    return found


SOURCES = sources()


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Any]:
    """Makes the function of a text; scripts read it from its file."""

    def make_function(source: str) -> Any:
        path = tmp_path / "calls.py"
        path.write_text(HEAD + source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("calls", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.call

    return make_function


UNSCRIPTED = {
    "max_pool2d": "its result has one of two types",
    "adaptive_max_pool1d": "its result has one of two types",
    "adaptive_max_pool2d": "its result has one of two types",
    "lp_pool1d": "sizes are ints or lists",
    "lp_pool2d": "sizes are ints or lists",
    "unfold": "sizes are ints or lists",
    "fold": "sizes are ints or lists",
}


@pytest.mark.parametrize("name", sorted(CALLS.keys() - UNSCRIPTED.keys()))
def test_a_call_gives_the_same_scripted(name: str, make: Callable[[str], Any]) -> None:
    function = make(SOURCES[name])
    tensors = [treadle.from_numpy(a) for a in CALLS[name][1]]
    expected = plain(function(*tensors))
    planned = plain(treadle.script(function)(*tensors))
    interpreted = plain(treadle.script(function, interpret=True)(*tensors))
    for eager, by_plan, by_reference in zip(expected, planned, interpreted, strict=True):
        assert by_plan.dtype == by_reference.dtype == eager.dtype
        np.testing.assert_allclose(by_plan, eager, rtol=0, atol=0)
        np.testing.assert_allclose(by_reference, eager, rtol=2e-5, atol=2e-6)


def test_losses_are_reduced_as_scripts_say(make: Callable[[str], Any]) -> None:
    """The older flags, weights, and names that there are not."""
    x, y, w = (treadle.rand(3, 4) + 0.1 for _ in range(3))
    for options in (
        "reduction='none'",
        "size_average=False",
        "reduce=False",
        "weight=w",
        "weight=w, reduction='sum'",
    ):
        function = make(f"def call(x, y, w):\n    return F.mse_loss(x, y, {options})\n")
        np.testing.assert_array_equal(
            treadle.script(function)(x, y, w).numpy(), function(x, y, w).numpy()
        )
    wrong = make("def call(x, y):\n    return F.kl_div(x, y, reduction='some')\n")
    with pytest.raises(treadle.Error, match="argument reduction must be 'none'"):
        wrong(x, y)
    with pytest.raises(treadle.Error, match="argument reduction must be 'none'"):
        treadle.script(wrong)(x, y)
