"""Write ``docs/ops``: a page for each family of operators, from the same table that runs them.

python scripts/ops_docs.py          writes the pages
python scripts/ops_docs.py --check  exits with 1 if they are not up to date
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from treadle.ir.op import OpDef
from treadle.ops.catalog import (
    EXTERN,
    MEANINGS,
    UNSUPPORTED,
    Entry,
    catalog,
    compact,
    page_name,
    status_of,
)

PAGES = Path(__file__).resolve().parents[1] / "docs" / "ops"
_NOTE = "Written by `scripts/ops_docs.py` from the table of operators; do not edit.\n"


def make_pages() -> dict[str, str]:
    """The text of every page by its file name."""
    families = [(family, list(found)) for family, found in groupby(catalog(), lambda e: e.family)]
    pages = {page_name(family): _page(family, entries) for family, entries in families}
    return {"README.md": _index(families), **pages}


def _index(families: Sequence[tuple[str, Sequence[Entry]]]) -> str:
    lines = ["# Operators\n", _NOTE]
    lines += [f"- **{status}**: {meaning}." for status, meaning in MEANINGS.items()]
    lines.append("\nDtypes are those that the rule of types takes for the first tensor. ")
    lines[-1] += "Machine code only moves and transforms complex numbers (views, joins, Fourier "
    lines[-1] += "transforms); whatever else is done with them is left to the reference. "
    lines[-1] += "`treadle ops [PATTERN]` prints the same, `--json` with every overload.\n"
    lines.append("What of torch is left out, and why, is in [left_out.md](../left_out.md).\n")
    lines += [f"| family | {' | '.join(MEANINGS)} |", "|---|" + "---|" * len(MEANINGS)]
    for family, entries in families:
        counts = (str(sum(e.status == status for e in entries)) for status in MEANINGS)
        lines.append(f"| [{family}]({page_name(family)}) | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"


def _page(family: str, entries: Sequence[Entry]) -> str:
    lacking = [entry for entry in entries if entry.status == UNSUPPORTED]
    there = [entry for entry in entries if entry not in lacking]
    others = [entry for entry in there if entry.same_as]
    lines = [f"# {family}\n", _NOTE, *(_section(e) for e in there if not e.same_as)]
    if others:
        lines += ["## Other names\n", *(f"- `{e.name}`: `{e.same_as}`" for e in others), ""]
    if lacking:
        lines += ["## Unsupported\n", *(f"- `{e.name}`: {e.summary}" for e in lacking), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(entry: Entry) -> str:
    facts = [entry.status, compact(entry.dtypes)]
    head = f"{entry.summary[:1].upper()}{entry.summary[1:]}. " if entry.summary else ""
    lines = [f"## {entry.name}\n", f"{head}*{'; '.join(filter(None, facts))}*\n", "```"]
    lines += [_signature(op, entry) for op in entry.overloads]
    lines.append("```\n")
    docs = dict.fromkeys(op.doc for op in entry.overloads)
    lines += [f"{doc}\n" for doc in docs if doc.rstrip(".") not in ("", entry.summary)]
    return "\n".join(lines)


def _signature(op: OpDef, entry: Entry) -> str:
    differs = status_of(op) != entry.status
    return f"{str(op.schema).removeprefix('aten::')}{f'  # {EXTERN}' if differs else ''}"


def main() -> None:
    """Write the pages, or compare them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    pages = make_pages()
    old = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    changed = sorted(name for name in {*pages, *old} if pages.get(name) != old.get(name))
    if arguments.check:
        if changed:
            sys.exit(f"not up to date, run scripts/ops_docs.py: {', '.join(changed)}")
        return
    PAGES.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in pages:
            (PAGES / name).write_text(pages[name], encoding="utf-8")
        else:
            (PAGES / name).unlink()


if __name__ == "__main__":
    main()
