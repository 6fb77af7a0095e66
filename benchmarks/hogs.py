"""Do two threads cost more than one when other processes are busy?

The same model runs at one and at two threads while as many foreign processes as there are CPUs
compute without end. A pool that waits for every member of a team pays for the member that the
system puts aside; one whose members claim small pieces does not. Each engine and number of threads
is a process of its own, and they take turns. Expected: for Treadle two threads at most 1.05 times
one thread's time; torch 2 to 4 times.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from rich.table import Table

from benchmarks.bursts import Process, in_turn
from benchmarks.engines import DIGITS, LOADERS, Call
from benchmarks.results import Result, cpu_count, document, make_console, write_json

ENGINES = {"treadle": "treadle", "torch": "freeze"}
MODELS = ("digits", "product")
BATCH = 64
PRODUCT = 384
HOG = "while True: pass"


def make_call(engine: str, model: str, threads: int) -> Call:
    """One request of `model` on `engine`."""
    if model == "digits":
        images = np.random.default_rng(0).standard_normal((BATCH, 1, 8, 8)).astype(np.float32)
        call, _ = LOADERS[ENGINES[engine]]("digits", DIGITS, (images,), threads)
        return call
    if engine == "treadle":
        import treadle

        treadle.set_num_threads(threads)
        ours = treadle.ones(PRODUCT, PRODUCT)
        return lambda: treadle.mm(ours, ours)
    import torch

    torch.set_num_threads(threads)
    theirs = torch.ones(PRODUCT, PRODUCT)
    return lambda: torch.mm(theirs, theirs)


def serve(engine: str, model: str, threads: int) -> None:
    """Answer each line, a number of seconds, with the mean milliseconds of a call."""
    call = make_call(engine, model, threads)
    for _ in range(5):
        call()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        count = 0
        while time.perf_counter() < start + float(line):
            call()
            count += 1
        print(json.dumps((time.perf_counter() - start) / count * 1e3), flush=True)


class Runner(Process):
    """A process that runs one engine with a number of threads when asked."""

    def __init__(self, engine: str, model: str, threads: int) -> None:
        self.engine, self.model, self.threads = engine, model, threads
        super().__init__(
            "benchmarks.hogs",
            *("--serve", engine, model, threads),
            environment=dict(os.environ, OMP_NUM_THREADS=str(threads)),
        )
        self.samples: list[float] = []
        self.answer()

    def measure(self, seconds: float) -> None:
        """Add a sample."""
        self.samples.append(self.ask(str(seconds)))

    @property
    def result(self) -> Result:
        """What was measured."""
        name = f"{self.model} / {self.engine} / threads={self.threads}"
        return Result(name, "ms", tuple(self.samples), tuple(self.samples))


def measure_all(rounds: int, seconds: float, hogs: int) -> list[Result]:
    """Let all runners take turns beside the busy processes, in another order each round."""
    runners = [Runner(e, m, t) for m in MODELS for e in ENGINES for t in (1, 2)]
    busy = [subprocess.Popen([sys.executable, "-c", HOG]) for _ in range(hogs)]
    try:
        for runner in in_turn(runners, rounds):
            runner.measure(seconds)
    finally:
        for process in busy:
            process.kill()
            process.wait()
        for runner in runners:
            runner.close()
    return [runner.result for runner in runners]


def make_table(results: list[Result], hogs: int) -> Table:
    """Median milliseconds at one and two threads, and their ratio, round by round."""
    table = Table(title=f"milliseconds of a call beside {hogs} busy processes")
    for heading in ("model", "engine", "1 thread", "2 threads", "ratio"):
        table.add_column(heading, justify="left" if heading in ("model", "engine") else "right")
    for one, two in zip(results[::2], results[1::2], strict=True):
        model, engine, _ = one.name.split(" / ")
        ratio = statistics.median(b / a for a, b in zip(one.samples, two.samples, strict=True))
        table.add_row(model, engine, f"{one.median:.3f}", f"{two.median:.3f}", f"{ratio:.2f}")
    return table


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.5, help="per sample")
    parser.add_argument("--hogs", type=int, default=cpu_count(), help="busy processes")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        engine, model, threads = arguments.serve
        serve(engine, model, int(threads))
        return
    results = measure_all(arguments.rounds, arguments.seconds, arguments.hogs)
    make_console().print(make_table(results, arguments.hogs))
    if arguments.json:
        settings = {"rounds": arguments.rounds, "hogs": arguments.hogs, "cpus": cpu_count()}
        write_json(arguments.json, document("hogs", results, settings))


if __name__ == "__main__":
    main()
