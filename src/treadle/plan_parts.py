"""`PlanParts`: a schedule with its kernels, as the native runtime takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.codegen import CompiledKernel
from treadle.errors import IndexOutOfRange, ScriptError, ShapeError
from treadle.ir.graph import Value
from treadle.ir.types import TensorType
from treadle.passes.layouts import ResultView
from treadle.passes.specialise import Specialised
from treadle.runtime import Plan
from treadle.schedule.places import Space, Storage
from treadle.schedule.steps import Fork, Join, Repeat, Schedule, Step


@dataclass(frozen=True, slots=True)
class PlanParts:
    """What a `Plan` is made of: `numbers` depend on the sizes of the inputs, the rest does not.

    `numbers` are the code, the bytes of the arena and of each sequence's own memory, the specs of
    inputs and outputs, and what of these the results are views of.
    """

    numbers: tuple[Any, ...]
    constants: list[np.ndarray]
    kernels: list[CompiledKernel]

    def plan(self, numbers: tuple[Any, ...]) -> Plan:
        """The plan with these numbers."""
        code, arena_bytes, local_bytes, inputs, outputs, results = numbers
        keep = (self.kernels, self.constants)
        try:
            return Plan(
                code, arena_bytes, self.constants, inputs, outputs, keep, _raise_status, results,
                local_bytes,
            )  # fmt: skip
        except ValueError as error:  # sizes beyond what a machine can address
            raise ShapeError(str(error)) from error


def plan_parts(
    specialised: Specialised, schedule: Schedule, kernels: Mapping[Step, CompiledKernel]
) -> PlanParts:
    """What the plan of a straight-line graph is made of, once its weights are packed."""
    constants = _Constants()
    code: list[list[Any]] = [[] for _ in schedule.sequences]
    for instructions, sequence in zip(list(code), schedule.sequences, strict=True):
        for item in sequence:
            if isinstance(item, Repeat):
                instructions.append(("repeat", len(code), item.count))
                code.append([_run(s, kernels, schedule, constants) for s in item.body])
            else:
                instructions.append(_instruction(item, kernels, schedule, constants))
    graph = specialised.graph
    specs = [_spec(v) for v in graph.params], [_spec(v) for v in graph.returns]
    results = [_result(view) for view in specialised.views]
    numbers = code, schedule.arena_bytes, schedule.local_bytes, *specs, results
    return PlanParts(numbers, constants.arrays, list(kernels.values()))


class _Constants:
    """The constants of a plan, each storage once."""

    def __init__(self) -> None:
        self.arrays: list[np.ndarray] = []
        self._index: dict[Storage, int] = {}

    def index(self, storage: Storage) -> int:
        if storage not in self._index:
            assert storage.array is not None
            self._index[storage] = len(self.arrays)
            self.arrays.append(storage.array)
        return self._index[storage]


def _instruction(
    instruction: Step | Fork | Join, kernels: Mapping[Step, CompiledKernel], schedule: Schedule,
    constants: _Constants,
) -> Any:  # fmt: skip
    """An instruction as the native runtime takes it."""
    if isinstance(instruction, Fork):
        return ("fork", instruction.sequence, instruction.future)
    if isinstance(instruction, Join):
        return ("join", instruction.future)
    return _run(instruction, kernels, schedule, constants)


def _run(
    step: Step, kernels: Mapping[Step, CompiledKernel], schedule: Schedule, constants: _Constants
) -> Any:
    """A step as the native runtime takes it."""
    buffers = []
    for storage, offset in step.bound:
        index = storage.index
        if storage.space is Space.CONSTANT:
            index = constants.index(storage)
        elif storage.space in (Space.ARENA, Space.LOCAL):
            index, offset = 0, schedule.offsets[storage] + offset
        buffers.append((storage.space.value, index, offset))
    run = (
        "run", step.name, kernels[step].address, tuple(buffers), step.sizes, step.num_tasks,
        step.grain,
    )  # fmt: skip
    return (*run, step.strides) if step.strides else run


def _spec(value: Value) -> tuple[str, tuple[int, ...]]:
    assert isinstance(value.type, TensorType)
    return value.type.element.torch_name, value.type.sizes


def _result(view: ResultView) -> Any:
    """A view as the native runtime takes it: offset and strides in bytes."""
    element = view.type.element
    strides = tuple(stride * element.itemsize for stride in view.strides)
    return (
        "input" if view.of_input else "output", view.index, view.offset * element.itemsize,
        element.torch_name, view.type.sizes, strides,
    )  # fmt: skip


def _raise_status(code: int, detail: tuple[int, int, int]) -> None:
    """The error for what a kernel wrote to the status buffer."""
    if code == 1:
        raise IndexOutOfRange(
            f"index {detail[0]} is out of range for a dimension of size {detail[1]}"
        )
    raise ScriptError("integer division by zero", "ZeroDivisionError")
