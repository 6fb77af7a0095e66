"""``treadle cache``: the compiled kernels on disk."""

from __future__ import annotations

from typing import Annotated

import typer

from treadle.cli.console import counted, human_bytes, output, print_json
from treadle.codegen import ObjectCache
from treadle.options import Options


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="delete every kernel")] = False,
    path: Annotated[bool, typer.Option("--path", help="print the directory only")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Show, or clear, the cache of compiled kernels."""
    options = Options.from_environment()
    if path:
        print(options.cache_directory)
        return
    kernels = ObjectCache(options.cache_directory, options.cache_limit_bytes)
    removed = kernels.clear() if clear else 0
    found = kernels.statistics()
    if as_json:
        print_json(
            {
                "directory": str(found.directory),
                "usable": kernels.usable,
                "kernels": found.entries,
                "size_bytes": found.size_bytes,
                "limit_bytes": found.limit_bytes,
                "removed": removed,
            }
        )
        return
    console = output()
    if clear:
        console.print(f"removed {counted(removed, 'kernel')}")
    console.print(
        f"{found.directory}: {counted(found.entries, 'kernel')}, {human_bytes(found.size_bytes)} "
        f"of at most {human_bytes(found.limit_bytes)}",
        markup=False,
        soft_wrap=True,
    )
