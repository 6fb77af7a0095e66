"""`collection_paused`: Python's cyclic garbage collector rests while graphs are made.

A graph is tens of thousands of small objects that refer to each other and all stay. The collector
goes through them again and again while they grow in number, and finds nothing: for a model of a
hundred layers that took more than half of the time to compile it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

from treadle.locks import fork_lock

_lock = fork_lock()
_depth = 0
_was_enabled = False


@contextmanager
def collection_paused() -> Iterator[None]:
    """No cyclic garbage collection in the process meanwhile; it goes on if it was on before.

    May be nested and entered by several threads at once: the last to leave ends the pause.
    """
    global _depth, _was_enabled
    with _lock:
        if _depth == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth = max(0, _depth - 1)  # 0 in a child that was forked in a pause
            if _depth == 0 and _was_enabled:
                gc.enable()


def keep_all() -> None:
    """Count what was made so far among the old objects, as if the collector had gone through it.

    Only for what stays to the end, such as modules: garbage would stay as long. Without this the
    first collection after an import goes through all that it made, and keeps it.
    """
    if gc.get_freeze_count() == 0:  # else a program has frozen objects on purpose
        gc.freeze()
        gc.unfreeze()


def _end_pause() -> None:
    """In a forked child, the threads that paused the collector are not there."""
    global _depth
    if _depth > 0 and _was_enabled:
        gc.enable()
    _depth = 0


os.register_at_fork(after_in_child=_end_pause)
