"""Python code in a process of its own, with the thread settings of a given environment."""

import os
import subprocess
import sys
from collections.abc import Sequence

_NAMES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def plain_environment(**more: str) -> dict[str, str]:
    """The environment without settings of threads, and with `more`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _NAMES and not name.startswith("TREADLE_")
    }
    return kept | more


def run_python(
    code: str, prefix: Sequence[str] = (), /, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """Run `code` after ``import treadle`` and ``from treadle import runtime``."""
    return subprocess.run(
        [*prefix, sys.executable, "-c", "import treadle\nfrom treadle import runtime\n" + code],
        check=True,
        capture_output=True,
        text=True,
        env=plain_environment(**environment),
        timeout=300,
    )
