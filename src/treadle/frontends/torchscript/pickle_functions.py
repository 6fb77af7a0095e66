"""The names a TorchScript pickle may use, and what each does: the whole vocabulary.

Nothing here looks a name up anywhere else: what is not in the table is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from treadle.errors import ArchiveError, Error, UnsupportedError
from treadle.frontends.torchscript.limits import Limits
from treadle.frontends.torchscript.storage import (
    STORAGE_DTYPES,
    UNSUPPORTED_STORAGES,
    Storage,
    StorageReader,
    Strided,
)
from treadle.frontends.torchscript.values import Device
from treadle.ir.program import UnsupportedTensor
from treadle.ir.type_parser import parse_type

_CLASS_NAME = re.compile(r"__torch__(\.\w+)+")
_DEVICE = re.compile(r"([a-z]{1,32})(?::([0-9]{1,4}))?", re.ASCII)
_QSCHEMES = (
    "per_tensor_affine",
    "per_channel_affine",
    "per_tensor_symmetric",
    "per_channel_symmetric",
    "per_channel_affine_float_qparams",
)


class Context:
    """What the functions of one pickle share: its storages, its limits, its work so far."""

    def __init__(self, storages: StorageReader, limits: Limits) -> None:
        self.storages = storages
        self.limits = limits
        self.steps = 0
        self._types: set[str] = set()

    def spend(self, steps: int) -> None:
        """Count `steps` of work, so that a short pickle cannot ask for much of it."""
        self.steps += steps
        if self.steps > self.limits.max_pickle_steps:
            raise ArchiveError(f"the pickle takes more than {self.limits.max_pickle_steps} steps")

    def check_type(self, text: str) -> None:
        """Check that `text` is a type of TorchScript."""
        if text in self._types:
            return
        if len(text) > self.limits.max_type_chars:
            raise ArchiveError(f"a type is {len(text)} characters long")
        try:
            parse_type(text)
        except Error as error:
            raise ArchiveError(f"type syntax error in {text[:80]!r}: {error}") from error
        self._types.add(text)


@dataclass(frozen=True, slots=True)
class Function:
    """A function that REDUCE may call."""

    name: str
    call: Callable[[Context, tuple[object, ...]], object]


@dataclass(frozen=True, slots=True)
class ClassName:
    """A class or enumeration of the archive."""

    name: str


@dataclass(frozen=True, slots=True)
class StorageType:
    """An element type of storages, such as ``FloatStorage``."""

    name: str


@dataclass(frozen=True, slots=True)
class QScheme:
    """A way to quantize, which a quantized tensor names."""

    name: str


@dataclass(frozen=True, slots=True)
class TensorType:
    """The type argument of `_rebuild_from_type_v2`."""


Global = Function | ClassName | StorageType | QScheme | TensorType


def find_global(module: str, name: str) -> Global:
    """What a pickle's GLOBAL of `module` and `name` stands for.

    Raises:
        ArchiveError: if it is not in the vocabulary.
    """
    if module == "__torch__" or module.startswith("__torch__."):
        qualified = f"{module}.{name}"
        if not _CLASS_NAME.fullmatch(qualified):
            raise ArchiveError(f"'{qualified[:200]}' is not the name of a class")
        return ClassName(qualified)
    found = _GLOBALS.get((module, name))
    if found is None:
        shown = f"{module[:80]} {name[:80]}"
        raise ArchiveError(f"the pickle names '{shown}', which TorchScript does not use")
    return found


def _rebuild_tensor(context: Context, args: tuple[object, ...]) -> object:
    if len(args) not in (6, 7):
        raise ArchiveError(f"a tensor has {len(args)} parts, not 6 or 7")
    storage, offset, size, stride = args[:4]
    if type(storage) is not Storage:
        raise ArchiveError("a tensor has no storage")
    if type(offset) is not int:
        raise ArchiveError("a tensor's offset is not an integer")
    math = args[6] if len(args) == 7 else {}
    if type(args[4]) is not bool or type(args[5]) is not dict or type(math) is not dict:
        raise ArchiveError("a tensor's flags are not those of TorchScript")
    if any(key not in ("conj", "neg") or type(bit) is not bool for key, bit in math.items()):
        raise ArchiveError("a tensor's flags are not those of TorchScript")
    view = Strided(
        offset,
        _dims(context, size, "sizes"),
        _dims(context, stride, "strides"),
        bool(math.get("conj")),
        bool(math.get("neg")),
    )
    return context.storages.tensor(storage, view)


def _dims(context: Context, value: object, what: str) -> tuple[int, ...]:
    if type(value) is not tuple:
        raise ArchiveError(f"a tensor's {what} are not a tuple")
    context.spend(len(value))
    if any(type(n) is not int for n in value):
        raise ArchiveError(f"a tensor's {what} are not integers")
    return value


def _rebuild_qtensor(context: Context, args: tuple[object, ...]) -> object:
    if len(args) < 5 or type(args[0]) is not Storage:
        raise ArchiveError("a quantized tensor has no storage")
    return UnsupportedTensor(f"quantized tensors ({args[0].type_name}) are not supported")


def _rebuild_sparse(context: Context, args: tuple[object, ...]) -> object:
    return UnsupportedTensor("sparse tensors are not supported")


def _rebuild_from_type(context: Context, args: tuple[object, ...]) -> object:
    """A tensor with Python attributes, which TorchScript cannot see."""
    if len(args) != 4 or type(args[1]) is not TensorType or type(args[2]) is not tuple:
        raise ArchiveError("_rebuild_from_type_v2 is not called with a function and its arguments")
    rebuild = args[0]
    if type(rebuild) is not Function or rebuild not in _REBUILDS:
        raise ArchiveError("_rebuild_from_type_v2 is not called with a function and its arguments")
    return rebuild.call(context, args[2])


def _tensor_from_id(context: Context, args: tuple[object, ...]) -> object:
    raise UnsupportedError("the pickle numbers its tensors, as before PyTorch 1.4; save it again")


def _build_list(name: str, *allowed: type) -> Function:
    def call(context: Context, args: tuple[object, ...]) -> object:
        if len(args) != 1 or type(args[0]) is not list:
            raise ArchiveError(f"{name} is not called with a list")
        context.spend(len(args[0]))
        for item in args[0]:
            if type(item) not in allowed:
                raise ArchiveError(f"{name} is called with a {type(item).__name__} in the list")
        return list(args[0])

    return Function(name, call)


def _restore_type_tag(context: Context, args: tuple[object, ...]) -> object:
    value, text = args if len(args) == 2 else (None, None)
    if type(text) is not str:
        raise ArchiveError("restore_type_tag is not called with a value and a type")
    context.check_type(text)
    return value


def _ordered_dict(context: Context, args: tuple[object, ...]) -> object:
    if args:
        raise ArchiveError("OrderedDict is called with arguments")
    return {}


def _device(context: Context, args: tuple[object, ...]) -> object:
    match = _DEVICE.fullmatch(args[0]) if len(args) == 1 and type(args[0]) is str else None
    if match is None:
        raise ArchiveError("torch.device is not called with the name of a device")
    return Device(match[1], int(match[2]) if match[2] else None)


def _complex(context: Context, args: tuple[object, ...]) -> object:
    if len(args) != 2:
        raise ArchiveError("complex is not called with two numbers")
    real, imaginary = args
    if type(real) is not float or type(imaginary) is not float:
        raise ArchiveError("complex is not called with two numbers")
    return complex(real, imaginary)


_REBUILDS = (
    Function("_rebuild_tensor_v2", _rebuild_tensor),
    Function("_rebuild_qtensor", _rebuild_qtensor),
    Function("_rebuild_sparse_tensor", _rebuild_sparse),
)

_GLOBALS: dict[tuple[str, str], Global] = {
    **{("torch._utils", rebuild.name): rebuild for rebuild in _REBUILDS},
    ("torch._tensor", "_rebuild_from_type_v2"): Function(
        "_rebuild_from_type_v2", _rebuild_from_type
    ),
    ("torch", "Tensor"): TensorType(),
    ("torch.nn.parameter", "Parameter"): TensorType(),
    ("torch.jit._pickle", "build_intlist"): _build_list("build_intlist", int),
    ("torch.jit._pickle", "build_doublelist"): _build_list("build_doublelist", float),
    ("torch.jit._pickle", "build_boollist"): _build_list("build_boollist", bool),
    ("torch.jit._pickle", "build_tensorlist"): _build_list(
        "build_tensorlist", np.ndarray, UnsupportedTensor
    ),
    ("torch.jit._pickle", "restore_type_tag"): Function("restore_type_tag", _restore_type_tag),
    ("torch.jit._pickle", "build_tensor_from_id"): Function(
        "build_tensor_from_id", _tensor_from_id
    ),
    ("__main__", "TensorID"): Function("TensorID", _tensor_from_id),
    ("collections", "OrderedDict"): Function("OrderedDict", _ordered_dict),
    ("torch", "device"): Function("torch.device", _device),
    ("builtins", "complex"): Function("complex", _complex),
    **{("torch", name): StorageType(name) for name in (*STORAGE_DTYPES, *UNSUPPORTED_STORAGES)},
    **{("torch", name): QScheme(name) for name in _QSCHEMES},
}
