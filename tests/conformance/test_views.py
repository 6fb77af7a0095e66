"""Which results share memory with arguments, and where in it they lie.

Operators are called on their samples, with operands that lie row by row, turned, and with gaps;
torch tells what is shared. Eager functions are asked, for references are what these call.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import treadle
from tests.conformance.support import arguments, call_torch, to_torch
from treadle.eager.dtypes import as_dtype
from treadle.eager.functions import is_on_tensors
from treadle.eager.table import FUNCTIONS
from treadle.errors import Error
from treadle.ir.dtypes import BY_CODE
from treadle.ir.op import OpDef
from treadle.ops import OPS
from treadle.passes.stride_rules import gives_view
from treadle.tensor import Tensor

pytestmark = pytest.mark.torch
Array = np.ndarray[Any, Any]
GIVEN_BACK = frozenset({"histogramdd.TensorList_bins"})
"""Operators of which torch gives arguments back that Treadle copies."""


def _gapped(x: Array) -> Array:
    """The same elements, each second one of a larger memory, behind its first."""
    if not x.ndim or not x.size:
        return x
    memory = np.zeros((*x.shape[:-1], 2 * x.shape[-1] + 1), x.dtype)
    memory[..., 1::2] = x
    return memory[..., 1::2]


LAYS: dict[str, Callable[[Array], Array]] = {
    "row by row": np.asarray, "turned": np.asfortranarray, "with gaps": _gapped,
}  # fmt: skip


def _mapped(value: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_mapped(v, kind, change) for v in value)
    return change(value) if isinstance(value, kind) else value


def _all_in(value: Any, kind: type) -> Iterator[Any]:
    if isinstance(value, list | tuple):
        for item in value:
            yield from _all_in(item, kind)
    elif isinstance(value, kind):
        yield value


def _call(op: OpDef, args: Any) -> Any:
    assert op.schema is not None
    positional, keywords = [], {}
    for argument, value in zip(op.schema.arguments, args, strict=True):
        if argument.name == "dtype" and value is not None:
            value = as_dtype(BY_CODE[value].torch_name)
        if argument.keyword_only:
            keywords[argument.name] = value
        else:
            positional.append(value)
    return FUNCTIONS[op.schema.base](*positional, **keywords)


def _lies(torchs: torch.Tensor, operand: torch.Tensor) -> tuple[Any, ...] | None:
    """How far behind `operand` the tensor lies, and its strides; None in other memory.

    Torch conjugates and negates some views when they are read; ours are copies.
    """
    if not torchs.numel() or torchs.is_conj() or torchs.is_neg():
        return None
    if torchs.untyped_storage().data_ptr() != operand.untyped_storage().data_ptr():
        return None
    return torchs.data_ptr() - operand.data_ptr(), _strides(torchs)


def _lies_ours(ours: Tensor, operand: Tensor) -> tuple[Any, ...] | None:
    if not ours.numel() or not np.may_share_memory(_memory(ours), _memory(operand)):
        return None
    return ours.data_ptr() - operand.data_ptr(), _strides(ours)


def _memory(tensor: Tensor) -> Array:
    """The array that owns the memory of `tensor`."""
    root = tensor.numpy()
    while isinstance(root.base, np.ndarray):
        root = root.base
    return root


def _strides(tensor: Any) -> list[int]:
    return [s for s, size in zip(tensor.stride(), tensor.shape, strict=True) if size > 1]


def _ops() -> list[OpDef]:
    """Those with samples that eager functions can be called with."""
    return [
        op
        for op in OPS.by_name.values()
        if op.schema is not None and op.schema.namespace == "aten" and op.samples and op.pure
        if is_on_tensors(op) and op.name not in GIVEN_BACK
    ]


def _both(op: OpDef, index: int, lay: str) -> tuple[Any, Any]:
    """The arguments of a sample, of torch and of ours."""
    args = _mapped(arguments(op, index), np.ndarray, LAYS[lay])
    return to_torch(args), _mapped(args, np.ndarray, Tensor)


def _places(results: Any, args: Any, kind: type, lies: Callable[[Any, Any], Any]) -> list[Any]:
    operands = list(_all_in(args, kind))
    return [lies(result, operand) for result in _all_in(results, kind) for operand in operands]


@pytest.mark.parametrize("op", _ops(), ids=lambda op: op.name)
def test_passes_know_what_may_share_memory(op: OpDef) -> None:
    for index in range(len(op.samples)):
        args, _ = _both(op, index, "row by row")
        with contextlib.suppress(RuntimeError, IndexError):
            results = call_torch(op, args)
            assert gives_view(op) or not any(_places(results, args, torch.Tensor, _lies))


@pytest.mark.parametrize("op", _ops(), ids=lambda op: op.name)
def test_results_may_be_written_to(op: OpDef) -> None:
    assert op.reference is not None
    for index in range(len(op.samples)):
        with contextlib.suppress(Error):
            results = _all_in(op.reference(*arguments(op, index)), np.ndarray)
            assert all(result.flags.writeable for result in results)


@pytest.mark.parametrize("lay", LAYS)
@pytest.mark.parametrize("op", [*filter(gives_view, _ops())], ids=lambda op: op.name)
def test_results_lie_where_torchs_lie(op: OpDef, lay: str) -> None:
    for index in range(len(op.samples)):
        theirs, ours = _both(op, index, lay)
        try:
            places = _places(call_torch(op, theirs), theirs, torch.Tensor, _lies)
        except RuntimeError:
            continue
        assert _places(_call(op, ours), ours, Tensor, _lies_ours) == places


def test_contiguous_puts_channels_last() -> None:
    theirs, ours = torch.ones(2, 3, 4, 5), treadle.ones(2, 3, 4, 5)
    made = ours.contiguous(memory_format=treadle.channels_last)
    assert made.stride() == theirs.contiguous(memory_format=torch.channels_last).stride()
    assert made.contiguous(memory_format=treadle.channels_last) is made
    assert made.contiguous().stride() == theirs.stride()
    with pytest.raises(treadle.ShapeError, match=r"channels_last is of 4 dims, got \[2, 3\]"):
        treadle.ones(2, 3).contiguous(memory_format=treadle.channels_last)
