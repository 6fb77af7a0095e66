"""What `parallel_info` says: all thread settings, in torch's layout or as a dict."""

from __future__ import annotations

import os
from typing import Literal, TypedDict, overload

from treadle import _native, options
from treadle.runtime import backends
from treadle.runtime.threads import Setting, get_num_interop_threads, get_num_threads, settings


class ParallelInfo(TypedDict):
    """All thread settings, and the pool that they are of."""

    backend: str
    num_threads: Setting
    num_interop_threads: Setting
    budget: Setting
    affinity: Setting
    physical_cores: Setting
    quota: Setting


def _as_dict() -> ParallelInfo:
    limits = _native.cpu_limits()
    now = settings()
    quota = limits["quota"]
    return {
        "backend": _native.backend(),
        "num_threads": now.intra,
        "num_interop_threads": now.interop,
        "budget": now.budget,
        "affinity": Setting(limits["affinity"], "affinity"),
        "physical_cores": Setting(limits["cores"], "affinity"),
        "quota": Setting(quota, "quota" if quota else "default"),
    }


def _as_text() -> str:
    lines = [
        "ATen/Parallel:",
        f"\tat::get_num_threads() : {get_num_threads()}",
        f"\tat::get_num_interop_threads() : {get_num_interop_threads()}",
        "OpenMP not found" if _native.backend() != "openmp" else "OpenMP",
        "MKL not found",
        "MKLDNN not found",
        f"std::thread::hardware_concurrency() : {os.cpu_count()}",
        "Environment variables:",
        f"\tOMP_NUM_THREADS : {options.variable('OMP_NUM_THREADS') or '[not set]'}",
        f"\tMKL_NUM_THREADS : {options.variable('MKL_NUM_THREADS') or '[not set]'}",
        f"ATen parallel backend: {backends.TORCH_NAMES[_native.backend()]}",
        "Treadle:",
    ]
    for name, setting in _as_dict().items():
        text = f"{setting.value} ({setting.origin})" if isinstance(setting, Setting) else setting
        lines.append(f"\t{name} : {text}")
    note = backends.NOTES.get(_native.backend())
    if note:
        lines.append(f"\tnote : {note}")
    return "\n".join(lines) + "\n"


@overload
def parallel_info(*, as_dict: Literal[False] = False) -> str: ...
@overload
def parallel_info(*, as_dict: Literal[True]) -> ParallelInfo: ...


def parallel_info(*, as_dict: bool = False) -> str | ParallelInfo:
    """All thread settings: in torch's layout with Treadle's own lines after it, or as a dict.

    Source:
        ``torch.__config__.parallel_info()``
    """
    return _as_dict() if as_dict else _as_text()
