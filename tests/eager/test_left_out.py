"""What torch has and Treadle leaves out is refused with the reason."""

from __future__ import annotations

import types
from typing import Any

import pytest
import torch

import treadle
from treadle.left_out import LEFT_OUT, TENSOR_NAMES

NAMESPACES: dict[Any, Any] = {
    torch: treadle,
    torch.nn.functional: treadle.nn.functional,
    torch.linalg: treadle.linalg,
    torch.special: treadle.special,
    torch.fft: treadle.fft,
    torch.Tensor: treadle.ones(2, 2, dtype=treadle.complex64),
}


def _is_for_users(namespace: Any, name: str) -> bool:
    """Whether it is a function or a dtype; all of tensors."""
    if name.startswith("_") or name == "Optional":
        return False
    value = getattr(namespace, name)
    if namespace is torch.Tensor or isinstance(value, torch.dtype):
        return True
    return callable(value) and not isinstance(value, type | types.ModuleType)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("namespace", NAMESPACES, ids=lambda n: n.__name__)
def test_whatever_of_torch_is_missing_is_left_out_for_a_reason(namespace: Any) -> None:
    ours = NAMESPACES[namespace]
    unexplained = []
    for name in dir(namespace):
        try:
            if _is_for_users(namespace, name):
                getattr(ours, name)
        except AttributeError as error:
            if ":" not in str(error):
                unexplained.append(name)
    assert unexplained == []


def test_nothing_that_is_there_is_said_to_be_left_out() -> None:
    patterns = [p for listed in LEFT_OUT.values() for p in listed]
    exact = [p for p in patterns if not set(p) & set("*[")]
    assert [name for name in exact if hasattr(treadle, name) and name != "name"] == []


def test_a_tensor_lists_nothing_that_is_left_out() -> None:
    assert not TENSOR_NAMES & {*dir(treadle.ones(2))}


def test_errors_tell_why() -> None:
    ours: Any = treadle
    with pytest.raises(AttributeError, match="'quantize_per_tensor': quantised tensors are out"):
        _ = ours.quantize_per_tensor
    with pytest.raises(AttributeError, match="'backward': gradients are not computed"):
        ours.ones(2).backward()
    with pytest.raises(AttributeError, match="'chalf': complex numbers have parts of 32"):
        ours.ones(2).chalf()
    with pytest.raises(AttributeError, match=r"functional' has no attribute 'nothing'$"):
        _ = ours.nn.functional.nothing


def _sparse(x: treadle.Tensor) -> treadle.Tensor:
    return x.to_sparse()  # type: ignore[attr-defined,no-any-return]


def test_scripts_tell_why() -> None:
    with pytest.raises(treadle.UnsupportedError, match=r"aten::to_sparse\(Tensor\) .*: sparse ten"):
        treadle.script(_sparse)


@pytest.mark.torch
@pytest.mark.parametrize("use", [treadle.relu, treadle.tensor, treadle.as_tensor, treadle.asarray])
@pytest.mark.parametrize("kind", ["quantised", "sparse", "with gradient"])
@pytest.mark.filterwarnings("ignore")
def test_tensors_of_torchs_that_are_no_plain_ones_are_refused(use: Any, kind: str) -> None:
    x = torch.ones(2, 2)
    given = {
        "quantised": torch.quantize_per_tensor(x, 0.1, 0, torch.quint8),
        "sparse": x.to_sparse(),
        "with gradient": torch.ones(2, requires_grad=True),
    }
    with pytest.raises(treadle.InputError, match=r"the memory of a Tensor: .*(not support|export)"):
        use(given[kind])


@pytest.mark.torch
@pytest.mark.parametrize("use", [treadle.tensor, treadle.as_tensor, treadle.asarray])
def test_tensors_of_torchs_keep_their_dtype(use: Any) -> None:
    assert use(torch.ones(2, dtype=torch.bfloat16)).dtype is treadle.bfloat16
