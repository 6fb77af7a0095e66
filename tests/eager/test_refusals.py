"""Operators on dtypes they are not made for are refused before any machine code is made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import treadle

WHOLE = treadle.tensor([1, 2])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: treadle.frac(WHOLE), "frac: trunc needs floating numbers, got i64"),
        (lambda: treadle.hypot(WHOLE, WHOLE), "sqrt needs floating numbers"),
        (lambda: treadle.gelu(WHOLE), "no number of i64|needs floating numbers"),
        (lambda: treadle.addcdiv(WHOLE, WHOLE, WHOLE), "div needs floating numbers"),
        (lambda: treadle.masked_fill(WHOLE, WHOLE, 1), "a condition is of bools, got i64"),
        (lambda: treadle.where(WHOLE, WHOLE, WHOLE), "where: a condition is of bools"),
    ],
)
def test_what_the_dtype_has_not_got_is_refused(call: Callable[[], object], match: str) -> None:
    with pytest.raises(treadle.ShapeError, match=match):
        call()
