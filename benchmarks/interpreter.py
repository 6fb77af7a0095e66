"""How fast is what no plan decides ahead: control flow, small operators, decoding?

Each program runs by Treadle and by torch.jit (modules frozen) on one thread, in turns; results are
compared first. Ratios are Treadle's time over torch's, of the medians; below 1 is faster. Expected:
scalar code about 1, small tensors and decoders below, as runs of operators between the decisions
are planned.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.table import Table

import treadle
from benchmarks.interpreter_cases import Case, cases
from benchmarks.results import Result, document, make_console, write_json

WARM_UP = 3


def engines(case: Case) -> dict[str, Callable[..., Any]]:
    """What runs the program: Treadle and torch.jit."""
    scripted = torch.jit.script(case.program)
    if not isinstance(case.program, torch.nn.Module):
        return {"treadle": treadle.script(case.program), "torch": scripted}
    archive = io.BytesIO()
    torch.jit.save(scripted, archive)
    return {"treadle": treadle.load(archive.getvalue()), "torch": torch.jit.freeze(scripted)}


def copied(arguments: tuple[Any, ...]) -> list[Any]:
    """The arguments, tensors copied: programs may write into them."""
    return [a.clone() if isinstance(a, torch.Tensor) else a for a in arguments]


def measure(name: str, case: Case, runs: int) -> dict[str, Result]:
    """The times of both engines, measured in turns, after a few calls to warm up."""
    run = engines(case)
    times: dict[str, list[float]] = {engine: [] for engine in run}
    for number in range(WARM_UP + runs):
        results = {}
        for engine, function in run.items():
            arguments = copied(case.arguments)
            start = time.perf_counter()
            results[engine] = function(*arguments)
            if number >= WARM_UP:
                times[engine].append((time.perf_counter() - start) * 1e3)
        ours, theirs = (r if isinstance(r, tuple) else (r,) for r in results.values())
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-3, err_msg=name)
    return {
        engine: Result(f"{name} / {engine}", "ms", tuple(values), tuple(values))
        for engine, values in times.items()
    }


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = list(cases())
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="CASE")
    parser.add_argument("--runs", type=int, default=9, help="measured runs of each engine")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    return parser.parse_args()


@torch.no_grad()
def main() -> None:
    """Measure every case and print the table; exit with 1 if a ratio is above its goal."""
    arguments = parse_arguments()
    torch.set_num_threads(1)
    treadle.set_num_threads(1)
    table = Table(title="ms, medians; ratio below 1: Treadle is faster")
    for heading in ("program", "treadle", "torch.jit", "ratio", "goal"):
        table.add_column(heading, justify="left" if heading == "program" else "right")
    results: list[Result] = []
    late = []
    for name, case in cases().items():
        if name not in arguments.only:
            continue
        both = measure(name, case, arguments.runs)
        results += both.values()
        ratio = both["treadle"].median / both["torch"].median
        row = [f"{both[e].median:.1f}" for e in both]
        table.add_row(name, *row, f"{ratio:.2f}", f"{case.goal:.1f}")
        late += [name] if ratio > case.goal else []
    make_console().print(table)
    if arguments.json:
        settings = {"runs": arguments.runs, "warm_up": WARM_UP, "threads": 1}
        write_json(arguments.json, document("interpreter", results, settings))
    sys.exit(1 if late else 0)


if __name__ == "__main__":
    main()
