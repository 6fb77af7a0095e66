"""What does a call on a tensor of 4 to 64 elements cost, over the breadth of the eager interface?

Some 800 calls of `benchmarks.eager_cases`, on one thread, in one process: the engines take turns
call by call, and the least of the rounds counts. Expected: at most 1.5 times torch's time each.
"""

import argparse
import gc
import importlib
import math
import timeit
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from benchmarks.eager_cases import CASES, make_names
from benchmarks.results import Result, document, make_console, write_json

ENGINES = ("treadle", "torch")
LIMIT = 1.5
SAMPLE_S = 1e-3


def make_timers(case: str) -> dict[str, timeit.Timer]:
    """A timer of the call for each engine."""
    timers = {}
    for name in ENGINES:
        engine = importlib.import_module(name)
        engine.set_num_threads(1)
        engine.manual_seed(0)
        timers[name] = timeit.Timer(case, "global z, m", globals=make_names(engine))
    return timers


def measure(group: str, case: str, rounds: int) -> list[Result]:
    """The time of one call in each engine, in turns."""
    timers = make_timers(case)
    counts = {}
    for name, timer in timers.items():
        timer.timeit(20)
        counts[name] = max(20, int(SAMPLE_S / (timer.timeit(20) / 20)))
    samples: dict[str, list[float]] = {name: [] for name in timers}
    for number in range(rounds):
        for name in ENGINES if number % 2 else reversed(ENGINES):
            samples[name].append(timers[name].timeit(counts[name]) / counts[name] * 1e6)
    return [
        Result(f"{group} / {case} / {name}", "us", tuple(times), tuple(times))
        for name, times in samples.items()
    ]


def make_table(ratios: Sequence[tuple[float, str, float, float]], shown: int) -> Table:
    """The calls that are dearest beside torch's."""
    table = Table(title=f"the {shown} dearest beside torch, least times in us")
    for title in ("call", *ENGINES, "treadle / torch"):
        table.add_column(title, justify="left" if title == "call" else "right")
    for ratio, case, ours, theirs in ratios[:shown]:
        table.add_row(escape(case), f"{ours:.2f}", f"{theirs:.2f}", f"{ratio:.2f}")
    return table


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="calls that contain this text")
    parser.add_argument("--shown", type=int, default=40, help="rows of the table")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    arguments = parser.parse_args()
    gc.disable()
    results, ratios = [], []
    for group, cases in CASES.items():
        for case in cases:
            if arguments.only in case:
                pair = measure(group, case, arguments.rounds)
                results += pair
                ours, theirs = (result.best for result in pair)
                ratios.append((ours / theirs, case, ours, theirs))
    ratios.sort(reverse=True)
    console = make_console()
    console.print(make_table(ratios, arguments.shown))
    mean = math.exp(sum(math.log(r[0]) for r in ratios) / len(ratios))
    above = sum(r[0] > LIMIT for r in ratios)
    console.print(
        f"{len(ratios)} calls, geometric mean {mean:.2f} of torch's time,"
        f" {above} above {LIMIT} ({above / len(ratios):.0%})"
    )
    if arguments.json:
        write_json(arguments.json, document("eager_calls", results, {"rounds": arguments.rounds}))


if __name__ == "__main__":
    main()
