"""NaN, infinities, signed zeros, denormals, overflow: pointwise operators give what torch gives.

Integers wrap around. Each operator on tensors alone, for every dtype: its kernel and its reference.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import treadle
from tests.conformance.support import to_numpy
from treadle.eager.functions import make_plain
from treadle.ir.op import OpDef
from treadle.ir.schema import REQUIRED
from treadle.ir.types import TensorType
from treadle.ops import OPS
from treadle.ops.lowering import Decompose, Pointwise
from treadle.tensor import Tensor

pytestmark = [pytest.mark.torch, pytest.mark.native]

Array = np.ndarray[Any, Any]
DTYPES = (
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int8, torch.uint8,
    torch.int16, torch.int32, torch.int64, torch.bool,
)  # fmt: skip
RELATIVE = {torch.float32: 2e-5, torch.float64: 1e-12, torch.float16: 3e-3, torch.bfloat16: 2e-2}
MORE = (
    "angle", "nan_to_num", "relu6", "hardswish", "hardsigmoid", "logit", "square", "isposinf",
    "isneginf", "float_power.Tensor_Tensor",
)  # fmt: skip
"""Operators that are made of others, and belong here."""
DIFFERENT = {
    "gelu": "torch gives NaN for infinity",
    "softshrink": "torch's sign of zero depends on the place in the tensor",
    "remainder.Tensor": "torch gives NaN for denormal divisors",
    "fmod.Tensor": "torch gives NaN for denormal divisors",
    "signbit": "torch's sign of NaN depends on the place in the tensor",
    "copysign.Tensor": "torch's sign of NaN depends on the place in the tensor",
    "fmax": "which zero is larger is not said",
    "fmin": "which zero is smaller is not said",
    "logaddexp2": "torch is off by a rounding next to 0",
    "sinc": "torch is off by a rounding next to 0",
    "special_sinc": "torch is off by a rounding next to 0",
    "erf": "torch flushes denormals of bfloat16",
    "special_erf": "torch flushes denormals of bfloat16",
    "special_ndtr": "torch loses all digits far from 0",
    "special_erfcx": "torch keeps denormal results",
    "special_airy_ai": "torch loses all digits far from 0",
}


def _arity(op: OpDef) -> int:
    """How many tensors a call needs; 0 if it needs anything else."""
    assert op.schema is not None
    needed = [a for a in op.schema.arguments if a.default is REQUIRED]
    return len(needed) if all(isinstance(a.type, TensorType) for a in needed) else 0


def _ops() -> list[OpDef]:
    return [
        op
        for op in OPS.by_name.values()
        if op.schema is not None and op.schema.namespace == "aten" and op.pure
        if isinstance(op.lower, Pointwise) or (op.name in MORE and isinstance(op.lower, Decompose))
        if _arity(op) in (1, 2) and op.name not in DIFFERENT and "bessel" not in op.name
    ]


def values_of(dtype: torch.dtype) -> torch.Tensor:
    """Values at which things go wrong, the smallest and the largest among them."""
    if dtype == torch.bool:
        return torch.tensor([False, True])
    if not dtype.is_floating_point:
        info = torch.iinfo(dtype)
        few = [0, 1, 2, 3, 7, 31, 63, info.max, info.max - 1, info.max // 2 + 1]
        return torch.tensor(
            few + [info.min, info.min + 1, -1, -2, -7] * (info.min < 0), dtype=dtype
        )
    finfo = torch.finfo(dtype)
    floats = [
        0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.0, -3.0,
        10.0, -10.0, 88.0, -104.0, 1e4, -1e4, finfo.max, finfo.min, finfo.tiny, -finfo.tiny,
        finfo.eps, finfo.tiny / 4, -finfo.tiny / 4,
    ]  # fmt: skip
    return torch.tensor(floats, dtype=torch.float64).to(dtype)


def operands(count: int, dtype: torch.dtype) -> list[torch.Tensor]:
    """All values, or all pairs of them."""
    values = values_of(dtype)
    if count == 1:
        return [values]
    return [part.reshape(-1).clone() for part in torch.meshgrid(values, values, indexing="ij")]


def theirs(op: OpDef, args: list[torch.Tensor]) -> torch.Tensor | None:
    """What torch gives; None where it refuses the dtype."""
    assert op.schema is not None
    function = getattr(getattr(torch.ops.aten, op.schema.base), op.schema.overload or "default")
    try:
        result: torch.Tensor = function(*args)
    except (RuntimeError, ZeroDivisionError):
        return None
    return None if result.is_complex() else result


def kinds(values: Array) -> Array:
    """A number for each kind of value: NaN, or its sign and whether infinite or zero."""
    signs = np.signbit(values) * 4 + np.isinf(values) * 2 + (values == 0) * 1
    return np.where(np.isnan(values), -1, signs)


def check(found: Any, wanted: torch.Tensor, args: list[torch.Tensor]) -> None:
    """Check one result; the message names some operands for which it differs."""
    ours, right = np.asarray(found), to_numpy(wanted)
    assert ours.dtype == right.dtype
    if not wanted.dtype.is_floating_point:
        wrong = ours != right
    else:
        ours, right = ours.astype(np.float64), right.astype(np.float64)
        finfo = torch.finfo(wanted.dtype)
        allowed = RELATIVE[wanted.dtype] * np.abs(right) + 4 * finfo.smallest_normal * finfo.eps
        both = np.isfinite(ours) & np.isfinite(right)
        wrong = (kinds(ours) != kinds(right)) & ~(both & (np.abs(right) < finfo.tiny))
        wrong |= both & (np.abs(np.where(both, ours - right, 0)) > allowed)
    places = np.flatnonzero(wrong)[:5]
    assert not places.size, "; ".join(
        f"{[arg[i].item() for arg in args]}: {ours[i]}, torch {right[i]}" for i in places
    )


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("op", _ops(), ids=lambda op: op.name)
def test_special_values_give_what_torch_gives(op: OpDef) -> None:
    assert op.schema is not None
    call, count = make_plain(op.schema.base), _arity(op)
    defaults = [a.default for a in op.schema.arguments[count:]]
    for dtype in DTYPES:
        args = operands(count, dtype)
        wanted = theirs(op, args)
        if wanted is None:
            continue
        arrays = [np.asarray(to_numpy(arg)) for arg in args]
        check(call(*map(Tensor, arrays)), wanted, args)
        assert op.reference is not None
        with np.errstate(all="ignore"):
            check(op.reference(*arrays, *defaults), wanted, args)


@pytest.mark.parametrize("dtype", [d for d in DTYPES if not d.is_floating_point][:-1])
def test_sums_and_products_of_integers_wrap_around(dtype: torch.dtype) -> None:
    values = values_of(dtype).repeat(9)
    ours = treadle.from_numpy(values.numpy())
    for name in ("sum", "prod", "cumsum", "cumprod"):
        rest = (0,) if name.startswith("cum") else ()
        wanted = getattr(torch, name)(values, *rest)
        np.testing.assert_array_equal(getattr(treadle, name)(ours, *rest).numpy(), wanted.numpy())
