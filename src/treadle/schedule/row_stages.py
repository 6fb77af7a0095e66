"""The reductions of a computation over rows, sorted into stages by what they need."""

from __future__ import annotations

from treadle.ir.dtypes import DType, bool_, i64
from treadle.ir.loops import Call, Expr, Reduce, Reduced
from treadle.ops.expr import dtype_of

_RESULT_DTYPE: dict[str, DType] = {"argmax": i64, "argmin": i64, "any": bool_, "all": bool_}


class RowWriter:
    """`ops.lowering.RowBuilder`: sorts reductions into stages by what they need."""

    def __init__(self, count: Expr) -> None:
        self.stages: list[list[Reduce]] = []
        self._count = count
        self._levels: dict[int, tuple[Expr, int]] = {}

    def count(self) -> Expr:
        """The elements of a row."""
        return self._count

    def reduce(self, function: str, value: Expr) -> Expr:
        """The reduction of `value` over a row."""
        stage = self._level(value)
        while len(self.stages) <= stage:
            self.stages.append([])
        dtype = _RESULT_DTYPE.get(function, dtype_of(value))
        self.stages[stage].append(Reduce(function, value, dtype))
        return Reduced(stage, len(self.stages[stage]) - 1, dtype)

    def _level(self, value: Expr) -> int:
        """The first stage in which `value` can be computed."""
        known = self._levels.get(id(value))
        if known is not None:
            return known[1]
        level = 0
        if isinstance(value, Reduced):
            level = value.stage + 1
        elif isinstance(value, Call):
            level = max((self._level(a) for a in value.args), default=0)
        self._levels[id(value)] = (value, level)
        return level
