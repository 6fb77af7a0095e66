"""Treadle: runs PyTorch models on CPUs without PyTorch.

``treadle.load`` reads a model, ``treadle.mm`` and the like compute with tensors right away,
``treadle.set_num_threads`` and its relatives say how many threads may. Torch's functions are
attributes of this module, each made at its first use; ``dir(treadle)`` lists them.
"""

from __future__ import annotations

import builtins
import importlib
import math
from typing import TYPE_CHECKING, Any

from treadle import fft, linalg, nn, special
from treadle.collector import collection_paused, keep_all
from treadle.eager import dtypes as _dtypes
from treadle.eager.creation import (
    empty,
    empty_like,
    eye,
    full,
    full_like,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from treadle.eager.device import (
    device,
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from treadle.eager.dtypes import dtype, finfo, get_default_dtype, iinfo
from treadle.eager.printing import set_printoptions
from treadle.eager.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    seed,
    set_rng_state,
)
from treadle.eager.ranges import arange, linspace
from treadle.eager.table import FUNCTIONS, function_names
from treadle.eager.tracing import trace
from treadle.eager.values import (
    as_tensor,
    asarray,
    from_dlpack,
    from_numpy,
    frombuffer,
    tensor,
)
from treadle.errors import (
    ArchiveError,
    Cancelled,
    CompileError,
    DeadlineExceeded,
    Error,
    IndexOutOfRange,
    InputError,
    PlanError,
    ScriptError,
    ScriptSyntaxError,
    ShapeError,
    SignatureError,
    ThreadingError,
    UnsupportedError,
    VerifyError,
)
from treadle.left_out import missing as _missing
from treadle.locks import imports as _imports
from treadle.runtime import (
    Future,
    Setting,
    available_backends,
    collect_all,
    fork,
    get_budget,
    get_cmake_dir,
    get_include,
    get_num_interop_threads,
    get_num_threads,
    get_thread_num,
    in_parallel_region,
    parallel_info,
    refresh_budget,
    set_num_interop_threads,
    set_num_threads,
    threads,
    use_backend,
    wait,
    wait_all,
)
from treadle.tensor import Size, Tensor

if TYPE_CHECKING:
    from treadle import jit as jit
    from treadle._functions import *  # noqa: F403
    from treadle.jit import load as load
    from treadle.jit import save as save
    from treadle.jit import script as script
    from treadle.method import Method as Method
    from treadle.model import Module as Module
    from treadle.runtime.requests import SessionStatistics as SessionStatistics
    from treadle.session import Session as Session

__all__ = [
    "ArchiveError", "Cancelled", "CompileError", "DeadlineExceeded", "Error", "Future",
    "Generator", "IndexOutOfRange", "InputError", "Method", "Module", "PlanError",
    "ScriptError", "ScriptSyntaxError", "Session", "SessionStatistics", "Setting", "ShapeError",
    "SignatureError",
    "Size", "Tensor", "ThreadingError", "UnsupportedError", "VerifyError", "arange",
    "as_tensor", "asarray", "available_backends", "bfloat16", "cdouble", "cfloat",
    "channels_last", "channels_last_3d", "collect_all", "complex64", "complex128",
    "contiguous_format",
    "default_generator", "device", "double", "dtype", "e", "empty", "empty_like", "enable_grad",
    "eye", "fft", "finfo", "float16", "float32", "float64", "fork", "from_dlpack", "from_numpy",
    "frombuffer", "full", "full_like", "get_budget", "get_cmake_dir", "get_default_dtype",
    "get_include", "get_num_interop_threads", "get_num_threads", "get_rng_state",
    "get_thread_num", "half", "iinfo", "in_parallel_region", "inf", "inference_mode",
    "initial_seed", "int8", "int16", "int32", "int64", "is_grad_enabled",
    "is_inference_mode_enabled", "is_tensor", "jit", "linalg", "linspace", "load", "long",
    "manual_seed", "nan", "nn", "no_grad", "ones", "ones_like", "parallel_info", "pi",
    "preserve_format", "rand", "rand_like", "randint", "randn", "randn_like", "randperm",
    "refresh_budget", "save", "script", "seed", "set_grad_enabled", "set_num_interop_threads",
    "set_num_threads", "set_printoptions", "set_rng_state", "short", "special", "strided",
    "tensor", "threads", "trace", "uint8", "uint16", "uint32", "uint64", "use_backend", "wait",
    "wait_all", "zeros", "zeros_like",
]  # fmt: skip
__version__ = "0.1.0"

uint8 = _dtypes.DTYPES["uint8"]
int8 = _dtypes.DTYPES["int8"]
int16 = _dtypes.DTYPES["int16"]
int32 = _dtypes.DTYPES["int32"]
int64 = _dtypes.DTYPES["int64"]
float16 = _dtypes.DTYPES["float16"]
float32 = _dtypes.DTYPES["float32"]
float64 = _dtypes.DTYPES["float64"]
bfloat16 = _dtypes.DTYPES["bfloat16"]
complex64 = _dtypes.DTYPES["complex64"]
complex128 = _dtypes.DTYPES["complex128"]
uint16 = _dtypes.DTYPES["uint16"]
uint32 = _dtypes.DTYPES["uint32"]
uint64 = _dtypes.DTYPES["uint64"]
half = float16
double = float64
short = int16
long = int64
cfloat = complex64
cdouble = complex128
strided = contiguous_format = 0
preserve_format = 1
channels_last = 2
channels_last_3d = 3
inf, nan, pi, e = math.inf, math.nan, math.pi, math.e

_LATE = {
    "Method": "treadle.method",
    "Module": "treadle.model",
    "Session": "treadle.session",
    "SessionStatistics": "treadle.runtime.requests",
    "load": "treadle.jit",
    "save": "treadle.jit",
    "script": "treadle.jit",
}
"""Imported when asked for: the compiler takes longer to import than all else (0.2 s)."""
_SHADOWS = {"float": float32, "int": int32, "bool": _dtypes.DTYPES["bool"]}
"""Dtypes that are called like builtins, which this module itself needs."""


def is_tensor(obj: object, /) -> builtins.bool:
    """Whether `obj` is a `Tensor`."""
    return isinstance(obj, Tensor)


if not TYPE_CHECKING:  # `_functions` says what there is

    def __getattr__(name: str) -> Any:
        try:
            value = _find(name)
        except KeyError:
            raise AttributeError(_missing("module 'treadle'", name)) from None
        globals()[name] = value
        return value


def _find(name: str) -> Any:
    if name in _SHADOWS:
        return _SHADOWS[name]
    if name == "jit":
        return _imported("treadle.jit")
    if name in _LATE:
        return getattr(_imported(_LATE[name]), name)
    if name.startswith("_"):
        raise KeyError(name)
    return FUNCTIONS[name]


def _imported(name: str) -> Any:
    """A module, imported without garbage collection, which takes a quarter of the time."""
    with _imports, collection_paused():
        module = importlib.import_module(name)
        keep_all()
    return module


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE, *_SHADOWS, *function_names()})
