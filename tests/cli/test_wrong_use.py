"""Whatever is wrong with a command line: one message on stderr, status 2, nothing on stdout."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.cli.conftest import Command


class Kinds(nn.Module):
    """Parameters of every kind that a shape on the command line may not fit."""

    def forward(self, text: str) -> int:
        return len(text)

    @torch.jit.export
    def mixed(self, x: torch.Tensor, n: int, xs: list[torch.Tensor]) -> torch.Tensor:
        return x * n + xs[0]

    @torch.jit.export
    def table(self, d: dict[str, torch.Tensor], pair: tuple[torch.Tensor, int]) -> torch.Tensor:
        return d["a"] + pair[0]

    @torch.jit.export
    def product(self, x: torch.Tensor) -> torch.Tensor:
        return x @ torch.ones(3, 2)

    @torch.jit.export
    def nothing(self) -> int:
        return 3

    @torch.jit.export
    def words(self, x: torch.Tensor) -> list[str]:
        return ["a"]


METHODS = ("forward", "mixed", "table", "product")
SHAPES = (
    "3", "scalar", "scalar:int64", "2x3:bool", "0", "2x0:int64", "", "x", ":", "3:", ":int64", "-1",
    "1e3", "1x3:float99", "3 3", "٣", "9" * 30, "9999999999x9999999999", "4294967296x2:float64",
)  # fmt: skip
NO_MODELS = ("gone.pt", "empty.pt", "junk.pt", "state.pt", "x.npy", ".", "/dev/null", "", "a\0b")
NO_INPUTS = ("gone.npy", "empty.pt", "junk.pt", ".", "words.npy", "many.npz", "kinds.pt")
NO_METHODS = ("gone", "", "__init__", "training", "forward.x", "Forward")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wrong")
    torch.jit.save(torch.jit.script(Kinds()), path / "kinds.pt")
    torch.save({"a": torch.ones(1)}, path / "state.pt")
    (path / "empty.pt").touch()
    (path / "junk.pt").write_bytes(b"junk" * 50)
    np.save(path / "x.npy", np.ones((2, 3), np.float32))
    np.save(path / "words.npy", np.array(["a", "b"]))
    np.savez(path / "many.npz", x=np.ones(3), other=np.ones(3))
    return path


def _commands() -> Iterator[tuple[str, ...]]:
    for model, command in itertools.product(NO_MODELS, ("run", "show", "check", "trace", "tune")):
        yield command, model
    for method, shape in itertools.product(METHODS, SHAPES):
        given = ("--method", method, "--input", shape)
        yield "show", "kinds.pt", *given
        yield "trace", "kinds.pt", *given, "-o", "trace.json"
    for shape in SHAPES:
        yield "tune", "kinds.pt", "--input", shape, "--no-plot", "--quick"
    for command, method in itertools.product(("run", "show", "trace"), NO_METHODS):
        yield command, "kinds.pt", "--method", method
    for command, file in itertools.product(("run", "trace"), NO_INPUTS):
        yield command, "kinds.pt", file, "--method", "product"
    yield "run", "kinds.pt", "x.npy", "--method", "words"
    yield "run", "kinds.pt", "x.npy", "--method", "nothing"
    for text in OPTIONS.splitlines():
        yield tuple(text.split())


OPTIONS = """\
frobnicate
bench kinds.pt
-q
show
run
check
trace
check kinds.pt x.npy
check kinds.pt --frob
show kinds.pt --input
show kinds.pt --graph 3
run kinds.pt --threads 0
run kinds.pt --threads -1
run kinds.pt --threads 1.5
run kinds.pt --repeat 0
run kinds.pt x.npy --threads 99999999999999999999 --method product
run kinds.pt x.npy -o /nowhere/y.npy
run kinds.pt x.npy -o y.txt
trace kinds.pt x.npy -o /nowhere/trace.json
trace kinds.pt x.npy --input 3
trace kinds.pt --clients 0
trace kinds.pt --clients 9999999
tune kinds.pt --clients a
tune kinds.pt --clients 0
tune kinds.pt --threads 0x1
tune kinds.pt --threads 1x
tune kinds.pt --seconds 0
tune kinds.pt --batch 0
tune kinds.pt --batch 2 --input 3
tune kinds.pt --data gone.npz
tune kinds.pt --data x.npy
tune kinds.pt --plot picture.txt
tune kinds.pt --json /nowhere/x.json
ops no-such-operator
ops [
ops a b
info extra
info --frob
cache extra
cache --clear 3"""


NAMES = ("run", "show", "check", "trace", "tune")


@pytest.mark.parametrize("name", [*NAMES, "others"])
def test_wrong_use_is_one_message_and_status_2(
    treadle: Command, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(folder)
    before = _files(folder)
    accepted = []
    for command in _commands():
        if name != (command[0] if command[0] in NAMES else "others"):
            continue
        outcome = treadle(*command)
        if outcome.status == 0:
            accepted.append(command)
        else:
            outcome.refused()
    assert all(_is_sound(command) for command in accepted), accepted
    assert _files(folder) == before


def _is_sound(command: tuple[str, ...]) -> bool:
    """Whether a command of the table is not wrong: a shape that its method takes."""
    return "product" in command and command[command.index("--input") + 1] in ("3", "3:")


def _files(folder: Path) -> list[str]:
    """What is in a folder, but for the file that sound commands write."""
    return sorted(p.name for p in folder.iterdir() if p.name != "trace.json")
