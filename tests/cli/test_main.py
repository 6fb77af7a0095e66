"""The program itself: as a module, without its extra, its help, its errors."""

from __future__ import annotations

import builtins
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import treadle as library
from tests.cli.conftest import Command
from tests.cli.support import DIGITS, images, save_npy
from treadle import cli
from treadle.cli import app
from treadle.errors import InputError


@pytest.mark.slow
def test_runs_as_a_module() -> None:
    command = [sys.executable, "-m", "treadle", "run", "gone.pt"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert finished.stderr.startswith("treadle: error: ")
    assert finished.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("ops",), ("ops", "--json")])
def test_who_reads_no_more_hears_no_more(arguments: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "treadle", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.slow
def test_ctrl_c_ends_a_command_with_one_line(tmp_path: Path) -> None:
    save_npy(tmp_path / "image.npy", images(1))
    command = [
        sys.executable,
        "-u",
        "-m",
        "treadle",
        "run",
        str(DIGITS),
        str(tmp_path / "image.npy"),
    ]
    process = subprocess.Popen(
        [*command, "--repeat", "1000000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in background
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        while process.stdout.readline() != "output =\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "treadle: interrupted\n"
    assert process.returncode == 130


def test_help_has_examples_of_every_command(treadle: Command) -> None:
    top = treadle("--help")
    assert top.status == 0
    for name, (_, examples) in app.COMMANDS.items():
        assert name in top.output
        result = treadle(name, "--help")
        assert result.status == 0
        assert all(example in result.output for example in examples)


def test_help_is_short_for_help_and_lists_commands_in_whole_sentences(treadle: Command) -> None:
    assert treadle("-h").output == treadle("--help").output
    assert treadle("run", "-h").output == treadle("run", "--help").output
    assert "..." not in treadle("-h").output.partition("Commands:")[2]


def test_version_is_that_of_the_library(treadle: Command) -> None:
    assert treadle("--version").output == f"treadle {library.__version__}\n"


def test_no_arguments_give_the_help(treadle: Command) -> None:
    assert treadle().output == treadle("--help").output


def test_an_unknown_command_is_refused(treadle: Command) -> None:
    treadle("frobnicate").refused("No such command 'frobnicate'")


@pytest.mark.parametrize("package", ["typer", "rich"])
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], package: str
) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return real(name, *rest)

    for name in [n for n in sys.modules if n.startswith("treadle.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert "pip install 'treadle[cli]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (InputError("no good"), 2, "treadle: error: no good\n"),
        (OSError(5, "Input/output error"), 2, "Input/output error"),
        (MemoryError(), 2, "not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_become_a_message_and_a_status(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    message: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(app, "app", fail)
    assert app.run(["info"]) == status
    assert message in capsys.readouterr().err


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(ZeroDivisionError, match="a defect"):
        app.run(["info"])
