"""``treadle check``: exit status and list of operators, with nothing run."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.cli.support import edited_model
from treadle.cli.app import run


class Fine(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + 1)


class Lacking(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() > 7:
            return x.to_mkldnn().to_dense()
        return x


class Needing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.to_mkldnn().to_dense()


class Holding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.eye(2).to_sparse())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


def saved(module: nn.Module, path: Path) -> str:
    torch.jit.save(torch.jit.script(module), path)
    return str(path)


def test_a_model_with_known_operators_passes(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", saved(Fine(), tmp_path / "m.pt"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["supported"] is True
    assert found["operators"] == {"aten::add": 1, "aten::relu": 1}


def test_a_missing_operator_is_named_with_its_line(tmp_path, capsys) -> None:
    assert run(["check", saved(Lacking(), tmp_path / "m.pt")]) == 1
    text = capsys.readouterr().out
    assert "aten::to_mkldnn" in text
    assert "not everything is supported: what is listed fails where it is reached" in text


def test_all_that_is_missing_is_listed_also_if_the_model_cannot_be_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", saved(Needing(), tmp_path / "m.pt")]) == 1
    text = capsys.readouterr().out
    assert "aten::to_mkldnn" in text
    assert "aten::to_dense" in text
    assert "not everything is supported: the model cannot be loaded" in text


def test_tensors_that_nobody_may_use_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", saved(Holding(), tmp_path / "m.pt")]) == 0
    assert "table: sparse tensors are not supported" in capsys.readouterr().out


def test_a_quantised_model_is_called_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = edited_model(
        tmp_path / "m.pt",
        lambda text: text.replace(
            "  training : bool\n",
            "  training : bool\n  p : __torch__.torch.classes.quantized.LinearPackedParamsBase\n",
            1,
        ),
    )
    assert run(["check", str(path)]) == 1
    assert "quantized.LinearPackedParamsBase is refused: quantised models" in (
        capsys.readouterr().out
    )


def test_another_format_has_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt2", "w") as file:
        file.writestr("m/archive_format", "pt2")
    assert run(["check", str(tmp_path / "m.pt2")]) == 2
    assert "torch.export program" in capsys.readouterr().err


def test_what_is_no_archive_has_status_2(tmp_path, capsys) -> None:
    (tmp_path / "m.pt").write_bytes(b"nothing")
    assert run(["check", str(tmp_path / "m.pt")]) == 2
    assert "error:" in capsys.readouterr().err
