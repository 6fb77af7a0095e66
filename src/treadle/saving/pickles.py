"""The pickle writer: values of a program in the closed form that PyTorch reads."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.errors import UnsupportedError
from treadle.frontends.torchscript.storage import STORAGE_DTYPES
from treadle.ir import dtypes
from treadle.ir.program import EnumValue, Object, UnsupportedTensor
from treadle.ir.types import (
    BOOL,
    FLOAT,
    INT,
    TENSOR,
    DictType,
    ListType,
    OptionalType,
    TupleType,
    Type,
)
from treadle.ops.device import Device
from treadle.saving.storages import Array, Storages
from treadle.saving.types import type_text

_STORAGE_NAMES = {dtype: name for name, dtype in STORAGE_DTYPES.items()}
_SPECIAL_LISTS = {
    INT: "build_intlist", FLOAT: "build_doublelist", BOOL: "build_boollist",
    TENSOR: "build_tensorlist",
}  # fmt: skip
State = Callable[[Object], tuple[Any, Type] | None]


def pickle_value(value: Any, type_: Type, storages: Storages, state: State) -> bytes:
    """The pickle of a value that is declared as `type_`.

    `state` gives the result of an object's ``__getstate__`` with its type, or None.
    """
    writer = _Writer(storages, state)
    writer.value(value, type_)
    return b"\x80\x02" + b"".join(writer.parts) + b"."


def arrays_in(value: Any, state: State, found: list[Array], seen: set[int]) -> None:
    """Collect all arrays in a value."""
    if isinstance(value, np.ndarray):
        found.append(value)
        return
    if isinstance(value, (str, int, float, complex, type(None))) or id(value) in seen:
        return
    seen.add(id(value))
    parts: list[Any] = []
    if isinstance(value, Object):
        own = state(value)
        parts = list(value.attributes.values()) if own is None else [own[0]]
    elif isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple)):
        parts = list(value)
    for part in parts:
        arrays_in(part, state, found, seen)


class _Writer:
    def __init__(self, storages: Storages, state: State) -> None:
        self.parts: list[bytes] = []
        self._storages, self._state = storages, state
        self._memo: dict[tuple[str, Any], int] = {}
        self._kept: list[Any] = []

    def _emit(self, *parts: bytes) -> None:
        self.parts += parts

    def _recall(self, key: tuple[str, Any]) -> bool:
        """Whether the value of `key` was written before; then it is referred to."""
        number = self._memo.get(key)
        if number is not None:
            self._emit(b"h" + bytes([number]) if number < 256 else b"j" + struct.pack("<L", number))
        return number is not None

    def _remember(self, key: tuple[str, Any]) -> None:
        number = self._memo[key] = len(self._memo)
        self._emit(b"q" + bytes([number]) if number < 256 else b"r" + struct.pack("<L", number))

    def value(self, value: Any, type_: Type) -> None:
        """Write a value."""
        if isinstance(type_, OptionalType) and value is not None:
            type_ = type_.element
        match value:
            case None:
                self._emit(b"N")
            case bool():
                self._emit(b"\x88" if value else b"\x89")
            case int():
                self._integer(value)
            case float():
                self._emit(b"G" + struct.pack(">d", value))
            case complex():
                self._global("builtins", "complex")
                self.value(value.real, FLOAT)
                self.value(value.imag, FLOAT)
                self._emit(b"\x86R")
            case str():
                self._text(value)
            case np.ndarray():
                self._tensor(value)
            case Object():
                self._object(value)
            case EnumValue():
                self._class(value.cls.name)
                self.value(value.value, type_)
                self._emit(b"R")
            case Device():
                self._global("torch", "device")
                self._text(str(value))
                self._emit(b"\x85R")
            case tuple():
                self._tuple(value, type_)
            case list() | dict():
                self._container(value, type_)
            case UnsupportedTensor(reason):
                raise UnsupportedError(f"{reason}, and cannot be saved")
            case _:
                raise UnsupportedError(f"a value of type {type_} cannot be saved")

    def _integer(self, value: int) -> None:
        if -(2**31) <= value < 2**31:
            self._emit(b"J" + struct.pack("<i", value))
        else:
            self._emit(b"\x8a\x08" + struct.pack("<q", value))

    def _text(self, value: str) -> None:
        if not self._recall(("str", value)):
            raw = value.encode()
            self._emit(b"X" + struct.pack("<L", len(raw)) + raw)
            self._remember(("str", value))

    def _global(self, module: str, name: str) -> None:
        if not self._recall(("global", (module, name))):
            self._emit(f"c{module}\n{name}\n".encode())
            self._remember(("global", (module, name)))

    def _class(self, name: str) -> None:
        module, _, last = name.rpartition(".")
        self._global(module, last)

    def _object(self, value: Object) -> None:
        if self._recall(("object", id(value))):
            return
        self._class(value.cls.name)
        self._emit(b")\x81")
        self._remember(("object", id(value)))
        state = self._state(value)
        if state is not None:
            self._kept.append(state)
            self.value(*state)
        else:
            self._emit(b"}(")
            for name, type_ in value.cls.attributes.items():
                self._text(name)
                self.value(value.attributes[name], type_)
            self._emit(b"u")
        self._emit(b"b")

    def _tuple(self, value: tuple[Any, ...], type_: Type) -> None:
        types = type_.elements if isinstance(type_, TupleType) else (type_,) * len(value)
        self._emit(b"(")
        for part, part_type in zip(value, types, strict=True):
            self.value(part, part_type)
        self._emit(b"t")

    def _container(self, value: list[Any] | dict[Any, Any], type_: Type) -> None:
        if self._recall(("object", id(value))):
            return
        if isinstance(value, list) and isinstance(type_, ListType):
            special = _SPECIAL_LISTS.get(type_.element)
            self._global("torch.jit._pickle", special or "restore_type_tag")
            self._emit(b"(](")
            for part in value:
                self.value(part, type_.element)
            self._emit(b"e")
            if special is None:
                self._text(type_text(type_))
        elif isinstance(value, dict) and isinstance(type_, DictType):
            self._global("torch.jit._pickle", "restore_type_tag")
            self._emit(b"(}(")
            for key, part in value.items():
                self.value(key, type_.key)
                self.value(part, type_.value)
            self._emit(b"u")
            self._text(type_text(type_))
        else:
            raise UnsupportedError(f"a {type(value).__name__} declared as {type_} cannot be saved")
        self._emit(b"tR")
        self._remember(("object", id(value)))

    def _tensor(self, array: Array) -> None:
        if self._recall(("object", id(array))):
            return
        dtype = dtypes.from_numpy(array.dtype)
        if dtype not in _STORAGE_NAMES:
            raise UnsupportedError(f"a tensor of dtype {array.dtype} cannot be saved")
        storage, offset, sizes, strides = self._storages.describe(array)
        self._global("torch._utils", "_rebuild_tensor_v2")
        self._emit(b"(")
        if not self._recall(("storage", storage.key)):
            self._emit(b"(")
            self._text("storage")
            self._global("torch", _STORAGE_NAMES[dtype])
            self._text(str(storage.key))
            self._text("cpu")
            self._integer((storage.high - storage.low) // array.dtype.itemsize)
            self._emit(b"tQ")
            self._remember(("storage", storage.key))
        self._integer(offset)
        for numbers in (sizes, strides):
            self._emit(b"(")
            for number in numbers:
                self._integer(number)
            self._emit(b"t")
        self._emit(b"\x89")
        self._global("collections", "OrderedDict")
        self._emit(b")RtR")
        self._remember(("object", id(array)))
