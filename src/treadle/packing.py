"""Weights in the forms that kernels read: packed once, by kernels themselves where that is fast."""

from __future__ import annotations

import weakref

import numpy as np

from treadle.codegen import ObjectCache, Target, compile_kernels
from treadle.ir import dtypes
from treadle.locks import fork_lock
from treadle.pages import release_pages
from treadle.runtime import Plan
from treadle.schedule.machine import Machine
from treadle.schedule.places import Place, Space, Storage
from treadle.schedule.pointwise import copy_step
from treadle.schedule.steps import Packing
from treadle.shared_weights import SharedWeights

MIN_BYTES = 1 << 18
"""Smaller weights are copied by NumPy: a plan costs 0.1 ms."""


class Packer:
    """The weights packed so far, and what packs others."""

    def __init__(
        self,
        target: Target,
        cache: ObjectCache,
        machine: Machine,
        shared: SharedWeights | None = None,
    ) -> None:
        self._target, self._cache, self._machine = target, cache, machine
        self._shared = shared
        self._packed: dict[tuple[object, ...], np.ndarray] = {}
        self._lock = fork_lock()

    def pack(self, packing: Packing) -> np.ndarray:
        """The packed weight, shared by all plans that want it in this form."""
        with self._lock:
            known = self._packed.get(packing.key)
            if known is None:
                known = packing.packed(self.copy)
                if self._shared is not None:
                    known = self._shared.share(known)
                self._packed[packing.key] = known
                weakref.finalize(packing.weight, self._packed.pop, packing.key, None)
                release_pages(packing.weight)
            return known

    def copy(self, target: np.ndarray, source: np.ndarray) -> None:
        """``target[...] = source``, of one shape and dtype, on all threads."""
        dtype = dtypes.from_numpy(source.dtype)
        strided = min((*source.strides, *target.strides), default=0) > 0
        if source.nbytes < MIN_BYTES or dtype is None or not strided:
            np.copyto(target, source)
            return
        origin, place = _place(source, dtype, Space.INPUT), _place(target, dtype, Space.OUTPUT)
        step = copy_step("pack", origin, place, self._machine)
        (kernel,) = compile_kernels([step.kernel], self._target, self._cache)
        buffers = tuple((s.space.value, s.index, offset) for s, offset in step.bound)
        run = ("run", "pack", kernel.address, buffers, step.sizes, step.num_tasks, step.grain)
        given, made = ([(dtype.torch_name, (_span(array),))] for array in (source, target))
        plan = Plan([[run]], 0, [], given, made, kernel)
        plan.run([_flat(source)], [_flat(target)])


def _place(array: np.ndarray, dtype: dtypes.DType, space: Space) -> Place:
    strides = tuple(s // array.itemsize for s in array.strides)
    return Place(Storage(space, _span(array) * array.itemsize), dtype, array.shape, strides)


def _span(array: np.ndarray) -> int:
    """The elements of memory from the first to the last of `array`."""
    steps = ((n - 1) * s for n, s in zip(array.shape, array.strides, strict=True))
    return 1 + int(sum(steps)) // array.itemsize


def _flat(array: np.ndarray) -> np.ndarray:
    """The memory from the first to the last element of `array`."""
    shape, strides = (_span(array),), (array.itemsize,)
    return np.lib.stride_tricks.as_strided(array, shape, strides)
