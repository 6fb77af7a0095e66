"""What every benchmark writes: named samples with the machine, the commit and the command."""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rich.console import Console

RATES = ("GFLOP/s", "GB/s", "1/s")
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Result:
    """Samples of one quantity; less is better unless the unit is a rate.

    `rounds` holds one value per round (its best), which shows the spread between rounds.
    """

    name: str
    unit: str
    samples: tuple[float, ...]
    rounds: tuple[float, ...]

    @property
    def best(self) -> float:
        """The smallest sample, or the largest of a rate."""
        return max(self.samples) if self.unit in RATES else min(self.samples)

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)

    def to_json(self) -> dict[str, Any]:
        """Give the summary that is stored; the samples themselves are not."""
        ordered = sorted(self.samples)
        return {
            "name": self.name,
            "unit": self.unit,
            "runs": len(ordered),
            "best": self.best,
            "p10": ordered[len(ordered) // 10],
            "median": self.median,
            "p90": ordered[len(ordered) * 9 // 10],
            "rounds": list(self.rounds),
        }


def cpu_count() -> int:
    """Number of CPUs this process may run on."""
    return len(os.sched_getaffinity(0))


def cpu_model() -> str:
    """Name of the processor as Linux gives it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit() -> str:
    """Short name of the commit, with `+` if files differ from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True
    )
    return described.stdout.strip() or "unknown"


def document(
    benchmark: str, results: Sequence[Result], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the whole JSON document of one run."""
    return {
        "benchmark": benchmark,
        "command": ["python", "-m", f"benchmarks.{benchmark}", *sys.argv[1:]],
        "commit": commit(),
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {
            "cpu": cpu_model(),
            "cpus": cpu_count(),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "load_average": os.getloadavg(),
        },
        "settings": dict(settings),
        "results": [result.to_json() for result in results],
    }


def make_console() -> Console:
    """Give a console that keeps tables whole when it is not a terminal."""
    return Console(width=None if sys.stdout.isatty() else 120)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` to `path`, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")
