"""The picture of a sweep: it is made for any number of settings and shows what was chosen."""

import pytest

from treadle.tune import Cell, Measurement, Sweep, client_counts, settings_up_to
from treadle.tune.plot import draw, render

PNG = b"\x89PNG\r\n"


def sweep_of(budget: int, clients: tuple[int, ...] | None = None) -> Sweep:
    settings = settings_up_to(budget)
    measurements = [
        Measurement(Cell(s, c), 1e5 * c / s.intra_op, 2e5 * c, 900.0 + c * 10 + i, 850, 1100, 9)
        for i, s in enumerate(settings)
        for c in clients or client_counts(budget)
    ]
    return Sweep(tuple(measurements), budget=budget, default=settings[-1])


@pytest.mark.slow
@pytest.mark.parametrize("budget", [1, 2, 16])
def test_a_picture_is_made_for_few_and_many_settings(budget: int) -> None:
    assert render(sweep_of(budget), "png", "a model", "on a machine").startswith(PNG)


@pytest.mark.slow
def test_one_cell_is_enough_for_a_picture() -> None:
    assert render(sweep_of(1, (1,)), "svg", "a model").startswith(b"<?xml")


def test_the_legend_names_every_setting_and_the_default() -> None:
    figure = draw(sweep_of(2), "a model")
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert "1 intra-op × 2 inter-op" in labels
    assert "2 intra-op × 2 inter-op (default)" in labels
    assert "Pareto front (left)" in labels


def test_of_many_settings_the_chosen_have_colours() -> None:
    sweep = sweep_of(16)
    (legend,) = draw(sweep, "a model").legends
    labels = [text.get_text() for text in legend.get_texts()]
    best = sweep.best_throughput.setting
    assert any(label.startswith(f"{best.intra_op} intra-op × {best.inter_op}") for label in labels)
    assert "other settings" in labels
    assert len(labels) <= 9
