"""Membership, places in sorted sequences, histograms."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite, made_of
from treadle.ops.declare import EXACT, op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, given, i64
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
_NAN = math.nan
_ROWS = given([[1.0, _NAN, 3.0], [4.0, 5.0, _NAN]])


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


# --- membership and histograms ------------------------------------------------------------------


def _isin(elements: Operand, others: Operand, unique: bool, invert: bool) -> Any:
    flat = others.reshape(-1)
    if not flat.shape[0]:
        return elements.op("eq.Tensor", elements) if invert else elements.op("ne.Tensor", elements)
    found = elements.op("unsqueeze", -1).op("eq.Tensor", flat).op("any.dim", -1, False)
    return found.op("logical_not") if invert else found


composite(
    "aten::isin.Tensor_Tensor(Tensor elements, Tensor test_elements, *, bool assume_unique=False, "
    "bool invert=False) -> Tensor",
    _isin,
    samples=(
        (i64(3, 4), i64(5), False, False),
        (f32(4), given([1.0]), False, True),
        (i64(3), i64(0), False, False),
    ),
    tolerance=EXACT,
    kinds="if",
)
composite(
    "aten::isin.Tensor_Scalar(Tensor elements, Scalar test_element, *, bool assume_unique=False, "
    "bool invert=False) -> Tensor",
    lambda x, value, _, invert: x.op("ne.Scalar" if invert else "eq.Scalar", value),
    samples=((i64(3, 4), 2, False, False), (i64(3, 4), 2, False, True)),
    tolerance=EXACT,
    kinds="if",
)

MAX_COUNTED = 4096
"""Longer boundaries are searched by the interpreter: a plan compares with each of them."""


def _side(right: bool, side: str | None) -> bool:
    if side not in (None, "left", "right") or (side == "left" and right):
        raise ShapeError(f"searchsorted: side {side!r} with right={right}")
    return right or side == "right"


def _check_sorted(sequence: Any, values: Any, sorter: Any) -> None:
    lead = tuple(sequence.shape[:-1])
    if not sequence.shape or (lead and lead != tuple(values.shape[:-1])):
        raise ShapeError(
            f"searchsorted: values {list(values.shape)} do not fit {list(sequence.shape)}"
        )
    if sorter is not None and tuple(sorter.shape) != tuple(sequence.shape):
        raise ShapeError("searchsorted: sorter must have the shape of the sequence")


def _searchsorted(
    sequence: Array, values: Any, out_int32: bool, right: bool, side: str | None, sorter: Any
) -> Array:
    values = np.asarray(values)
    _check_sorted(sequence, values, sorter)
    ordered = sequence if sorter is None else np.take_along_axis(sequence, sorter, -1)
    where: Literal["left", "right"] = "right" if _side(right, side) else "left"
    rows = (
        np.broadcast_to(ordered, (*values.shape[:-1], ordered.shape[-1]))
        if values.ndim
        else ordered
    )
    result = np.empty(values.shape, np.int32 if out_int32 else np.int64)
    if sequence.ndim == 1:
        result[...] = np.searchsorted(ordered, values, where)
    else:
        for at in np.ndindex(*values.shape[:-1]):
            result[at] = np.searchsorted(rows[at], values[at], where)
    return result


def _infer_searchsorted(
    sequence: TensorType, values: Any, out_int32: bool, right: bool, side: Any, sorter: Any
) -> TensorType:
    shape = values.sizes if isinstance(values, TensorType) else ()
    if isinstance(values, TensorType):
        _check_sorted(sequence, values, sorter)
    elif len(sequence.sizes) != 1 or (sorter is not None and sorter.sizes != sequence.sizes):
        raise ShapeError(f"searchsorted: a number needs a sequence of 1 dim, got {sequence}")
    _side(right, side)
    return tensor(dtypes.i32 if out_int32 else dtypes.i64, shape)


def _count_below(
    sequence: Operand, values: Any, out_int32: bool, right: bool, side: str | None, sorter: Any
) -> Any:
    """The number of elements not above each value: its place, as they are sorted; NaN is last."""
    if sequence.shape[-1] > MAX_COUNTED:
        raise UnsupportedError(f"a search in more than {MAX_COUNTED} elements, as a plan")
    if sorter is not None:
        sequence = sequence.op("gather", -1, sorter)
    wanted = values.op("unsqueeze", -1) if isinstance(values, Operand) else values
    ordered = sequence.op("unsqueeze", -2) if len(sequence.shape) > 1 else sequence
    above = ordered > wanted if _side(right, side) else ordered >= wanted
    return above.op("logical_not").sum(-1).to(dtypes.i32 if out_int32 else dtypes.i64)


_REST = "*, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor"
_SORTED = given([[1.0, 3.0, 5.0, 7.0], [2.0, 4.0, 6.0, 8.0]])
for _kind, _samples in (
    (
        "Tensor",
        (
            (_SORTED, given([[3.0, 6.0], [0.0, 9.0]]), False, False, None, None),
            (given([1.0, 2.0, 2.0, 4.0]), f32(3, 4, high=3.0), True, True, None, None),
            (given([1.0, 2.0, 2.0, 4.0]), given(2.0), False, False, "right", None),
            (given([1.0, 2.0]), given([float("nan"), 9.0]), False, False, None, None),
        ),
    ),
    ("Scalar", ((given([1.0, 2.0, 4.0]), 2.0, False, False, None, None),)),
):
    op(
        f"aten::searchsorted.{_kind}(Tensor sorted_sequence, {_kind} self, {_REST}",
        reference=_searchsorted,
        infer=_infer_searchsorted,
        lower=made_of(_count_below),
        tolerance=EXACT,
        samples=_samples,
        kinds="if",
    )


def _bucketize(x: Any, boundaries: Operand, out_int32: bool, right: bool) -> Any:
    if len(boundaries.shape) != 1:
        raise ShapeError(f"bucketize: boundaries must have 1 dim, got {list(boundaries.shape)}")
    kind = "Tensor" if isinstance(x, Operand) else "Scalar"
    return boundaries.op(f"searchsorted.{kind}", x, out_int32, right)


_BUCKETS: tuple[tuple[str, tuple[tuple[Any, ...], ...]], ...] = (
    (
        "Tensor",
        (
            (f32(5), given([-1.0, 0.0, 1.0]), False, False),
            (f32(2, 2), given([0.0]), True, True),
            (given([float("nan"), 0.0]), given([-1.0, 0.0]), False, True),
        ),
    ),
    ("Scalar", ((0.5, given([-1.0, 0.0, 1.0]), False, False),)),
)
for _kind, _taken in _BUCKETS:
    composite(
        f"aten::bucketize.{_kind}({_kind} self, Tensor boundaries, *, bool out_int32=False, bool "
        "right=False) -> Tensor",
        _bucketize,
        tolerance=EXACT,
        samples=_taken,
        kinds="if",
    )
