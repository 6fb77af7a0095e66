"""The operator table: every module of this package adds to it, everything else reads it."""

from __future__ import annotations

from treadle.ir.op import STRUCTURAL, OpDef
from treadle.ops.overload_order import position


class OpTable:
    """All operators, by unique name and by torch's name without the overload."""

    def __init__(self) -> None:
        self.by_name: dict[str, OpDef] = {}
        self._overloads: dict[str, list[OpDef]] = {}
        self._tried: dict[str, tuple[OpDef, ...]] = {}

    def add(self, op: OpDef) -> OpDef:
        """Put `op` into the table; its name must be new."""
        if op.name in self.by_name:
            raise ValueError(f"operator {op.name!r} is defined twice")
        self.by_name[op.name] = op
        if op.schema is not None:
            self._overloads.setdefault(op.schema.name, []).append(op)
            self._tried.pop(op.schema.name, None)
        return op

    def overloads(self, name: str) -> tuple[OpDef, ...]:
        """Those of ``aten::add``, say, in order of registration; empty if there are none."""
        return tuple(self._overloads.get(name, ()))

    def tried(self, name: str) -> tuple[OpDef, ...]:
        """The overloads of ``aten::add``, say, in the order in which TorchScript tries them."""
        found = self._tried.get(name)
        if found is None:
            found = self._tried[name] = tuple(sorted(self.overloads(name), key=_position))
        return found

    def __getitem__(self, name: str) -> OpDef:
        return self.by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self.by_name


def _position(op: OpDef) -> int:
    assert op.schema is not None
    return position(op.schema.name, op.schema.overload)


OPS = OpTable()
for _op in STRUCTURAL:
    OPS.add(_op)


def define(op: OpDef) -> OpDef:
    """Put `op` into the table and return it."""
    return OPS.add(op)
