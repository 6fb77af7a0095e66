"""``treadle info``: versions, processor, threads, backends, cache and environment."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

from rich.table import Table

import treadle
from treadle import options
from treadle.cli.console import human_bytes, output, print_json
from treadle.cli.parameters import AsJson
from treadle.codegen import ObjectCache, Target
from treadle.errors import UnsupportedError
from treadle.runtime import Setting, available_backends

_PACKAGES = ("numpy", "llvmlite", "ml_dtypes", "rich", "typer", "matplotlib", "tbb")
_FEATURES = (
    "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512vnni",
    "avx512bf16", "avx512fp16", "amx-tile", "amx-bf16", "amx-int8",
)  # fmt: skip


def info(as_json: AsJson = False) -> None:
    """Print what Treadle found here and who decided each setting."""
    found = {
        "versions": _versions(),
        "processor": _processor(),
        "threads": _threads(),
        "cache": _cache(),
        "environment": options.environment(),
    }
    if as_json:
        print_json(found)
        return
    console = output()
    for title, section in found.items():
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 3, 0, 0))
        table.title, table.title_justify, table.title_style = title, "left", "bold"
        for name, entry in section.items():
            table.add_row(f"  {name}", *_row(entry))
        console.print(table)
        console.print()


def _row(entry: Any) -> tuple[str, ...]:
    if isinstance(entry, dict):
        return str(entry["value"]), *(
            str(entry[key]) for key in ("origin", "meaning") if key in entry
        )
    return (", ".join(map(str, entry)) if isinstance(entry, list) else str(entry),)


def _versions() -> dict[str, str]:
    found = {"treadle": _version("treadle"), "python": platform.python_version()}
    found |= {name: _version(name) for name in _PACKAGES}
    found["system"] = f"{platform.system()} {platform.release()} {platform.machine()}"
    return found


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return treadle.__version__ if package == "treadle" else "not installed"


def processor_name() -> str:
    """What the kernel calls the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _processor() -> dict[str, Any]:
    found: dict[str, Any] = {"name": processor_name(), "logical CPUs": os.cpu_count()}
    try:
        target = Target.host(32 if options.Options.from_environment().isa == "avx2" else 0)
    except UnsupportedError as error:
        return {**found, "generated code": f"none: {error}"}
    on = {name[1:] for name in target.features.split(",") if name.startswith("+")}
    return {
        **found,
        "LLVM target": target.cpu,
        "features": [name for name in _FEATURES if name in on],
        "vectors": f"{target.vector_bytes * 8} bits, {target.num_registers} registers",
    }


def _threads() -> dict[str, Any]:
    settings = treadle.parallel_info(as_dict=True)
    found: dict[str, Any] = {
        name: {"value": setting.value, "origin": setting.origin}
        for name, setting in settings.items()
        if isinstance(setting, Setting)
    }
    if not found["quota"]["value"]:
        found["quota"] = {"value": "none", "origin": "cgroup"}
    return {**found, "backend": settings["backend"], "backends": list(available_backends())}


def _cache() -> dict[str, Any]:
    settings = options.Options.from_environment()
    kernels = ObjectCache(settings.cache_directory, settings.cache_limit_bytes)
    found = kernels.statistics()
    return {
        "directory": str(found.directory),
        "usable": "yes" if kernels.usable else "no",
        "kernels": found.entries,
        "size": human_bytes(found.size_bytes),
        "limit": human_bytes(found.limit_bytes),
    }


def describe_machine() -> str:
    """Processor and versions in a line, for plots and records."""
    name = processor_name().removesuffix(" Processor")
    return f"{name}, Python {sys.version_info[0]}.{sys.version_info[1]}"
