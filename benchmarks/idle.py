"""What does an engine burn when it has nothing to do?

Each engine, in a process of its own with two threads, runs a model, then nothing for 100 ms. The
number is the CPU time of the whole process in those 100 ms, less what the same sleep costs when
nothing ran before. Expected: below 0.2 ms for Treadle, whose workers spin 50 us at most and then
sleep; spinning pools burn the whole time.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.table import Table

from benchmarks.results import Result, cpu_count, document, make_console, write_json

THREADS = 2
ENGINES = ("treadle", "torch", "onnxruntime")
SIZE = 512


def treadle_run() -> Callable[[], object]:
    """A matrix product on Treadle's pool."""
    import treadle

    treadle.set_num_threads(THREADS)
    x = treadle.ones(SIZE, SIZE)
    return lambda: treadle.mm(x, x)


def torch_run() -> Callable[[], object]:
    """The same in torch."""
    import torch

    torch.set_num_threads(THREADS)
    x = torch.ones(SIZE, SIZE)
    return lambda: torch.mm(x, x)


def onnxruntime_run() -> Callable[[], object]:
    """The same in ONNX Runtime, where it is installed."""
    import numpy as np
    import onnxruntime  # type: ignore[import-untyped, unused-ignore]
    from onnx import TensorProto, helper

    shape = [SIZE, SIZE]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "x"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    inputs = {"x": np.ones(shape, np.float32)}
    return lambda: session.run(None, inputs)


def cpu_seconds() -> float:
    """CPU time of all threads so far.

    Each is asked for its own clock: that of the process learns at the next tick only, four
    milliseconds later, what a thread that runs now has worked before.
    """
    return sum(
        time.clock_gettime(~int(thread) << 3 | 6) for thread in os.listdir("/proc/self/task")
    )


def burnt_ms(run: Callable[[], object], idle_seconds: float) -> float:
    """CPU milliseconds of the process while it sleeps after `run`."""
    run()
    start = cpu_seconds()
    time.sleep(idle_seconds)
    return (cpu_seconds() - start) * 1e3


def serve(engine: str, idle_ms: float, rounds: int) -> None:
    """Print the samples of one engine as JSON."""
    if engine != "onnxruntime":
        run = {"treadle": treadle_run, "torch": torch_run}[engine]()
    else:
        run = onnxruntime_run()
    for _ in range(5):
        run()
    time.sleep(idle_ms / 1e3)
    sleep_alone = min(burnt_ms(lambda: None, idle_ms / 1e3) for _ in range(3))
    samples = [max(burnt_ms(run, idle_ms / 1e3) - sleep_alone, 0.0) for _ in range(rounds)]
    print(json.dumps(samples))


def measure(engine: str, idle_ms: float, rounds: int) -> Result | None:
    """The result of one engine, None if it is not installed."""
    command = [sys.executable, "-m", "benchmarks.idle", "--serve", engine]
    command += ["--idle-ms", str(idle_ms), "--rounds", str(rounds)]
    environment = dict(os.environ, TREADLE_BUDGET=str(THREADS), OMP_NUM_THREADS=str(THREADS))
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        if "ModuleNotFoundError" in done.stderr:
            return None
        raise SystemExit(done.stderr)
    samples = tuple(json.loads(done.stdout))
    return Result(f"CPU time while idle / {engine}", "ms", samples, (min(samples),))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--idle-ms", type=float, default=100.0)
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--serve", metavar="ENGINE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.idle_ms, arguments.rounds)
        return
    table = Table(title=f"CPU ms in the {arguments.idle_ms:g} ms after a run, {THREADS} threads")
    for heading in ("engine", "median", "best", "worst"):
        table.add_column(heading, justify="left" if heading == "engine" else "right")
    results = []
    for engine in ENGINES:
        result = measure(engine, arguments.idle_ms, arguments.rounds)
        if result is None:
            table.add_row(engine, "not installed", "", "")
            continue
        results.append(result)
        cells = (result.median, result.best, max(result.samples))
        table.add_row(engine, *(f"{cell:.3f}" for cell in cells))
    make_console().print(table)
    if arguments.json:
        settings = {"idle_ms": arguments.idle_ms, "threads": THREADS, "cpus": cpu_count()}
        write_json(arguments.json, document("idle", results, settings))


if __name__ == "__main__":
    main()
