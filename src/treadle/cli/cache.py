"""``treadle cache``: the compiled kernels on disk, and the weights that processes share."""

from __future__ import annotations

from typing import Annotated

import typer

from treadle.cli.console import counted, human_bytes, output, print_json
from treadle.cli.parameters import AsJson
from treadle.codegen import ObjectCache
from treadle.file_cache import FileCache
from treadle.options import Options
from treadle.shared_weights import SharedWeights


def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="delete every kernel and every shared weight")
    ] = False,
    path: Annotated[bool, typer.Option("--path", help="print the directory only")] = False,
    as_json: AsJson = False,
) -> None:
    """Show, or clear, the cache of compiled kernels and shared weights."""
    options = Options.from_environment()
    if path:
        print(options.cache_directory)
        return
    caches: dict[str, FileCache] = {
        "kernel": ObjectCache(options.cache_directory, options.cache_limit_bytes)
    }
    if options.shared_weights_bytes or options.weights_directory.exists():
        caches["weight"] = SharedWeights(options.weights_directory, options.shared_weights_bytes)
    removed = {name: each.clear() if clear else 0 for name, each in caches.items()}
    if as_json:
        print_json({f"{name}s": _document(caches[name], removed[name]) for name in caches})
        return
    console = output()
    for name, each in caches.items():
        if clear:
            console.print(f"removed {counted(removed[name], name)}")
        found = each.statistics()
        console.print(
            f"{found.directory}: {counted(found.entries, name)}, {human_bytes(found.size_bytes)} "
            f"of at most {human_bytes(found.limit_bytes)}",
            markup=False,
            soft_wrap=True,
        )


def _document(cache: FileCache, removed: int) -> dict[str, object]:
    found = cache.statistics()
    return {
        "directory": str(found.directory),
        "usable": cache.usable,
        "entries": found.entries,
        "size_bytes": found.size_bytes,
        "limit_bytes": found.limit_bytes,
        "removed": removed,
    }
