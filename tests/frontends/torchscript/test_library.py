"""Old operators as old archives mean them; composite operators; profiler records."""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import treadle

X = torch.tensor([[7.5, -7.5, 3.0]])
I = torch.tensor([7, -7, 3])  # noqa: E741


def rewritten(module: torch.jit.ScriptModule, version: int, **replaced: str) -> bytes:
    """The archive of `module` as if an old PyTorch had written it; code is replaced by text."""
    buffer, result = io.BytesIO(), io.BytesIO()
    torch.jit.save(module, buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("version"):
                data = f"{version}\n".encode()
            elif name.endswith(".py"):
                for before, after in replaced.items():
                    data = data.replace(before.encode(), after.encode())
            new.writestr(name, data)
    return result.getvalue()


class OldModule(nn.Module):
    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.sub(x, y)


def run_old(version: int, code: str, *args: torch.Tensor) -> list[np.ndarray]:
    """``torch.sub(x, y)`` replaced by `code`, by Treadle and by torch."""
    data = rewritten(torch.jit.script(OldModule()), version, **{"torch.sub(x, y)": code})
    got = treadle.load(data)(*args)
    want = torch.jit.load(io.BytesIO(data))(*args)
    return [np.asarray(got), want.numpy()]


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(
    ("code", "args"),
    [
        ("torch.div(x, y)", (I, torch.tensor([2, 2, 2]))),
        ("torch.div(x, y)", (X, I)),
        ("torch.div(x, 2)", (I, I)),
        ("torch.div(x, 2.)", (I, I)),
        ("torch.div(x, 2)", (X, I)),
        ('torch.div(x, y, rounding_mode="floor")', (I, torch.tensor([2, 2, 2]))),
        ("torch.div_(torch.clone(x), y)", (X, I)),
        ("torch.div_(torch.clone(x), 2.)", (X, I)),
    ],
)
def test_division_is_that_of_the_file_version(code, args, version) -> None:
    got, want = run_old(version, code, *args)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


def test_old_division_of_integers_in_place_truncates() -> None:
    got, want = run_old(3, "torch.div_(torch.clone(x), y)", I, torch.tensor([2, 2, 2]))
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(got, [3, -3, 1])


@pytest.mark.parametrize(
    ("version", "code"),
    [
        (4, "torch.full([2], 7)"),
        (5, "torch.full([2], 7)"),
        (4, "torch.full([2], 7, dtype=4)"),
        (4, "torch.full([2], 1.5)"),
        (7, "torch.linspace(0, 1, None)"),
        (7, "torch.linspace(0, 1, 5)"),
        (8, "torch.linspace(0, 1, 5)"),
        (8, "torch.logspace(0, 1, None)"),
        (8, "torch.logspace(0, 1, 4, 2.)"),
        (9, "torch.logspace(0, 1, 4, 2.)"),
        (9, "torch.gelu(x)"),
        (10, 'torch.gelu(x, approximate="tanh")'),
    ],
)
def test_factories_are_those_of_the_file_version(version, code) -> None:
    got, want = run_old(version, code, X, X)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


class Recorded(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autograd.profiler.record_function("part"):
            y = x + 1
        return y * 2


def saved(module: nn.Module) -> tuple[torch.jit.ScriptModule, bytes]:
    scripted, buffer = torch.jit.script(module.eval()), io.BytesIO()
    torch.jit.save(scripted, buffer)
    return scripted, buffer.getvalue()


def test_profiler_records_mean_nothing_and_are_planned() -> None:
    scripted, data = saved(Recorded())
    model = treadle.load(data)
    np.testing.assert_array_equal(np.asarray(model(X)), scripted(X).numpy())
    assert model.explain(X).planned


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        return self.inner(x, x, x)


class Encoder(nn.Module):
    def __init__(self, nested: bool = False, **options: object) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, **options)
        self.inner = nn.TransformerEncoder(layer, 2, enable_nested_tensor=nested)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return self.inner(x, mask)


class Padded(Encoder):
    def forward(self, x: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        return self.inner(x, src_key_padding_mask=padding)


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerDecoderLayer(16, 2, 32, batch_first=True)
        self.inner = nn.TransformerDecoder(layer, 2)

    def forward(
        self, x: torch.Tensor, memory: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        return self.inner(x, memory, mask)


SEQUENCE = torch.linspace(-1, 1, 160).reshape(2, 5, 16).sin()
PADDING = torch.tensor([[False] * 5, [False, False, False, True, True]])


@pytest.mark.parametrize(
    ("make", "args"),
    [
        (Attention, (SEQUENCE,)),
        (Encoder, (SEQUENCE,)),
        (lambda: Encoder(norm_first=True, activation="gelu"), (SEQUENCE,)),
        (Encoder, (SEQUENCE, torch.ones(5, 5).triu(1).to(torch.bool))),
        (Padded, (SEQUENCE, PADDING)),
        (Decoder, (SEQUENCE, SEQUENCE)),
    ],
)
def test_scripted_transformers_agree(make, args) -> None:
    torch.manual_seed(0)
    scripted, data = saved(make())
    with torch.no_grad():
        want = scripted(*args)
    got = treadle.load(data)(*args)
    wanted = want if isinstance(want, tuple) else (want,)
    found = got if isinstance(got, tuple) else (got,)
    for g, w in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(g), w.numpy(), atol=1e-5)


SCATTERED = torch.tensor([[False] * 5, [True, False, True, False, False]])


def check_nested(archive, padding, *, interpret: bool = False) -> None:
    """Check an encoder that makes nested tensors; it is planned unless interpreted."""
    scripted, data = archive
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # nested tensors are a prototype
        want = scripted(SEQUENCE, padding).numpy()
    model = treadle.load(data, interpret=interpret)
    np.testing.assert_allclose(np.asarray(model(SEQUENCE, padding)), want, atol=1e-5)
    assert model.explain(SEQUENCE, padding).planned != interpret


@pytest.mark.parametrize("interpret", [False, True])
@pytest.mark.parametrize("padding", [PADDING, SCATTERED])
def test_encoders_of_nested_tensors_agree(interpret, padding) -> None:
    torch.manual_seed(0)
    archive = saved(Padded(nested=True))
    check_nested(archive, padding, interpret=interpret)


@pytest.mark.parametrize("interpret", [False, True])
def test_traced_encoders_of_nested_tensors_agree(interpret) -> None:
    torch.manual_seed(0)
    buffer = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = Padded(nested=True).eval()
        traced = torch.jit.trace(module, (SEQUENCE, PADDING), check_trace=False)
    torch.jit.save(traced, buffer)
    shorter = torch.arange(5) >= torch.tensor([[2], [4]])
    check_nested((traced, buffer.getvalue()), shorter, interpret=interpret)


@pytest.mark.parametrize("make", [Encoder, Decoder])
@pytest.mark.parametrize("causal", [False, True])
def test_masks_of_scripted_transformers_are_planned(make, causal) -> None:
    torch.manual_seed(0)
    mask = torch.full((5, 5), -torch.inf).fill_diagonal_(0.0)
    if causal:
        mask = torch.full((5, 5), -torch.inf).triu(1)
    scripted, data = saved(make())
    args = (SEQUENCE, mask) if make is Encoder else (SEQUENCE, SEQUENCE, mask)
    model = treadle.load(data)
    with torch.no_grad():
        want = scripted(*args).numpy()
    np.testing.assert_allclose(np.asarray(model(*args)), want, atol=1e-5)
    assert model.explain(*args).planned


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


class Named(nn.Module):
    def forward(self, x: torch.Tensor) -> Pair:
        return Pair(x + 1, x * 2)


@pytest.mark.parametrize("interpret", [False, True])
def test_named_tuples_come_back_with_their_names(interpret) -> None:
    _, data = saved(Named())
    result = treadle.load(data, interpret=interpret)(X)
    assert type(result).__name__ == "Pair"
    np.testing.assert_array_equal(np.asarray(result.second), (X * 2).numpy())
