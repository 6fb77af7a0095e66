"""``treadle.jit`` has what of ``torch.jit`` means something for inference."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
import pytest
import torch
from torch import nn

import treadle
from treadle import jit

# ruff: noqa: UP006, UP035, UP007, UP045


def twice(x: int) -> int:
    return x * 2


@jit.unused
def only_python(x: int) -> int:
    return x.anything  # type: ignore[attr-defined, no-any-return]


@jit.ignore
def python_alone(x: int) -> int:
    return {x for _ in "ab"}.pop()


def uses_all(x: int) -> List[int]:
    found = jit.annotate(List[int], [])
    value: Any = [1]
    if jit.isinstance(value, List[int]):
        found.append(len(value))
    if jit.is_scripting() and not jit.is_tracing():
        found.append(x)
    else:
        found.append(only_python(x))
    found.append(jit.wait(jit.fork(twice, x)))
    with jit.strict_fusion():
        found.append(7)
    if x > 100:
        found.append(only_python(x))
    if x < 0:
        found.append(python_alone(x))
    return found


def test_functions_mean_in_scripts_what_torchs_do() -> None:
    assert jit.script(uses_all)(3) == [1, 3, 6, 7]


def test_what_is_left_to_python_raises_when_a_script_reaches_it() -> None:
    script = jit.script(uses_all)
    with pytest.raises(jit.Error, match="annotated to be ignored"):
        script(101)
    with pytest.raises(jit.Error, match="python_alone is marked @ignore"):
        script(-1)


def test_python_runs_what_is_marked() -> None:
    assert python_alone(3) == 3
    assert jit.script_if_tracing(twice)(4) == 8
    assert jit.export(twice) is twice
    assert not jit.is_scripting()
    assert jit.annotate(int, 5) == 5


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ([1], List[int], True),
        (["a"], List[int], False),
        ([], List[str], True),
        ({"a": [1.0]}, Dict[str, List[float]], True),
        ({"a": [1]}, Dict[str, List[float]], False),
        (None, Optional[int], True),
        (1.5, Union[int, str], False),
        ((1, "a"), Tuple[int, str], True),
        ((1,), Tuple[int, str], False),
        (1, (str, int), True),
        ("x", Any, True),
        (1, None, False),
    ],
)
def test_isinstance_looks_into_containers(value: Any, kind: Any, expected: bool) -> None:
    assert jit.isinstance(value, kind) is expected


def test_freezing_gives_the_module_for_inference() -> None:
    model = jit.script(nn.Sequential(nn.Linear(3, 2), nn.Dropout(1.0)))
    frozen = jit.optimize_for_inference(jit.freeze(model))
    assert isinstance(frozen, jit.ScriptModule)
    assert not frozen.training
    assert np.any(frozen(np.ones((1, 3), np.float32)).numpy())


def test_modules_of_torch_are_compiled_by_torch() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU()).eval()
    x = torch.ones(4, 3)
    for value in (model, torch.jit.script(model), torch.jit.trace(model, x)):
        found = treadle.script(value)(x.numpy())
        torch.testing.assert_close(torch.from_numpy(found.numpy()), model(x))


class Attributed:
    def __init__(self) -> None:
        self.names = jit.Attribute([], List[str])
        self.limit = jit.Attribute(None, Optional[int])

    def forward(self, x: int) -> int:
        limit = self.limit
        if limit is not None and x > limit:
            return limit
        return x + len(self.names)


def test_attributes_have_the_types_that_they_say() -> None:
    assert jit.script(Attributed())(3) == 3
