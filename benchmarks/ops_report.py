"""Print the section of docs/benchmarks.md on single operators, from measurements.

python -m benchmarks.ops --threads 1 2 --json ops.json
python -m benchmarks.ops_report ops.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks.ops import COPY, EAGER, FLOOR, OURS, PLANNED, SHARE, TORCH, Row, geometric_mean
from benchmarks.ops_cases import CASES

Document: TypeAlias = Mapping[str, Any]


def read_rows(document: Document) -> list[Row]:
    """The cases of a document, by number of threads."""
    cases = {case.name: case for case in CASES}
    medians: dict[tuple[str, int], dict[str, float]] = {}
    for result in document["results"]:
        name, threads, engine = result["name"].rsplit(" / ", 2)
        medians.setdefault((name, int(threads.split()[0])), {})[engine] = result["median"]
    return [Row(cases[name], n, times) for (name, n), times in medians.items() if name in cases]


def report(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of the section."""
    threads = sorted({row.threads for row in rows})
    columns = [(n, engine) for n in threads for engine in OURS]
    titles = [f"{engine}, {n}" for n, engine in columns]
    yield from _line(["torch's time over ours, geometric mean", *titles])
    yield from _line(["---"] * (1 + len(columns)))
    for family in (*dict.fromkeys(row.case.family for row in rows), "all"):
        chosen = [row for row in rows if family in ("all", row.case.family)]
        means = [geometric_mean([r.ratio(e) for r in chosen if r.threads == n]) for n, e in columns]
        yield from _line([family, *(f"{mean:.2f}" for mean in means)])
    below = [sum(r.threads == n and r.ratio(e) < FLOOR for r in rows) for n, e in columns]
    yield from _line([f"cases below {FLOOR}", *map(str, below)])
    for n in threads:
        yield ""
        slower = [r for r in rows if r.threads == n and min(map(r.ratio, OURS)) < 1]
        named = (f"{r.case.name} {r.ratio(EAGER):.2f}, {r.ratio(PLANNED):.2f}" for r in slower)
        yield f"Below torch on {n} thread{'s' * (n > 1)} (eager, planned): {'; '.join(named)}."
    yield ""
    yield from _line(["of the speed of a copy", *titles])
    yield from _line(["---"] * (1 + len(columns)))
    shares = {(r.case.name, r.threads): r for r in rows if COPY in r.medians}
    for name in dict.fromkeys(name for name, _ in shares):
        values = [f"{shares[name, n].share(e):.2f}" for n, e in columns]
        yield from _line([name, *values])
    short = [
        sum(r.threads == n and r.share(e) < SHARE for r in shares.values()) for n, e in columns
    ]
    yield from _line([f"cases below {SHARE}", *map(str, short)])


def _line(cells: Sequence[str]) -> Iterator[str]:
    yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the section of the document that is named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("json", type=Path, help="what benchmarks.ops wrote")
    document: Document = json.loads(parser.parse_args().json.read_text())
    print(
        f"`{' '.join(document['command'][:3])}`, medians, {len(CASES)} cases; {TORCH} is eager.\n"
    )
    print("\n".join(report(read_rows(document))))


if __name__ == "__main__":
    main()
