"""``treadle ops``: the operators, what computes them and which dtypes they take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.table import Table

from treadle.cli.console import output, print_json
from treadle.errors import InputError
from treadle.ops.catalog import MEANINGS, Entry, catalog, compact, status_of


def ops(
    pattern: Annotated[
        str,
        typer.Argument(
            metavar="PATTERN",
            help="name, part of a name, or pattern with *; also a family or a status",
        ),
    ] = "*",
    as_json: Annotated[
        bool, typer.Option("--json", help="print JSON, with every overload")
    ] = False,
) -> None:
    """List operators: what computes them, their dtypes, where to read on."""
    found = [entry for entry in catalog() if _fits(entry, pattern)]
    if not found:
        raise InputError(f"no operator is called like {pattern!r}")
    if as_json:
        print_json([_document(entry) for entry in found])
        return
    console = output()
    for page, entries in groupby(found, key=lambda entry: entry.page):
        console.print(_table(page, list(entries)))
        console.print()
    counts = Counter(entry.status for entry in found)
    for status, meaning in MEANINGS.items():
        if counts[status]:
            console.print(f"{counts[status]} {status}: {meaning}")


def _table(page: str, entries: Sequence[Entry]) -> Table:
    """The operators of one family."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    table.title = f"{entries[0].family} ({page})"
    table.title_style = "bold"
    for heading in ("operator", "status", "dtypes", "what it gives"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        line = (entry.name, entry.status, compact(entry.dtypes), entry.summary)
        table.add_row(*(part.replace("[", "\\[") for part in line))
    return table


def _fits(entry: Entry, pattern: str) -> bool:
    if pattern in (entry.status, entry.family, entry.family.lower()):
        return True
    name = pattern.removeprefix("aten::")
    name = name if "*" in name else f"*{name}*"
    return any(fnmatchcase(n, name) for n in (entry.name, f"{entry.name}_"))


def _document(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "family": entry.family,
        "summary": entry.summary,
        "status": entry.status,
        "dtypes": list(entry.dtypes),
        "link": entry.link,
        "overloads": [
            {"schema": str(op.schema), "status": status_of(op)} for op in entry.overloads
        ],
    }
