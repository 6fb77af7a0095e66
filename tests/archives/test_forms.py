"""Forms that archives have besides the common one: old, for phones, of other machines."""

import io
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import torch
from torch import nn

import treadle
from tests.frontends.torchscript.support import written
from treadle.errors import UnsupportedError

X = torch.linspace(-2, 2, 12).reshape(3, 4)


class Several(nn.Module):
    calls: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Linear(4, 2), nn.Linear(2, 4)
        self.register_buffer("calls", torch.zeros(1, dtype=torch.int64))

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        return self.decode(self.encode(x)) * scale

    @torch.jit.export
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return torch.tanh(self.encoder(x))

    @torch.jit.export
    def decode(self, z: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.decoder(z)
        return result


def edited(data: bytes, edit: Callable[[str, bytes], bytes | None], **added: bytes) -> bytes:
    """An archive with records changed, left out where `edit` gives None, and added."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(result, "w") as new:
        root = old.namelist()[0].partition("/")[0]
        for name in old.namelist():
            content = edit(name.partition("/")[2], old.read(name))
            if content is not None:
                new.writestr(name, content)
        for name, content in added.items():
            new.writestr(f"{root}/{name}", content)
    return result.getvalue()


def check_all_methods(ours: treadle.Module, theirs: torch.jit.ScriptModule) -> None:
    """Every method gives what torch's gives."""
    with torch.no_grad():
        want = theirs.encode(X)
        np.testing.assert_allclose(ours.encode(X), want, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ours.decode(want), theirs.decode(want), rtol=1e-5, atol=1e-6)
        for scale in ((), (2.5,)):
            np.testing.assert_allclose(ours(X, *scale), theirs(X, *scale), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(ours.calls, theirs.calls)


def test_exported_methods_run_and_are_saved() -> None:
    data = written(torch.jit.script(Several()))
    module = treadle.load(data)
    assert module.method_names == ("forward", "decode", "encode")
    check_all_methods(module, torch.jit.load(io.BytesIO(data)))
    buffer = io.BytesIO()
    treadle.save(module, buffer)
    again = torch.jit.load(io.BytesIO(buffer.getvalue()))
    check_all_methods(treadle.load(buffer.getvalue()), again)
    assert int(again.calls) == 6


def test_files_for_phones_are_read_by_their_source(tmp_path: Path) -> None:
    scripted = torch.jit.script(Several())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted._save_for_lite_interpreter(str(tmp_path / "m.ptl"))
    with zipfile.ZipFile(tmp_path / "m.ptl") as archive:
        assert any(name.endswith("bytecode.pkl") for name in archive.namelist())
    check_all_methods(treadle.load(tmp_path / "m.ptl"), scripted)


def test_files_as_pytorch_1_4_wrote_them_are_read() -> None:
    def old(name: str, content: bytes) -> bytes | None:
        if name in ("byteorder", ".data/serialization_id", ".data/version") or "debug_pkl" in name:
            return None
        if name.endswith(".py"):
            return b"op_version_set = 1\n" + content
        return b"2\n" if name == "version" else content

    scripted = torch.jit.script(Several())
    data = edited(written(scripted), old)
    check_all_methods(treadle.load(data), scripted)


@pytest.mark.parametrize("code", [
    "torch._convolution(x, w, None, [1], [0], [1], False, [0], 1, False, False, True)",
    "torch._convolution(x, w, None, [1], [0], [1], False, [0], 1, False, False, True, True)",
])  # fmt: skip
def test_convolutions_of_old_traces_have_twelve_or_thirteen_arguments(code: str) -> None:
    class Plain(nn.Module):
        def forward(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
            return torch.conv1d(x, w)

    def replaced(name: str, content: bytes) -> bytes:
        return content.replace(b"torch.conv1d(x, w)", code.encode())

    data = edited(written(torch.jit.script(Plain())), replaced)
    assert code.encode() in data
    x, w = X.reshape(1, 3, 4), torch.ones(2, 3, 2)
    want = torch.conv1d(x, w)
    np.testing.assert_allclose(treadle.load(data)(x, w), want, rtol=1e-5, atol=1e-6)


DTYPES = (
    "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    "complex64", "complex128", "bool", "uint16", "uint32", "uint64", "float8_e5m2",
    "float8_e4m3fn",
)  # fmt: skip


class Holding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for name in DTYPES:
            values = torch.tensor([[0, 1, 2], [3, 1, 0]]).to(getattr(torch, name))
            self.register_buffer(f"a_{name}", values)

    def forward(self) -> int:
        return 0


def as_bytes(tensor: object) -> bytes:
    """The bytes of a tensor of either engine."""
    if isinstance(tensor, torch.Tensor):
        return bytes(tensor.contiguous().view(torch.uint8).flatten().tolist())
    found: bytes = np.asarray(tensor).tobytes()
    return found


def test_every_dtype_is_read_and_saved() -> None:
    data = written(torch.jit.script(Holding()))
    module = treadle.load(data)
    buffer = io.BytesIO()
    treadle.save(module, buffer)
    want, again = torch.jit.load(io.BytesIO(data)), torch.jit.load(io.BytesIO(buffer.getvalue()))
    for name in DTYPES:
        tensor = getattr(want, f"a_{name}")
        assert as_bytes(getattr(module, f"a_{name}")) == as_bytes(tensor), name
        assert as_bytes(getattr(again, f"a_{name}")) == as_bytes(tensor), name
        assert getattr(again, f"a_{name}").dtype == tensor.dtype
    assert np.asarray(module.a_bfloat16).dtype == ml_dtypes.bfloat16


def test_numbers_of_machines_with_the_other_byte_order_are_turned() -> None:
    sizes = {"int16": 2, "int32": 4, "float32": 4, "int64": 8, "float64": 8}

    class Wide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name in sizes:
                self.register_buffer(name, torch.arange(-2, 4).to(getattr(torch, name)))

        def forward(self) -> int:
            return 0

    def turned(name: str, content: bytes) -> bytes:
        if name == "byteorder":
            return b"big"
        if not name.startswith("data/"):
            return content
        width = tuple(sizes.values())[int(name[5:])]
        return b"".join(content[i : i + width][::-1] for i in range(0, len(content), width))

    module = treadle.load(edited(written(torch.jit.script(Wide())), turned))
    for name in sizes:
        assert np.asarray(getattr(module, name)).tolist() == [-2, -1, 0, 1, 2, 3]


def test_extra_files_come_and_go() -> None:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Several()), buffer, _extra_files={"a.txt": "é", "b": b"\0"})
    extra: dict[str, object] = {"a.txt": None, "gone": None}
    module = treadle.load(buffer.getvalue(), extra_files=extra)
    assert extra == {"a.txt": "é".encode(), "gone": None}
    saved = io.BytesIO()
    treadle.save(module, saved, extra_files={"a.txt": "é", "b": b"\0"})
    found: dict[str, object] = {"a.txt": "", "b": ""}
    torch.jit.load(io.BytesIO(saved.getvalue()), _extra_files=found)
    assert found == {"a.txt": "é".encode(), "b": b"\0"}


class Quantised(nn.Module):
    weight: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            weight = torch.quantize_per_tensor(torch.ones(4), 0.5, 0, torch.qint8)
        self.register_buffer("weight", weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.dim() == 2 else x + torch.dequantize(self.weight)

    @torch.jit.export
    def plain(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


def test_quantised_tensors_are_read_and_refused_when_used() -> None:
    module = treadle.load(written(torch.jit.script(Quantised())))
    assert np.asarray(module(X)).tolist() == X.tolist()
    assert np.asarray(module.plain(X)).tolist() == (X + 1).tolist()
    with pytest.raises(UnsupportedError, match=r"Quantised.weight: quantized tensors \(qint8\)"):
        module(X[0])
    with pytest.raises(UnsupportedError, match="qint8"):
        module.weight  # noqa: B018
    with pytest.raises(UnsupportedError, match="qint8"):
        treadle.save(module, io.BytesIO())
