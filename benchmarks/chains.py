"""Do two forked chains of matrix products take half the time of one after the other?

Each chain multiplies a square matrix four times. Both chains run in sequence and forked, each with
one thread and with nothing set, in Treadle and in TorchScript, both from one archive; engines take
turns. Expected: Treadle's forks are at least 1.9 times as fast as its sequence on one thread, and
no slower than the sequence that has all threads. torch gives each fork a team of its own: by
default its forks lose against its sequence.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import Progress
from rich.table import Table

from benchmarks.bursts import Process, in_turn
from benchmarks.results import Result, cpu_count, document, make_console, write_json

ENGINES = ("treadle", "torch")
ORDERS = ("sequence", "forked")
SIZES = (512, 256, 128)
SOURCE = """
def chain(self, x: Tensor, w: Tensor) -> Tensor:
    for i in range(4):
        x = torch.mm(x, w)
    return x

def sequence(self, x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    return self.chain(x, w) + self.chain(y, w)

def forked(self, x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    other = torch.jit.fork(self.chain, y, w)
    return self.chain(x, w) + torch.jit.wait(other)

def forward(self, x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    return self.forked(x, y, w)
"""

Call = Callable[[], object]


def save(path: Path) -> None:
    """Write the archive."""
    import torch

    module = torch.jit.ScriptModule()
    module.define(SOURCE)
    torch.jit.save(module, str(path))


def calls(engine: str, archive: str, threads: int) -> dict[str, Call]:
    """One call for each order and size; `threads` 0 leaves the engine's default."""
    draw = np.random.default_rng(0)
    arrays = {
        size: [(draw.standard_normal((size, size)) / size**0.5).astype(np.float32)] * 3
        for size in SIZES
    }
    found: dict[str, Call] = {}
    if engine == "treadle":
        import treadle

        if threads:
            treadle.set_num_threads(threads)
        ours = treadle.load(archive)
        for size, order in ((size, order) for size in SIZES for order in ORDERS):
            found[f"{size} / {order}"] = partial(getattr(ours, order), *arrays[size])
        return found
    import torch

    if threads:
        torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    theirs = torch.jit.load(archive)
    tensors = {size: [torch.from_numpy(each) for each in arrays[size]] for size in SIZES}
    for size, order in ((size, order) for size in SIZES for order in ORDERS):
        found[f"{size} / {order}"] = partial(getattr(theirs, order), *tensors[size])
    return found


def serve(engine: str, archive: str, threads: int) -> None:
    """Answer each line, a number of seconds, with the milliseconds of each call of each case."""
    cases = calls(engine, archive, threads)
    for call in cases.values():
        for _ in range(5):
            call()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        samples: dict[str, list[float]] = {name: [] for name in cases}
        for name, call in cases.items():
            end = time.perf_counter() + float(line)
            while time.perf_counter() < end:
                start = time.perf_counter()
                call()
                samples[name].append((time.perf_counter() - start) * 1e3)
        print(json.dumps(samples), flush=True)


def collect(rounds: int, seconds: float, progress: Progress) -> list[Result]:
    """Let the processes take turns."""
    bar = progress.add_task("chains", total=rounds * len(ENGINES) * 2)
    measured: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "chains.pt"
        save(archive)
        processes = [
            (f"{engine} / {threads or 'default'}", Process(*command))
            for engine in ENGINES
            for threads in (1, 0)
            for command in [("benchmarks.chains", "--serve", engine, archive, threads)]
        ]
        for _, process in processes:
            process.answer()
        for name, process in in_turn(processes, rounds):
            for case, samples in process.ask(str(seconds)).items():
                measured.setdefault(f"{case} / {name}", []).append(samples)
            progress.advance(bar)
        for _, process in processes:
            process.close()
    return [
        Result(name, "ms", tuple(s for r in rounds_ for s in r), tuple(min(r) for r in rounds_))
        for name, rounds_ in measured.items()
    ]


def make_table(results: Sequence[Result]) -> Table:
    """Medians over rounds of the best times, and what forking gains."""
    table = Table(title=f"two chains of four products, ms, {cpu_count()} processors")
    for heading in ("size", "engine", "sequence, 1 thread", "sequence", "forked", "gain"):
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    times = {result.name: statistics.median(result.rounds) for result in results}
    for size in SIZES:
        for engine in ENGINES:
            one, whole, forked = (
                times[f"{size} / {order} / {engine} / {threads}"]
                for order, threads in (
                    ("sequence", 1),
                    ("sequence", "default"),
                    ("forked", "default"),
                )
            )
            cells = (f"{one:.3f}", f"{whole:.3f}", f"{forked:.3f}", f"{one / forked:.2f}")
            table.add_row(str(size), engine, *cells)
    return table


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--burst", type=float, default=0.1, help="seconds of each case per round")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        engine, archive, threads = arguments.serve
        serve(engine, archive, int(threads))
        return
    console = make_console()
    with Progress(console=console) as progress:
        results = collect(arguments.rounds, arguments.burst, progress)
    console.print(make_table(results))
    if arguments.json:
        settings = {"rounds": arguments.rounds, "burst_s": arguments.burst, "cpus": cpu_count()}
        write_json(arguments.json, document("chains", results, settings))


if __name__ == "__main__":
    main()
