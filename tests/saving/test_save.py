"""Archives that Treadle writes: torch reads them, with the same results and the same sharing."""

import io
import zipfile
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import treadle
from tests.models.registry import MODELS
from tests.models.registry import save as save_model
from tests.support import as_arrays
from treadle.errors import InputError
from treadle.saving.container import ContainerWriter


class Color(Enum):
    RED = "r"
    BLUE = "b"


class Block(nn.Module):
    table: dict[str, list[torch.Tensor]]
    maybe: int | None

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.tied = self.linear
        self.register_buffer("counts", torch.arange(4))
        self.table = {"a": [torch.ones(2)], "b": []}
        self.sizes = [1, 2]
        self.maybe = None
        self.pair = (1, 2.5)
        self.layers = nn.ModuleList([nn.Conv1d(2, 2, 1), nn.BatchNorm1d(2)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.linear(x) + self.counts + len(self.table["a"]) + self.pair[1]
        for layer in self.layers:
            y = layer(y)
        if self.maybe is not None:
            y = y * 2
        return y + self.sizes[0]

    @torch.jit.export
    def rename(self, size: int) -> int:
        self.sizes.append(size)
        return len(self.sizes)


class Stateful(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.ones(2)

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, bool]:
        return self.weight * 10, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]) -> None:
        self.weight = state[0] / 10
        self.training = state[1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.weight


def archive_of(module: nn.Module) -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(module.eval()), buffer)
    return buffer.getvalue()


def written(module: object, **options: object) -> io.BytesIO:
    buffer = io.BytesIO()
    treadle.save(module, buffer, **options)
    buffer.seek(0)
    return buffer


X = torch.linspace(-1, 1, 24).reshape(3, 2, 4)


def test_a_module_with_many_kinds_of_attributes_comes_back_in_torch() -> None:
    data = archive_of(Block())
    again = torch.jit.load(written(treadle.load(data)))
    want = torch.jit.load(io.BytesIO(data))
    torch.testing.assert_close(again(X), want(X))
    assert again.rename(3) == 3
    assert [n for n, _ in again.named_parameters()] == [n for n, _ in want.named_parameters()]
    assert [n for n, _ in again.named_buffers()] == [n for n, _ in want.named_buffers()]


def test_tied_parameters_stay_tied() -> None:
    again = torch.jit.load(written(treadle.load(archive_of(Block()))))
    assert again.linear.weight.data_ptr() == again.tied.weight.data_ptr()


def test_a_tensor_is_written_once_however_many_views_it_has(tmp_path: Path) -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole = torch.arange(12.0).reshape(3, 4)
            self.row = self.whole[1]
            self.turned = self.whole.t()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.row + self.turned[:, 0]

    data = archive_of(Views())
    path = tmp_path / "views.pt"
    treadle.save(treadle.load(data), path)
    with zipfile.ZipFile(path) as archive:
        tensors = [n for n in archive.namelist() if n.startswith("views/data/")]
    assert len(tensors) == 1
    again = torch.jit.load(path)
    torch.testing.assert_close(
        again(torch.ones(4)), torch.jit.load(io.BytesIO(data))(torch.ones(4))
    )
    assert again.turned.stride() == (1, 4)


def test_state_methods_run() -> None:
    again = torch.jit.load(written(treadle.load(archive_of(Stateful()))))
    torch.testing.assert_close(again(torch.zeros(2)), torch.ones(2))


def test_values_of_now_are_written() -> None:
    module = treadle.load(archive_of(Block()))
    module.method("rename")(7)
    assert torch.jit.load(written(module)).sizes == [1, 2, 7]


def test_a_model_can_be_saved_over_itself(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(archive_of(Block()))
    want = torch.jit.load(path)(X)
    module = treadle.load(path)
    treadle.save(module, path)
    torch.testing.assert_close(torch.jit.load(path)(X), want)
    np.testing.assert_allclose(module(X), want.detach(), rtol=1e-5, atol=1e-6)
    assert list(tmp_path.iterdir()) == [path]


def test_extra_files_are_kept() -> None:
    extra = {"note.txt": ""}
    buffer = written(treadle.load(archive_of(Block())), extra_files={"note.txt": "hello"})
    torch.jit.load(buffer, _extra_files=extra)
    assert extra["note.txt"] == b"hello"


def test_records_begin_at_multiples_of_64() -> None:
    buffer = written(treadle.load(archive_of(Block())))
    with zipfile.ZipFile(buffer) as archive:
        for info in archive.infolist():
            head = buffer.getvalue()[info.header_offset : info.header_offset + 30]
            extra = int.from_bytes(head[28:30], "little")
            start = info.header_offset + 30 + len(info.filename) + extra
            assert start % 64 == 0, info.filename


def test_nothing_is_left_behind_when_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "m.pt"
    with pytest.raises(TypeError, match="concat"), ContainerWriter(target) as container:
        container.write("data.pkl", b"abc" + 3)  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [3, None])
def test_what_cannot_be_saved_is_refused(value) -> None:
    with pytest.raises(InputError, match="Module or a Method"):
        treadle.save(value, io.BytesIO())


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_whole_architectures_come_back(name: str, tmp_path: Path) -> None:
    path = save_model(name, tmp_path / f"{name}.pt")
    treadle.save(treadle.load(str(path)), tmp_path / "again.pt")
    inputs = MODELS[name].example_inputs()
    with torch.no_grad():
        want = as_arrays(torch.jit.load(str(path))(*inputs))
        got = as_arrays(torch.jit.load(str(tmp_path / "again.pt"))(*inputs))
    for g, w in zip(got, want, strict=True):
        np.testing.assert_array_equal(g, w)
