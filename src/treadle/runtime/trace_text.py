"""The summary of a trace for people: as plain text, or as rich's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from treadle.runtime.durations import human_time

if TYPE_CHECKING:
    from rich.console import Group

    from treadle.runtime.trace_events import Event
    from treadle.runtime.trace_summary import Summary

_MOST_OPS = 10
_MOST_LINKS = 30


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with its heading; the first column is text, the others are numbers."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def as_text(summary: Summary) -> str:
    """`summary` in lines of text."""
    return "\n\n".join("\n".join(_lines(table)) for table in _tables(summary)) + "\n"


def as_tables(summary: Summary) -> Group:
    """`summary` as tables of rich."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Table | Text] = []
    for i, table in enumerate(_tables(summary)):
        parts.append(Text(("\n" if i else "") + table.heading))
        if not table.rows:
            continue
        drawn = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
        for column in table.columns:
            is_first = column == table.columns[0]
            drawn.add_column(column, justify="left" if is_first else "right", no_wrap=is_first)
        for row in table.rows:
            drawn.add_row(*map(Text, row))
        parts.append(drawn)
    return Group(*parts)


def _lines(table: _Table) -> Iterator[str]:
    yield table.heading
    if not table.rows:
        return
    rows = [table.columns, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    for row in rows:
        numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield "   ".join((row[0].ljust(widths[0]), *numbers)).rstrip()


def _tables(summary: Summary) -> Iterator[_Table]:
    yield _threads(summary)
    yield _critical_path(summary)
    yield _ops(summary)


def _threads(summary: Summary) -> _Table:
    total = summary.duration_ns or 1
    lost = f"; {summary.num_lost} earlier events were lost" if summary.num_lost else ""
    heading = f"{human_time(summary.duration_ns)}, {summary.num_requests} requests{lost}"
    rows = []
    for use in summary.threads:
        spent = (
            use.compute_ns, use.runtime_ns, use.python_ns,
            use.waiting_ns, use.spinning_ns, use.parked_ns,
        )  # fmt: skip
        shares = [*spent, max(total - sum(spent), 0)]
        rows.append((use.name, *(f"{time / total:.1%}" for time in shares)))
    columns = (
        "thread", "compute", "runtime", "python", "waiting", "spinning", "parked", "elsewhere",
    )  # fmt: skip
    return _Table(heading, columns, tuple(rows))


def _critical_path(summary: Summary) -> _Table:
    path = summary.critical_path
    if path is None:
        return _Table("critical path: no request was recorded", (), ())
    heading = (
        f"critical path: {len(path.ops)} ops in {human_time(path.length_ns)}, "
        f"of a request that took {human_time(path.request.duration_ns)} (the median)"
    )
    times = [(name, [e.duration_ns for e in run]) for name, run in _runs(path.ops)]
    rows = [
        (f"{name} x {len(run)}" if len(run) > 1 else name, human_time(sum(run)),
         f"{sum(run) / (path.length_ns or 1):.1%}")
        for name, run in times
    ]  # fmt: skip
    if len(rows) > _MOST_LINKS:
        rows = [*rows[:_MOST_LINKS], (f"... {len(rows) - _MOST_LINKS} more", "", "")]
    return _Table(heading, ("op", "time", "share"), tuple(rows))


def _runs(ops: Sequence[Event]) -> Iterator[tuple[str, list[Event]]]:
    """Neighbours of one name together."""
    for name, run in groupby(ops, key=lambda e: e.name):
        yield name, list(run)


def _ops(summary: Summary) -> _Table:
    total = sum(op.wall_ns for op in summary.ops) or 1
    rows = tuple(
        (op.name, str(op.count), human_time(op.wall_ns), f"{op.wall_ns / total:.1%}",
         human_time(op.compute_ns), human_time(op.wall_ns / op.count))
        for op in summary.ops[:_MOST_OPS]
    )  # fmt: skip
    columns = ("op", "runs", "time", "share", "on all threads", "each")
    return _Table(f"top {len(rows)} of {len(summary.ops)} ops by time", columns, rows)
