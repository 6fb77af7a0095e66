"""Names, order, kinds and defaults of arguments are torch's, as `inspect` shows them."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import treadle
import treadle.nn.functional
from treadle.eager.adapters import ADAPTERS
from treadle.eager.functions import function_names
from treadle.ops import OPS

pytestmark = pytest.mark.torch
OTHERS = {
    "load": "reads TorchScript archives",
    "save": "writes TorchScript archives",
}
"""Functions that have torch's names and other arguments, and why."""


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    """Name, kind and default of each; none of functions that take anything, or do not tell."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in found):
        return []
    return [(p.name, p.kind, p.default) for p in found]


def shared(theirs: ModuleType, ours: ModuleType) -> list[str]:
    names = (n for n in dir(theirs) if not n.startswith("_") and n not in OTHERS)
    return [
        n
        for n in names
        if not inspect.isclass(getattr(theirs, n))
        and callable(getattr(theirs, n))
        and hasattr(ours, n)
        and parameters(getattr(theirs, n))
        and parameters(getattr(ours, n))
    ]


@pytest.mark.parametrize("name", shared(torch.nn.functional, treadle.nn.functional))
def test_a_layer_takes_torchs_arguments(name: str) -> None:
    theirs = parameters(getattr(torch.nn.functional, name))
    ours = parameters(getattr(treadle.nn.functional, name))
    assert [p for p in ours if not p[0].startswith("cudnn_enable")] == theirs


@pytest.mark.parametrize("name", shared(torch, treadle))
def test_a_function_takes_torchs_arguments(name: str) -> None:
    assert parameters(getattr(treadle, name)) == parameters(getattr(torch, name))


def test_functions_of_one_operator_take_what_its_schema_says() -> None:
    compared = 0
    for name in function_names():
        schemas = [op.schema for op in OPS.overloads(f"aten::{name}") if op.schema is not None]
        found = parameters(getattr(treadle, name))
        if len(schemas) != 1 or not found or name in {*treadle.__all__, *ADAPTERS}:
            continue
        (theirs,) = (
            s
            for s in torch._C._jit_get_schemas_for_operator(f"aten::{name}")
            if s.overload_name == schemas[0].overload
        )
        names = ["input" if a.name == "self" else a.name for a in theirs.arguments]
        if [n.rstrip("_") for n, *_ in found] != [n.rstrip("_") for n in names]:
            assert parameters(getattr(torch, name)) == found, name  # written in Python there
            continue
        for (ours, kind, default), argument in zip(found, theirs.arguments, strict=True):
            assert (kind == inspect.Parameter.KEYWORD_ONLY) == argument.kwarg_only, (name, ours)
            assert (default is not inspect.Parameter.empty) == argument.has_default_value()
        compared += 1
    assert compared > 300


def test_names_that_only_pythons_functions_have() -> None:
    x = treadle.arange(6)
    untyped: Any = treadle
    parts = untyped.split(tensor=x, split_size_or_sections=[2, 4])
    assert [p.tolist() for p in parts] == [[0, 1], [2, 3, 4, 5]]
    assert [p.tolist() for p in untyped.split(x, split_size_or_sections=4)] == [
        [0, 1, 2, 3],
        [4, 5],
    ]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 2), (2, 3, 2, 2)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.filterwarnings("ignore:Implicit dimension choice")
def test_where_no_dim_is_given_softmax_takes_torchs(name: str, shape: tuple[int, ...]) -> None:
    array = np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)
    expected = getattr(torch.nn.functional, name)(torch.from_numpy(array))
    x = treadle.from_numpy(array)
    result = getattr(treadle.nn.functional, name)(x)
    np.testing.assert_allclose(result.numpy(), expected.numpy(), rtol=1e-5)

    def scripted(x: treadle.Tensor) -> treadle.Tensor:
        return treadle.nn.functional.softmax(x)

    if name == "softmax":
        np.testing.assert_array_equal(treadle.script(scripted)(x).numpy(), result.numpy())
