"""`sweep`: measure a model at every thread setting under every number of clients."""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from treadle import runtime
from treadle.errors import InputError
from treadle.tune.clients import Call, Clock, Turn, drive
from treadle.tune.foreign import CpuTime, foreign_share
from treadle.tune.result import Cell, Measurement, Sweep, cells
from treadle.tune.settings import ThreadSetting, client_counts, settings_up_to

ROUNDS = 7
TOTAL_SECONDS = 25.0
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.2, 2.0


AroundTurn = Callable[[Cell], AbstractContextManager[object]]
"""Gives, for the cell whose turn it is, what is entered around the turn."""


class Model(Protocol):
    """What can be measured: a `treadle.Module`, or anything called like one."""

    def __call__(self, *inputs: Any) -> Any:
        """Run one request."""
        ...


def sweep(
    module: Model,
    requests: Sequence[Sequence[Any]],
    *,
    settings: Sequence[ThreadSetting] | None = None,
    clients: Sequence[int] | None = None,
    seconds: float | None = None,
    rounds: int = ROUNDS,
    batch: int = 1,
    around_turn: AroundTurn = nullcontext,
    clock: Clock = time.perf_counter_ns,
) -> Sweep:
    """Measure `module` at each of `settings` with each number of `clients`.

    Cells take turns, in another order each round, so that foreign load hits all alike; a number of
    the result is the median over its cell's turns. Thread settings are as before afterwards.

    Args:
        module: what to call.
        requests: the arguments of one call each; clients send them in turn.
        settings: by default those of `settings_up_to` the budget.
        clients: by default `client_counts` of the budget.
        seconds: for each cell, over all rounds; by default such that all take half a minute.
        rounds: turns of each cell.
        batch: examples in each request, for the record.
        around_turn: entered around each turn of a cell, to show progress.
        clock: for tests.

    Raises:
        InputError: if there is nothing to measure, or a number is not positive.
    """
    budget = runtime.get_budget()
    plan = cells(
        settings_up_to(budget) if settings is None else settings,
        client_counts(budget) if clients is None else clients,
    )
    _check(plan, requests, seconds, rounds)
    seconds = seconds_per_cell(len(plan)) if seconds is None else seconds
    call = _calls(module, requests)
    before = CpuTime.now()
    turns = _turns(call, plan, rounds, seconds / rounds, around_turn, clock)
    found = tuple(summarise(cell, turns[cell]) for cell in plan)
    foreign, default = foreign_share(before, CpuTime.now()), ThreadSetting(budget, budget)
    return Sweep(found, budget, default, batch, rounds, seconds, foreign)


def _calls(module: Model, requests: Sequence[Sequence[Any]]) -> Call:
    """What sends the request of a number, after the first was sent."""

    def call(number: int) -> None:
        module(*requests[number % len(requests)])

    call(0)
    return call


def _turns(
    call: Call,
    plan: Sequence[Cell],
    rounds: int,
    seconds: float,
    around_turn: AroundTurn,
    clock: Clock,
) -> dict[Cell, list[Turn]]:
    """What the clients saw in each turn of each cell."""
    turns: dict[Cell, list[Turn]] = {cell: [] for cell in plan}
    order = random.Random(0)
    for _ in range(rounds):
        for cell in order.sample(plan, len(plan)):
            threads = runtime.threads(intra=cell.setting.intra_op, inter=cell.setting.inter_op)
            with around_turn(cell), threads:
                turns[cell].append(drive(call, cell.clients, seconds, clock))
    return turns


def seconds_per_cell(num_cells: int) -> float:
    """How long each of `num_cells` is measured by default."""
    return min(max(TOTAL_SECONDS / num_cells, _SHORTEST_SECONDS), _LONGEST_SECONDS)


def summarise(cell: Cell, turns: Sequence[Turn]) -> Measurement:
    """Medians over the turns of a cell."""
    quantiles = [np.percentile(turn.latencies_ns, (50, 99)) for turn in turns]
    rates = [turn.throughput for turn in turns]
    return Measurement(
        cell,
        p50_ns=float(statistics.median(p50 for p50, _ in quantiles)),
        p99_ns=float(statistics.median(p99 for _, p99 in quantiles)),
        throughput=statistics.median(rates),
        lowest=min(rates),
        highest=max(rates),
        requests=sum(len(turn.latencies_ns) for turn in turns),
    )


def _check(
    plan: Sequence[Cell], requests: Sequence[Any], seconds: float | None, rounds: int
) -> None:
    if not plan:
        raise InputError("a sweep needs at least one thread setting and one number of clients")
    if not requests:
        raise InputError("a sweep needs the inputs of at least one request")
    if rounds < 1 or (seconds is not None and not 0 < seconds < math.inf):
        raise InputError(f"rounds and seconds must be positive, got {rounds} and {seconds}")
    for cell in plan:
        if min(cell.clients, cell.setting.intra_op, cell.setting.inter_op) < 1:
            raise InputError(
                f"threads and clients must be positive, got setting {cell.setting} with "
                f"{cell.clients} clients"
            )
