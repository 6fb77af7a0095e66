"""Small programs as in torch's documentation: the same code with either engine gives the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import treadle

PROGRAMS = (
    # made of values
    "t.tensor([[1., -1.], [1., -1.]])",
    "t.tensor([[1, 2], [3, 4]]), t.tensor([True, 2]), t.tensor([1, 2.5]), t.tensor([1, 2j])",
    "t.tensor([]), t.tensor(3.5), t.tensor(True), t.tensor(range(3)), t.tensor(((1, 2), (3, 4)))",
    "t.tensor([np.float64(2.5), 1]), t.tensor(np.float32(2.5)), t.tensor(np.int8(3))",
    "t.tensor([t.tensor(1.5, dtype=t.float64)]), t.tensor([1, t.tensor(2.5)])",
    "t.tensor([0.1], dtype=t.float64) * 1e8, t.tensor([16777217.0], dtype=t.int64)",
    "t.tensor([2.7, -2.7], dtype=t.int64), t.tensor([-1], dtype=t.uint8)",
    "t.tensor([300], dtype=t.uint8)",
    "t.tensor([-129], dtype=t.int8)",
    "t.tensor([float('nan')], dtype=t.int64)",
    "t.tensor([1e300, -1e300]), t.tensor([2**62, 1.5])",
    "t.tensor(2**63)",
    "t.tensor([[1, 2], [3]])",
    "t.tensor([None])",
    "t.tensor([1, 2]).new_tensor([1.5]), t.as_tensor(np.arange(3, dtype=np.int16))",
    "t.ones(2, dtype=float), t.ones(2, dtype=int), t.full((2,), 1.5), t.full((2,), 3)",
    "t.arange(0, 1, 0.3), t.arange(5, 0, -2), t.linspace(0, 10, 5), t.linspace(2, 3, 1)",
    "t.arange(5, 0)",
    "t.arange(t.tensor(3)), t.arange(t.tensor(1.5), 4), t.arange(7, dtype=t.float32)",
    "t.zeros(2, -1)",
    "t.zeros_like(t.ones(2, 3, 4).permute(2, 0, 1), dtype=t.int8).stride()",
    "t.empty_like(t.ones(2, 3).t()).stride(), t.zeros_like(t.ones(300, 400).t()).stride()",
    # shown
    "t.finfo(t.float32), t.finfo(t.bfloat16), t.finfo(t.float64), t.iinfo(t.uint8)",
    "t.tensor([1e10, 1.]), t.tensor([0.00001]), t.tensor([1.5, float('nan')]), t.arange(1001)",
    "t.max(t.tensor([[1., 5.], [7., 2.]]), dim=1)",
    "t.tensor([[3, 1, 2], [6, 5, 4]]).sort(dim=1, descending=True)",
    "t.std_mean(t.arange(4.)), t.linalg.slogdet(t.diag(t.tensor([3., 2.])))",
    # dtypes
    "t.result_type(t.ones(2, dtype=t.int32), 1.0), t.result_type(1, 2.5)",
    "t.promote_types(t.int32, t.half), t.can_cast(t.double, t.float), t.can_cast(t.float, t.int)",
    "t.ones(2, dtype=t.int32) + 1.5, t.ones(2, dtype=t.half) + t.ones(2, dtype=t.int64)",
    "t.tensor(1.0, dtype=t.float64) + t.ones(2), t.tensor([1, 2]) * np.float64(2.5)",
    "5 - t.tensor(2), 5 / t.tensor(2), 5 // t.tensor(2), 2.5 ** t.tensor(2), 5 % t.tensor([3])",
    "x = t.ones(2, dtype=t.int32); x += 1.5",
    # parts
    "x = t.arange(24).view(2, 3, 4); x[0, :, [1, 2]], x[:, 0, [1, 2]], x[1, ..., None]",
    "x = t.arange(24).view(2, 3, 4); i = t.tensor([2, 0]); x[:, i, 1], x[0, i, 1:], x[:, 1, i]",
    "x = t.arange(12).view(3, 4); x[x > 5], x[t.tensor([True, False, True])], x[t.tensor(1)]",
    "x = t.zeros(3, 4); x[1] = t.arange(4.); x[:, 2] = 7; x[x == 7] = -1; x",
    "x = t.zeros(3, 4); x[0] = t.ones(3)",
    "x = t.zeros(3); x[5]",
    "x = t.ones(2, 3).t(); x.clone().stride(), (x + 1).stride(), (x @ x.t()), x.sum(0)",
    "b = t.tensor([True, False]); t.where(b, 1.0, 2.0), t.ones(2).where(b, t.zeros(2))",
    # mistakes
    "t.ones(3) + t.ones(4)",
    "t.ones(2, 3) @ t.ones(2, 3)",
    "t.ones(2, 3).transpose(0, 2)",
    "t.arange(6).view(4, 2)",
    "t.add(t.ones(1))",
    "t.add(t.ones(1), t.ones(1), foo=1)",
    "t.add('a', t.ones(1))",
    "bool(t.tensor([1, 2]))",
    "t.linalg.inv(t.zeros(2, 2))",
    "t.ones(2).cuda()",
)  # fmt: skip
KINDS = (IndexError, TypeError, RuntimeError, ValueError)


def run(engine: Any, program: str) -> Any:
    """What the last expression gives, or the exception."""
    *statements, last = program.split("; ")
    names: dict[str, Any] = {"t": engine, "np": np}
    try:
        exec("\n".join(statements), names)
        try:
            return eval(last, names)
        except SyntaxError:
            return exec(last, names)
    except Exception as error:
        return error


def described(value: Any) -> Any:
    """What can be compared: dtype, strides, elements and text of tensors."""
    if isinstance(value, tuple) and not isinstance(value, torch.Size | treadle.Size):
        return [*map(described, value), shown(value)]
    if isinstance(value, torch.Tensor | treadle.Tensor):
        steps = [step for step, n in zip(value.stride(), value.shape, strict=True) if n > 1]
        return str(value.dtype).partition(".")[2], steps, repr(value.tolist()), shown(value)
    return shown(value)


def shown(value: Any) -> str:
    return repr(value).replace("treadle", "torch")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_gives_what_it_gives_in_torch(program: str) -> None:
    expected, found = run(torch, program), run(treadle, program)
    if not isinstance(expected, Exception):
        assert described(found) == described(expected)
        return
    assert isinstance(found, treadle.Error | AttributeError), found
    assert isinstance(found, tuple(k for k in KINDS if isinstance(expected, k)) or Exception)
