"""The Python face of the native core: threads, futures, memory, plans."""

from treadle._native import (
    Plan,
    Program,
    RunControl,
    Turn,
    empty,
    get_thread_num,
    in_parallel_region,
    memory_statistics,
    trim_memory,
)
from treadle.runtime.backends import available as available_backends
from treadle.runtime.backends import use as use_backend
from treadle.runtime.forks import collect_all, fork, wait, wait_all
from treadle.runtime.futures import Future
from treadle.runtime.package import get_cmake_dir, get_include
from treadle.runtime.report import parallel_info
from treadle.runtime.threads import (
    Setting,
    get_budget,
    get_num_interop_threads,
    get_num_threads,
    refresh_budget,
    set_num_interop_threads,
    set_num_threads,
    threads,
)
from treadle.runtime.trace import Trace, span, trace

__all__ = [
    "Future",
    "Plan",
    "Program",
    "RunControl",
    "Setting",
    "Trace",
    "Turn",
    "available_backends",
    "collect_all",
    "empty",
    "fork",
    "get_budget",
    "get_cmake_dir",
    "get_include",
    "get_num_interop_threads",
    "get_num_threads",
    "get_thread_num",
    "in_parallel_region",
    "memory_statistics",
    "parallel_info",
    "refresh_budget",
    "set_num_interop_threads",
    "set_num_threads",
    "span",
    "threads",
    "trace",
    "trim_memory",
    "use_backend",
    "wait",
    "wait_all",
]
