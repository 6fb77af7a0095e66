"""Tracebacks as text, wherever one is needed."""

from __future__ import annotations

import traceback


def written(error: BaseException) -> str:
    """The traceback of an error, without marks under the failing expressions.

    Python parses the lines to place those, which fails where the garbage collector drops a future
    in the middle of another parse (before 3.11.8).
    """
    written = traceback.TracebackException.from_exception(error)
    chain: list[traceback.TracebackException | None] = [written]
    for one in chain:
        if one is not None:
            frames = [(f.filename, f.lineno or 0, f.name, f.line) for f in one.stack]
            one.stack = traceback.StackSummary.from_list(frames)
            chain += [one.__cause__, one.__context__]
    return "".join(written.format())
