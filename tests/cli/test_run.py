"""``treadle run``: what it takes and what it computes."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import treadle as library
from tests.cli.conftest import Command
from tests.cli.support import DIGITS, PAIR, images, model_with, save_npy


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


def test_bad_options_are_refused(treadle: Command) -> None:
    treadle("run", DIGITS, "--threads", "0").refused("--threads", "treadle run --help")
    treadle("run", DIGITS, "--threads", "two").refused("--threads")
    treadle("run", DIGITS, "--repeat", "-1").refused("--repeat")
    treadle("run", DIGITS, "--frob").refused("--frob")
    treadle("run").refused("MODEL")
