"""`as_written`: what a write into a tensor would leave there, as a new tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.inplace import check_writable
from treadle.ops.lowering import Decompose, Emitter

_Array = np.ndarray[Any, Any]


def _reference(value: _Array, target: _Array) -> _Array:
    check_writable("writing in place", target, value)
    return value.astype(target.dtype, copy=False)


def _infer(value: TensorType, target: TensorType) -> TensorType:
    check_writable("writing in place", target, value)
    return target


def _build(emit: Emitter, value: Any, target: Any) -> Any:
    given, wanted = emit.type(value), emit.type(target)
    check_writable("writing in place", wanted, given)
    return value if given == wanted else emit("type_as", value, target)


as_written = op(
    "treadle::as_written(Tensor(a) value, Tensor target) -> Tensor(a)",
    reference=_reference,
    infer=_infer,
    lower=Decompose(_build),
    tolerance=EXACT,
    doc="`value` with the dtype of `target`; fails where torch would not write it into `target`.",
)
