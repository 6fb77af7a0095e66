"""What does it cost to use threads at all: to open a parallel region, to fork and to wait?

Four questions: an empty region (two pieces of no work, back to back), what a small parallel add
takes beyond its share of the serial one, fork+wait one after the other, and a fan-out of forks
before the first wait; the last two per task. torch answers the three that it can, from TorchScript.
Each engine is a process of its own, and they take turns. Expected: a region and a fork well below a
microsecond; torch needs several for a fork.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from benchmarks.results import Result, cpu_count, document, make_console, write_json

THREADS = 2
REGIONS = 1000  # per run of a plan
FORKS = 500
ADD_ELEMENTS = 65536
ADDS = 20
SAMPLES = 30

EMPTY, ADD, SEQUENTIAL, FAN = (
    "empty region",
    "parallel add beyond its share",
    "fork+wait",
    "fan-out, per task",
)

Cases = dict[str, Callable[[], float]]


def sample(run: Callable[[], object], repetitions: int) -> float:
    """Microseconds per repetition of one call of `run`, which does them all."""
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) / repetitions * 1e6


def treadle_cases(backend: str) -> Cases:
    """The measurements on one of Treadle's thread pools."""
    import numpy as np

    from tests.runtime.kernels import address
    from treadle import runtime
    from treadle.runtime.plan import Instruction, Plan, Space

    runtime.use_backend(backend)
    runtime.set_num_threads(THREADS)
    nothing, accumulate = address("nothing"), address("accumulate")
    spec = ("float32", (ADD_ELEMENTS,))
    arrays = [np.ones(ADD_ELEMENTS, np.float32)], [np.zeros(ADD_ELEMENTS, np.float32)]
    buffers = ((Space.OUTPUT, 0, 0), (Space.INPUT, 0, 0))

    def plan(code: list[list[Instruction]]) -> Callable[[], None]:
        made = Plan(code, 0, [], [], [])
        return lambda: made.run([], [])

    def add_plan(grain: int) -> Callable[[], None]:
        add = ("run", "add", accumulate, buffers, (), ADD_ELEMENTS, grain)
        made = Plan([[add] * ADDS], 0, [], [spec], [spec])
        return lambda: made.run(*arrays)

    empty = plan([[("run", "nothing", nothing, (), (), THREADS, 1)] * REGIONS])
    body: list[Instruction] = [("run", "nothing", nothing, (), (), 1, 1)]
    forks: list[Instruction] = [("fork", i + 1, i) for i in range(FORKS)]
    joins: list[Instruction] = [("join", i) for i in range(FORKS)]
    alternating = [each for pair in zip(forks, joins, strict=True) for each in pair]
    sequential = plan([alternating, *[body] * FORKS])
    fan = plan([forks + joins, *[body] * FORKS])
    split, whole = add_plan(ADD_ELEMENTS // 16), add_plan(ADD_ELEMENTS)
    cases: Cases = {
        EMPTY: lambda: sample(empty, REGIONS),
        SEQUENTIAL: lambda: sample(sequential, FORKS),
        FAN: lambda: sample(fan, FORKS),
    }
    if backend != "serial":
        cases[ADD] = lambda: sample(split, ADDS) - sample(whole, ADDS) / THREADS
    return cases


TORCH_SOURCE = """
def task(x: Tensor) -> Tensor:
    return x

def sequential(x: Tensor, n: int) -> Tensor:
    y = x
    for i in range(n):
        y = torch.jit.wait(torch.jit.fork(task, x))
    return y

def fan(x: Tensor, n: int) -> Tensor:
    futures = [torch.jit.fork(task, x) for i in range(n)]
    y = x
    for future in futures:
        y = torch.jit.wait(future)
    return y
"""


def torch_cases() -> Cases:
    """The measurements that torch allows."""
    import torch

    torch.set_num_threads(THREADS)
    torch.set_grad_enabled(False)
    unit = torch.jit.CompilationUnit(TORCH_SOURCE)
    x = torch.ones(1)
    a, b = torch.ones(ADD_ELEMENTS), torch.zeros(ADD_ELEMENTS)

    def adds() -> None:
        for _ in range(ADDS):
            torch.add(a, a, out=b)

    def add() -> float:
        split = sample(adds, ADDS)
        torch.set_num_threads(1)
        whole = sample(adds, ADDS)
        torch.set_num_threads(THREADS)
        return split - whole / THREADS

    return {
        ADD: add,
        SEQUENTIAL: lambda: sample(lambda: unit.sequential(x, FORKS), FORKS),
        FAN: lambda: sample(lambda: unit.fan(x, FORKS), FORKS),
    }


def serve(engine: str) -> None:
    """Answer each line on standard input with one round of samples as JSON."""
    cases = torch_cases() if engine == "torch" else treadle_cases(engine)
    for _ in range(3):
        for case in cases.values():
            case()
    for _ in sys.stdin:
        samples = {name: [case() for _ in range(SAMPLES)] for name, case in cases.items()}
        print(json.dumps(samples), flush=True)


class Engine:
    """A process that measures one engine when asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.forkjoin", "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ, TREADLE_BUDGET=str(THREADS)),
        )

    def measure(self) -> dict[str, list[float]]:
        """One round of samples of each case."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"forkjoin: the process of {self.name} ended")
        samples: dict[str, list[float]] = json.loads(line)
        return samples

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def collect(engines: Sequence[Engine], rounds: int, progress: Progress) -> list[Result]:
    """Let the engines take turns, in another order each round."""
    measured: dict[tuple[str, str], list[list[float]]] = {}
    bar = progress.add_task("forkjoin", total=rounds * len(engines))
    for number in range(rounds):
        turn = number % len(engines)
        for engine in [*engines[turn:], *engines[:turn]]:
            for case, samples in engine.measure().items():
                measured.setdefault((case, engine.name), []).append(samples)
            progress.advance(bar)
    return [
        Result(
            f"{case} / {engine}",
            "us",
            tuple(value for samples in rounds_ for value in samples),
            tuple(min(samples) for samples in rounds_),
        )
        for (case, engine), rounds_ in sorted(measured.items())
    ]


def make_table(results: Sequence[Result], names: Sequence[str]) -> Table:
    """Medians in microseconds, cases down, engines across."""
    medians = {result.name: result.median for result in results}
    table = Table(title=f"median microseconds, {THREADS} threads")
    table.add_column("case")
    for name in names:
        table.add_column(name, justify="right")
    for case in (EMPTY, ADD, SEQUENTIAL, FAN):
        cells = (medians.get(f"{case} / {name}") for name in names)
        table.add_row(case, *("" if cell is None else f"{cell:.3f}" for cell in cells))
    return table


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--serve", metavar="ENGINE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    from treadle import runtime

    names = [*runtime.available_backends(), "torch"]
    console = make_console()
    engines = [Engine(name) for name in names]
    with Progress(console=console) as progress:
        results = collect(engines, arguments.rounds, progress)
    for engine in engines:
        engine.close()
    console.print(make_table(results, names))
    if arguments.json:
        settings = {"rounds": arguments.rounds, "threads": THREADS, "cpus": cpu_count()}
        write_json(arguments.json, document("forkjoin", results, settings))


if __name__ == "__main__":
    main()
