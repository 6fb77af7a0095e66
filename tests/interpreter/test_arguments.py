"""Arguments from Python, converted to the types of parameters as torch converts them."""

from __future__ import annotations

import enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union  # noqa: UP035

import numpy as np
import pytest
import torch

import treadle

# Scripts are written as TorchScript has them, which is not always ruff's taste.
# ruff: noqa: UP006, UP007, UP045


class Pair(NamedTuple):
    first: int
    second: float


def text_of_float(x: float) -> str:
    return str(x)


def text_of_int(x: int) -> str:
    return str(x)


def text_of_complex(x: complex) -> str:
    return str(x)


def text_of_floats(x: List[float]) -> str:
    return str(x)


def text_of_optional(x: Optional[float]) -> str:
    return str(x)


def text_of_tuple(x: Tuple[int, float]) -> str:
    return str(x)


def text_of_dict(x: Dict[str, float]) -> str:
    return str(x)


def text_of_union(x: Union[int, str]) -> str:
    return str(x)


def text_of_any(x: Any) -> str:
    return str(x)


def text_of_device(x: torch.device) -> str:
    return str(x)


def text_of_pair(x: Pair) -> str:
    return str(x.first) + str(x.second)


def scaled(x: torch.Tensor, n: float) -> torch.Tensor:
    return x * n


TAKEN = [
    (text_of_float, 3), (text_of_float, True), (text_of_float, torch.tensor(1.5)),
    (text_of_float, np.float32(0.5)), (text_of_int, True), (text_of_int, torch.tensor(4)),
    (text_of_int, np.int64(4)), (text_of_int, torch.float64), (text_of_complex, 2),
    (text_of_complex, 1.5), (text_of_floats, [1, 2.5]), (text_of_floats, (1.0, 2.0)),
    (text_of_floats, []), (text_of_optional, 1), (text_of_optional, None),
    (text_of_tuple, (1, 2)), (text_of_tuple, [1, 2]), (text_of_dict, {"a": 1}),
    (text_of_union, "a"), (text_of_any, [1, 2]), (text_of_any, torch.ones(1)),
    (text_of_device, torch.device("cuda:1")), (text_of_pair, Pair(1, 2)), (text_of_pair, (1, 2)),
]  # fmt: skip
REFUSED = [
    (text_of_float, "a"), (text_of_float, torch.ones(2)), (text_of_int, 1.5), (text_of_int, 2**63),
    (text_of_int, "1"), (text_of_floats, [1, "a"]), (text_of_floats, 1.0), (text_of_optional, "a"),
    (text_of_tuple, (1,)), (text_of_tuple, ("a", 1.0)), (text_of_dict, {1: 1.0}),
    (text_of_union, 1.5), (text_of_any, object()), (text_of_device, 3), (text_of_pair, (1,)),
]  # fmt: skip


def _given(value: Any) -> Any:
    return value.numpy() if isinstance(value, torch.Tensor) else value


@pytest.mark.parametrize("interpret", [False, True])
@pytest.mark.parametrize(("function", "value"), TAKEN)
def test_an_argument_is_converted_as_torch_does(function: Any, value: Any, interpret: bool) -> None:
    want = torch.jit.script(function)(value)
    assert treadle.script(function, interpret=interpret)(_given(value)) == want


@pytest.mark.parametrize(("function", "value"), REFUSED)
def test_an_argument_of_a_wrong_type_is_refused(function: Any, value: Any) -> None:
    with pytest.raises((RuntimeError, TypeError)):
        torch.jit.script(function)(value)
    with pytest.raises(treadle.InputError, match=r"text_of_\w+\(x\): 'x' must be "):
        treadle.script(function)(_given(value))


def test_a_number_beside_a_tensor_is_converted() -> None:
    assert treadle.script(scaled)(np.ones(2, np.float32), 2).numpy().tolist() == [2.0, 2.0]
    with pytest.raises(treadle.InputError, match="'n' must be float, got str"):
        treadle.script(scaled)(np.ones(2, np.float32), "2")


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Other(enum.Enum):
    RED = 3


def number_of(color: Color) -> int:
    return color.value


def test_members_of_enums_are_arguments() -> None:
    script = treadle.script(number_of)
    assert script(Color.BLUE) == 2
    with pytest.raises(treadle.InputError, match="'color' must be"):
        script(Other.RED)


def keyed(key: torch.Tensor, table: Dict[torch.Tensor, int]) -> Dict[torch.Tensor, int]:
    table[key] = 7
    return table


def test_tensors_are_keys_by_their_identity() -> None:
    a, b = treadle.tensor([1.0]), treadle.tensor([1.0])
    result = treadle.script(keyed)(a, {b: 1})
    assert [key.numpy().tolist() for key in result] == [[1.0], [1.0]]
    assert list(result.values()) == [1, 7]
