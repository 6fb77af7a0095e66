"""Each schema against that of torch, and names against schemas."""

from __future__ import annotations

import pytest
import torch

from treadle.ops import OPS

pytestmark = pytest.mark.torch
_OPS = [
    op
    for op in OPS.by_name.values()
    if op.schema and op.schema.namespace in ("aten", "prim") and (op.infer or op.samples)
]


@pytest.mark.parametrize("op", _OPS, ids=lambda op: op.name)
def test_schema_is_torchs(op: object) -> None:
    schema = op.schema  # type: ignore[attr-defined]
    found = {
        str(s).replace("SymInt", "int")
        for s in torch._C._jit_get_schemas_for_operator(schema.name)
        if s.overload_name == schema.overload
    }
    assert schema.text in found


@pytest.mark.parametrize("op", _OPS, ids=lambda op: op.name)
def test_name_is_base_and_overload(op: object) -> None:
    schema = op.schema  # type: ignore[attr-defined]
    assert op.name == ".".join(filter(None, (schema.base, schema.overload)))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted({op.schema.name for op in _OPS if op.schema}))
def test_overloads_are_tried_in_torchs_order(name: str) -> None:
    ours = dict.fromkeys(op.schema.overload for op in OPS.tried(name) if op.schema)
    schemas = torch._C._jit_get_schemas_for_operator(name)
    theirs = dict.fromkeys(s.overload_name for s in schemas)
    assert [o for o in ours if o in theirs] == [t for t in theirs if t in ours]
