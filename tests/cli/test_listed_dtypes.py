"""The dtypes that ``treadle ops`` lists are those that torch's operators take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import treadle as library
from treadle.ir.dtypes import DType
from treadle.ir.op import OpDef
from treadle.ops.catalog import CLASSES, Entry, catalog
from treadle.ops.samples import resolve

pytestmark = [pytest.mark.torch, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
_BOOL, _INTEGERS = {"bool"}, {"uint8", "int8", "int16", "int32", "int64"}
_HALVES, _FULL = {"float16", "bfloat16"}, {"float32", "float64"}
_COMPLEX = {"complex64", "complex128"}
DTYPES = [d for members in CLASSES.values() for d in members]
REFUSED = {
    "Float": _COMPLEX, "Int": _COMPLEX, "_weight_norm": _COMPLEX, "adaptive_avg_pool1d": _COMPLEX,
    "adaptive_avg_pool2d": _COMPLEX, "adaptive_avg_pool3d": _COMPLEX, "bucketize": _BOOL,
    "complex": {"float16"}, "embedding_renorm_": _COMPLEX, "index_reduce": _BOOL | _COMPLEX,
    "lu_unpack": _BOOL | _INTEGERS | _HALVES, "poisson_nll_loss": _COMPLEX,
    "_pdist_forward": _BOOL | _INTEGERS | _COMPLEX,
    "rnn_tanh_cell": _INTEGERS, "searchsorted": _BOOL, "stft": _HALVES,
    "view_as_complex": {"float16"}, "view_as_complex_copy": {"float16"},
}  # fmt: skip
"""What torch computes and Treadle does not; `_pdist_forward` of one row alone."""
TAKEN = {
    "__ilshift__": _BOOL, "__irshift__": _BOOL, "_fft_c2c": _FULL, "_fft_c2r": _FULL,
    "_grouped_mm": _HALVES | {"float64"}, "log_softmax": {"int64"}, "mean": {"int64"},
    "softmax": {"int64"}, "special_log_softmax": {"int64"}, "special_softmax": {"int64"},
}  # fmt: skip
"""What Treadle takes and torch does not, or only with arguments that no sample has."""


def test_dtypes_are_listed_where_torch_takes_them() -> None:
    """By the samples of every operator that Treadle has by torch's name, with each dtype."""
    refused, taken, agreed = {}, {}, 0
    for entry in catalog():
        found = _taken(entry)
        if found is not None:
            refused[entry.name] = found - set(entry.dtypes)
            taken[entry.name] = set(entry.dtypes) - found
            agreed += len(found & set(entry.dtypes))
    assert {name: names for name, names in refused.items() if names} == REFUSED
    assert {name: names for name, names in taken.items() if names} == TAKEN
    assert agreed > 4000


def _taken(entry: Entry) -> set[str] | None:
    """The dtypes that torch takes; None where it has nothing to be asked."""
    calls = [(op, sample) for op in entry.overloads for sample in _alike(op)]
    calls = [(op, sample) for op, sample in calls if _overload(op) is not None]
    if not calls:
        return None
    return {d.torch_name for d in DTYPES if any(_runs(*call, d) for call in calls)}


def _alike(op: OpDef) -> Iterator[Any]:
    """Its samples that begin with the dtype of the first one; none empty, of one number alone."""
    first = None
    for sample in op.samples:
        arguments = resolve(sample, np.random.default_rng(0))
        arrays = list(_arrays(arguments))
        if arrays and arrays[0].ndim and all(a.size for a in arrays):
            first = first or arrays[0].dtype
            if arrays[0].dtype == first:
                yield arguments


def _overload(op: OpDef) -> Any:
    """Torch's function, if it has one."""
    assert op.schema is not None
    name = op.name.partition(".")[2] or "default"
    packet = getattr(torch.ops.aten, op.schema.base, None)
    return getattr(packet, name, None) if op.schema.namespace == "aten" else None


def _runs(op: OpDef, sample: Any, dtype: DType) -> bool:
    """Whether torch takes `sample` with `dtype` in place of its first one."""
    assert op.schema is not None
    old = next(_arrays(sample)).dtype
    pairs = list(zip(op.schema.arguments, _as_torch(sample, old, dtype), strict=True))
    positional = [value for argument, value in pairs if not argument.keyword_only]
    try:
        _overload(op)(*positional, **{a.name: v for a, v in pairs if a.keyword_only})
    except (RuntimeError, ValueError, IndexError, NotImplementedError):
        return False
    return True


def _as_torch(value: Any, old: np.dtype[Any], new: DType) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_as_torch(v, old, new) for v in value)
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype == old:
        with np.errstate(all="ignore"):
            value = (value if new.is_complex else np.real(value)).astype(new.numpy)
    array = library.from_numpy(np.ascontiguousarray(value))
    return torch.utils.dlpack.from_dlpack(array).reshape(value.shape)


def _arrays(value: Any) -> Iterator[Any]:
    for item in value if isinstance(value, list | tuple) else [value]:
        if isinstance(item, list | tuple):
            yield from _arrays(item)
        elif isinstance(item, np.ndarray):
            yield item
