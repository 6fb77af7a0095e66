"""``treadle run``: a model on the arrays of files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.table import Table

import treadle
from treadle.cli import files, values
from treadle.cli.console import output, say, working
from treadle.cli.files import Array
from treadle.cli.parameters import Inputs, MethodName, Model, Threads
from treadle.errors import InputError
from treadle.runtime.durations import human_time

_EDGE_ITEMS = 3


def run(
    model: Model,
    inputs: Inputs = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help=".npy for one output, .npz for any number")
    ] = None,
    threads: Threads = None,
    method_name: MethodName = "forward",
    interpret: Annotated[
        bool, typer.Option("--interpret", help="run in the reference interpreter")
    ] = False,
    repeat: Annotated[int, typer.Option(min=1, help="calls after the first; prints times")] = 1,
) -> None:
    """Run MODEL on arrays and print or save what it gives."""
    if out is not None:
        files.check_format(out)
        files.check_target(out)
    module = treadle.load(model, interpret=interpret)
    method = values.called_method(module, method_name)
    arrays = files.read_inputs(inputs or (), method.input_names)
    arguments = values.method_arguments(method, arrays)
    with working(f"running {model}"):
        start = time.perf_counter_ns()
        result = method(*arguments, threads=threads)
        first = time.perf_counter_ns() - start
    outputs = values.named_outputs(result)
    if out is not None:
        _save(out, outputs)
        say(f"wrote {', '.join(outputs)} to {out}")
    else:
        _print_outputs(outputs)
    if repeat > 1:
        _print_times(first, _times(method, arguments, threads, repeat))


def _save(out: Path, outputs: dict[str, Array]) -> None:
    if not outputs:
        raise InputError("the model gives nothing to write")
    if out.suffix == ".npy" and len(outputs) > 1:
        raise InputError(f"the model gives {', '.join(outputs)}: write them to an .npz file")
    files.write_arrays(out, outputs)


def _print_outputs(outputs: dict[str, Array]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("output", "dtype", "shape", "min", "mean", "max"):
        table.add_column(heading, justify="right" if heading in ("min", "mean", "max") else "left")
    for name, array in outputs.items():
        table.add_row(name, str(array.dtype), str(list(array.shape)), *_summary(array))
    console = output()
    console.print(table)
    for name, array in outputs.items():
        with np.printoptions(precision=5, threshold=60, edgeitems=_EDGE_ITEMS, linewidth=100):
            console.print(f"\n{name} =\n{array}", markup=False)


def _summary(array: Array) -> tuple[str, str, str]:
    if not array.size or array.dtype.kind not in "biuf":
        return "", "", ""
    wide = array.astype(np.float64)
    return f"{wide.min():.6g}", f"{wide.mean():.6g}", f"{wide.max():.6g}"


def _times(
    method: treadle.Method, arguments: Sequence[Any], threads: int | None, repeat: int
) -> list[int]:
    clock = time.perf_counter_ns
    times = []
    for _ in range(repeat):
        start = clock()
        method(*arguments, threads=threads)
        times.append(clock() - start)
    return times


def _print_times(first: int, times: Sequence[int]) -> None:
    p50, p99 = np.percentile(times, (50, 99))
    say(
        f"first call {human_time(first)}; then {len(times)} calls: "
        f"min {human_time(min(times))}, p50 {human_time(p50)}, p99 {human_time(p99)}"
    )
