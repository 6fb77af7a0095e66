"""Devices as values: every tensor of Treadle is on the CPU, other names are only compared."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from treadle.ir.op import OpDef
from treadle.ir.schema import parse_schema
from treadle.ops.registry import define

_TYPES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia",
    "xla", "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip
_NAME = re.compile(r"([a-z]+)(?::(\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Device:
    """A ``torch.device``; `index` is None where it has none."""

    type: str
    index: int | None = None

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"


CPU = Device("cpu")


def parse_device(text: str) -> Device:
    """The device that `text` names, such as ``cpu`` or ``cuda:1``."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise ValueError(f"Invalid device string: '{text}'")
    if match[1] not in _TYPES:
        raise ValueError(f"unknown device {text!r}: the types are {', '.join(_TYPES)}")
    return Device(match[1], int(match[2]) if match[2] else None)


def _define(name: str, schema: str, reference: Any) -> None:
    define(OpDef(name, parse_schema(schema), reference=reference))


_define("device.text", "aten::device(str a) -> Device", parse_device)
_define("device.with_index", "aten::device.with_index(str type, int index) -> Device", Device)
_define("prim.device", "prim::device(Tensor a) -> Device", lambda tensor: CPU)
_define("prim.tolist", "prim::tolist(Tensor self) -> Any", lambda tensor: tensor.tolist())
for _query, _answer in (
    ("is_cpu", True),
    ("is_nested", False),
    ("is_mkldnn", False),
    ("is_meta", False),
    ("is_mps", False),
    ("is_xpu", False),
):
    _define(
        f"prim.{_query}",
        f"prim::{_query}(Tensor a) -> bool",
        lambda tensor, answer=_answer: answer,
    )
_define("prim.type", "prim::type(Device self) -> str", lambda device: device.type)
_define("prim.index", "prim::index(Device self) -> int?", lambda device: device.index)
