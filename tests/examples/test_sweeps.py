"""The two thread sweeps run on either engine, nothing but the import changed."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["treadle", pytest.param("torch", marks=pytest.mark.torch)])
@pytest.mark.parametrize("script", ["index_select", "mm"])
def test_prints_a_line_for_each_number_of_threads(script: str, engine: str) -> None:
    command = [str(EXAMPLES / f"{script}.py"), "--quick", "--engine", engine, "--threads", "1", "2"]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(engine)
    assert [line.split()[:2] for line in lines[1:]] == [["1", "threads"], ["2", "threads"]]
