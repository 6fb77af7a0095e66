"""How fast are single operators, eager and planned, against torch's eager ones?

Cases are those of `benchmarks.ops_cases`. All engines live in this process and take turns, case by
case; a sample is the mean of a burst of calls. Where memory bounds a case, a copy that moves as
many bytes takes turns with them. Expected: faster than torch on average (1.3 times), slower than
0.8 times nowhere; where memory is the limit, 85 % of the speed of the copy.
"""

from __future__ import annotations

import argparse
import linecache
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import treadle
from benchmarks.kernel_peak import copy_bandwidth, fma_peak
from benchmarks.ops_cases import CASES, OPERANDS, Case
from benchmarks.results import Result, cpu_count, document, make_console, write_json
from treadle.codegen import Target

Call = Callable[[], object]
TORCH, EAGER, PLANNED, COPY = "torch", "eager", "planned", "copy"
OURS = (EAGER, PLANNED)
GOAL, FLOOR, SHARE = 1.3, 0.8, 0.85
BURST_S = 0.004
REST_S = 0.025  # torch's idle workers spin for 8 ms and more, and would share our processor


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of a case at a number of threads, in microseconds."""

    case: Case
    threads: int
    medians: dict[str, float]

    def ratio(self, engine: str) -> float:
        """How many times torch's speed that of `engine` is."""
        return self.medians[TORCH] / self.medians[engine]

    def share(self, engine: str) -> float:
        """How fast `engine` moves memory, over the speed of a copy."""
        return self.medians[COPY] / self.medians[engine]


def make_calls(case: Case) -> dict[str, Call]:
    """What is timed, by engine."""
    source = np.random.default_rng(0)
    arrays = [operand.make(source) for operand in case.operands]
    theirs = [torch.from_numpy(a) for a in arrays]
    ours = [treadle.from_numpy(a) for a in arrays]
    with torch.inference_mode():
        expected: Any = _bind(_function(case, torch), theirs)()
    calls = {
        TORCH: _bind(_function(case, torch), theirs),
        EAGER: _bind(_function(case, treadle), ours),
        PLANNED: _planned(case, ours),
    }
    for engine in OURS:
        _check(case, engine, calls[engine](), expected)
    moved = case.bytes_moved(arrays, np.asarray(expected).nbytes)
    if moved:
        calls[COPY] = _copy(moved // 2)
    return calls


def _planned(case: Case, operands: list[Any]) -> Call:
    """The scripted function, with its weights as constants."""
    named = dict(zip(OPERANDS, operands, strict=False))
    weights = {name: named.pop(name) for name in case.weights if name in named}
    scripted = treadle.script(_function(case, treadle, weights))
    return _bind(scripted, list(named.values()))


def _function(
    case: Case, module: Any, weights: Mapping[str, Any] = MappingProxyType({})
) -> Callable[..., Any]:
    """The expression as a function of what is no weight; its source can be scripted."""
    names = (n for n in OPERANDS[: len(case.operands)] if n not in weights)
    parameters = ", ".join(f"{n}: Tensor" for n in names)
    text = f"def call({parameters}) -> Tensor:\n    return {case.expression}\n"
    file = f"<{module.__name__}: {case.name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    namespace = {"torch": module, "F": module.nn.functional, "Tensor": module.Tensor, **weights}
    exec(compile(text, file, "exec"), namespace)
    function: Callable[..., Any] = namespace["call"]
    return function


def _bind(function: Callable[..., Any], operands: list[Any]) -> Call:
    return lambda: function(*operands)


def _check(case: Case, engine: str, result: Any, expected: torch.Tensor) -> None:
    """Refuse to time what computes something else."""
    given, wanted = np.asarray(result), np.asarray(expected)
    tolerance = 2e-2 if given.dtype.itemsize == 2 else 2e-4
    scale = float(np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0))
    close = given.shape == wanted.shape and np.allclose(
        given, wanted, rtol=tolerance, atol=tolerance * scale, equal_nan=True
    )
    if not close:
        raise SystemExit(f"ops: {engine} computes {case.name} wrongly")


def _copy(size_bytes: int) -> Call:
    source, target = (torch.ones(max(size_bytes, 8), dtype=torch.uint8) for _ in range(2))
    return lambda: target.copy_(source)


def burst(call: Call, calls: int) -> float:
    """Microseconds of a call, the mean of `calls` after one that wakes threads."""
    call()
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls * 1e6


def set_threads(count: int) -> None:
    """The threads of both libraries."""
    torch.set_num_threads(count)
    treadle.set_num_threads(count)


def measure(case: Case, threads: Sequence[int], rounds: int) -> dict[int, dict[str, list[float]]]:
    """Samples by number of threads and engine; engines take turns, in changing order."""
    calls = make_calls(case)
    samples: dict[int, dict[str, list[float]]] = {n: {e: [] for e in calls} for n in threads}
    with torch.inference_mode():
        for count in threads:
            set_threads(count)
            sizes = {
                engine: max(1, round(BURST_S * 1e6 / min(burst(call, 1) for _ in range(2))))
                for engine, call in calls.items()
            }
            for number in range(rounds):
                for engine in calls if number % 2 == 0 else reversed(calls):
                    if count > 1:
                        time.sleep(REST_S)
                    samples[count][engine].append(burst(calls[engine], sizes[engine]))
    return samples


def geometric_mean(values: Sequence[float]) -> float:
    """Of ratios."""
    return math.exp(statistics.fmean(map(math.log, values))) if values else math.nan


def make_table(rows: Sequence[Row]) -> Table:
    """One line for each case and number of threads."""
    table = Table(title="times in microseconds (medians); ratios are torch's time over ours")
    for heading in ("case", "threads", "torch", "eager", "planned", "eager x", "planned x"):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    table.add_column("of copy speed", justify="right")
    for row in rows:
        times = (f"{row.medians[e]:.4g}" for e in (TORCH, EAGER, PLANNED))
        ratios = (_marked(row.ratio(e), FLOOR) for e in OURS)
        shares = (_marked(row.share(e), SHARE) for e in OURS) if COPY in row.medians else ()
        table.add_row(row.case.name, str(row.threads), *times, *ratios, " ".join(shares))
    return table


def _marked(value: float, least: float) -> str:
    return f"{value:.2f}" if value >= least else f"[bold red]{value:.2f}[/]"


def make_summary(rows: Sequence[Row], threads: Sequence[int]) -> Table:
    """Geometric means by family, and how many cases miss the goals."""
    table = Table(title=f"geometric means (goal {GOAL}; no case below {FLOOR})")
    table.add_column("family")
    columns = [(count, engine) for count in threads for engine in OURS]
    for count, engine in columns:
        table.add_column(f"{engine}, {count} thr", justify="right")
    families = dict.fromkeys(row.case.family for row in rows)
    for family in (*families, "all"):
        chosen = [row for row in rows if family in ("all", row.case.family)]
        means = (geometric_mean([r.ratio(e) for r in chosen if r.threads == n]) for n, e in columns)
        table.add_row(family, *(f"{mean:.2f}" for mean in means), end_section=family != "all")
    below = (str(sum(r.threads == n and r.ratio(e) < FLOOR for r in rows)) for n, e in columns)
    table.add_row(f"cases below {FLOOR}", *below)
    bound = [r for r in rows if COPY in r.medians]
    short = (str(sum(r.threads == n and r.share(e) < SHARE for r in bound)) for n, e in columns)
    table.add_row(f"below {SHARE:.0%} of copy speed", *short)
    return table


def print_limits(console: Console) -> None:
    """What one core can do."""
    target = Target.host()
    peak = max(fma_peak(target) for _ in range(50))
    small, large = copy_bandwidth(256 << 10), copy_bandwidth(128 << 20)
    rates = f"copies {small:.1f} GB/s in L2, {large:.1f} GB/s in memory"
    console.print(f"one core: {peak:.0f} GFLOP/s of FMA, {rates}")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cpu_count()}))
    parser.add_argument("--only", metavar="PATTERN", default="*", help="names or families of cases")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    arguments = parser.parse_args()
    pattern = f"*{arguments.only}*"
    cases = [c for c in CASES if fnmatch(c.name, pattern) or fnmatch(c.family, pattern)]
    if not cases:
        raise SystemExit(f"ops: no case is called like {arguments.only}")
    console = make_console()
    print_limits(console)
    rows: list[Row] = []
    results: list[Result] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for case in progress.track(cases, description="ops"):
            measured = measure(case, arguments.threads, arguments.rounds)
            for count, samples in measured.items():
                rows.append(Row(case, count, {e: statistics.median(s) for e, s in samples.items()}))
                results += [
                    Result(f"{case.name} / {count} threads / {engine}", "us", tuple(s), tuple(s))
                    for engine, s in samples.items()
                ]
    console.print(make_table(rows))
    console.print(make_summary(rows, arguments.threads))
    if arguments.json:
        settings = {"rounds": arguments.rounds, "threads": arguments.threads}
        write_json(arguments.json, document("ops", results, settings))


if __name__ == "__main__":
    main()
