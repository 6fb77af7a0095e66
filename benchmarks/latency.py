"""How long does one request take, against torch and, if installed, ONNX Runtime and OpenVINO?

Every (engine, model, threads) is its own process; the processes of one cell take turns in short
bursts, so that foreign load hits all alike. TorchScript is the better of freeze and
optimize_for_inference. Expected: Treadle below all others on every model, about half at twice the
threads for the large nets, less gain for the small ones.
"""

import argparse
import statistics
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.bursts import Worker, WorkerError, rotate
from benchmarks.engines import DIGITS, PEERS, export_onnx
from benchmarks.results import Result, cpu_count, document, make_console, write_json
from tests.models.registry import MODELS, save

TOLERANCE = 1e-4
ENGINES = ("treadle", "eager", "freeze", "optimize", *PEERS)


@dataclass(frozen=True, slots=True)
class Cell:
    """The results of one model at one number of threads."""

    model: str
    threads: int
    results: dict[str, Result]
    deviations: dict[str, float]
    errors: dict[str, str]

    @property
    def others(self) -> dict[str, Result | None]:
        """Eager, the better of the two forms of TorchScript, the better of the ONNX engines."""
        groups = {"eager": ("eager",), "script": ("freeze", "optimize"), "peer": PEERS}
        return {name: self._best(engines) for name, engines in groups.items()}

    def _best(self, engines: Sequence[str]) -> Result | None:
        results = [self.results[name] for name in engines if name in self.results]
        return min(results, key=lambda result: result.best, default=None)

    @property
    def passed(self) -> bool:
        """Whether every engine ran and agrees with eager."""
        return not self.errors and all(value <= TOLERANCE for value in self.deviations.values())


def prepare(model: str, folder: Path) -> tuple[Path, Path]:
    """Write the archive and the inputs of `model`; give both paths."""
    archive, inputs = folder / f"{model}.pt", folder / f"{model}-inputs.npz"
    if model == "digits":
        with np.load(DIGITS.with_name("heldout.npz")) as held_out:
            np.savez(inputs, held_out["images"][:1])
        archive.write_bytes(DIGITS.read_bytes())
        return archive, inputs  # its forks and waits have no ONNX form
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        save(model, archive)
    arrays = tuple(tensor.numpy() for tensor in MODELS[model].example_inputs())
    np.savez(inputs, *arrays)
    if PEERS:
        export_onnx(model, archive, arrays)
    return archive, inputs


def deviation(path: Path, reference: Path) -> float:
    """Largest difference of any output, relative to the largest magnitude of that output."""
    worst = 0.0
    with np.load(path) as ours, np.load(reference) as theirs:
        if ours.files != theirs.files:
            return float("inf")
        for name in theirs.files:
            if ours[name].shape != theirs[name].shape:
                return float("inf")
            scale = float(np.abs(theirs[name]).max()) or 1.0
            worst = max(worst, float(np.abs(ours[name] - theirs[name]).max()) / scale)
    return worst if np.isfinite(worst) else float("inf")


def measure(archive: Path, inputs: Path, threads: int, rounds: int, seconds: float) -> Cell:
    """Start every engine on `archive`, compare outputs, alternate bursts."""
    model, folder = archive.stem, archive.parent
    errors: dict[str, str] = {}
    ready: list[Worker] = []
    started = []
    engines = [e for e in ENGINES if e not in PEERS or archive.with_suffix(".onnx").exists()]
    for engine in engines:
        worker = Worker(engine, model, archive, inputs, threads)
        started.append(worker)
        try:
            worker.answer()
            worker.ask(f"output {folder / (engine + '.npz')}")
            ready.append(worker)
        except WorkerError as error:
            errors[engine] = str(error)
    bursts = list(rotate(ready, rounds, seconds))
    for worker in started:
        worker.close()
    results, deviations = {}, {}
    for engine in (worker.engine for worker in ready):
        mine = [burst.times_ms for burst in bursts if burst.engine == engine]
        samples = tuple(time for times in mine for time in times)
        name = f"{model} / threads={threads} / {engine}"
        results[engine] = Result(name, "ms", samples, tuple(min(times) for times in mine))
        if "eager" not in errors:
            deviations[engine] = deviation(folder / f"{engine}.npz", folder / "eager.npz")
    return Cell(model, threads, results, deviations, errors)


def _shown(result: Result | None) -> str:
    return f"{result.best:.3g} / {result.median:.3g}" if result else "-"


def show(console: Console, cells: Sequence[Cell]) -> None:
    """Print the table, then the errors and disagreements."""
    table = Table(title="one request, ms: minimum / median; ratios of minima (below 1: faster)")
    columns: dict[str, list[float]] = {"eager": [], "script": [], "peer": []}
    headings = ("model", "thr", "treadle", *columns, *(f"/ {name}" for name in columns))
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "model" else "right", no_wrap=True)
    for cell in cells:
        ours, others = cell.results.get("treadle"), cell.others
        ratios = []
        for name, other in others.items():
            if ours and other:
                columns[name].append(ours.best / other.best)
            ratios.append(f"{ours.best / other.best:.2f}" if ours and other else "-")
        shown = map(_shown, (ours, *others.values()))
        table.add_row(cell.model, str(cell.threads), *shown, *ratios)
    means = [f"{statistics.geometric_mean(c):.2f}" if c else "-" for c in columns.values()]
    table.add_section()
    table.add_row("geometric mean", *[""] * (2 + len(columns)), *means)
    console.print(table)
    for cell in cells:
        where = f"{cell.model}, threads={cell.threads}"
        for engine, error in cell.errors.items():
            console.print(f"{where}: {engine} failed: {error}", style="red", markup=False)
        for engine, value in cell.deviations.items():
            if value > TOLERANCE:
                message = f"{where}: {engine} differs from eager by {value:.1e} of the largest"
                console.print(message, style="red")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    names = (*MODELS, "digits")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="MODEL")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cpu_count()}))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--burst", type=float, default=0.3, help="seconds per burst")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    return parser.parse_args()


def main() -> None:
    """Measure every cell, print the table, exit with 1 if an engine failed or disagrees."""
    arguments = parse_arguments()
    console = make_console()
    cells = []
    with Progress(console=console) as progress, tempfile.TemporaryDirectory() as folder:
        bar = progress.add_task("latency", total=len(arguments.only) * len(arguments.threads))
        for model in arguments.only:
            progress.update(bar, description=f"{model}, writing its archive")
            files = prepare(model, Path(folder))
            for threads in arguments.threads:
                progress.update(bar, description=f"{model}, threads={threads}")
                cells.append(measure(*files, threads, arguments.rounds, arguments.burst))
                progress.advance(bar)
    show(console, cells)
    if arguments.json:
        results = [result for cell in cells for result in cell.results.values()]
        settings = {"rounds": arguments.rounds, "burst_s": arguments.burst}
        write_json(arguments.json, document("latency", results, settings))
    sys.exit(0 if all(cell.passed for cell in cells) else 1)


if __name__ == "__main__":
    main()
