"""The command line of tests: in this process, in an empty folder, with a cache of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from treadle.cli.app import run


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command gave."""

    status: int
    output: str
    errors: str

    def refused(self, *parts: str) -> None:
        """Check that it is one message on stderr with these parts, status 2, and no output."""
        assert self.status == 2, self
        assert self.output == ""
        assert self.errors.startswith("treadle: error: ")
        assert self.errors.count("treadle: error: ") == 1
        assert "Traceback (most recent" not in self.errors
        for part in parts:
            assert part in self.errors, self.errors


Command = Callable[..., Outcome]


@pytest.fixture
def treadle(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Run a command in an empty folder, the current one."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return command
