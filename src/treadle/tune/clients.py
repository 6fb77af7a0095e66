"""Clients that call a model in a closed loop: the load that every measurement here uses."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Clock = Callable[[], int]
"""Nanoseconds from some fixed point."""

Call = Callable[[int], Any]
"""Sends the request of this number and waits for its result."""

WARM_UP_CALLS = 1
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What the clients saw: the latency of every request, and the requests per second of all."""

    latencies_ns: tuple[int, ...]
    throughput: float


@dataclass(slots=True)
class _Client:
    """One thread: calls until its time is over, at least once.

    `latencies_ns` and `elapsed_ns` are written by its own thread only and read after the join.
    """

    number: int
    call: Call
    clock: Clock
    duration_ns: int
    start: threading.Barrier
    failures: list[BaseException]
    finished: threading.Event = field(default_factory=threading.Event)
    latencies_ns: list[int] = field(default_factory=list)
    elapsed_ns: int = 0

    def run(self) -> None:
        try:
            self._run()
        except threading.BrokenBarrierError:
            pass  # another client failed before the start, and says why
        except BaseException as error:
            self.failures.append(error)
            self.start.abort()
        finally:
            self.finished.set()

    def _run(self) -> None:
        call, clock, record = self.call, self.clock, self.latencies_ns.append
        request = self.number
        for _ in range(WARM_UP_CALLS):  # the first of a thread also makes its buffers
            call(request)
        self.start.wait()
        begin = before = clock()
        deadline = begin + self.duration_ns
        while before < deadline and not self.failures:
            call(request)
            now = clock()
            record(now - before)
            before = now
            request += 1
        self.elapsed_ns = before - begin


def drive(
    call: Call, num_clients: int, seconds: float, clock: Clock = time.perf_counter_ns
) -> Turn:
    """Let `num_clients` threads call `call` for `seconds`, each one request after the other.

    Every client first makes a call that does not count, then all start together. Each runs in
    a copy of the caller's context, so that `treadle.threads` around this call holds for them.

    Raises:
        Exception: the first that a call raised, after all clients have stopped.
    """
    start = threading.Barrier(num_clients)
    failures: list[BaseException] = []
    duration_ns = max(int(seconds * 1e9), 1)
    clients = [
        _Client(number, call, clock, duration_ns, start, failures) for number in range(num_clients)
    ]
    _run(clients, start)
    if failures:
        raise failures[0]
    latencies = [latency for client in clients for latency in client.latencies_ns]
    return Turn(tuple(latencies), sum(_rate(client) for client in clients))


def _run(clients: Sequence[_Client], start: threading.Barrier) -> None:
    workers = [
        threading.Thread(
            target=contextvars.copy_context().run,
            args=(client.run,),
            name=f"client-{client.number}",
        )
        for client in clients
    ]
    started: list[_Client] = []
    try:
        for client, worker in zip(clients, workers, strict=True):
            started.append(client)
            worker.start()
        for client in clients:
            client.finished.wait()
    except BaseException as error:
        # Ctrl-C. No client may be in the model when the interpreter goes, and Python 3.11's
        # `Thread.join`, once interrupted, takes a running thread for a stopped one: hence the
        # events.
        clients[0].failures.append(error)
        start.abort()
        for client in started:
            client.finished.wait(_PATIENCE_SECONDS)
        raise
    for worker in workers:
        worker.join()


def _rate(client: _Client) -> float:
    """Requests per second; those of all clients add up, though they end at different moments."""
    return len(client.latencies_ns) / max(client.elapsed_ns, 1) * 1e9
