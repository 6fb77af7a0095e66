"""Where do Treadle's functions differ from torch's, on the samples that torch tests itself with?

    python scripts/op_db.py [PATTERN ...] [--dtypes float32 int64] [--errors]

Each call of torch that a sample makes is made again with Treadle's function of the same name, on
copies of the arguments; results and arguments are compared afterwards. With ``--errors`` the
samples are wrong calls, which must raise `treadle.Error`. Ends with status 1 if anything differs.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import torch
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table
from torch.testing._internal.common_methods_invocations import op_db

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.ops.torch_samples import Found, compare, dtypes_of  # noqa: E402


def make_table(rows: Sequence[tuple[str, Found]]) -> Table:
    """A line for each kind of difference of each operator."""
    table = Table(title="Treadle's functions on torch's samples", show_lines=True)
    for heading in ("operator", "dtype", "same", "others", "kind", "the first"):
        table.add_column(heading, overflow="fold")
    for dtype, found in rows:
        for kind, count in found.differences.items():
            example = escape(found.examples[kind][:400])
            table.add_row(found.name, dtype, str(found.same), str(count), kind, example)
    return table


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="names, such as 'linalg.*'")
    parser.add_argument("--dtypes", nargs="*", default=[], help="instead of one for each operator")
    parser.add_argument("--errors", action="store_true", help="torch's samples of wrong calls")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    wanted = [getattr(torch, name) for name in arguments.dtypes]
    patterns = arguments.patterns or ["*"]
    infos = [i for i in op_db if any(fnmatch(i.name, p) for p in patterns)]
    rows = []
    for info in track(infos, "operators", console=Console(stderr=True), transient=True):
        for dtype in dtypes_of(info, wanted):
            found = compare(info, dtype, errors=arguments.errors)
            rows.append((str(dtype).rpartition(".")[2], found))
    different = [row for row in rows if row[1].differences]
    console = Console()
    if different:
        console.print(make_table(different))
    skipped = sum((found.skipped for _, found in rows), Counter[str]())
    console.print(
        f"{len(rows) - len(different)} of {len(rows)} operators are the same, "
        f"{sum(found.same for _, found in rows)} calls; not compared: {dict(skipped)}"
    )
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
