"""The dtypes that ``treadle ops`` lists are those that torch's operators take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import treadle as library
from treadle.ir.op import OpDef
from treadle.ops.catalog import catalog
from treadle.ops.samples import resolve

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
REFUSED_COMPLEX = {
    "Float", "Int", "_weight_norm", "adaptive_avg_pool1d", "adaptive_avg_pool2d",
    "adaptive_avg_pool3d", "batch_norm", "embedding_renorm_", "index_reduce", "poisson_nll_loss",
}  # fmt: skip
"""What torch computes with complex numbers and Treadle does not."""
TAKEN_COMPLEX = {
    "_convolution", "_upsample_nearest_exact1d", "_upsample_nearest_exact2d",
    "_upsample_nearest_exact3d", "convolution", "fractional_max_pool2d", "fractional_max_pool3d",
    "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices", "mse_loss",
    "nansum", "nll_loss", "nll_loss2d", "nll_loss_nd", "pdist", "rnn_relu", "rnn_relu_cell",
    "scaled_dot_product_attention", "upsample_nearest1d", "upsample_nearest2d",
    "upsample_nearest3d",
}  # fmt: skip
"""What Treadle's references compute with them and torch does not."""


def test_complex_numbers_are_listed_where_torch_takes_them() -> None:
    """By the samples of every operator that Treadle has by torch's name, with complex numbers."""
    listed, taken = set(), set()
    for entry in catalog():
        calls = [call for op in entry.overloads for call in _complex_calls(op)]
        if calls:
            listed |= {entry.name} if "complex64" in entry.dtypes else set()
            taken |= {entry.name} if any(_runs(*call) for call in calls) else set()
    assert taken - listed <= REFUSED_COMPLEX
    assert listed - taken <= TAKEN_COMPLEX
    assert len(taken & listed) > 300


def _complex_calls(op: OpDef) -> Iterator[tuple[Any, list[Any], dict[str, Any]]]:
    """Torch's overload with the operator's first samples, their first dtype made complex."""
    assert op.schema is not None
    overload = op.name.partition(".")[2] or "default"
    function = getattr(getattr(torch.ops.aten, op.schema.base, None), overload, None)
    if op.schema.namespace != "aten" or function is None:
        return
    for sample in op.samples[:4]:
        arguments = resolve(sample, np.random.default_rng(0))
        old = next((a.dtype for a in _arrays(arguments) if a.dtype.kind != "b" and a.ndim), None)
        if old is None or old.kind == "c":
            continue
        values = [_complex_torch(a, old) for a in arguments]
        pairs = list(zip(op.schema.arguments, values, strict=True))
        positional = [value for argument, value in pairs if not argument.keyword_only]
        yield function, positional, {a.name: v for a, v in pairs if a.keyword_only}


def _arrays(value: Any) -> Iterator[Any]:
    for item in value if isinstance(value, list | tuple) else [value]:
        if isinstance(item, list | tuple):
            yield from _arrays(item)
        elif isinstance(item, np.ndarray):
            yield item


def _complex_torch(value: Any, old: np.dtype[Any]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_complex_torch(v, old) for v in value)
    if not isinstance(value, np.ndarray):
        return value
    return torch.utils.dlpack.from_dlpack(
        library.from_numpy(value.astype("c8") if value.dtype == old else value)
    )


def _runs(function: Any, positional: list[Any], keywords: dict[str, Any]) -> bool:
    try:
        function(*positional, **keywords)
    except (RuntimeError, ValueError, IndexError, NotImplementedError):
        return False
    return True
