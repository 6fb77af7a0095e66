"""The application threads of `stress`: random programs on the runtime, whose answers are known."""

from __future__ import annotations

import random
import threading
from collections import Counter

import numpy as np

import treadle
from tests.runtime.kernels import address
from treadle import _native, runtime
from treadle.runtime.plan import BufferRef, Instruction, Plan, Space

SIZE = 3000
COPY, ACCUMULATE = address("copy"), address("accumulate")  # LLVM's lock is no friend of fork()


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
