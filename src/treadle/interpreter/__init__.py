"""Reference semantics: runs graphs one operator at a time, over Python values and NumPy arrays."""

from treadle.interpreter.activations import MAX_CALL_DEPTH, Settings
from treadle.interpreter.entry import admit, call, restore_state, run
from treadle.interpreter.regions import plan_regions
from treadle.interpreter.tasks import Task

__all__ = [
    "MAX_CALL_DEPTH", "Settings", "Task", "admit", "call", "plan_regions", "restore_state",
    "run",
]  # fmt: skip
