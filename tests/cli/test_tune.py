"""``treadle tune``: the settings asked for, what it prints and writes, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import treadle as library
from tests.cli.conftest import Command
from tests.cli.support import DIGITS, images, model_with
from treadle.cli.tune import parse_settings
from treadle.cli.tune_table import findings
from treadle.tune import Cell, Measurement, Sweep, ThreadSetting

TINY = ("--threads", "1x1,1x2", "--clients", "1,2", "--seconds", "0.007")


@pytest.mark.slow
def test_a_tiny_run_prints_accuracy_table_and_the_best(treadle: Command) -> None:
    before = library.get_num_threads(), library.get_num_interop_threads()
    result = treadle("tune", *TINY, "--no-plot")
    assert result.status == 0
    accuracy = float(result.output.partition("%")[0].split()[-1])
    assert accuracy >= 98
    for text in ("400 held-out examples", "p99", "requests/s", "best latency:", "Pareto"):
        assert text in result.output
    assert "measuring" in result.errors
    assert not Path("digits-tune.png").exists()
    assert (library.get_num_threads(), library.get_num_interop_threads()) == before


@pytest.mark.slow
def test_json_holds_every_measurement(treadle: Command) -> None:
    assert treadle("tune", *TINY, "--no-plot", "--json", "tune.json").status == 0
    found = json.loads(Path("tune.json").read_text())
    assert found["accuracy"] >= 0.98
    assert [(m["intra_op"], m["inter_op"], m["clients"]) for m in found["measurements"]] == [
        (1, 1, 1), (1, 1, 2), (1, 2, 1), (1, 2, 2),
    ]  # fmt: skip
    assert any(m["pareto"] for m in found["measurements"])
    assert found["best_latency"]["clients"] == 1


@pytest.mark.slow
def test_other_models_take_shapes_or_data(treadle: Command) -> None:
    assert treadle("tune", DIGITS, "--input", "2x1x8x8", *TINY, "--no-plot").status == 0
    np.savez("data.npz", images=images(4))
    result = treadle("tune", DIGITS, "--data", "data.npz", *TINY, "--no-plot")
    assert result.status == 0
    assert "right" not in result.output


@pytest.mark.slow
def test_batches_of_labelled_data_count_examples(treadle: Command) -> None:
    np.savez("data.npz", images=images(4), labels=np.zeros(4, np.int64))
    result = treadle("tune", DIGITS, "--data", "data.npz", "--batch", "2", *TINY, "--no-plot")
    assert "of 4 held-out examples right" in result.output
    assert "examples/s" in result.output


@pytest.mark.slow
def test_a_quick_run_of_the_bundled_model_writes_a_picture(treadle: Command) -> None:
    result = treadle("tune", "--quick")
    assert result.status == 0
    assert Path("digits-tune.png").read_bytes().startswith(b"\x89PNG")
    assert "the default" in result.output


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("1x2", [(1, 2)]),
        ("2", [(2, 2)]),
        ("1x1, 2x1,1x1", [(1, 1), (2, 1)]),
    ],
)
def test_settings_are_pairs_or_single_numbers(text: str, settings: list[tuple[int, int]]) -> None:
    assert parse_settings(text) == tuple(ThreadSetting(*s) for s in settings)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--threads", "0x1"), "numbers from 1 to 4096"),
        (("--threads", "1x"), "numbers from 1 to 4096"),
        (("--threads", "1x2x3"), "numbers from 1 to 4096"),
        (("--threads", "two"), "numbers from 1 to 4096"),
        (("--clients", "1,,2"), "numbers from 1 to 4096"),
        (("--clients", "5000"), "numbers from 1 to 4096"),
        (("--seconds", "0"), "--seconds"),
        (("--seconds", "nan"), "--seconds"),
        (("--seconds", "inf"), "--seconds"),
        (("--plot", "missing/x.png"), "there is no directory missing"),
        (("--plot", "x.txt"), "a plot is .png, .svg or .pdf"),
        (("--json", "."), "it is a directory"),
        (("--input", "1x1x8x8", "--data", "x.npz"), "either --input or --data"),
        (("--data", "gone.npz"), "gone.npz"),
        (("--batch", "401"), "a batch of 401"),
        ((DIGITS,), "needs inputs: give --input SHAPE"),
        ((DIGITS, "--input", "8x8"), ""),
        ((DIGITS, "--input", "1x1x8x8", "--batch", "2"), "--batch needs --data"),
        (("gone.pt",), "gone.pt"),
    ],
)
def test_bad_options_are_refused_before_anything_is_measured(
    treadle: Command, arguments: tuple[object, ...], message: str
) -> None:
    plot = () if "--plot" in arguments else ("--no-plot",)
    treadle("tune", *arguments, *plot).refused(message)


def test_data_of_one_array_or_other_names_is_refused(treadle: Command) -> None:
    np.save("data.npy", images())
    treadle("tune", "--data", "data.npy", "--no-plot").refused("takes an .npz")
    np.savez("data.npz", pictures=images())
    treadle("tune", "--data", "data.npz", "--no-plot").refused("must hold the arrays images")


def test_a_model_that_is_no_classifier_is_refused_with_labels(treadle: Command) -> None:
    model = model_with(Path("sum.pt"), ", x: Tensor) -> Tensor:\n    return torch.sum(x)\n")
    np.savez("data.npz", x=images(2), labels=np.array([0, 1]))
    treadle("tune", model, "--data", "data.npz", "--no-plot").refused("accuracy needs scores")


def test_findings_compare_the_default_with_the_best() -> None:
    def measured(setting: ThreadSetting, clients: int, p50: float, rate: float) -> Measurement:
        return Measurement(Cell(setting, clients), p50, 2 * p50, rate, rate, rate, 10)

    one, two = ThreadSetting(1, 1), ThreadSetting(2, 2)
    sweep = Sweep(
        (measured(one, 1, 2e6, 500), measured(one, 2, 2e6, 1000),
         measured(two, 1, 1e6, 1000), measured(two, 2, 2.5e6, 800)),
        budget=2, default=two,
    )  # fmt: skip
    latency, throughput, default = findings(sweep)
    assert "1 ms (p99 2 ms) with 2 intra-op × 2 inter-op threads, 1 client" in latency
    assert "1,000 requests/s" in throughput
    assert "1.00 times the best latency, 1.00 times the best throughput" in default
