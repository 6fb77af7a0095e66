"""How fast are control flow and small operators? The interpreter against torch.jit.

    python -m benchmarks.interpreter [--json out.json]

Ratios are Treadle's time over torch's, of the medians of interleaved runs; below 1 is faster.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import treadle


def scalar_loop(n: int) -> int:
    total = 0
    for i in range(n):
        if i % 3 == 0:
            total += i
        else:
            total -= 1
    return total


def float_loop(n: int) -> float:
    x = 0.5
    for _ in range(n):
        x = 3.7 * x * (1.0 - x)
    return x


def collatz(n: int) -> int:
    longest = 0
    for start in range(1, n):
        steps = 0
        value = start
        while value != 1:
            if value % 2 == 0:  # noqa: SIM108 (as scripts have it)
                value = value // 2
            else:
                value = 3 * value + 1
            steps += 1
        longest = max(longest, steps)
    return longest


def list_sieve(n: int) -> int:
    flags: list[bool] = []
    for _ in range(n):
        flags.append(True)
    count = 0
    for i in range(2, n):
        if flags[i]:
            count += 1
            j = i * i
            while j < n:
                flags[j] = False
                j += i
    return count


def dictionary(n: int) -> int:
    counts: dict[int, int] = {}
    for i in range(n):
        key = i % 100
        if key in counts:
            counts[key] = counts[key] + 1
        else:
            counts[key] = 1
    return len(counts)


def text(n: int) -> int:
    total = 0
    for i in range(n):
        word = "item " + str(i)
        if word.endswith("7"):
            total += len(word.split(" ")[1])
    return total


def small_tensors(x: torch.Tensor, n: int) -> torch.Tensor:
    for i in range(n):
        x = torch.relu(x * 0.5 + 1.0) - x
        if i % 2 == 0:
            x = x.clone()
    return x


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "scalar_loop": (scalar_loop, (1_000_000,)),
    "float_loop": (float_loop, (1_000_000,)),
    "collatz": (collatz, (10_000,)),
    "list_sieve": (list_sieve, (200_000,)),
    "dictionary": (dictionary, (200_000,)),
    "text": (text, (50_000,)),
    "small_tensors": (small_tensors, (torch.ones(8), 10_000)),
}


def measure(name: str, runs: int) -> dict[str, float]:
    """Median seconds of both, and their ratio."""
    function, args = CASES[name]
    ours, theirs = treadle.script(function, interpret=True), torch.jit.script(function)
    times: dict[str, list[float]] = {"treadle": [], "torch": []}
    for run in range(runs + 1):
        for key, callee in (("treadle", ours), ("torch", theirs)):
            start = time.perf_counter()
            callee(*args)
            if run:
                times[key].append(time.perf_counter() - start)
    medians = {key: statistics.median(values) for key, values in times.items()}
    return {**medians, "ratio": medians["treadle"] / medians["torch"]}


def main() -> None:
    """Measure every case and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    for name in CASES:
        results[name] = measure(name, options.runs)
        row = results[name]
        print(
            f"{name:15} treadle {row['treadle'] * 1e3:8.1f} ms   torch {row['torch'] * 1e3:8.1f} ms"
            f"   ratio {row['ratio']:.2f}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
