"""``treadle trace``: what it prints and writes, what it refuses."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from tests.cli.support import DIGITS, images, model_with, save_npy
from tests.cli.test_docs import blocks, commands

SHAPE = ("--input", "1x1x8x8")


def test_writes_a_trace_and_prints_threads_path_and_ops(treadle: Command) -> None:
    result = treadle("trace", DIGITS, *SHAPE, "--repeat", "3", "-o", "trace.json")
    assert result.status == 0
    for text in ("3 requests", "MainThread", "critical path: ", "conv2d+relu", "on all threads"):
        assert text in result.output
    assert "wrote trace.json" in result.errors
    items = json.loads(Path("trace.json").read_text())["traceEvents"]
    assert sum(item.get("cat") == "request" for item in items) == 3
    assert sum(item.get("cat") == "fork" for item in items) == 6


def test_takes_the_files_of_run(treadle: Command) -> None:
    save_npy(Path("image.npy"), images(1))
    assert treadle("trace", DIGITS, "image.npy", "--repeat", "1").status == 0
    assert Path("digits-trace.json").exists()
    np.savez("inputs.npz", images=images(2))
    assert treadle("trace", DIGITS, "inputs.npz", "--threads", "1").status == 0


def test_clients_have_lanes_of_their_own(treadle: Command) -> None:
    result = treadle("trace", DIGITS, *SHAPE, "--clients", "3", "--repeat", "2", "--json")
    found = json.loads(result.output)
    assert found["num_requests"] == 6
    assert found["critical_path"]["length_ns"] > 0
    assert {t["name"] for t in found["threads"]} >= {"client_0"}


def test_a_cold_trace_shows_the_binding(treadle: Command) -> None:
    assert treadle("trace", DIGITS, *SHAPE, "--repeat", "1", "--cold").status == 0
    items = json.loads(Path("digits-trace.json").read_text())["traceEvents"]
    names = {item["name"] for item in items}
    assert {"optimise", "bind", "compile kernels"} <= names


def test_interpreted_models_are_traced_too(treadle: Command) -> None:
    model = model_with(Path("nonzero.pt"), ", x: Tensor) -> Tensor:\n    return torch.nonzero(x)\n")
    result = treadle("trace", model, "--input", "3", "--repeat", "2")
    assert "no request was recorded" in result.output
    items = json.loads(Path("nonzero-trace.json").read_text())["traceEvents"]
    assert sum(item["name"] == "interpret" for item in items) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone.pt", *SHAPE), "gone.pt"),
        ((DIGITS, "gone.npy"), "cannot read gone.npy"),
        ((DIGITS, "image.npy", *SHAPE), "either files or --input"),
        ((DIGITS, *SHAPE, "-o", "gone/trace.json"), "there is no directory gone"),
        ((DIGITS, *SHAPE, "-o", "."), "it is a directory"),
        ((DIGITS, *SHAPE, "--repeat", "0"), "--repeat"),
        ((DIGITS, *SHAPE, "--clients", "0"), "--clients"),
        ((DIGITS,), "takes 1 argument, got 0"),
        ((DIGITS, "--input", "8x8"), ""),
    ],
)
def test_bad_options_leave_no_file(
    treadle: Command, arguments: tuple[object, ...], message: str
) -> None:
    treadle("trace", *arguments).refused(message)
    assert not list(Path().glob("**/*.json"))


def test_the_page_on_tracing_is_true(treadle: Command, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(DIGITS, "model.pt")
    save_npy(Path("image.npy"), images(1))
    np.savez("inputs.npz", images=images(2))
    for command in commands("tracing.md"):
        assert treadle(*shlex.split(command)[1:]).status == 0
    (block,) = blocks("tracing.md", "python")
    exec(compile(block, "tracing.md", "exec"), {})
    assert "critical path" in capsys.readouterr().out
    assert Path("trace.json").exists()
    assert Path("again.json").exists()
