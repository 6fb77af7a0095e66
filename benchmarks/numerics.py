"""How exact are float32 operators, ours and torch's, against float64?

Errors are in units of the last place (ulp) of the exact result; those of sums and products in ulp
of the largest exact result, since their elements cancel. Special inputs (zeros of both signs,
infinities, NaN, denormals, the largest numbers) are told apart by result: NaN, infinite, zero, and
the sign; where torch is right, so must we be. Expected: transcendental functions within 1.5 ulp;
nothing more than 2 ulp or 10 % worse than torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

import treadle
from benchmarks.numerics_cases import CASES, POINTS, Array, Case
from benchmarks.results import Result, document, make_console, write_json

MORE, RATIO = 2.0, 1.1
_TINY = float(np.finfo(np.float32).smallest_subnormal)
SPECIAL = np.array(
    [
        0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, _TINY, -_TINY, 1e-40,
        -1e-40, 1.17549435e-38, 3.4028235e38, -3.4028235e38, 88.72283, 88.73, 89.0, -87.3, -88.0,
        -103.9, -104.1, 1e-20, 1e20, 16777216.0, 8388607.5, 3.1415927, 1e5, -1e5,
    ],
    np.float32,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Errors:
    """Largest and mean error in ulp."""

    largest: float
    mean: float


@dataclass(frozen=True, slots=True)
class Row:
    """What was found of a case; `special` are inputs at which special results differ."""

    case: Case
    ours: Errors
    torchs: Errors
    special: list[float]

    @property
    def fails(self) -> str:
        """Which goals are missed."""
        worse = self.ours.largest > max(self.torchs.largest + MORE, self.torchs.largest * RATIO)
        parts = ["worse than torch"] * worse
        parts += [f"above {self.case.limit} ulp"] * (self.ours.largest > self.case.limit + 1e-3)
        if self.special:
            parts.append("special: " + ", ".join(f"{x:.3g}" for x in self.special[:4]))
        return "; ".join(parts)


def ulp_errors(result: Array, exact: Array, elements: bool) -> Errors:
    """Errors where both are finite, in ulp of each exact result or of the largest."""
    usable = np.isfinite(result) & np.isfinite(exact) & np.isfinite(exact.astype(np.float32))
    given, wanted = result[usable].astype(np.float64), exact[usable]
    scale = np.abs(wanted) if elements else np.full(wanted.shape, np.abs(wanted).max())
    error = np.abs(given - wanted) / np.spacing(scale.astype(np.float32)).astype(np.float64)
    return Errors(float(error.max()), float(error.mean()))


def examine(case: Case) -> Row:
    """Errors of both engines on the same inputs."""
    inputs = [a.astype(np.float32) for a in case.draw(np.random.default_rng(0))]
    with np.errstate(all="ignore"):
        exact = case.call(torch, *(torch.from_numpy(a).double() for a in inputs)).numpy()
        theirs = case.call(torch, *map(torch.from_numpy, inputs)).numpy()
        ours = case.call(treadle, *map(treadle.from_numpy, inputs)).numpy()
        errors = [ulp_errors(result, exact, case.elements) for result in (ours, theirs)]
        single = case.elements and inputs[0].ndim == len(inputs) == 1
        return Row(case, errors[0], errors[1], _differing(case) if single else [])


def _differing(case: Case) -> list[float]:
    """Special inputs at which torch gives the right kind of result and we do not."""
    x = torch.from_numpy(SPECIAL)
    theirs, exact = (case.call(torch, v).numpy().astype(np.float32) for v in (x, x.double()))
    ours = case.call(treadle, treadle.from_numpy(SPECIAL)).numpy()
    right = _kind(exact)
    return [float(v) for v in SPECIAL[(_kind(theirs) == right) & (_kind(ours) != right)]]


def _kind(values: Array) -> Array:
    """A number for each kind of result: NaN, or sign and whether infinite or zero."""
    kind = np.signbit(values) * 4 + np.isinf(values) * 2 + (values == 0) * 1
    return np.where(np.isnan(values), -1, kind)


def make_table(rows: Sequence[Row]) -> Table:
    """One line a case."""
    table = Table(title="error in float32 ulp, against float64")
    for heading in ("operator", "largest", "mean", "torch's largest", "mean", "misses"):
        table.add_column(heading, justify="left" if heading in ("operator", "misses") else "right")
    for row in rows:
        numbers = (f"{x:.2f}" for e in (row.ours, row.torchs) for x in (e.largest, e.mean))
        table.add_row(row.case.name, *numbers, f"[bold red]{row.fails}[/]" if row.fails else "")
    return table


def main() -> None:
    """Examine, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="PATTERN", default="*", help="names of cases")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    arguments = parser.parse_args()
    cases = [case for case in CASES if fnmatch(case.name, f"*{arguments.only}*")]
    if not cases:
        raise SystemExit(f"numerics: no case is called like {arguments.only}")
    torch.set_num_threads(1)
    progress = track(cases, "numerics", console=Console(stderr=True), transient=True)
    rows = [examine(case) for case in progress]
    console = make_console()
    console.print(make_table(rows))
    console.print(f"{sum(bool(row.fails) for row in rows)} of {len(rows)} miss a goal")
    if arguments.json:
        results = [
            Result(f"{row.case.name} / {engine}", "ulp", (errors.largest,), (errors.largest,))
            for row in rows
            for engine, errors in (("treadle", row.ours), ("torch", row.torchs))
        ]
        write_json(arguments.json, document("numerics", results, {"points": POINTS}))


if __name__ == "__main__":
    main()
