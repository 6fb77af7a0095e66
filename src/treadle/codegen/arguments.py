"""The arguments of a kernel's function: pointers, sizes; and the memory that it has for itself."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.codegen.casts import memory_type
from treadle.codegen.emit import Emitter
from treadle.codegen.values import PTR, Value
from treadle.ir.dtypes import i64
from treadle.ir.loops import Buffer, Dim


class Arguments:
    """The arguments of the kernel: its buffers' pointers and the run-time sizes.

    `lanes`: points that are computed together, each with its own element of local buffers.
    """

    def __init__(self, e: Emitter, buffers: Sequence[Buffer], lanes: int = 1) -> None:
        self.e = e
        self.buffers = buffers
        self.lanes = lanes
        self._local: dict[int, Value] = {}

    def dim(self, dim: Dim) -> Value:
        """A dim as an i64 value."""
        if isinstance(dim, int):
            return self.e.integer(dim)
        address = self.e.pure(f"getelementptr i64, ptr %sizes, i64 {dim.index}", PTR, 1, 0)
        return self.e.pure(f"load i64, {address}, !invariant.load !0", i64, 1, 0)

    def pointer(self, buffer: int) -> Value:
        """The pointer of a buffer."""
        if self.buffers[buffer].local != 0:
            return self._room(buffer)
        address = self.e.pure(f"getelementptr ptr, ptr %buffers, i64 {buffer}", PTR, 1, 0)
        return self.e.pure(f"load ptr, {address}, !invariant.load !0", PTR, 1, 0)

    def _room(self, buffer: int) -> Value:
        """The memory of a local buffer, on the stack."""
        if buffer not in self._local:
            local, name = self.buffers[buffer], f"%local{buffer}"
            count = self.e.mul(self.dim(local.local), self.e.integer(self.lanes))
            kind = memory_type(local.dtype)
            self.e.scopes[0].items.append(f"{name} = alloca {kind}, {count}, align 64")
            self._local[buffer] = Value(name, PTR, 1, 0)
        return self._local[buffer]
