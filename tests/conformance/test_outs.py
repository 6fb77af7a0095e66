"""The arguments `out` and `dtype` of all functions that have them in torch, against torch.

Treadle takes dtypes that torch does not take; what torch takes, Treadle does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import treadle
from tests.conformance.support import arguments, assert_same, enum, to_numpy, to_torch
from treadle.eager.dtypes import as_dtype
from treadle.ir.dtypes import BY_CODE
from treadle.ir.op import OpDef
from treadle.ops import OPS

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]
Array = np.ndarray[Any, Any]
DTYPES = ("float64", "float16", "int64", "bool", "complex64")
DRAWN = ("rand", "empty", "normal", "bernoulli", "multinomial", "poisson", "binomial", "dropout")
ASKED = ("float64", "int64", "bool", "complex64")
"""Without 16-bit floats, to which torch rounds before it adds. Windows have no complex numbers."""
IN_INTEGERS = frozenset({"range", "range.step", "logspace", "split_copy.Tensor"})
"""Operators that torch computes in the dtype of `out`, also in integers, or casts at will."""


def _public(root: Any, base: str) -> Any:
    """The function of an operator, where users find it; None if there is none."""
    for space in ("linalg", "special", "fft"):
        if base.startswith(f"{space}_"):
            return getattr(getattr(root, space), base.removeprefix(f"{space}_"), None)
    return getattr(root, base, None)


def _functions() -> list[OpDef]:
    """Operators with samples that are public functions."""
    return [
        op
        for op in OPS.by_name.values()
        if op.schema is not None and op.schema.namespace == "aten" and op.samples and op.pure
        if not op.schema.base.startswith("_") and not any(n in op.schema.base for n in DRAWN)
        if callable(_public(torch, op.schema.base))
    ]


def _takes_dtype(op: OpDef) -> bool:
    assert op.schema is not None
    return any(a.name == "dtype" for a in op.schema.arguments)


def _has_out(op: OpDef) -> bool:
    assert op.schema is not None
    packet = getattr(torch.ops.aten, op.schema.base, None)
    overloads = [] if packet is None else packet.overloads()
    schemas = (getattr(packet, o)._schema for o in overloads)
    return any(a.is_out for schema in schemas for a in schema.arguments)


def _call(op: OpDef, root: Any, operand: str = "", **options: Any) -> Any:
    """Call the function of `root`, torch or treadle, with the first sample.

    Its first tensor is converted to the dtype `operand`, if one is named.
    """
    assert op.schema is not None
    positional, keywords = [], dict(options)
    values = list(arguments(op, 0))
    if operand:
        values[0] = np.asarray(np.abs(values[0]) * 3).astype(operand)
    for argument, value in zip(op.schema.arguments, values, strict=True):
        if argument.name in options:
            continue
        given = _as_ours(argument.name, value) if root is treadle else _as_torchs(argument, value)
        if not argument.keyword_only:
            positional.append(given)
        elif value is not None:
            keywords[argument.name] = given
    return _public(root, op.schema.base)(*positional, **keywords)


def _as_torchs(argument: Any, value: Any) -> Any:
    return enum(argument.name, to_torch(value))


def _as_ours(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_as_ours(name, v) for v in value)
    if name == "dtype" and value is not None:
        return as_dtype(BY_CODE[value].torch_name)
    return treadle.Tensor(value) if isinstance(value, np.ndarray) else value


def _outs(results: Any, root: Any, dtype: str = "", *, extra: int = 0, empty: bool = False) -> Any:
    """A tensor for each result, of its dtype or another, of its shape or a larger one."""
    if isinstance(results, list | tuple):
        return tuple(_outs(r, root, dtype, extra=extra, empty=empty) for r in results)
    name = dtype or str(results.dtype).rpartition(".")[2]
    shape = (0,) if empty else (*results.shape, *[3] * extra)
    return root.empty(shape, dtype=getattr(root, name))


def _expected(op: OpDef) -> Any:
    """Torch's results, if they are tensors and it takes `out` for them."""
    try:
        results = _call(op, torch)
        _call(op, torch, out=_outs(results, torch))
    except (TypeError, AttributeError, RuntimeError, IndexError, NotImplementedError):
        pytest.skip("torch has no out for this overload")
    return results


def _arrays(value: Any) -> Any:
    several = isinstance(value, list | tuple)
    return [v.numpy() for v in value] if several else value.numpy()


_OPS = [*filter(_has_out, _functions())]
_WITH_DTYPE = [*filter(_takes_dtype, _functions())]


@pytest.mark.parametrize("empty", [False, True])
@pytest.mark.parametrize("op", _OPS, ids=lambda op: op.name)
def test_results_are_in_out(op: OpDef, empty: bool) -> None:
    expected = _expected(op)
    outs = _outs(expected, treadle, empty=empty)
    results = _call(op, treadle, out=outs)
    assert_same(op, _arrays(outs), to_numpy(expected))
    if isinstance(outs, tuple):
        assert all(r is o for r, o in zip(results, outs, strict=True))
    else:
        assert results is outs


@pytest.mark.parametrize("op", _OPS, ids=lambda op: op.name)
def test_an_out_of_another_shape_is_refused(op: OpDef) -> None:
    outs = _outs(_expected(op), treadle, extra=1)
    with pytest.raises(treadle.Error, match="does not fit into out"):
        _call(op, treadle, out=outs)


@pytest.mark.parametrize("op", _OPS, ids=lambda op: op.name)
def test_outs_of_other_dtypes_are_taken_where_torch_takes_them(op: OpDef) -> None:
    expected = _expected(op)
    for dtype in DTYPES[:2] if op.name in IN_INTEGERS else DTYPES:
        theirs, ours = _outs(expected, torch, dtype), _outs(expected, treadle, dtype)
        try:
            _call(op, torch, out=theirs)
        except (RuntimeError, TypeError) as refusal:
            if "can't be cast to the desired output type" in str(refusal):
                with pytest.raises(treadle.Error, match="cannot be written into out"):
                    _call(op, treadle, out=ours)
        else:
            _call(op, treadle, out=ours)
            assert_same(op, _arrays(ours), to_numpy(theirs))


@pytest.mark.parametrize("op", _WITH_DTYPE, ids=lambda op: op.name)
def test_dtypes_asked_for_are_torchs(op: OpDef) -> None:
    assert op.schema is not None
    has_operand = isinstance(arguments(op, 0)[0], np.ndarray)
    for operand in ("", "int32", "bool", "complex64") if has_operand else ("",):
        for dtype in ASKED[:3] if "window" in op.name else ASKED:
            try:
                expected = _call(op, torch, operand, dtype=getattr(torch, dtype))
            except (RuntimeError, TypeError, NotImplementedError):
                continue
            result = _call(op, treadle, operand, dtype=getattr(treadle, dtype))
            assert_same(op, _arrays(result), to_numpy(expected))
