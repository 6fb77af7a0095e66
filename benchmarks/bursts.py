"""Fair comparison on a machine that others use too: short bursts in rotating order."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.results import ROOT

Item = TypeVar("Item")


class WorkerError(Exception):
    """A worker process ended; the message is the end of what it printed."""


class Process:
    """A benchmark's child process: it answers each line with a line of JSON."""

    def __init__(
        self,
        module: str,
        *arguments: object,
        environment: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        """Start ``python -m module arguments``; standard error goes to `log`, if there is one."""
        self._log = log
        command = (sys.executable, "-m", module, *map(str, arguments))
        with log.open("w") if log else nullcontext() as errors:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ if environment is None else environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def answer(self) -> Any:
        """Wait for the next line of the worker.

        Raises:
            WorkerError: if it ended instead.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            tail = self._log.read_text().strip().splitlines()[-1:] if self._log else []
            raise WorkerError(tail[0] if tail else f"exit status {self._process.wait()}")
        return json.loads(line)

    def send(self, command: str) -> None:
        """Send `command`, for `answer` to be asked later."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # `answer` says why

    def ask(self, command: str) -> Any:
        """Send `command` and give the answer."""
        self.send(command)
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


class Worker(Process):
    """One engine with one loaded model in a process of its own."""

    def __init__(self, engine: str, model: str, archive: Path, inputs: Path, threads: int) -> None:
        self.engine = engine
        super().__init__(
            "benchmarks.worker",
            *(engine, model, archive, inputs, threads),
            environment=dict(
                os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads)
            ),
            log=archive.with_name(f"{model}-{engine}-{threads}.log"),
        )


@dataclass(frozen=True, slots=True)
class Burst:
    """The milliseconds of each call of one engine in one round."""

    engine: str
    times_ms: tuple[float, ...]


def in_turn(items: Sequence[Item], rounds: int) -> Iterator[Item]:
    """Give each item once per round; every round starts with the next one."""
    for number in range(rounds):
        shift = number % len(items)
        yield from (*items[shift:], *items[:shift])


def rotate(workers: Sequence[Worker], rounds: int, seconds: float) -> Iterator[Burst]:
    """Run a burst of each worker per round; every round starts with the next worker."""
    for worker in in_turn(workers, rounds):
        times = worker.ask(f"run {seconds}")
        yield Burst(worker.engine, tuple(time / 1e6 for time in times))
