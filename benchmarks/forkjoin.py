"""What does it cost to use threads at all: to open a parallel region, to fork and to wait?

The same C++ loops run on Treadle's header over each of its pools, on libgomp and on oneTBB: a
region of one piece per thread with bodies of 0, 1 and 10 us, one after the other or after the
caller has worked alone for a while; fork and wait, batches of forks before the first wait, a binary
tree of forks. torch answers for its forks, from TorchScript, and for a small parallel add. Each
engine is a process of its own, and they take turns.

Regions are microseconds beyond the body, torch.add beyond its share of the serial one, forks
microseconds per task. `system` is the limit: what waking a thread takes without any runtime, the
call and until the woken thread runs. Expected of Treadle: a region at most 0.8 us back to back and
6 us after sleep, where libgomp needs 18; after sleep bodies shorter than a wake-up wake nobody and
cost what one thread needs; a fork at most 1 us, where torch needs 5 to 8.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from benchmarks.bursts import Process, in_turn
from benchmarks.forkjoin_engines import (
    ADD,
    BATCHES,
    BODIES_US,
    IDLE_US,
    TREE,
    available,
    fork_name,
    gap,
    region_name,
    wake_name,
)
from benchmarks.results import Result, cpu_count, document, make_console, write_json


def collect(engines: Sequence[str], rounds: int, progress: Progress) -> list[Result]:
    """Let the engines take turns, in another order each round."""
    bar = progress.add_task("forkjoin, compiling", total=rounds * len(engines))
    processes = [(name, Process("benchmarks.forkjoin_engines", name)) for name in engines]
    for _, process in processes:
        process.answer()
    measured: dict[tuple[str, str], list[list[float]]] = {}
    for name, process in in_turn(processes, rounds):
        progress.update(bar, description=f"forkjoin, {name}")
        for case, samples in process.ask("").items():
            measured.setdefault((case, name), []).append(samples)
        progress.advance(bar)
    for _, process in processes:
        process.close()
    return [
        Result(
            f"{case} / {engine}",
            "us",
            tuple(value for samples in rounds_ for value in samples),
            tuple(min(samples) for samples in rounds_),
        )
        for (case, engine), rounds_ in measured.items()
    ]


def rows() -> Mapping[str, float]:
    """The cases of the table, each with the microseconds of its bodies."""
    threads = cpu_count()
    teams = sorted({1, threads})
    bodies = {
        region_name(team, body, idle): float(body)
        for team in teams
        for body in BODIES_US
        for idle in IDLE_US
        if team == threads or idle == 0
    }
    bodies |= {f"{ADD}, {gap(idle)}": 0.0 for idle in IDLE_US}
    bodies |= {fork_name(size, body): 0.0 for body in (0, 10) for size in BATCHES}
    wake_ups = {wake_name(until, idle): 0.0 for until in (False, True) for idle in IDLE_US if idle}
    return bodies | {TREE: 0.0} | wake_ups


def make_table(results: Sequence[Result], engines: Sequence[str]) -> Table:
    """Medians, cases down, engines across."""
    by_name = {result.name: result for result in results}
    table = Table(title=f"median microseconds, {cpu_count()} threads")
    table.add_column("case", no_wrap=True)
    for engine in engines:
        table.add_column(engine, justify="right", no_wrap=True)
    for case, body_us in rows().items():
        found = (by_name.get(f"{case} / {engine}") for engine in engines)
        table.add_row(case, *(f"{r.median - body_us:.2f}" if r else "" for r in found))
    return table


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--engines", nargs="+", metavar="ENGINE", help="only these")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    arguments = parser.parse_args()
    engines = [each for each in available() if each in (arguments.engines or available())]
    console = make_console()
    with Progress(console=console) as progress:
        results = collect(engines, arguments.rounds, progress)
    console.print(make_table(results, engines))
    if arguments.json:
        settings = {"rounds": arguments.rounds, "threads": cpu_count()}
        write_json(arguments.json, document("forkjoin", results, settings))


if __name__ == "__main__":
    main()
