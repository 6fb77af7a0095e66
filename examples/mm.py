"""Multiply two 1024 x 1024 matrices 100 times, at each number of threads.

The script is written for torch's names and runs with either engine: only the import differs.

    python examples/mm.py
    python examples/mm.py --engine torch --threads 1 2 4
    python examples/mm.py --plot mm.png
"""

import argparse
import importlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType


def measure(torch: ModuleType, size: int, rounds: int) -> float:
    """Give the seconds that `rounds` products of two `size` x `size` matrices take."""
    x = torch.randn(size, size)
    y = torch.randn(size, size)
    torch.mm(x, y)
    start = time.perf_counter()
    for _ in range(rounds):
        torch.mm(x, y)
    return time.perf_counter() - start


def thread_counts() -> list[int]:
    """Give 1, 2, 4, ... up to twice the number of CPUs."""
    cpus = os.cpu_count() or 1
    return [1 << power for power in range(cpus.bit_length() + 1)]


def plot(path: Path, title: str, threads: Sequence[int], seconds: Sequence[float]) -> None:
    """Draw seconds against threads."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(threads, seconds, marker="o")
    axes.set(title=title, xlabel="threads", ylabel="seconds", xscale="log", ylim=(0, None))
    axes.set_xticks(threads, [str(count) for count in threads])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print a line for each number of threads; draw them if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", choices=("treadle", "torch"), default="treadle")
    parser.add_argument("--threads", type=int, nargs="+", default=thread_counts())
    parser.add_argument("--quick", action="store_true", help="5 products of 256 x 256")
    parser.add_argument("--plot", type=Path, help="write a plot to this file (needs matplotlib)")
    arguments = parser.parse_args()
    torch = importlib.import_module(arguments.engine)
    size, rounds = (256, 5) if arguments.quick else (1024, 100)
    title = f"{arguments.engine}: mm of {size} x {size}, {rounds} times"
    print(title)
    seconds = []
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        seconds.append(measure(torch, size, rounds))
        rate = 2 * size**3 * rounds / seconds[-1] / 1e9
        print(f"{threads:4d} threads  {seconds[-1]:8.4f} s  {rate:7.1f} GFLOP/s")
    if arguments.plot:
        plot(arguments.plot, title, arguments.threads, seconds)


if __name__ == "__main__":
    main()
