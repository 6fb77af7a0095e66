"""``treadle check``: exit status and list of operators, with nothing run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from treadle.cli.app import run


class Fine(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + 1)


class Lacking(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() > 7:
            return x.to_mkldnn().to_dense()
        return x


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
    assert "not everything is supported" in text


def test_what_is_no_archive_has_status_2(tmp_path, capsys) -> None:
    (tmp_path / "m.pt").write_bytes(b"nothing")
    assert run(["check", str(tmp_path / "m.pt")]) == 2
    assert "error:" in capsys.readouterr().err
