"""``treadle trace``: what each thread does while a model runs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

import treadle
from treadle.cli import files, values
from treadle.cli.console import output, print_json, say, working
from treadle.cli.parameters import AsJson, Inputs, MethodName, Model, Shapes, Threads
from treadle.errors import InputError


def trace(
    model: Model,
    inputs: Inputs = None,
    shapes: Shapes = None,
    method_name: MethodName = "forward",
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="the trace, JSON; default: <model>-trace.json here"),
    ] = None,
    threads: Threads = None,
    repeat: Annotated[int, typer.Option(min=1, help="calls of each client")] = 10,
    clients: Annotated[int, typer.Option(min=1, max=1024, help="clients that call at once")] = 1,
    cold: Annotated[
        bool, typer.Option("--cold", help="record the first call too, which binds and compiles")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Record what each thread does while MODEL runs, for ui.perfetto.dev.

    Prints how busy each thread was, the critical path of a call, and the operators by time.
    """
    target = out or Path(f"{model.stem}-trace.json")
    files.check_target(target)
    if inputs and shapes:
        raise InputError("give either files or --input")
    method = values.called_method(treadle.load(model), method_name)
    if shapes:
        arrays = values.example_inputs(shapes)
    else:
        arrays = files.read_inputs(inputs or (), method.input_names)
    arguments = values.method_arguments(method, arrays)

    def call() -> None:
        method(*arguments, threads=threads)

    with working(f"running {model}"):
        if not cold:
            call()
        recorded = _record(call, repeat, clients)
    content = json.dumps(recorded.as_chrome(), separators=(",", ":")).encode()
    files.write_file(target, content)
    summary = recorded.summary()
    if as_json:
        print_json(dataclasses.asdict(summary))
    else:
        output().print(summary)
    say(f"wrote {target}: open it at https://ui.perfetto.dev")


def _record(call: Callable[[], None], repeat: int, clients: int) -> treadle.runtime.Trace:
    """The trace of `repeat` calls by each of `clients` threads; one client is this thread."""

    def client() -> None:
        for _ in range(repeat):
            call()

    if clients == 1:
        with treadle.trace() as recorded:
            client()
        return recorded
    with ThreadPoolExecutor(clients, "client") as pool, treadle.trace() as recorded:
        for future in [pool.submit(client) for _ in range(clients)]:
            future.result()
    return recorded
