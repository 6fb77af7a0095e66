"""What can this machine do? Peaks to hold the other benchmarks against.

Arithmetic: the best rate of a large float32 product in torch (MKL), a proxy that reaches about 80
to 95 % of the FMA peak. Memory: the best rate of a copy within L2 and far beyond the caches, bytes
read plus bytes written. Expected: arithmetic scales with threads, memory less.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.table import Table

from benchmarks.results import Result, cpu_count, document, make_console, write_json

PRODUCT = 1024
COPY_SMALL = 512 * 1024
COPY_LARGE = 256 * 1024 * 1024


def rates(work: Callable[[], object], amount: float, seconds: float) -> tuple[float, ...]:
    """Repeat `work` for `seconds` and give `amount` per second of each time, in units of 10^9."""
    work()
    measured: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not measured:
        start = time.perf_counter()
        work()
        measured.append(amount / (time.perf_counter() - start) / 1e9)
    return tuple(measured)


def split_best(samples: tuple[float, ...]) -> tuple[float, ...]:
    """Give the best of each fifth of the time, as five rounds."""
    step = -(-len(samples) // 5)
    return tuple(max(samples[at : at + step]) for at in range(0, len(samples), step))


def copy_rates(size_bytes: int, seconds: float) -> tuple[float, ...]:
    """Rates of copying `size_bytes` to a second buffer, both touched before."""
    source = torch.ones(size_bytes // 4)
    target = torch.empty_like(source)
    repeats = max(1, 16 * COPY_SMALL // size_bytes)

    def work() -> None:
        for _ in range(repeats):
            target.copy_(source)

    return rates(work, 2.0 * size_bytes * repeats, seconds)


def measure(threads: int, seconds: float) -> list[Result]:
    """Measure the three rates at `threads` threads."""
    torch.set_num_threads(threads)
    x, y = torch.randn(PRODUCT, PRODUCT), torch.randn(PRODUCT, PRODUCT)
    product = torch.empty(PRODUCT, PRODUCT)
    named = (
        (
            f"float32 product of {PRODUCT}",
            "GFLOP/s",
            rates(lambda: torch.mm(x, y, out=product), 2.0 * PRODUCT**3, seconds),
        ),
        ("copy of 512 KiB", "GB/s", copy_rates(COPY_SMALL, seconds)),
        ("copy of 256 MiB", "GB/s", copy_rates(COPY_LARGE, seconds)),
    )
    return [
        Result(f"{name} / threads={threads}", unit, samples, split_best(samples))
        for name, unit, samples in named
    ]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cpu_count()}))
    parser.add_argument("--seconds", type=float, default=1.0, help="per quantity")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    arguments = parser.parse_args()
    results = [
        result for threads in arguments.threads for result in measure(threads, arguments.seconds)
    ]
    table = Table(title="measured peaks")
    for heading in ("quantity", "best", "median", "unit"):
        table.add_column(heading, justify="left" if heading == "quantity" else "right")
    for result in results:
        best = f"{result.best:.1f}"
        table.add_row(result.name, best, f"{result.median:.1f}", result.unit)
    make_console().print(table)
    if arguments.json:
        document_ = document("machine", results, {"seconds": arguments.seconds})
        write_json(arguments.json, document_)


if __name__ == "__main__":
    main()
