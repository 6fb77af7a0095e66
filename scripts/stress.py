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

import numpy as np  # noqa: E402

import treadle  # noqa: E402
from tests.runtime.kernels import address  # noqa: E402
from treadle import _native, runtime  # noqa: E402
from treadle.runtime.plan import BufferRef, Instruction, Plan, Space  # noqa: E402

STALL_SECONDS = 20
SIZE = 3000
COPY, ACCUMULATE = address("copy"), address("accumulate")  # LLVM's lock is no friend of fork()
CHILD_SECONDS = 15


def random_plan(rng: random.Random) -> tuple[Plan, int]:
    """A plan with a random tree of forks that adds its input `n` times to zeros, and `n`."""
    spec = ("float32", (SIZE,))
    sequences: list[list[Instruction]] = [[]]
    futures = 0
    additions = 0
    num_parts = rng.randint(1, 6)
    slots: list[BufferRef] = [(Space.ARENA, 0, 4 * SIZE * i) for i in range(num_parts)]
    source, target, local = (Space.INPUT, 0, 0), (Space.OUTPUT, 0, 0), (Space.LOCAL, 0, 0)

    def run(to: BufferRef, kernel: int, origin: BufferRef) -> Instruction:
        return ("run", "step", kernel, (to, origin), (), SIZE, rng.choice((1, 100, 1000, SIZE)))

    sequences[0].append(run(target, COPY, (Space.INPUT, 1, 0)))
    for slot in slots:
        repeats = rng.randint(1, 8)
        is_fork = rng.random() < 0.7
        origin = local if is_fork else source
        body = [run(slot, COPY, origin), *[run(slot, ACCUMULATE, origin)] * (repeats - 1)]
        additions += repeats
        if is_fork:
            sequences.append([run(local, COPY, source), *body])
            sequences[0].append(("fork", len(sequences) - 1, futures))
            futures += 1
        else:
            sequences[0] += body
    sequences[0] += [("join", i) for i in range(futures)]
    sequences[0] += [run(target, ACCUMULATE, slot) for slot in slots]
    memory = [0, *[4 * SIZE] * futures]
    plan = Plan(
        sequences, 4 * SIZE * num_parts, [], [spec, spec], [spec], local_bytes=memory
    )  # fmt: skip
    return plan, additions


class Client(threading.Thread):
    """One application thread that runs random programs until told to stop."""

    def __init__(self, seed: int, stop: threading.Event) -> None:
        super().__init__(name=f"client-{seed}")
        self._rng = random.Random(seed)
        self._stop_now = stop
        self.counts: Counter[str] = Counter()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Run programs; a failure ends the client and stops the others."""
        programs = [self.run_plan, self.cancel_plan, self.fork_tree, self.chain, self.limit]
        try:
            while not self._stop_now.is_set():
                program = self._rng.choice(programs)
                program()
                self.counts[program.__name__] += 1
        except BaseException as error:
            self.error = error
            self._stop_now.set()

    def run_plan(self) -> None:
        """Check the result of a plan, run several times."""
        plan, additions = random_plan(self._rng)
        ones, zeros, out = (np.full(SIZE, v, np.float32) for v in (1, 0, -1))
        for _ in range(self._rng.randint(1, 5)):
            plan.run([ones, zeros], [out], self._rng.choice((0, 1, 2, 5)))
            if not (out == additions).all():
                raise AssertionError(f"a plan gave {set(out.tolist())}, not {additions}")

    def cancel_plan(self) -> None:
        """Stop a plan by deadline or by hand; the next one must be right."""
        plan, _ = random_plan(self._rng)
        ones, zeros, out = (np.full(SIZE, v, np.float32) for v in (1, 0, -1))
        control = _native.RunControl(timeout=self._rng.choice((0.0, 1e-5, 1e-3, None)))
        if self._rng.random() < 0.5:
            threading.Timer(self._rng.random() * 1e-4, control.cancel).start()
        try:
            plan.run([ones, zeros], [out], 0, control)
        except treadle.Error:
            self.counts["stopped"] += 1

    def fork_tree(self) -> None:
        """Nested forks of Python functions."""
        depth = self._rng.randint(0, 6)

        def leaves(level: int) -> int:
            if level == 0:
                return 1
            children = [runtime.fork(leaves, level - 1) for _ in range(2)]
            return sum(child.wait() for child in children)

        if leaves(depth) != 2**depth:
            raise AssertionError("a tree of forks lost a leaf")

    def chain(self) -> None:
        """Futures as arguments of forks, and a promise at the start."""
        promise: runtime.Future[int] = runtime.Future()
        last = promise
        for _ in range(self._rng.randint(1, 60)):
            last = runtime.fork(lambda before: before.wait() + 1, last)
        promise.set_result(0)
        last.wait()

    def limit(self) -> None:
        """A context with limits around a plan."""
        with runtime.threads(intra=self._rng.randint(1, 4), inter=self._rng.randint(1, 4)):
            self.run_plan()


def disturb(rng: random.Random, backends: tuple[str, ...]) -> None:
    """Change a setting of the process."""
    change = rng.randrange(6)
    if change == 0:
        runtime.set_num_threads(rng.randint(1, 6))
    elif change == 1:
        runtime.set_num_interop_threads(rng.randint(1, 6))
    elif change == 2:
        _native.set_budget(rng.randint(1, 4))
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


def stress(seconds: float, seed: int, num_clients: int, backends: tuple[str, ...]) -> list[str]:
    """What went wrong."""
    rng = random.Random(seed)
    stop = threading.Event()
    early_threads = other_threads()
    clients = [Client(seed + i, stop) for i in range(num_clients)]
    for client in clients:
        client.start()
    faults: list[str] = []
    children = 0
    early_mb = 0.0
    most_threads = 0
    start = last_print = time.monotonic()
    progress: dict[str, tuple[int, float]] = {}
    while not stop.wait(0.01):
        now = time.monotonic()
        faulthandler.dump_traceback_later(STALL_SECONDS + CHILD_SECONDS, exit=True)
        disturb(rng, backends)
        if rng.random() < 0.05:
            children += 1
            code = fork_child(rng.randrange(1 << 30))
            if code:
                faults.append(f"a child ended with {code}")
        for client in clients:
            done = sum(client.counts.values())
            before, since = progress.get(client.name, (-1, now))
            progress[client.name] = (done, since if done == before else time.monotonic())
            if time.monotonic() - progress[client.name][1] > STALL_SECONDS:
                faulthandler.dump_traceback(all_threads=True)
                sys.stderr.write(f"{client.name} stands still\n")
                os._exit(1)
        most_threads = max(most_threads, pool_threads())
        if early_mb == 0 and now - start > seconds / 3:
            early_mb = resident_mb()
        if now - last_print > 10:
            last_print = now
            total = sum(sum(client.counts.values()) for client in clients)
            print(f"{now - start:5.0f} s  {total} programs  {children} children", flush=True)
        if faults or now - start > seconds:
            stop.set()
    for client in clients:
        client.join(STALL_SECONDS)
        if client.is_alive():
            faults.append(f"{client.name} does not end")
        if client.error is not None:
            faults.append(f"{client.name}: {client.error!r}")
    faulthandler.cancel_dump_traceback_later()
    late_mb = resident_mb()
    if early_mb and late_mb > 1.2 * early_mb + 20:
        faults.append(f"memory grew from {early_mb:.0f} to {late_mb:.0f} MB")
    until = time.monotonic() + STALL_SECONDS
    while other_threads() > early_threads and time.monotonic() < until:
        time.sleep(0.01)  # timers that stop runs
    if other_threads() > early_threads and backends == ("native",):
        faults.append(f"{other_threads() - early_threads} threads stayed")
    # The largest budget is four. Threads of other backends may inherit a worker's name.
    if most_threads > 3 and backends == ("native",):
        faults.append(f"there were {most_threads} workers")
    by_kind = sum((client.counts for client in clients), Counter[str]())
    print(f"{dict(by_kind)}, {children} children, {most_threads} workers at most, {late_mb:.0f} MB")
    return faults


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
