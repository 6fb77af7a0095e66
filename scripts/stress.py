"""Random programs on the runtime under a watchdog: no deadlock, no growth, right answers.

    python scripts/stress.py --seconds 600

Clients run plans with forks and joins, nested Python forks and futures, with random limits,
timeouts and cancellations, while settings, budget and backend change and the process forks children
that do the same. Ends with status 1 if an answer is wrong, memory or threads grow, or nobody gets
on for 20 seconds; then the stacks of all threads are printed. The serial backend is left out: it
runs forks where they are made, so one that waits for a promise of its caller cannot end.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import random
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from scripts.stress_clients import Client  # noqa: E402
from treadle import _native, runtime  # noqa: E402

STALL_SECONDS = 20
MOST_THREADS = 4
CHILD_SECONDS = 15


def disturb(rng: random.Random, backends: tuple[str, ...]) -> None:
    """Change a setting of the process."""
    change = rng.randrange(6)
    if change == 0:
        runtime.set_num_threads(rng.randint(1, 6))
    elif change == 1:
        runtime.set_num_interop_threads(rng.randint(1, 6))
    elif change == 2:
        _native.set_budget(rng.randint(1, MOST_THREADS))
    elif change == 3:
        runtime.use_backend(rng.choice(backends))
    elif change == 4:
        _native.set_spin_us(rng.choice((0, 5, 50)))
    else:
        runtime.trim_memory()


def fork_child(seed: int) -> int:
    """A child that runs programs alone; gives its exit code."""
    child = os.fork()
    if child == 0:
        try:
            client = Client(seed, threading.Event())
            for _ in range(3):
                client.run_plan()
                client.fork_tree()
            os._exit(0)
        except BaseException:
            os._exit(1)
    until = time.monotonic() + CHILD_SECONDS
    while time.monotonic() < until:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -1


def resident_mb() -> float:
    """Memory of this process."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def other_threads() -> int:
    """Threads of this process that are no workers."""
    return len(os.listdir("/proc/self/task")) - pool_threads()


def pool_threads() -> int:
    """Workers that the system shows."""
    found = 0
    for thread in os.listdir("/proc/self/task"):
        try:
            found += Path(f"/proc/self/task/{thread}/comm").read_text().startswith("treadle-")
        except OSError:
            continue
    return found


class Watch:
    """What is seen of a run: whether clients get on, how many workers and what memory there is."""

    def __init__(self, clients: list[Client], seconds: float) -> None:
        self._clients, self._seconds = clients, seconds
        self._start = self._last_print = time.monotonic()
        self._progress = {client.name: (-1, self._start) for client in clients}
        self._early_mb = 0.0
        self._most_workers = 0
        self.children = 0
        self.faults: list[str] = []

    def look(self) -> bool:
        """Note how things are; whether the run is over. Who stands still ends the process."""
        faulthandler.dump_traceback_later(STALL_SECONDS + CHILD_SECONDS, exit=True)
        for client in self._clients:
            done = sum(client.counts.values())
            if done != self._progress[client.name][0]:
                self._progress[client.name] = (done, time.monotonic())
            if time.monotonic() - self._progress[client.name][1] > STALL_SECONDS:
                faulthandler.dump_traceback(all_threads=True)
                sys.stderr.write(f"{client.name} stands still\n")
                os._exit(1)
        self._most_workers = max(self._most_workers, pool_threads())
        now = time.monotonic()
        if self._early_mb == 0 and now - self._start > self._seconds / 3:
            self._early_mb = resident_mb()
        if now - self._last_print > 10:
            self._last_print = now
            total = sum(done for done, _ in self._progress.values())
            line = f"{now - self._start:5.0f} s  {total} programs  {self.children} children"
            print(line, flush=True)
        return bool(self.faults) or now - self._start > self._seconds

    def end(self, backends: tuple[str, ...], early_threads: int) -> None:
        """Look at what stays when the clients have ended."""
        for client in self._clients:
            client.join(STALL_SECONDS)
            if client.is_alive():
                self.faults.append(f"{client.name} does not end")
            if client.error is not None:
                self.faults.append(f"{client.name}: {client.error!r}")
        faulthandler.cancel_dump_traceback_later()
        late_mb = resident_mb()
        if self._early_mb and late_mb > 1.2 * self._early_mb + 20:
            self.faults.append(f"memory grew from {self._early_mb:.0f} to {late_mb:.0f} MB")
        until = time.monotonic() + STALL_SECONDS
        while other_threads() > early_threads and time.monotonic() < until:
            time.sleep(0.01)  # timers that stop runs
        if backends == (
            "native",
        ):  # threads of other backends stay, and may inherit a worker's name
            if other_threads() > early_threads:
                self.faults.append(f"{other_threads() - early_threads} threads stayed")
            if self._most_workers > MOST_THREADS - 1:
                self.faults.append(f"there were {self._most_workers} workers")
        by_kind = sum((client.counts for client in self._clients), Counter[str]())
        workers = f"{self._most_workers} workers at most"
        print(f"{dict(by_kind)}, {self.children} children, {workers}, {late_mb:.0f} MB")


def stress(seconds: float, seed: int, num_clients: int, backends: tuple[str, ...]) -> list[str]:
    """What went wrong."""
    rng = random.Random(seed)
    stop = threading.Event()
    early_threads = other_threads()
    clients = [Client(seed + i, stop) for i in range(num_clients)]
    for client in clients:
        client.start()
    watch = Watch(clients, seconds)
    while not stop.wait(0.01):
        disturb(rng, backends)
        if rng.random() < 0.05:
            watch.children += 1
            code = fork_child(rng.randrange(1 << 30))
            if code:
                watch.faults.append(f"a child ended with {code}")
        if watch.look():
            stop.set()
    watch.end(backends, early_threads)
    return watch.faults


def main() -> int:
    """Run, print, give the status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--backends", nargs="+", default=["native"])
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    backends = tuple(arguments.backends)
    faults = stress(arguments.seconds, arguments.seed, arguments.clients, backends)
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
