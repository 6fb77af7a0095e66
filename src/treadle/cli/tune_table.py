"""The table of a sweep, and its findings in words."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from treadle.cli.console import counted
from treadle.runtime.durations import human_time
from treadle.tune import Measurement, Sweep

_BAR = 12
_BUSY = 0.1


def print_sweep(console: Console, sweep: Sweep) -> None:
    """Every measurement, grouped by setting; then the best of each, and the default beside it."""
    console.print(_table(sweep))
    console.print("◆ Pareto set: no other row has both lower p99 latency and more throughput\n")
    for line in findings(sweep):
        console.print(line, markup=False, soft_wrap=True)


def _table(sweep: Sweep) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("intra-op", "inter-op", "clients", "p50", "p99", "requests/s"):
        table.add_column(heading, justify="right")
    table.add_column("rounds")
    table.add_column("")
    table.add_column("")
    front = set(sweep.pareto())
    for setting in sweep.settings:
        rows = [m for m in sweep.measurements if m.setting == setting]
        for row in rows:
            _add_row(table, sweep, row, row in front, row is rows[-1])
    return table


def _add_row(table: Table, sweep: Sweep, m: Measurement, is_optimal: bool, is_last: bool) -> None:
    highest = sweep.best_throughput.throughput
    bar = "█" * max(round(m.throughput / highest * _BAR), 1) if highest else ""
    table.add_row(
        str(m.setting.intra_op),
        str(m.setting.inter_op),
        str(m.clients),
        human_time(m.p50_ns),
        human_time(m.p99_ns),
        f"{m.throughput:,.0f}",
        f"{m.lowest:,.0f} to {m.highest:,.0f}",
        bar,
        ("◆ " if is_optimal else "  ") + ", ".join(_marks(sweep, m)),
        style="bold" if m in (sweep.best_latency, sweep.best_throughput) else None,
        end_section=is_last,
    )


def _marks(sweep: Sweep, m: Measurement) -> list[str]:
    marks = []
    if m == sweep.best_latency:
        marks.append("best latency")
    if m == sweep.best_throughput:
        marks.append("best throughput")
    if m.setting == sweep.default and m.clients == min(sweep.clients):
        marks.append("default")
    return marks


def findings(sweep: Sweep) -> list[str]:
    """The best latency, the best throughput, and how far the default is from either."""
    fastest, most = sweep.best_latency, sweep.best_throughput
    lines = [
        f"best latency:     {human_time(fastest.p50_ns)} (p99 {human_time(fastest.p99_ns)}) "
        f"with {_name(fastest)}",
        f"best throughput:  {most.throughput:,.0f} requests/s with {_name(most)}",
    ]
    if sweep.batch > 1:
        lines[-1] += f", {most.throughput * sweep.batch:,.0f} examples/s"
    default = [m for m in sweep.measurements if m.setting == sweep.default]
    if default:
        alone = min(default, key=lambda m: m.clients)
        busiest = max(default, key=lambda m: m.throughput)
        lines.append(
            f"the default {sweep.default}: {alone.p50_ns / fastest.p50_ns:.2f} times the best "
            f"latency, {busiest.throughput / most.throughput:.2f} times the best throughput"
        )
    if sweep.foreign_load is not None and sweep.foreign_load > _BUSY:
        lines.append(
            f"note: other processes used {sweep.foreign_load:.0%} of this machine's CPU time "
            "meanwhile; repeat when it is quiet"
        )
    return lines


def _name(m: Measurement) -> str:
    setting = m.setting
    return (
        f"{setting.intra_op} intra-op × {setting.inter_op} inter-op threads, "
        f"{counted(m.clients, 'client')}"
    )
