"""Each type rule against the reference's result on every sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.conformance.support import arguments, cases
from treadle.errors import Error
from treadle.ir.dtypes import from_numpy
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType


def _types(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_types(v) for v in value)
    if isinstance(value, np.ndarray):
        return TensorType(from_numpy(value.dtype), value.shape)
    return value


@pytest.mark.parametrize(("op", "index"), cases())
def test_infer_tells_the_references_type(op: OpDef, index: int) -> None:
    if op.infer is None:
        pytest.skip("the result depends on data")
    assert op.reference is not None
    args = arguments(op, index)
    types = _types(args)
    try:
        result = op.reference(*args)
    except Error as error:
        with pytest.raises(type(error)):
            op.infer(*types)
        return
    assert op.infer(*types) == _types(result)
