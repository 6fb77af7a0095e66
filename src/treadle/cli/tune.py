"""``treadle tune``: how threads and clients change a model's latency and throughput."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import treadle
from treadle import tune as measure
from treadle.cli import files, values
from treadle.cli.console import counted, messages, output, say
from treadle.cli.info import describe_machine
from treadle.cli.parameters import Shapes
from treadle.cli.tune_table import print_sweep
from treadle.errors import InputError
from treadle.ir.op import FORK
from treadle.tune import AroundTurn, Cell, Examples, Sweep, ThreadSetting

_QUICK_SECONDS, _QUICK_ROUNDS = 0.15, 3


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is measured: a model with its requests, and its accuracy where labels are known."""

    name: str
    module: treadle.Module
    requests: Sequence[Sequence[Any]]
    batch: int
    size: str  # of a request, in words
    accuracy: float | None = None
    num_examples: int = 0

    @property
    def summary(self) -> str:
        if self.accuracy is None:
            return ""
        return f"{self.accuracy:.2%} of {self.num_examples} held-out examples right"


def tune(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL", help="TorchScript archive; default: the bundled digits model"
        ),
    ] = None,
    shapes: Shapes = None,
    data: Annotated[
        Path | None,
        typer.Option(help=".npz of inputs by name; with the array labels, rows are examples"),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="examples in each request")] = 1,
    clients: Annotated[
        str | None, typer.Option(help="numbers of concurrent clients: 1,2,8")
    ] = None,
    threads: Annotated[
        str | None, typer.Option(help="settings, intra-op x inter-op: 1x1,2x1,2x2 or 1,2")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.001, max=3600, help="how long to measure each setting and client count"),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="the picture; default: <model>-tune.png here")
    ] = None,
    no_plot: Annotated[bool, typer.Option("--no-plot", help="write no picture")] = False,
    json_path: Annotated[
        Path | None, typer.Option("--json", metavar="PATH", help="write the measurements as JSON")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="a rough answer in seconds")] = False,
) -> None:
    """Measure MODEL at every thread setting and number of clients.

    A client calls the model in a closed loop. Settings take turns, so that foreign load hits all
    alike. Prints a table, names the best, and writes a plot.
    """
    settings = None if threads is None else parse_settings(threads)
    counts = None if clients is None else _parse_counts(clients, "--clients")
    picture = None if no_plot else _picture(plot, model)
    for path in filter(None, (picture, json_path)):
        files.check_target(path)
    subject = _load(model, shapes or [], data, batch)
    _print_accuracy(subject)
    result = _measure(subject, settings, counts, seconds, quick)
    print_sweep(output(), result)
    if picture is not None:
        _write_picture(picture, result, subject)
    if json_path is not None:
        _write_json(json_path, result, subject)


def parse_settings(text: str) -> tuple[ThreadSetting, ...]:
    """Settings of ``1x2,2x2``; a number alone is both intra-op and inter-op.

    Raises:
        InputError: if it is not of that form.
    """
    settings = []
    for part in text.split(","):
        intra, times, inter = part.strip().partition("x")
        pair = (intra, inter if times else intra)
        (first,), (second,) = (_parse_counts(number, "--threads") for number in pair)
        settings.append(ThreadSetting(first, second))
    return tuple(dict.fromkeys(settings))


def _parse_counts(text: str, option: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and 0 < int(part[:9]) <= 4096 for part in parts):
        raise InputError(f"{option} {text!r}: write numbers from 1 to 4096, like 1,2,8")
    return tuple(sorted({int(part) for part in parts}))


def _picture(plot: Path | None, model: Path | None) -> Path | None:
    """Where the plot goes; None if matplotlib is missing and nobody asked for one."""
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        advice = "plots need matplotlib; install it with: pip install 'treadle[plot]'"
        if plot is not None:
            raise InputError(advice) from None
        say(f"no plot: {advice}")
        return None
    chosen = plot or Path(f"{(model or measure.BUNDLED_MODEL).stem}-tune.png")
    if chosen.suffix not in (".png", ".svg", ".pdf"):
        raise InputError(f"cannot write {chosen}: a plot is .png, .svg or .pdf")
    return chosen


def _load(model: Path | None, shapes: Sequence[str], data: Path | None, batch: int) -> _Subject:
    if shapes and data is not None:
        raise InputError("give either --input or --data")
    if model is None and not shapes and data is None:
        data = measure.BUNDLED_DATA
    module = treadle.load(model or measure.BUNDLED_MODEL)
    name = (model or measure.BUNDLED_MODEL).name
    if data is None:
        if batch > 1:
            raise InputError("--batch needs --data with labels; put the batch into --input")
        if not shapes and module.input_names:
            raise InputError(
                f"forward({', '.join(module.input_names)}) needs inputs: give --input SHAPE for "
                "each, or --data FILE.npz"
            )
        request = _tried(module, values.example_inputs(shapes))
        return _Subject(name, module, [request], 1, " and ".join(shapes) or "no inputs")
    arrays = files.read_arrays(data)
    if not isinstance(arrays, dict):
        raise InputError(f"{data} is one array; --data takes an .npz with inputs by name")
    return _with_examples(name, module, measure.examples_from(arrays, module.input_names), batch)


def _with_examples(name: str, module: treadle.Module, examples: Examples, batch: int) -> _Subject:
    requests = measure.requests_of(examples, batch)
    _tried(module, requests[0])
    if examples.labels is None:
        return _Subject(name, module, requests, 1, "the data")
    right = measure.accuracy(module, examples)
    size = counted(batch, "example")
    return _Subject(name, module, requests, batch, size, right, examples.count)


def _tried(module: treadle.Module, request: Sequence[Any]) -> Sequence[Any]:
    """The request, after a call that shows whether the model takes it."""
    module(*request)
    return request


def _measure(
    subject: _Subject,
    settings: Sequence[ThreadSetting] | None,
    clients: Sequence[int] | None,
    seconds: float | None,
    quick: bool,
) -> Sweep:
    budget = treadle.get_budget()
    has_forks = bool(subject.module.inlined_graph.nodes_of(FORK))
    settings = settings or measure.settings_up_to(budget, has_forks)
    clients = clients or ((1, 2 * budget) if quick else measure.client_counts(budget))
    rounds = _QUICK_ROUNDS if quick else measure.ROUNDS
    if seconds is None:
        seconds = (
            _QUICK_SECONDS if quick else measure.seconds_per_cell(len(settings) * len(clients))
        )
    with _progress(len(settings) * len(clients) * rounds) as around_turn:
        return measure.sweep(
            subject.module,
            subject.requests,
            settings=settings,
            clients=clients,
            seconds=seconds,
            rounds=rounds,
            batch=subject.batch,
            around_turn=around_turn,
        )


@contextmanager
def _progress(turns: int) -> Iterator[AroundTurn]:
    """Shows how many turns there were, and which it is."""
    columns = (
        TextColumn("measuring {task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=messages()) as bar:
        task = bar.add_task("", total=turns)

        @contextmanager
        def show(cell: Cell) -> Iterator[None]:
            clients = counted(cell.clients, "client")
            bar.update(task, description=f"{cell.setting}, {clients:9}")
            yield
            bar.advance(task)

        yield show


def _print_accuracy(subject: _Subject) -> None:
    if subject.summary:
        output().print(f"{subject.name}: {subject.summary}", markup=False, soft_wrap=True)


def _write_json(path: Path, sweep: Sweep, subject: _Subject) -> None:
    document = {
        "model": subject.name,
        "machine": describe_machine(),
        "accuracy": subject.accuracy,
        **measure.as_document(sweep),
    }
    files.write_file(path, (json.dumps(document, indent=2) + "\n").encode())
    say(f"wrote {path}")


def _write_picture(path: Path, sweep: Sweep, subject: _Subject) -> None:
    from treadle.tune.plot import render

    threads = counted(sweep.budget, "thread")
    parts = [subject.summary, f"{subject.size} per request", threads, describe_machine()]
    subtitle = "  ·  ".join(part for part in parts if part)
    title = f"{subject.name}: latency and throughput by threads and clients"
    files.write_file(path, render(sweep, path.suffix[1:], title, subtitle))
    say(f"wrote {path}")
