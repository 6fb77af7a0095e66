"""The section on operators says what the measurements say."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

from benchmarks.ops_report import read_rows, report


def _document(**times: tuple[float, ...]) -> dict[str, Any]:
    engines = ("torch", "eager", "planned", "copy")
    return {
        "results": [
            {"name": f"{case.replace('_', ' ')} / 1 threads / {engine}", "median": time}
            for case, row in times.items()
            for engine, time in zip(engines, row, strict=False)
        ]
    }


def test_means_slow_cases_and_shares_are_listed() -> None:
    rows = read_rows(_document(add_16=(4.0, 1.0, 2.0), add_16M=(2.0, 4.0, 2.0, 3.0)))
    text = "\n".join(report(rows))
    assert "| pointwise | 1.41 | 1.41 |" in text
    assert "| cases below 0.8 | 1 | 0 |" in text
    assert "Below torch on 1 thread (eager, planned): add 16M 0.50, 1.00." in text
    assert "| add 16M | 0.75 | 1.50 |" in text


def test_cases_that_are_no_more_are_left_out() -> None:
    assert read_rows(_document(no_such_case=(1.0, 1.0, 1.0))) == []
