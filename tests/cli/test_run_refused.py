"""Inputs and models that ``treadle run`` refuses: one message, and no file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from tests.cli.support import DIGITS, PAIR, edited_model, images, model_with, save_npy
from tests.support import DATA


@pytest.mark.parametrize(
    ("shape", "dtype", "parts"),
    [
        ((2, 1, 8), np.float32, ("",)),
        ((8, 8), np.float32, ("",)),
        ((2, 3, 8, 8), np.float32, ("",)),
        ((2, 1, 8, 8), np.float64, ("",)),
        ((2, 1, 8, 8), np.int64, ("",)),
        ((2, 1, 8, 8), "U3", ("not an array of numbers",)),
        ((2, 1, 8, 8), "M8[s]", ("not an array of numbers",)),
    ],
    ids=str,
)
def test_wrong_rank_shape_and_dtype_are_refused_without_output(
    treadle: Command, shape: tuple[int, ...], dtype: object, parts: tuple[str, ...]
) -> None:
    save_npy(Path("x.npy"), np.zeros(shape, dtype))  # type: ignore[call-overload]
    treadle("run", DIGITS, "x.npy", "-o", "y.npy").refused(*parts)
    assert not Path("y.npy").exists()


def test_wrong_numbers_of_inputs_are_refused(treadle: Command) -> None:
    save_npy(Path("x.npy"), images())
    treadle("run", DIGITS).refused("forward(images) takes 1 argument, got 0")
    treadle("run", DIGITS, "x.npy", "x.npy").refused("forward(images) takes 1 argument, got 2")


def test_names_that_forward_does_not_have_are_refused(treadle: Command) -> None:
    np.savez("x.npz", pictures=images())
    treadle("run", DIGITS, "x.npz").refused("x.npz holds pictures", "inputs are images")
    model = model_with(Path("pair.pt"), PAIR)
    np.savez("x.npz", y=images())
    treadle("run", model, "x.npz").refused("x.npz lacks the input x")


def test_an_npz_beside_another_file_is_refused(treadle: Command) -> None:
    np.savez("x.npz", images=images())
    treadle("run", DIGITS, "x.npz", "x.npz").refused("either one .npz file or .npy files")


def _npy(array: np.ndarray) -> bytes:
    save_npy(Path("content.npy"), array)
    return Path("content.npy").read_bytes()


BAD_FILES: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"1 2 3\n",
    "pickle": lambda: b"\x80\x04N.",
    "objects": lambda: _objects(),
    "truncated": lambda: _npy(images())[:-100],
    "header only": lambda: _npy(images())[:64],
    "header of code": lambda: b"\x93NUMPY\x01\x00\x10\x00__import__('os')",
    "header of nothing": lambda: b"\x93NUMPY\x01\x00\x02\x00{}",
    "huge": lambda: _npy(images()).replace(b"(2, 1, 8, 8)", b"(2, 9**30, 8, 8)"),
    "huge shape": lambda: _npy(np.zeros((1, 111111111111), "V0")),
    "cut zip": lambda: (DATA / "heldout.npz").read_bytes()[:5000],
    "zip of text": lambda: b"PK\x03\x04 and then nothing",
}


def _objects() -> bytes:
    np.save("objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    return Path("objects.npy").read_bytes()


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_damaged_or_hostile_input_file_is_refused(treadle: Command, kind: str) -> None:
    Path("x.npy").write_bytes(BAD_FILES[kind]())
    treadle("run", DIGITS, "x.npy", "-o", "y.npy").refused("x.npy")
    assert not Path("y.npy").exists()


def test_missing_files_and_folders_are_refused(treadle: Command) -> None:
    Path("folder").mkdir()
    treadle("run", DIGITS, "gone.npy").refused("gone.npy", "No such file")
    treadle("run", DIGITS, "folder").refused("folder", "directory")
    treadle("run", "gone.pt").refused("gone.pt")
    treadle("run", "folder").refused("folder")


def _renamed(old: str, new: str) -> bytes:
    def edit(source: str) -> str:
        assert old in source
        return source.replace(old, new)

    return edited_model(Path("edited.pt"), edit).read_bytes()


BAD_MODELS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", ""),
    "text": (lambda: b"not an archive\n", ""),
    "truncated": (lambda: DIGITS.read_bytes()[:300_000], ""),
    "cut at the end": (lambda: DIGITS.read_bytes()[:-30], ""),
    "array": (lambda: _npy(images()), ""),
    "other zip": (lambda: (DATA / "heldout.npz").read_bytes(), ""),
    "unknown operator": (lambda: _renamed("torch.cat", "torch.frobnicate"), "frobnicate"),
    "unknown syntax": (lambda: _renamed("return scores", "yield scores"), "network.py"),
    "broken syntax": (lambda: _renamed("return scores", "return ((scores"), "network.py"),
    "unknown name": (lambda: _renamed("return scores", "return scored"), "scored"),
}


@pytest.mark.parametrize("kind", BAD_MODELS)
@pytest.mark.parametrize("command", [("run", "-o", "y.npy"), ("show",), ("tune", "--no-plot")])
def test_a_bad_model_is_one_message(treadle: Command, kind: str, command: tuple[str, ...]) -> None:
    make, part = BAD_MODELS[kind]
    Path("bad.pt").write_bytes(make())
    save_npy(Path("x.npy"), images())
    name, *options = command
    inputs = {"run": ("x.npy",), "tune": ("--input", "1x1x8x8"), "show": ()}[name]
    treadle(name, "bad.pt", *inputs, *options).refused(part)
    assert not Path("y.npy").exists()


def test_a_model_that_raises_is_one_message(treadle: Command) -> None:
    body = """, x: Tensor) -> Tensor:
    if torch.gt(torch.dim(x), 1):
      ops.prim.RaiseException("only vectors please", "builtins.ValueError")
    else:
      pass
    return x
"""
    model = model_with(Path("raises.pt"), body)
    save_npy(Path("x.npy"), np.zeros((2, 2), np.float32))
    treadle("run", model, "x.npy", "-o", "y.npy").refused("only vectors please")
    assert not Path("y.npy").exists()
