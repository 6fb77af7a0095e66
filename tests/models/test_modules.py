"""Every module of `torch.nn`, with samples of torch's own tests: scripted, saved, loaded, equal."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.jit.frontend import NotSupportedError
from torch.testing._internal.common_modules import ModuleInfo, module_db

import treadle

MOST = 3
"""Samples of a module, from the first to the last."""
CANNOT_BE_SCRIPTED = ("Lazy", "LinearCrossEntropyLoss")
"""Modules that torch.jit.script refuses."""

Scripted = tuple[torch.jit.ScriptModule, tuple[Any, ...], dict[str, Any]]


def scripted(info: ModuleInfo) -> Iterator[Scripted]:
    """Modules with arguments of `forward`, those that torch can script and run."""
    samples = info.module_inputs_func(
        info, device="cpu", dtype=torch.float32, requires_grad=False, training=False
    )
    samples = [sample for sample in samples if sample.forward_input is not None]
    for sample in samples[:: max(len(samples) // MOST, 1)]:
        made, given = sample.constructor_input, sample.forward_input
        torch.manual_seed(0)
        try:
            module = torch.jit.script(info.module_cls(*made.args, **made.kwargs).eval())
            module(*given.args, **given.kwargs)
        except (RuntimeError, AttributeError, NotSupportedError):
            continue
        yield module, given.args, given.kwargs


def parts(value: Any) -> list[Any]:
    """The tensors and numbers of a result."""
    if isinstance(value, list | tuple):
        return [part for item in value for part in parts(item)]
    return [np.asarray(value.detach() if isinstance(value, torch.Tensor) else value)]


@pytest.mark.parametrize(
    "info",
    [m for m in module_db if not m.module_cls.__name__.startswith(CANNOT_BE_SCRIPTED)],
    ids=lambda info: info.module_cls.__name__,
)
def test_modules_of_torch_agree(info: ModuleInfo) -> None:
    count = 0
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module, args, kwargs in scripted(info):
            buffer = io.BytesIO()
            torch.jit.save(module, buffer)
            found = parts(treadle.load(buffer.getvalue())(*args, **kwargs))
            wanted = parts(module(*args, **kwargs))
            for ours, theirs in zip(found, wanted, strict=True):
                assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
                np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)
            count += 1
    if not count:
        pytest.skip("torch.jit.script takes none of the samples")
