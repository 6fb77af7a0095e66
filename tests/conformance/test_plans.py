"""Every lowered operator as a plan, against its reference, on either instruction set and on
several threads with equal bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.conformance.support import arguments, assert_same
from tests.plans import bind, fine_tasks, run_on_all, type_of
from treadle.compiler import single
from treadle.ir.op import OpDef
from treadle.ops import OPS

CONSTANT_WEIGHTS = (
    "convolution", "_convolution", "_convolution.deprecated", "conv_transpose1d",
    "conv_transpose2d.input", "conv_transpose3d.input", "gru.data", "gru.input",
    "gru_layer", "istft",
    "lstm.data", "lstm.input", "lstm_layer", "lstm_projected_layer",
    "repeat_interleave.self_Tensor", "rnn_relu.input", "rnn_relu_layer",
    "rnn_tanh.input", "rnn_tanh_layer",
)  # fmt: skip
"""Operators that are only compiled for weights (or counts) known when a plan is made."""

WEIGHTED = ("conv1d", "conv2d", "conv3d", "conv1d.padding", "conv2d.padding", "linear")
"""Operators that are compiled in another way for weights known when a plan is made."""


def lowered() -> Iterator[Any]:
    for op in OPS.by_name.values():
        if op.schema is not None and op.lower is not None and op.samples:
            yield pytest.param(op, id=op.name)


@pytest.mark.native
@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("op", list(lowered()))
def test_plan_gives_the_references_result(op: OpDef, isa: str) -> None:
    for index in range(len(op.samples)):
        _check(op, index, isa)


def _check(op: OpDef, index: int, isa: str) -> None:
    args = arguments(op, index)
    assert op.reference is not None
    expected = op.reference(*args)
    listed = expected if isinstance(expected, list | tuple) else [expected]
    graph, arrays = single(op, args)
    counts = [1] if op.name in CONSTANT_WEIGHTS else [len(arrays)]
    for count in [*counts, 1] if op.name in WEIGHTED else counts:
        with fine_tasks():
            bound = bind(graph, [*map(type_of, arrays[:count]), *arrays[count:]], isa)
        for ours, theirs in zip(run_on_all(bound, arrays[:count]), listed, strict=True):
            assert_same(op, ours, np.asarray(theirs))
