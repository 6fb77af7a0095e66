"""Small plans of the tests' kernels."""

from typing import Any

import numpy as np

from tests.runtime.kernels import address
from treadle.runtime.plan import BufferRef, Instruction, Plan, Space

ARENA, CONSTANT, INPUT, OUTPUT, STATUS, LOCAL = Space
SIZE = 37
SPEC = ("float32", (SIZE,))


def run(kernel: str, *buffers: BufferRef, tasks: int = SIZE, grain: int = 4) -> Instruction:
    """A call of `kernel`."""
    return ("run", kernel, address(kernel), buffers, (), tasks, grain)


def slot(index: int) -> BufferRef:
    """Of the arena."""
    return (ARENA, 0, index * 192)


def copy_plan(spec: tuple[str, tuple[int, ...]] = SPEC) -> Plan:
    """Copies its input."""
    size = int(np.prod(spec[1]))
    return Plan([[run("copy", (OUTPUT, 0, 0), (INPUT, 0, 0), tasks=size)]], 0, [], [spec], [spec])


def ramp(*shape: int) -> np.ndarray[Any, Any]:
    """0, 1, 2, ..."""
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
