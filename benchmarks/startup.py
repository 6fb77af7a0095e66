"""How long until the first result, and how much memory, in a fresh process?

Three questions: the seconds of `import`, the seconds from an empty process to the first result of a
model (with an empty and a filled object cache), and the peak resident memory of that process. The
engines take turns; Python keeps the bytecode of all of them, as it does of installed packages.
Expected: import below 0.35 s, a filled cache far below torch, an empty one near it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.results import Result, cpu_count, document, make_console, write_json
from tests.models.registry import MODELS, save

IMPORT = """
import time; start = time.perf_counter()
import {module}
seconds = time.perf_counter() - start
import json; print(json.dumps({{"import": seconds}}))
"""

FIRST_RESULT = """
import time; start = time.perf_counter()
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy, {module}
imported = time.perf_counter()
with numpy.load(sys.argv[2]) as stored:
    inputs = [stored[name] for name in sorted(stored.files)]
{load}
loaded = time.perf_counter()
{call}
first = time.perf_counter()
{call}
second = time.perf_counter()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps({{
    "import": imported - start, "load": loaded - imported, "first call": first - loaded,
    "second call": second - first, "total": first - start, "peak MiB": int(peak.split()[1]) / 1024,
}}))
"""

TREADLE = FIRST_RESULT.format(
    module="treadle", load="module = treadle.load(sys.argv[1])", call="module(*inputs)"
)
TORCH = FIRST_RESULT.format(
    module="torch",
    load="module = torch.jit.load(sys.argv[1]).eval(); torch.set_grad_enabled(False)\n"
    "inputs = [torch.from_numpy(array) for array in inputs]",
    call="module(*inputs)",
)


class ChildError(Exception):
    """A measured process failed; the message is the last line of its standard error."""


def run(script: str, *arguments: str, cache: Path, bytecode: Path) -> dict[str, float]:
    """Run `script` in a fresh interpreter and give what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=dict(
            os.environ,
            TREADLE_CACHE_DIR=str(cache),
            PYTHONDONTWRITEBYTECODE="",
            PYTHONPYCACHEPREFIX=str(bytecode),
        ),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ChildError((done.stderr.strip().splitlines() or ["no message"])[-1])
    printed: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return printed


def collect(
    rounds: int, archive: Path, inputs: Path, folder: Path, progress: Progress
) -> dict[str, list[dict[str, float]]]:
    """Run every measurement once per round, in turn."""
    warm = folder / "warm"
    files = (str(archive), str(inputs))
    measurements: dict[str, list[dict[str, float]]] = {}
    bar = progress.add_task("startup", total=rounds * 6)
    for number in range(rounds + 1):  # the first round only warms the disk and both caches
        cases = (
            ("import numpy", IMPORT.format(module="numpy"), (), warm),
            ("import treadle", IMPORT.format(module="treadle"), (), warm),
            ("import torch", IMPORT.format(module="torch"), (), warm),
            ("treadle, empty cache", TREADLE, files, folder / f"cold{number}"),
            ("treadle, filled cache", TREADLE, files, warm),
            ("torch.jit.load", TORCH, files, warm),
        )
        for name, script, arguments, cache in cases:
            printed = run(script, *arguments, cache=cache, bytecode=folder / "bytecode")
            if number:
                measurements.setdefault(name, []).append(printed)
                progress.advance(bar)
    return measurements


def to_results(measurements: Mapping[str, list[dict[str, float]]]) -> list[Result]:
    """Give one result for each measured quantity."""
    results = []
    for name, runs in measurements.items():
        for quantity in runs[0]:
            samples = tuple(values[quantity] for values in runs)
            unit = "MiB" if quantity == "peak MiB" else "s"
            results.append(Result(f"{name} / {quantity}", unit, samples, samples))
    return results


def show(console: Console, results: list[Result]) -> None:
    """Print minimum and median of each quantity."""
    table = Table(title="fresh processes: minimum and median")
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
    parser.add_argument("--model", choices=tuple(MODELS), default="resnet50")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    arguments = parser.parse_args()
    console = make_console()
    with tempfile.TemporaryDirectory() as name, Progress(console=console) as progress:
        folder = Path(name)
        warnings.simplefilter("ignore", DeprecationWarning)
        archive = save(arguments.model, folder / "model.pt")
        inputs = folder / "inputs.npz"
        np.savez(inputs, *(each.numpy() for each in MODELS[arguments.model].example_inputs()))
        try:
            measurements = collect(arguments.rounds, archive, inputs, folder, progress)
        except ChildError as error:
            sys.exit(f"startup: {error}")
    results = to_results(measurements)
    show(console, results)
    if arguments.json:
        settings = {"rounds": arguments.rounds, "model": arguments.model, "cpus": cpu_count()}
        write_json(arguments.json, document("startup", results, settings))


if __name__ == "__main__":
    main()
