"""What does not fit is refused by every operator, by name, eagerly and as scripts run it."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.conformance.support import arguments
from tests.fuzz.operators import call_eagerly
from treadle.errors import Error
from treadle.ir.op import OpDef
from treadle.ops import OPS

FAR = 100
HUGE = 1 << 40
SAYS = r"\d|\[\]|allowed|must|needs|expected|enough memory"
"""A refusal says what was given, or what is allowed."""
NOT_NUMBERS = ("dtype", "out_dtype", "layout", "memory_format", "generator", "reduction")


def mistakes(op: OpDef, args: list[Any]) -> Iterator[list[Any]]:
    """The arguments with one thing wrong, which some operators allow."""
    assert op.schema is not None
    for i, (argument, value) in enumerate(zip(op.schema.arguments, args, strict=True)):
        for wrong in () if argument.name in NOT_NUMBERS else _wrong(value):
            yield [*copy.deepcopy(args[:i]), wrong, *copy.deepcopy(args[i + 1 :])]


def _wrong(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ndarray):
        yield from _wrong_arrays(value)
    elif type(value) is int:
        yield from (HUGE, -HUGE)
    elif type(value) is str:
        yield "nonsense"
    elif isinstance(value, list) and value and all(type(v) is int for v in value):
        yield from ([*value, 1], value[:-1], [-FAR for _ in value])
    elif isinstance(value, list) and value and isinstance(value[0], np.ndarray):
        yield from ([wrong, *value[1:]] for wrong in _wrong_arrays(value[0]))


def _wrong_arrays(array: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
    """Another kind of numbers, a dim more, one less, a longer one, indices out of range."""
    yield array.astype(np.bool_ if array.dtype.kind == "c" else np.complex64)
    yield array[None]
    if array.ndim:
        yield np.asarray(array[0]) if len(array) else array.sum(0)
        yield np.concatenate([array, array[:1]])
    if array.dtype.kind in "iu" and array.size:
        yield np.full_like(array, FAR)
    if array.dtype.kind == "i" and array.size:
        yield np.full_like(array, -FAR)


def of_arrays() -> Iterator[Any]:
    for op in OPS.by_name.values():
        if op.schema and op.schema.namespace == "aten" and op.reference and op.samples:
            yield pytest.param(op, id=op.name)


@pytest.mark.parametrize("op", list(of_arrays()))
def test_mistakes_are_refused_by_name_and_nothing_else_happens(op: OpDef) -> None:
    for args in mistakes(op, list(arguments(op, 0))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            refusal = refusal_of(op, args)
            if refusal is not None:
                assert re.search(SAYS, str(refusal)), refusal
                check_refused(op, args)


def refusal_of(op: OpDef, args: list[Any]) -> Error | None:
    """What scripts are told of arguments that the operator does not take."""
    assert op.reference is not None
    try:
        op.reference(*copy.deepcopy(args))
    except Error as error:
        return error
    return None


def check_refused(op: OpDef, args: list[Any]) -> None:
    """Check that the eager function refuses what the reference does, and says of which operator."""
    assert op.schema is not None
    with pytest.raises(Error, match=SAYS) as caught:
        call_eagerly(op, args)
    name = "item" if op.schema.base == "is_nonzero" else op.schema.base.strip("_")
    assert name in str(caught.value)
