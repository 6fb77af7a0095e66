"""Fuzzes the readers of hostile input, and operators, under a watchdog: see `tests.fuzz.targets`.

    python scripts/fuzz.py --minutes 10 zip pickle source types ir ops

Each target runs in a process of its own, which may use a gigabyte more than it starts with. An
input that ends it, that takes 10 seconds of a processor, or that raises anything but
`treadle.Error`, goes to ``--found``, and counts. Inputs that reach a new place of the reader are
mutated further. With ``--guard-memory`` a kernel that leaves its blocks ends its process. Input `n`
of a process depends on its seed and on what it ran before; ``python scripts/fuzz.py --replay FILE
zip`` runs a file again. Ends with status 1 if anything was found.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import mmap
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from treadle import _native  # noqa: E402
from treadle.errors import Error  # noqa: E402

POLL_SECONDS = 0.5
WAIT_SECONDS = 120
"""An input that takes so long waits for something, or for a busy machine."""
MAX_INPUT_BYTES = 1 << 16
HEADER = struct.Struct("<dqq")
"""What a worker writes before each input: the time, its number, its length."""
MAX_GROWN = 3000


class Board:
    """Memory that a worker shares with its watchdog: the input that it is at."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(HEADER.size + MAX_INPUT_BYTES)
            self._memory = mmap.mmap(file.fileno(), HEADER.size + MAX_INPUT_BYTES)

    def write(self, number: int, data: bytes) -> None:
        """Show input `number`."""
        self._memory[HEADER.size : HEADER.size + len(data)] = data
        self._memory[: HEADER.size] = HEADER.pack(time.monotonic(), number, len(data))

    def read(self) -> tuple[float, int, bytes]:
        """When the worker began with an input, its number, and the input."""
        start, number, length = HEADER.unpack(self._memory[: HEADER.size])
        return start, number, bytes(self._memory[HEADER.size : HEADER.size + length])


def place_of(error: BaseException) -> str:
    """The lines of Treadle's that `error` came through, and its class."""
    lines: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "/treadle/" in file:
            lines.append(f"{file.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join([type(error).__name__, *lines[-12:]])


def work(target_name: str, folder: Path, seed: int) -> None:
    """Run inputs until killed; print a line for each bug."""
    from tests.fuzz.targets import MEMORY_BYTES, TARGETS, Corpus

    target = TARGETS[target_name]
    corpus = Corpus([path.read_bytes() for path in sorted(folder.glob("*.pt"))])
    material = target.material(corpus)
    board, rng = Board(folder / "board"), random.Random(seed)
    limit_memory(MEMORY_BYTES)
    logging.disable()  # of futures that failed, for which nobody waits
    seen: set[str] = set()
    number = 0
    while True:
        data = material.mutated(rng, MAX_INPUT_BYTES)
        board.write(number, data)
        number += 1
        try:
            target.run(corpus, data)
            place = ""
        except Error as error:
            place = place_of(error)
        except Exception as error:
            place = place_of(error)
            if place not in seen:
                print(f"{place}\t{data.hex()}", flush=True)
        if place not in seen and len(seen) < MAX_GROWN:
            material.corpus.append(data)
        seen.add(place)


def limit_memory(more_bytes: int) -> None:
    """Let this process have `more_bytes` beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def processor_seconds(pid: int) -> float:
    """The processor time that a process has used; 0 once it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Runs workers for one target, one after the other, and keeps what they find."""

    def __init__(
        self, target: str, folder: Path, found: Path, seconds: float, options: tuple[str, ...]
    ) -> None:
        self._target, self._folder, self._found = target, folder, found
        self._seconds, self._options = seconds, options
        self.places: set[str] = set()
        self.inputs = 0
        self._number, self._used = -1, 0.0

    def run(self, seed: int) -> None:
        """Run workers until the time is over; each begins with a seed of its own."""
        end, shown = time.monotonic() + self._seconds, time.monotonic()
        while time.monotonic() < end:
            (self._folder / "board").unlink(missing_ok=True)
            board = Board(self._folder / "board")
            with tempfile.TemporaryFile() as log, tempfile.TemporaryFile() as errors:
                worker = self._start(seed, log, errors)
                try:
                    while time.monotonic() < end and self._alive(worker, board, errors):
                        time.sleep(POLL_SECONDS)
                        if time.monotonic() - shown > 60:
                            shown = time.monotonic()
                            self._report(board.read()[1], end)
                finally:
                    worker.kill()
                    worker.wait()
                log.seek(0)
                for line in log.read().decode().splitlines():
                    place, _, text = line.partition("\t")
                    self._keep(place, bytes.fromhex(text))
            self.inputs += board.read()[1]
            seed += 1

    def _start(self, seed: int, log: IO[bytes], errors: IO[bytes]) -> subprocess.Popen[bytes]:
        options = ["--worker", str(self._folder), "--seed", str(seed), *self._options]
        return subprocess.Popen(
            [sys.executable, __file__, *options, self._target], stdout=log, stderr=errors
        )

    def _alive(self, worker: subprocess.Popen[bytes], board: Board, errors: IO[bytes]) -> bool:
        from tests.fuzz.targets import SECONDS

        start, number, data = board.read()
        if worker.poll() is not None:
            errors.seek(0)
            message = errors.read().decode(errors="replace").strip().splitlines()
            if number == 0 and start == 0.0:
                raise SystemExit("\n".join(message))
            self._keep(f"crash {worker.returncode} {message[-1:]}", data)
            return False
        if number != self._number:
            self._number, self._used = number, processor_seconds(worker.pid)
        used = processor_seconds(worker.pid) - self._used
        if start and (used > SECONDS or time.monotonic() - start > WAIT_SECONDS):
            self._keep(f"hang at input {number}", data)
            return False
        return True

    def _keep(self, place: str, data: bytes) -> None:
        if place in self.places:
            return
        self.places.add(place)
        self._found.mkdir(parents=True, exist_ok=True)
        name = f"{self._target}-{hashlib.sha256(data).hexdigest()[:12]}"
        (self._found / name).write_bytes(data)
        print(f"{name}: {place}", flush=True)

    def _report(self, number: int, end: float) -> None:
        left = max(0.0, end - time.monotonic())
        print(
            f"{self._target}: {self.inputs + number} inputs, {len(self.places)} found, "
            f"{left:.0f} s left", flush=True,
        )  # fmt: skip


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    everything = ["zip", "pickle", "source", "types", "ir", "ops"]
    parser.add_argument("targets", nargs="*", default=everything)
    parser.add_argument("--minutes", type=float, default=10, help="for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--found", type=Path, default=ROOT / "out" / "fuzz")
    parser.add_argument("--replay", type=Path, help="run this input once, and let errors out")
    parser.add_argument("--guard-memory", action="store_true", help="find accesses beyond blocks")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.guard_memory:
        _native.guard_memory()
    if options.worker is not None:
        work(options.targets[0], options.worker, options.seed)
    from tests.fuzz.corpus import archives

    if options.replay is not None:
        from tests.fuzz.targets import TARGETS, Corpus

        TARGETS[options.targets[0]].run(Corpus(archives()), options.replay.read_bytes())
        return 0
    count = 0
    forwarded = ("--guard-memory",) if options.guard_memory else ()
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(archives()):
            (Path(folder) / f"{number:03d}.pt").write_bytes(data)
        for target in options.targets:
            seconds = 60 * options.minutes
            watch = Watch(target, Path(folder), options.found, seconds, forwarded)
            watch.run(options.seed)
            print(f"{target}: {watch.inputs} inputs, {len(watch.places)} found", flush=True)
            count += len(watch.places)
    return count != 0


if __name__ == "__main__":
    sys.exit(main())
