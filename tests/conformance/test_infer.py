"""Each type rule against the reference's result on every sample."""

from __future__ import annotations

import pytest

from tests.conformance.support import arguments, cases, describe
from treadle.errors import Error
from treadle.ir.op import OpDef


@pytest.mark.parametrize(("op", "index"), cases())
def test_infer_tells_the_references_type(op: OpDef, index: int) -> None:
    if op.infer is None:
        pytest.skip("the result depends on data")
    assert op.reference is not None
    args = arguments(op, index)
    types = describe(args)
    try:
        result = op.reference(*args)
    except Error as error:
        with pytest.raises(type(error)):
            op.infer(*types)
        return
    assert op.infer(*types) == describe(result)
