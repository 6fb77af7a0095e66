"""How long does a large archive take to load, and what memory does it cost, beside torch.jit.load?

A stack of linear layers (400 MB by default) is written once; fresh processes load it in turn with
Treadle and with torch, then run it once. Seconds of `load` and of the first result, private and
shared memory after either, the peak; then four processes at once hold the model, and the sum of
their proportional set sizes (PSS) says whether they share the weights. Expected: Treadle maps the
file, so that loading costs no private memory and less time than torch; a first result packs the
weights that kernels want packed, for each process, or with `TREADLE_SHARED_WEIGHTS_MB` ("shared")
once for all, so that four processes cost little more than one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from torch import nn

from benchmarks.results import Result, cpu_count, document, make_console, write_json

CHILD = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy, {module}
{prepare}

def memory():
    found = dict.fromkeys(("Rss", "Pss", "Private_Clean", "Private_Dirty", "Anonymous"), 0)
    for line in open("/proc/self/smaps_rollup"):
        name, _, rest = line.partition(":")
        if name in found:
            found[name] = int(rest.split()[0]) / 1024
    return found

x = numpy.ones((1, int(sys.argv[2])), numpy.float32)
before = memory()
start = time.perf_counter()
module = {load}
loaded = time.perf_counter()
after_load = memory()
{call}
first = time.perf_counter()
after_call = memory()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({{
    "load, s": loaded - start, "first result, s": first - loaded,
    "anonymous after load, MiB": after_load["Anonymous"] - before["Anonymous"],
    "resident after load, MiB": after_load["Rss"] - before["Rss"],
    "anonymous after a call, MiB": after_call["Anonymous"] - before["Anonymous"],
    "resident after a call, MiB": after_call["Rss"] - before["Rss"],
    "peak, MiB": int(peak.split()[1]) / 1024,
}}), flush=True)
sys.stdin.readline()
print(json.dumps({{"pss, MiB": memory()["Pss"] - before["Pss"]}}), flush=True)
sys.stdin.readline()
"""

ENGINES = {
    "treadle": CHILD.format(
        module="treadle", prepare="treadle.load", load="treadle.load(sys.argv[1])",
        call="module(x)",
    ),
    "treadle, shared": CHILD.format(
        module="treadle", load="treadle.load(sys.argv[1])", call="module(x)",
        prepare="import os; os.environ['TREADLE_SHARED_WEIGHTS_MB'] = '8192'; treadle.load",
    ),
    "torch.jit": CHILD.format(
        module="torch", prepare="torch.set_grad_enabled(False)",
        load="torch.jit.load(sys.argv[1])", call="module(torch.from_numpy(x))",
    ),
}  # fmt: skip


def write(path: Path, megabytes: int, width: int) -> None:
    """Write a stack of linear layers without bias of about that size."""
    layers = max(1, megabytes * 1_000_000 // (4 * width * width))
    stack = nn.Sequential(*(nn.Linear(width, width, bias=False) for _ in range(layers)))
    torch.jit.save(torch.jit.script(stack.eval()), path)


class Child:
    """A process that loads, runs once, and then waits to be asked for its memory."""

    def __init__(self, engine: str, path: Path, width: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", ENGINES[engine], str(path), str(width)],
            env={**os.environ, "TREADLE_CACHE_DIR": str(path.parent / "cache")},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _line(self) -> dict[str, float]:
        assert self._process.stdout is not None
        found: dict[str, float] = json.loads(self._process.stdout.readline())
        return found

    def measured(self) -> dict[str, float]:
        """What it measured of itself."""
        return self._line()

    def share(self) -> dict[str, float]:
        """Its share of memory now."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._line()

    def finish(self) -> None:
        """End it."""
        self._process.communicate("\n")


def collect(path: Path, width: int, rounds: int, clients: int, progress: Progress) -> Any:
    """Samples by name of quantity, the engines in turn."""
    samples: dict[str, list[float]] = {}
    bar = progress.add_task("load", total=len(ENGINES) * (rounds + 1))

    def note(name: str, value: float) -> None:
        samples.setdefault(name, []).append(value)

    for _ in range(rounds):
        for engine in ENGINES:
            child = Child(engine, path, width)
            for quantity, value in {**child.measured(), **child.share()}.items():
                note(f"{engine} / {quantity}", value)
            child.finish()
            progress.advance(bar)
    for engine in ENGINES:
        children = [Child(engine, path, width) for _ in range(clients)]
        for child in children:
            child.measured()
        total = sum(child.share()["pss, MiB"] for child in children)
        for child in children:
            child.finish()
        note(f"{engine} / pss of {clients} processes, MiB", total)
        progress.advance(bar)
    return samples


def show(console: Console, results: list[Result], megabytes: int) -> None:
    """Print the least and the middle sample of each quantity."""
    table = Table(title=f"an archive of {megabytes} MB")
    for heading in ("quantity", "minimum", "median", "unit"):
        table.add_column(heading, justify="left" if heading == "quantity" else "right")
    for result in results:
        table.add_row(result.name, f"{result.best:.3f}", f"{result.median:.3f}", result.unit)
    console.print(table)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--width", type=int, default=2048, help="of the layers")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    arguments = parser.parse_args()
    console = make_console()
    with tempfile.TemporaryDirectory() as folder, Progress(console=console) as progress:
        warnings.simplefilter("ignore", DeprecationWarning)
        path = Path(folder) / "large.pt"
        write(path, arguments.megabytes, arguments.width)
        samples = collect(path, arguments.width, arguments.rounds, arguments.processes, progress)
    results = [
        Result(name.rpartition(", ")[0], name.rpartition(", ")[2], tuple(values), tuple(values))
        for name, values in samples.items()
    ]
    show(console, results, arguments.megabytes)
    if arguments.json:
        settings = {
            "megabytes": arguments.megabytes, "rounds": arguments.rounds,
            "width": arguments.width, "processes": arguments.processes, "cpus": cpu_count(),
        }  # fmt: skip
        write_json(arguments.json, document("load", results, settings))


if __name__ == "__main__":
    main()
