"""In-place forms: what they write, what they refuse, and the table of their functional twins."""

from __future__ import annotations

import numpy as np
import pytest

from treadle.errors import ShapeError
from treadle.ir.dtypes import f32, i64
from treadle.ir.types import TensorType
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL, RESHAPING


def test_the_result_is_the_operand_itself() -> None:
    x = np.array([-1.0, 2.0], np.float32)
    assert OPS["relu_"].reference(x) is x  # type: ignore[misc]
    np.testing.assert_array_equal(x, [0.0, 2.0])


def test_a_write_reaches_the_memory_behind_a_view() -> None:
    base = np.zeros((2, 3), np.float32)
    OPS["add_.Scalar"].reference(base[:, 1], 2.5, 1)  # type: ignore[misc]
    np.testing.assert_array_equal(base, [[0, 2.5, 0], [0, 2.5, 0]])


def test_a_wider_result_is_cast_to_the_operands_dtype() -> None:
    x = np.zeros(2, np.float32)
    assert OPS["add_.Tensor"].reference(x, np.ones(2, np.float64), 1).dtype == np.float32  # type: ignore[misc]
    wide = TensorType(f32, (2,))
    assert OPS["add_.Tensor"].infer(wide, TensorType(i64, (2,)), 1) == wide  # type: ignore[misc]


def test_floats_are_not_written_into_integers() -> None:
    with pytest.raises(ShapeError, match="f32 cannot be written into self of i64"):
        OPS["mul_.Scalar"].reference(np.zeros(2, np.int64), 0.5)  # type: ignore[misc]


def test_an_operand_does_not_grow() -> None:
    with pytest.raises(ShapeError, match=r"shape \[2, 3\] does not fit into self of shape \[3\]"):
        OPS["add_.Tensor"].infer(TensorType(f32, (3,)), TensorType(f32, (2, 3)), 1)  # type: ignore[misc]


@pytest.mark.parametrize(("inplace", "functional"), FUNCTIONAL.items())
def test_a_twin_takes_the_same_arguments(inplace: str, functional: str) -> None:
    ours, theirs = OPS[inplace].schema, OPS[functional].schema
    assert ours is not None
    assert theirs is not None
    assert not OPS[inplace].pure
    if inplace.startswith("copy_."):
        return
    assert [a.type for a in ours.arguments] == [a.type for a in theirs.arguments]


@pytest.mark.parametrize(("name", "args"), [("unsqueeze_", (1,)), ("transpose_", (0, 1))])
def test_a_view_in_place_changes_the_shape_of_its_operand(name: str, args: tuple[int, ...]) -> None:
    x = np.arange(6.0).reshape(2, 3)
    expected = OPS[RESHAPING[name]].reference(x.copy(), *args)  # type: ignore[misc]
    assert OPS[name].reference(x, *args) is x  # type: ignore[misc]
    np.testing.assert_array_equal(x, expected)
