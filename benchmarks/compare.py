"""What changed between two runs of one benchmark? Ratios, second to first, with their spread.

The spread is that of the ratios between any round of the second run and any round of the first
(10th and 90th percentile). A change is marked when the whole spread lies on one side of 1 and both
runs have at least three rounds.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.results import RATES, make_console

MIN_ROUNDS = 3


def spread(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """10th and 90th percentile of the ratios between rounds."""
    ratios = np.divide.outer(np.asarray(second), np.asarray(first))
    low, high = np.percentile(ratios, (10, 90))
    return float(low), float(high)


def verdict(low: float, high: float, unit: str) -> str:
    """Say `better` or `worse` if the spread is clear of 1, else nothing."""
    if low <= 1 <= high:
        return ""
    more = low > 1
    return "better" if more == (unit in RATES) else "worse"


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> Table:
    """Give the table of all quantities that both runs have."""
    table = Table(title=f"{first['benchmark']}: {second['commit']} / {first['commit']}")
    for heading in ("quantity", "unit", "first", "second", "best", "median", "spread", ""):
        table.add_column(heading, justify="left" if heading == "quantity" else "right")
    before = {result["name"]: result for result in first["results"]}
    for after in second["results"]:
        old = before.get(after["name"])
        if old is None:
            continue
        low, high = spread(old["rounds"], after["rounds"])
        enough = min(len(old["rounds"]), len(after["rounds"])) >= MIN_ROUNDS
        table.add_row(
            after["name"],
            after["unit"],
            f"{old['best']:.4g}",
            f"{after['best']:.4g}",
            f"{after['best'] / old['best']:.3f}",
            f"{after['median'] / old['median']:.3f}",
            f"{low:.3f} to {high:.3f}",
            verdict(low, high, after["unit"]) if enough else "",
        )
    return table


def main() -> None:
    """Compare two JSON files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    arguments = parser.parse_args()
    first, second = (json.loads(path.read_text()) for path in (arguments.first, arguments.second))
    if first["benchmark"] != second["benchmark"]:
        sys.exit(f"compare: {first['benchmark']} against {second['benchmark']}")
    if first["machine"]["cpu"] != second["machine"]["cpu"]:
        print("warning: the runs are of different machines", file=sys.stderr)
    make_console().print(compare(first, second))


if __name__ == "__main__":
    main()
