"""Fair comparison on a machine that others use too: short bursts in rotating order."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import ROOT


class WorkerError(Exception):
    """A worker process ended; the message is the end of what it printed."""


class Worker:
    """One engine with one loaded model in a process of its own."""

    def __init__(self, engine: str, model: str, archive: Path, inputs: Path, threads: int) -> None:
        self.engine = engine
        self._log = archive.with_name(f"{model}-{engine}-{threads}.log")
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        module = ("-m", "benchmarks.worker")
        command = (sys.executable, *module, engine, model, archive, inputs, str(threads))
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def answer(self) -> Any:
        """Wait for the next line of the worker.

        Raises:
            WorkerError: if it ended instead.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            tail = self._log.read_text().strip().splitlines()[-1:]
            raise WorkerError(tail[0] if tail else f"exit status {self._process.wait()}")
        return json.loads(line)

    def ask(self, command: str) -> Any:
        """Send `command` and give the answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # `answer` says why
        return self.answer()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(timeout=10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@dataclass(frozen=True, slots=True)
class Burst:
    """The milliseconds of each call of one engine in one round."""

    engine: str
    times_ms: tuple[float, ...]


def rotate(workers: Sequence[Worker], rounds: int, seconds: float) -> Iterator[Burst]:
    """Run a burst of each worker per round; every round starts with the next worker."""
    for number in range(rounds):
        shift = number % len(workers)
        for worker in (*workers[shift:], *workers[:shift]):
            times = worker.ask(f"run {seconds}")
            yield Burst(worker.engine, tuple(time / 1e6 for time in times))
