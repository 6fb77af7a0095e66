"""The typed stubs: up to date, true, and good enough for ``mypy --strict`` on a user's script."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mypy import api

import treadle
from tests.eager.typed import right
from tests.runtime.processes import run_python
from treadle.eager.adapters import ADAPTERS
from treadle.eager.functions import function_names

ROOT = Path(__file__).resolve().parents[2]
WRONG = """\
import treadle

x = treadle.ones(2, 3)
treadle.rellu(x)  # attr-defined
treadle.relu("text")  # arg-type
x.sum(dimm=1)  # call-overload
x.reshape("two")  # arg-type
treadle.softmax(x, dim=1.5)  # arg-type
y: int = treadle.relu(x)  # assignment
x.no_such_method()  # attr-defined
treadle.nn.functional.gelu(x, approximate=1)  # arg-type
treadle.mm(x)  # call-arg


@treadle.script
def scaled(x: treadle.Tensor, times: int) -> treadle.Tensor:
    return x * times


scaled(x, "two")  # call-overload
scaled(x, 2).no_such_method()  # attr-defined
"""
_ERROR = re.compile(r"wrong\.py:(\d+): error: .*\[([a-z-]+)\]$", re.MULTILINE)


CHECK = """
import sys
from scripts import make_stubs
sys.argv = ["make_stubs.py", "--check"]
make_stubs.main()
"""


def definitions(stub: str) -> Iterator[str]:
    tree = ast.parse((ROOT / "src" / "treadle" / stub).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
            yield node.name


def test_the_stubs_are_up_to_date() -> None:
    """In a process of its own: other tests define operators."""
    run_python(CHECK)


def test_what_the_stubs_promise_is_there() -> None:
    for name in definitions("_functions.pyi"):
        assert callable(getattr(treadle, name)), name
    for name in definitions("_methods.pyi"):
        assert callable(getattr(treadle.Tensor, name, None) or getattr(treadle.ones(1), name)), name
    for name in definitions("nn/_functions.pyi"):
        assert callable(getattr(treadle.nn.functional, name)), name


def test_the_stubs_leave_nothing_out() -> None:
    promised = {*definitions("_functions.pyi"), *treadle.__all__, *ADAPTERS}
    assert {*function_names()} <= promised


def test_the_calls_that_type_run() -> None:
    assert right.run() > 0


@pytest.mark.slow
def test_mypy_takes_right_calls_and_refuses_wrong_ones(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG, encoding="utf-8")
    files = [str(ROOT / "tests/eager/typed/right.py"), str(wrong)]
    output, errors, _ = api.run(["--strict", "--follow-imports=silent", *files])
    assert errors == ""
    found = [(int(line), kind) for line, kind in _ERROR.findall(output)]
    lines = enumerate(WRONG.splitlines(), 1)
    expected = [(n, line.rpartition("# ")[2]) for n, line in lines if "  # " in line]
    assert found == expected, output
    assert "right.py" not in output
