"""Where the commands print: results to stdout, messages and progress to stderr."""

from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console

_WIDTH_OF_FILES = 120


def output() -> Console:
    """The console for results; 120 columns where there is no terminal to ask."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES, highlight=False)


def messages() -> Console:
    """The console for what is not a result."""
    return Console(stderr=True, highlight=False)


def working(message: str) -> AbstractContextManager[object]:
    """Show on a terminal that something is at work, for the length of a block."""
    return messages().status(message) if sys.stderr.isatty() else nullcontext()


def say(message: str) -> None:
    """One message on stderr, with the program's name and no markup."""
    print(f"treadle: {message}", file=sys.stderr)


def print_json(document: Any) -> None:
    """A document on stdout, indented."""
    print(json.dumps(document, indent=2))


def human_bytes(count: int) -> str:
    """A size in the unit that fits: 512 B, 12.3 KB, 4.0 MB."""
    size = float(count)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def counted(count: int, noun: str) -> str:
    """A number with its noun: 1 client, 2 clients."""
    plural = "es" if noun.endswith("ch") else "s"
    return f"{count} {noun}{'' if count == 1 else plural}"
