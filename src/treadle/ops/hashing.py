"""``hash`` and ``id`` of values, with the numbers that TorchScript gives on 64-bit Linux.

Source: c10/util/hash.h for tuples and devices; texts and floats are hashed as libstdc++ does, by
MurmurHash2 (behaviour read off torch 2.13).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from treadle.errors import ScriptError
from treadle.ops.container import define_builtin
from treadle.ops.device import Device
from treadle.ops.scalar import wrap

_MASK = (1 << 64) - 1
_SEED, _FACTOR, _GOLDEN = 0xC70F6907, 0xC6A4A7935BD1E995, 0x9E3779B9
_DEVICES = ("cpu", "cuda", "mkldnn", "opengl", "opencl", "ideep", "hip", "fpga", "maia", "xla")


def hash_bytes(data: bytes) -> int:
    """The hash of a text, as an unsigned number."""
    result = _SEED ^ (len(data) * _FACTOR & _MASK)
    for start in range(0, len(data) - 7, 8):
        word = int.from_bytes(data[start : start + 8], "little") * _FACTOR & _MASK
        result = (result ^ (_folded(word) * _FACTOR & _MASK)) * _FACTOR & _MASK
    rest = data[len(data) & ~7 :]
    if rest:
        result = (result ^ int.from_bytes(rest, "little")) * _FACTOR & _MASK
    return _folded(_folded(result) * _FACTOR & _MASK)


def _folded(word: int) -> int:
    return word ^ (word >> 47)


def _hash(value: Any) -> int:
    match value:
        case str():
            return hash_bytes(value.encode())
        case bool() | int():
            return int(value)
        case float():
            return hash_bytes(struct.pack("<d", value)) if value else 0
        case None:
            return 0
        case tuple():
            result = 0
            for part in value:
                mixed = _hash(part) + _GOLDEN + (result << 6) + (result >> 2)
                result = (result ^ mixed) & _MASK
            return result
        case Device(name, index) if name in _DEVICES:
            return _DEVICES.index(name) << 16 | (0xFF if index is None else index)
        case np.ndarray():
            return id(value)
    raise ScriptError(f"unhashable type: '{type(value).__name__}'", "RuntimeError")


define_builtin("aten::hash.generic(t value) -> int", lambda value: wrap(_hash(value)))
define_builtin("prim::id(AnyClassType? x) -> int", lambda value: 0 if value is None else id(value))
