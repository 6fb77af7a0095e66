"""What do the specification's two scripts, and the smallest of calls, cost in eager functions?

Selections of 80,000 rows out of 10,000 x 1,000 floats, products of two 1024 x 1024 matrices, and
single operators on 16 floats, at each number of threads. Each engine is a process of its own, and
they take turns. Expected: the selection at the rate of memory, since results reuse it, where torch
takes fresh pages; the product near torch's; a small call about as fast as torch's.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress
from rich.table import Table

from benchmarks.results import Result, cpu_count, document, make_console, write_json

ENGINES = ("treadle", "torch")
SELECT, PRODUCT = "index_select 80000 of 10000 x 1000", "mm 1024 x 1024"
SMALL = ("add", "add number", "softmax", "mm 4 x 4")
UNITS = {SELECT: "ms", PRODUCT: "ms"} | dict.fromkeys(SMALL, "us")
SAMPLES = {SELECT: 5, PRODUCT: 10} | dict.fromkeys(SMALL, 10)
SMALL_CALLS = 5_000


def sample(call: Callable[[], object], unit: str) -> float:
    """The time of a call, of a small one that of many."""
    calls = SMALL_CALLS if unit == "us" else 1
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls * (1e6 if unit == "us" else 1e3)


def make_cases(engine: str) -> dict[str, Callable[[], object]]:
    """The calls that are measured; written for torch's names, only the import differs."""
    torch: Any = importlib.import_module(engine)
    torch.manual_seed(0)
    table, index = torch.rand(10_000, 1_000), torch.randint(0, 10_000, (80_000,))
    x, y = torch.randn(1024, 1024), torch.randn(1024, 1024)
    small, matrix = torch.ones(16), torch.ones(4, 4)
    return {
        SELECT: lambda: torch.index_select(table, 0, index),
        PRODUCT: lambda: torch.mm(x, y),
        "add": lambda: torch.add(small, small),
        "add number": lambda: torch.add(small, 2.5),
        "softmax": lambda: torch.softmax(small, 0),
        "mm 4 x 4": lambda: torch.mm(matrix, matrix),
    }


def serve(engine: str) -> None:
    """Answer each number of threads on standard input with a round of samples as JSON."""
    cases = make_cases(engine)
    set_num_threads = importlib.import_module(engine).set_num_threads
    for line in sys.stdin:
        set_num_threads(int(line))
        samples = {}
        for name, call in cases.items():
            call()
            samples[name] = [sample(call, UNITS[name]) for _ in range(SAMPLES[name])]
        print(json.dumps(samples), flush=True)


class Engine:
    """A process that measures one engine when asked."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.eager", "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, OMP_NUM_THREADS=str(threads)),
        )

    def measure(self, threads: int) -> dict[str, list[float]]:
        """One round of samples of each case."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{threads}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"eager: the process of {self.name} ended")
        samples: dict[str, list[float]] = json.loads(line)
        return samples

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def collect(
    engines: Sequence[Engine], threads: Sequence[int], rounds: int, progress: Progress
) -> list[Result]:
    """Let the engines take turns, in another order each round."""
    measured: dict[tuple[str, int, str], list[list[float]]] = {}
    bar = progress.add_task("eager", total=rounds * len(engines) * len(threads))
    for number in range(rounds):
        for count in threads:
            for engine in engines if number % 2 == 0 else reversed(engines):
                for case, samples in engine.measure(count).items():
                    measured.setdefault((case, count, engine.name), []).append(samples)
                progress.advance(bar)
    return [
        Result(
            f"{case} / {count} threads / {engine}",
            UNITS[case],
            tuple(value for samples in rounds_ for value in samples),
            tuple(min(samples) for samples in rounds_),
        )
        for (case, count, engine), rounds_ in measured.items()
    ]


def make_table(results: Sequence[Result], threads: Sequence[int]) -> Table:
    """Medians, cases and threads down, engines across."""
    medians = {result.name: result.median for result in results}
    table = Table(title="medians of eager calls")
    for title in ("case", "unit", "threads"):
        table.add_column(title)
    for title in (*ENGINES, "torch / treadle"):
        table.add_column(title, justify="right")
    for case, unit in UNITS.items():
        for count in threads:
            ours, theirs = (medians[f"{case} / {count} threads / {name}"] for name in ENGINES)
            row = (f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}")
            table.add_row(case, unit, str(count), *row)
    return table


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cpu_count()}))
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--serve", metavar="ENGINE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    console = make_console()
    engines = [Engine(name, max(arguments.threads)) for name in ENGINES]
    with Progress(console=console) as progress:
        results = collect(engines, arguments.threads, arguments.rounds, progress)
    for engine in engines:
        engine.close()
    console.print(make_table(results, arguments.threads))
    if arguments.json:
        settings = {"rounds": arguments.rounds, "threads": arguments.threads, "cpus": cpu_count()}
        write_json(arguments.json, document("eager", results, settings))


if __name__ == "__main__":
    main()
