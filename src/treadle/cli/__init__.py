"""The command ``treadle``: parse, call the public API, print. Needs the extra ``cli``."""

from __future__ import annotations

import sys

_EXTRA = frozenset({"typer", "rich", "click"})


def main() -> None:
    """Run the command line of this process and exit with its status."""
    try:
        from treadle.cli.app import run
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        print(
            f"treadle: error: the command line needs {error.name}; "
            "install it with: pip install 'treadle[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
    sys.exit(run(sys.argv[1:]))
