"""What do many clients get from one process, and does anybody have to choose settings for it?

1 to 16 client threads call one model in a closed loop: the bundled digits network, a network of
eight forked branches, an encoder of MiniLM's size. Treadle runs with nothing set and at fixed
settings (intra-op x inter-op threads, a limit of requests in flight); TorchScript, ONNX Runtime and
OpenVINO with their defaults and with the settings their users choose for throughput. Each (engine,
setting) is a process of its own; for each number of clients they take turns in bursts, which are
short but long enough for several requests of each client.

Columns: requests per second (median of the bursts), latency, threads of the process that are
neither clients nor the main thread, context switches per request. `best` is the setting with the
most requests per second other than the default. Expected: Treadle's default within 5 % of its best
fixed setting at every number of clients, and never more pool threads than processors - 1; the
defaults of others lose with many clients what they win with one. About eight minutes; --quick takes
three.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.bursts import Process, WorkerError, in_turn
from benchmarks.engines import export_onnx
from benchmarks.latency import prepare
from benchmarks.results import Result, cpu_count, document, make_console, write_json
from benchmarks.serving import Setting, is_installed, settings

CLIENTS = (1, 2, 4, 8, 16)
NAMES = ("digits", "wide8", "encoder")
TOLERANCE = 1e-3
REQUESTS = 4  # of each client in a burst
PAUSE_SECONDS = 0.03  # other engines' threads spin that long after their burst
GOAL = 0.95


@dataclass(slots=True)
class Cell:
    """One model, one setting, one number of clients: what was seen, burst by burst."""

    model: str
    setting: Setting
    clients: int
    latencies_ms: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    switches: list[float] = field(default_factory=list)
    pool_threads: int = 0

    @property
    def rate(self) -> float:
        """Requests per second."""
        return statistics.median(self.rates)

    def results(self) -> Iterator[Result]:
        """What is stored of it."""
        name = f"{self.model} / clients={self.clients} / {self.setting.name}"
        yield Result(f"{name} / rate", "1/s", tuple(self.rates), tuple(self.rates))
        for percent in (50, 99):
            value = float(np.percentile(self.latencies_ms, percent))
            yield Result(f"{name} / p{percent}", "ms", (value,), (value,))
        switched = tuple(self.switches)
        yield Result(f"{name} / context switches per request", "", switched, switched)
        threads = (float(self.pool_threads),)
        yield Result(f"{name} / pool threads", "", threads, threads)


class Server(Process):
    """A model loaded with one engine at one setting, in a process of its own."""

    def __init__(self, number: int, setting: Setting, stem: Path) -> None:
        self.setting = setting
        super().__init__(
            "benchmarks.serving",
            *(number, stem),
            environment=dict(os.environ, OPENBLAS_NUM_THREADS="1"),  # NumPy's own: not the engine's
            log=stem.with_name(f"{stem.name}-{number}.log"),
        )

    def measure(self, cell: Cell, seconds: float) -> None:
        """Add a burst to `cell`."""
        time.sleep(PAUSE_SECONDS)
        self.send(f"{cell.clients} {seconds}")
        time.sleep(0.8 * seconds)
        threads = len(list(Path(f"/proc/{self.pid}/task").iterdir())) - cell.clients - 1
        cell.pool_threads = max(cell.pool_threads, threads)
        latencies_ns, rate, switches = self.answer()
        cell.latencies_ms += [each / 1e6 for each in latencies_ns]
        cell.rates.append(rate)
        cell.switches.append(switches)


def start(model: str, folder: Path, chosen: Sequence[Setting]) -> tuple[list[Server], float]:
    """A process for each setting, and the seconds of a call, the median of all.

    Raises:
        WorkerError: if one gives other numbers than the first.
    """
    archive, inputs = prepare(model, folder)
    stem = archive.with_suffix("")
    inputs.rename(stem.with_suffix(".npz"))
    if not archive.with_suffix(".onnx").exists():
        with np.load(stem.with_suffix(".npz")) as stored:
            export_onnx(model, archive, tuple(stored[name] for name in sorted(stored.files)))
    known = settings(cpu_count())
    servers = [Server(known.index(setting), setting, stem) for setting in chosen]
    outputs, seconds = zip(*(server.answer() for server in servers), strict=True)
    for setting, values in zip(chosen, outputs, strict=True):
        if not np.allclose(values, outputs[0], rtol=TOLERANCE, atol=TOLERANCE):
            raise WorkerError(f"{setting.name} gives other numbers for {model}")
    return servers, statistics.median(seconds)


def burst_seconds(shortest: float, clients: int, request: float, cpus: int) -> float:
    """Long enough for `REQUESTS` of each client, where one takes `request` seconds on a thread."""
    return max(shortest, REQUESTS * request * max(clients / cpus, 1))


def best_of(cells: Sequence[Cell], engine: str) -> tuple[Cell | None, Cell | None]:
    """The default of `engine`, and the best of its other settings."""
    own = [cell for cell in cells if cell.setting.engine == engine]
    default = next((cell for cell in own if cell.setting.is_default), None)
    others = [cell for cell in own if not cell.setting.is_default]
    return default, max(others, key=lambda cell: cell.rate, default=None)


def show(console: Console, cells: Sequence[Cell]) -> None:
    """Print a table per model."""
    for model in dict.fromkeys(cell.model for cell in cells):
        table = Table(title=f"{model}: closed loop, one process")
        for heading in ("clients", "engine", "setting", "requests/s", "p50 ms", "p99 ms"):
            text = heading in ("engine", "setting")
            table.add_column(heading, justify="left" if text else "right", no_wrap=True)
        table.add_column("pool threads", justify="right")
        table.add_column("switches", justify="right")
        for clients in dict.fromkeys(cell.clients for cell in cells):
            table.add_section()
            here = [cell for cell in cells if (cell.model, cell.clients) == (model, clients)]
            for engine in dict.fromkeys(cell.setting.engine for cell in here):
                for cell in best_of(here, engine):
                    if cell is not None:
                        table.add_row(*row(cell))
        console.print(table)
    console.print(summary(cells))


def row(cell: Cell) -> list[str]:
    """The cells of a table for one setting."""
    p50, p99 = np.percentile(cell.latencies_ms, (50, 99))
    label = cell.setting.label if cell.setting.is_default else f"best: {cell.setting.label}"
    numbers = [f"{cell.rate:.5g}", f"{p50:.3g}", f"{p99:.3g}", str(cell.pool_threads)]
    mean_switches = statistics.mean(cell.switches)
    return [str(cell.clients), cell.setting.engine, label, *numbers, f"{mean_switches:.2f}"]


def summary(cells: Sequence[Cell]) -> Table:
    """Treadle's default over its best fixed setting, and over the best of everybody else."""
    table = Table(title=f"requests/s of Treadle's default over the best (goal {GOAL} of its own)")
    for heading in ("model", "clients", "own fixed", "of others"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for model, clients in dict.fromkeys((cell.model, cell.clients) for cell in cells):
        here = [cell for cell in cells if (cell.model, cell.clients) == (model, clients)]
        default, fixed = best_of(here, "treadle")
        others = [cell.rate for cell in here if cell.setting.engine != "treadle"]
        if default is None:
            continue
        own = f"{default.rate / fixed.rate:.3f}" if fixed else ""
        theirs = f"{default.rate / max(others):.2f}" if others else ""
        table.add_row(model, str(clients), own, theirs)
    return table


def measure(
    arguments: argparse.Namespace, chosen: Sequence[Setting], progress: Progress
) -> list[Cell]:
    """All cells; what fails ends the benchmark."""
    cells: list[Cell] = []
    total = len(arguments.only) * len(arguments.clients) * len(chosen) * arguments.rounds
    bar = progress.add_task("clients", total=total)
    for model in arguments.only:
        progress.update(bar, description=f"{model}, starting {len(chosen)} processes")
        with tempfile.TemporaryDirectory() as folder:
            servers, request = start(model, Path(folder), chosen)
            for clients in arguments.clients:
                seconds = burst_seconds(arguments.burst, clients, request, cpu_count())
                progress.update(bar, description=f"{model}, {clients} clients")
                here = {s.setting: Cell(model, s.setting, clients) for s in servers}
                for server in in_turn(servers, arguments.rounds):
                    server.measure(here[server.setting], seconds)
                    progress.advance(bar)
                cells += here.values()
            for server in servers:
                server.close()
    return cells


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    engines = tuple(dict.fromkeys(setting.engine for setting in settings(cpu_count())))
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="MODEL")
    parser.add_argument("--engines", nargs="+", choices=engines, default=engines)
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--burst", type=float, default=0.4, help="seconds per burst, at least")
    parser.add_argument("--quick", action="store_true", help="one burst of 0.15 s of each")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.burst = 1, 0.15
    return arguments


def main() -> None:
    """Measure, print, write."""
    arguments = parse_arguments()
    console = make_console()
    wanted = [each for each in settings(cpu_count()) if each.engine in arguments.engines]
    chosen = [each for each in wanted if is_installed(each)]
    try:
        with Progress(console=console) as progress:
            cells = measure(arguments, chosen, progress)
    except WorkerError as error:
        sys.exit(f"clients: {error}")
    show(console, cells)
    missing = dict.fromkeys(each.engine for each in wanted if not is_installed(each))
    if missing:
        console.print(f"not installed, left out: {', '.join(missing)}")
    if arguments.json:
        options = {"rounds": arguments.rounds, "burst_s": arguments.burst, "cpus": cpu_count()}
        results = [result for cell in cells for result in cell.results()]
        write_json(arguments.json, document("clients", results, options))


if __name__ == "__main__":
    main()
