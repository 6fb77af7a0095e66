"""`NestBuilder`: collects the buffers and run-time sizes of one kernel while it is written.

Every size goes in as a parameter, so that kernels do not depend on shapes; only strides 0 and 1
are part of the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from treadle.ir.dtypes import DType, f32, i32, i64
from treadle.ir.loops import (
    Access,
    Buffer,
    Call,
    Const,
    Dim,
    Expr,
    Extent,
    Index,
    Load,
    Reduced,
    Size,
    Store,
)  # fmt: skip
from treadle.ir.loops_functions import CHECKS
from treadle.ir.symbols import as_int
from treadle.schedule.places import Place, Space, Storage

STREAMING_BYTES = 32 << 20
"""Results from this size on are written by non-temporal stores (copying 26 -> 39 GB/s)."""
STATUS = Storage(Space.STATUS, 16)


@dataclass(slots=True)
class NestBuilder:
    """Buffers (each with where it is bound) and sizes of a kernel."""

    sizes: list[int] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    bound: list[tuple[Storage, int]] = field(default_factory=list)
    _generic: dict[int, tuple[Expr, Expr]] = field(default_factory=dict)

    def size(self, value: int) -> Size:
        """A new run-time size."""
        self.sizes.append(value)
        return Size(len(self.sizes) - 1)

    def dim(self, value: int) -> Dim:
        """`value` as a literal if it is 0 or 1, else as a run-time size."""
        return value if value in (0, 1) else self.size(value)

    def buffer(self, place: Place, *, written: bool = False) -> int:
        """The argument bound to the start of `place`."""
        offset = place.offset if place.numel else 0  # a slice of nothing may start past its end
        at = (place.storage, offset * place.dtype.itemsize)
        for i, (buffer, bound) in enumerate(zip(self.buffers, self.bound, strict=True)):
            same = bound[0] is at[0] and bound[1] == at[1] and buffer.dtype == place.dtype
            if same and not buffer.written and not written:
                return i
        self.buffers.append(Buffer(place.dtype, written))
        self.bound.append(at)
        return len(self.buffers) - 1

    def local(self, dtype: DType, count: int) -> int:
        """Room for `count` elements, as they are computed, that each outer point has for itself."""
        wide = f32 if dtype.is_floating and dtype.itemsize < f32.itemsize else dtype
        self.buffers.append(Buffer(wide, True, self.size(count)))
        self.bound.append(self.bound[0])
        return len(self.buffers) - 1

    def load(self, place: Place, strides: Sequence[int], axes: Sequence[int]) -> Expr:
        """The element of `place` under `strides` along `axes`."""
        return Load(self.access(place, strides, axes), place.dtype)

    def store(
        self, place: Place, strides: Sequence[int], axes: Sequence[int], value: Expr
    ) -> Store:
        """Write `value` to the element of `place` under `strides` along `axes`.

        What no cache could hold until it is read goes past the caches.
        """
        streaming = place.numel * place.dtype.itemsize >= STREAMING_BYTES
        return Store(self.access(place, strides, axes, written=True), value, streaming)

    def access(
        self, place: Place, strides: Sequence[int], axes: Sequence[int], *, written: bool = False
    ) -> Access:
        """The element of `place` under `strides` along `axes`."""
        terms = tuple((a, self.dim(s)) for a, s in zip(axes, strides, strict=True) if s != 0)
        return Access(self.buffer(place, written=written), terms)

    def finish_status(self, expressions: Sequence[Expr]) -> None:
        """Append the status buffer if anything is checked in `expressions`."""
        seen: set[int] = set()
        if any(_checks(e, seen) for e in expressions):
            self.buffers.append(Buffer(i32, True))
            self.bound.append((STATUS, 0))

    def generic(self, expr: Expr) -> Expr:
        """`expr` with i64 literals other than 0 and 1 made run-time sizes.

        What `expr` shares with itself, or with others that were given, stays shared: of nested
        choices there would else be exponentially many.
        """
        if isinstance(expr, Const):
            big = expr.dtype == i64 and expr.value not in (0, 1)
            return Extent(self.size(as_int(expr.value))) if big else expr
        if not isinstance(expr, Call):
            return expr
        if id(expr) not in self._generic:
            args = tuple(map(self.generic, expr.args))
            self._generic[id(expr)] = expr, Call(expr.function, args, expr.dtype)
        return self._generic[id(expr)][1]


def _checks(expr: Expr, seen: set[int]) -> bool:
    """Whether `expr` may make a run fail; what is `seen`, by identity, does not."""
    if id(expr) in seen:
        return False
    seen.add(id(expr))
    if isinstance(expr, Call):
        return expr.function in CHECKS or any(_checks(a, seen) for a in expr.args)
    if isinstance(expr, Load):
        return any(_checks(e, seen) for e, _ in expr.access.indirect)
    return False


__all__ = ["STATUS", "Index", "NestBuilder", "Reduced"]
