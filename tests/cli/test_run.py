"""``treadle run``: what it computes, what it writes, what it refuses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import treadle as library
from tests.cli.conftest import Command
from tests.cli.support import DIGITS, PAIR, edited_model, images, model_with, save_npy
from tests.support import DATA


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    return np.asarray(library.load(DIGITS)(images()).numpy())


def test_prints_shape_and_values_of_the_output(treadle: Command) -> None:
    result = treadle("run", DIGITS, save_npy(Path("x.npy"), images()))
    assert result.status == 0
    assert "float32" in result.output
    assert "[2, 10]" in result.output
    assert "output =" in result.output
    assert result.errors == ""


@pytest.mark.parametrize("options", [(), ("--threads", "1"), ("--interpret",), ("--repeat", "2")])
def test_writes_the_output_of_the_model(
    treadle: Command, scores: np.ndarray, options: tuple[str, ...]
) -> None:
    result = treadle("run", DIGITS, save_npy(Path("x.npy"), images()), "-o", "y.npy", *options)
    assert result.status == 0
    assert result.output == ""
    np.testing.assert_allclose(np.load("y.npy"), scores, rtol=1e-4, atol=1e-5)


def test_names_of_an_npz_are_forwards_parameters(treadle: Command, scores: np.ndarray) -> None:
    np.savez("x.npz", images=images())
    assert treadle("run", DIGITS, "x.npz", "-o", "y.npz").status == 0
    with np.load("y.npz") as saved:
        assert list(saved) == ["output"]
        np.testing.assert_array_equal(saved["output"], scores)


def test_unnamed_arrays_of_an_npz_are_taken_in_order(treadle: Command, scores: np.ndarray) -> None:
    np.savez("x.npz", images())
    assert treadle("run", DIGITS, "x.npz", "-o", "y.npy").status == 0
    np.testing.assert_array_equal(np.load("y.npy"), scores)


def test_the_other_byte_order_is_read(treadle: Command, scores: np.ndarray) -> None:
    save_npy(Path("x.npy"), images().astype(">f4"))
    assert treadle("run", DIGITS, "x.npy", "-o", "y.npy").status == 0
    np.testing.assert_array_equal(np.load("y.npy"), scores)


def test_bfloat16_comes_and_goes_as_two_bytes(treadle: Command) -> None:
    model = model_with(Path("neg.pt"), ", x: Tensor) -> Tensor:\n    return torch.neg(x)\n")
    save_npy(Path("x.npy"), np.array([1, -2], ml_dtypes.bfloat16))
    assert treadle("run", model, "x.npy", "-o", "y.npy").status == 0
    saved = np.load("y.npy").view(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(saved.astype(np.float32), [-1, 2])


def test_repeat_prints_times(treadle: Command) -> None:
    result = treadle("run", DIGITS, save_npy(Path("x.npy"), images()), "--repeat", "3")
    assert "first call" in result.errors
    assert "3 calls: min" in result.errors


def test_several_inputs_a_number_and_nested_outputs(treadle: Command) -> None:
    model = model_with(Path("pair.pt"), PAIR)
    x, y = np.array([1, 2], np.float32), np.array([10, 20], np.float32)
    np.savez("in.npz", y=y, scale=np.int64(3), x=x)
    result = treadle("run", model, "in.npz", "-o", "out.npz")
    assert result.status == 0, result
    with np.load("out.npz") as saved:
        assert set(saved) == {"0", "1.left", "1.right"}
        np.testing.assert_array_equal(saved["0"], x + 3 * y)
        np.testing.assert_array_equal(saved["1.right"], -y)


def test_another_method_is_called_by_its_name(treadle: Command) -> None:
    model = model_with(
        Path("two.pt"),
        """, x: Tensor) -> Tensor:
    return torch.neg(x)
  def doubled(self: __torch__.network.DigitsNet, y: Tensor) -> Tensor:
    return torch.mul(y, 2)
""",
    )
    np.savez("in.npz", y=np.ones(3, np.float32))
    result = treadle("run", model, "in.npz", "--method", "doubled", "-o", "out.npy")
    assert result.status == 0, result.errors
    assert np.load("out.npy").tolist() == [2.0, 2.0, 2.0]
    treadle("run", model, "in.npz", "--method", "gone").refused("has no method 'gone'")


def test_npy_files_are_taken_in_order(treadle: Command) -> None:
    model = model_with(Path("pair.pt"), PAIR)
    files = [save_npy(Path(f"{i}.npy"), np.array([i], np.float32)) for i in (5, 7)]
    scale = save_npy(Path("scale.npy"), np.array(2))
    assert treadle("run", model, *files, scale, "-o", "out.npz").status == 0
    with np.load("out.npz") as saved:
        np.testing.assert_array_equal(saved["0"], [19])


# --- output files -------------------------------------------------------------------------------


def test_a_link_stays_and_its_target_is_written(treadle: Command) -> None:
    Path("real.npy").write_bytes(b"old")
    Path("link.npy").symlink_to("real.npy")
    assert treadle("run", DIGITS, save_npy(Path("x.npy"), images()), "-o", "link.npy").status == 0
    assert Path("link.npy").is_symlink()
    assert np.load("real.npy").shape == (2, 10)


def test_an_old_file_keeps_its_mode_and_a_new_one_follows_the_umask(treadle: Command) -> None:
    Path("old.npy").touch(mode=0o640)
    save_npy(Path("x.npy"), images())
    before = os.umask(0o027)
    try:
        assert treadle("run", DIGITS, "x.npy", "-o", "old.npy").status == 0
        assert treadle("run", DIGITS, "x.npy", "-o", "new.npy").status == 0
    finally:
        os.umask(before)
    assert Path("old.npy").stat().st_mode & 0o777 == 0o640
    assert Path("new.npy").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("missing/y.npy", "there is no directory missing"),
        ("folder.npy", "it is a directory"),
        ("y.txt", "written as .npy or .npz"),
        ("y", "written as .npy or .npz"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_first(
    treadle: Command, target: str, message: str
) -> None:
    Path("folder.npy").mkdir()
    treadle("run", "not-even-there.pt", "-o", target).refused(f"cannot write {target}", message)


def test_a_folder_without_permission_is_refused(
    treadle: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    treadle("run", DIGITS, "-o", "y.npy").refused("cannot write y.npy: permission denied")


def test_several_outputs_do_not_fit_an_npy_and_leave_the_old_file(treadle: Command) -> None:
    model = model_with(Path("pair.pt"), PAIR)
    Path("out.npy").write_bytes(b"old")
    np.savez("in.npz", x=np.array([1], np.float32), y=np.array([1], np.float32), scale=1)
    treadle("run", model, "in.npz", "-o", "out.npy").refused("0, 1.left, 1.right", ".npz")
    assert Path("out.npy").read_bytes() == b"old"


def test_a_failed_write_leaves_the_old_file_and_no_part(
    treadle: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    save_npy(Path("x.npy"), images())
    Path("y.npy").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", full)
    treadle("run", DIGITS, "x.npy", "-o", "y.npy").refused("cannot write y.npy: No space left")
    assert Path("y.npy").read_bytes() == b"old"
    assert sorted(os.listdir()) == ["x.npy", "y.npy"]


# --- bad inputs ---------------------------------------------------------------------------------


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


# --- bad models ---------------------------------------------------------------------------------


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


def test_bad_options_are_refused(treadle: Command) -> None:
    treadle("run", DIGITS, "--threads", "0").refused("--threads", "treadle run --help")
    treadle("run", DIGITS, "--threads", "two").refused("--threads")
    treadle("run", DIGITS, "--repeat", "-1").refused("--repeat")
    treadle("run", DIGITS, "--frob").refused("--frob")
    treadle("run").refused("MODEL")
