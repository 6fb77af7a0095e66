"""Select 80,000 rows out of 10,000 x 1,000 floats ten times, at each number of threads.

The script is written for torch's names and runs with either engine: only the import differs.

    python examples/index_select.py
    python examples/index_select.py --engine torch
"""

import argparse
import importlib
import os
import time
from types import ModuleType


def measure(torch: ModuleType, rows: int, columns: int, selected: int, rounds: int) -> float:
    """Give the seconds that `rounds` selections take."""
    table = torch.rand(rows, columns)
    index = torch.randint(0, rows, (selected,))
    torch.index_select(table, 0, index)
    start = time.perf_counter()
    for _ in range(rounds):
        torch.index_select(table, 0, index)
    return time.perf_counter() - start


def thread_counts() -> list[int]:
    """Give 1, 2, 4, ... up to the number of CPUs."""
    cpus = os.cpu_count() or 1
    return [1 << power for power in range(cpus.bit_length()) if 1 << power <= cpus]


def main() -> None:
    """Print a line for each number of threads."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--engine", choices=("treadle", "torch"), default="treadle")
    parser.add_argument("--threads", type=int, nargs="+", default=thread_counts())
    parser.add_argument("--quick", action="store_true", help="a hundredth of the work")
    arguments = parser.parse_args()
    torch = importlib.import_module(arguments.engine)
    rows, selected = (1_000, 8_000) if arguments.quick else (10_000, 80_000)
    columns = 100 if arguments.quick else 1_000
    print(
        f"{arguments.engine}: index_select of {selected} rows out of {rows} x {columns}, 10 times"
    )
    single = 0.0
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        seconds = measure(torch, rows, columns, selected, rounds=10)
        single = single or seconds
        print(f"{threads:4d} threads  {seconds:8.4f} s  {single / seconds:5.2f} x")


if __name__ == "__main__":
    main()
