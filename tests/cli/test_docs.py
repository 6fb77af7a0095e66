"""The documentation is true: its Python blocks run, its commands succeed, its tables are whole."""

from __future__ import annotations

import io
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import treadle as library
from tests.cli.conftest import Command
from tests.cli.support import DIGITS, images
from treadle.cli.tune import parse_settings
from treadle.options import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [body for kind, body in _BLOCK.findall(text) if kind == language]


def commands(page: str) -> Iterator[str]:
    for block in blocks(page, "console"):
        for line in block.splitlines():
            if line.startswith("$ treadle "):
                yield line[2:].partition("#")[0].strip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What the pages say is there; thread settings are as before afterwards."""
    monkeypatch.setenv("TREADLE_CACHE_DIR", str(tmp_path / "kernels"))
    shutil.copy(DIGITS, tmp_path / "model.pt")
    np.save(tmp_path / "image.npy", images(1))
    np.savez(tmp_path / "inputs.npz", images=images(4))
    monkeypatch.chdir(tmp_path)
    before = library.get_num_threads(), library.get_num_interop_threads()
    yield tmp_path
    library.set_num_threads(before[0])
    library.set_num_interop_threads(before[1])


@pytest.mark.slow
@pytest.mark.parametrize("page", ["user_guide.md", "serving.md"])
def test_python_of_a_page_runs_and_prints_what_it_says(folder: Path, page: str) -> None:
    """The blocks run in one namespace, from files, since scripted functions need their source."""
    namespace: dict[str, object] = {"__name__": "guide"}
    printed = io.StringIO()
    with redirect_stdout(printed):
        for number, block in enumerate(blocks(page, "python")):
            path = folder / f"block{number}.py"
            path.write_text(block)
            exec(compile(block, str(path), "exec"), namespace)
    said = "\n".join(blocks(page, "python"))
    for expected in re.findall(r"^ *print\(.*\)  # (.*)$", said, re.MULTILINE):
        assert expected in printed.getvalue().splitlines()


class Images(nn.Module):
    """What the front page runs: images of the usual size in, scores out."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.flatten(x, 1)[:, :10]


@pytest.fixture
def front_page(folder: Path) -> str:
    """The text of README.md, in a folder that holds the files that it names."""
    np.save(folder / "image.npy", np.zeros((1, 3, 224, 224), np.float32))
    for name in ("model.pt", "resnet50.pt"):
        torch.jit.save(torch.jit.script(Images()), folder / name)
    return (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_python_of_the_front_page_runs(folder: Path, front_page: str) -> None:
    parts = [body for kind, body in _BLOCK.findall(front_page) if kind == "python"]
    assert len(parts) == 2
    for number, block in enumerate(parts):
        path = folder / f"front{number}.py"
        path.write_text(block)
        namespace: dict[str, object] = {"__name__": "front"}
        exec(compile(block, str(path), "exec"), namespace)
    pair = namespace["pair"]
    assert callable(pair)
    assert pair(library.ones(2)).tolist() == pytest.approx([1.7310586] * 2)


@pytest.mark.slow
def test_commands_of_the_front_page_succeed(treadle: Command, front_page: str) -> None:
    found = re.findall(r"^treadle (.*?)(?: *#.*)?$", front_page, re.MULTILINE)
    assert [command.split()[0] for command in found] == ["run", "show", "tune"]
    for command in found:
        quick = ["--quick", "--no-plot"] if command.startswith("tune") else []
        result = treadle(*shlex.split(command), *quick)
        assert result.status == 0, result.errors


def test_what_the_front_page_names_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / target).exists(), target
    goals = re.findall(r"^make (\w+)", text, re.MULTILINE)
    assert goals == ["demo", "test"]
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{goal}:", rules, re.MULTILINE) for goal in goals)
    names = re.findall(r"`(TREADLE_\w+)[`=]", text)
    assert names
    assert set(names) <= set(VARIABLES)


@pytest.mark.slow
def test_python_of_the_tuning_page_runs(folder: Path) -> None:
    using, measuring = blocks("tuning.md", "python")
    namespace: dict[str, object] = {
        "model": library.load("model.pt"),
        "image": images(1),
    }
    with redirect_stdout(io.StringIO()):
        exec(using, namespace)
        exec(measuring.replace("seconds=0.5", "seconds=0.01"), namespace)


@pytest.mark.slow
@pytest.mark.parametrize("command", list(commands("user_guide.md")))
def test_commands_of_the_user_guide_succeed(treadle: Command, folder: Path, command: str) -> None:
    result = treadle(*shlex.split(command)[1:])
    assert result.status == 0, result.errors


@pytest.mark.parametrize("page", ["user_guide.md"])
def test_every_variable_is_in_the_table(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in VARIABLES)


def test_every_option_of_tune_in_the_docs_exists(treadle: Command) -> None:
    text = (DOCS / "tuning.md").read_text(encoding="utf-8")
    help_text = treadle("tune", "--help").output
    for option in set(re.findall(r"--[a-z][a-z-]+", text)):
        assert option in help_text
    assert len(parse_settings("1x1,2x1,2x2")) == 3


PAGES = [
    page
    for folder in ("", "docs", "docs/decisions", "native")
    for page in sorted((ROOT / folder).glob("*.md"))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
    for target in re.findall(r"`((?:src|tests|docs|benchmarks|native|examples)/[\w./]*)`", text):
        assert (ROOT / target).exists() or list(ROOT.glob(f"{target}-*.md")), target
    for module in re.findall(r"python -m (benchmarks\.\w+)", text):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists(), module


def test_every_page_is_reached_from_the_front_page() -> None:
    seen, new = set(), {ROOT / "README.md"}
    while new:
        page = new.pop()
        seen.add(page)
        found = re.findall(r"\]\(([^)#:]+\.md)", page.read_text(encoding="utf-8"))
        found += re.findall(r"`([\w/]+\.md)`", page.read_text(encoding="utf-8"))
        paths = {(base / name).resolve() for name in found for base in (page.parent, ROOT)}
        new |= {path for path in paths if path.exists()} - seen
    decisions = set((DOCS / "decisions").iterdir())
    assert set(PAGES) - seen - decisions == set()


def test_operators_that_the_docs_quote_are_in_the_source() -> None:
    source = "\n".join(p.read_text() for p in (ROOT / "src/treadle/ops").glob("*.py"))
    for block in blocks("adding_an_op.md", "python"):
        for line in block.splitlines():
            assert "..." in line or line in source, line
