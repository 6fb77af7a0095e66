"""Instructions of LLVM IR as text, each written once, in the outermost scope where it can be."""

from __future__ import annotations

from collections.abc import Sequence

from treadle.codegen.target import Target
from treadle.codegen.values import (
    Value,
    literal,
    mangled,
    scalar_type,
    vector_type,
)  # fmt: skip
from treadle.ir.dtypes import DType, bool_, i64


class Scope:
    """Instructions of one open region, and the values already computed in it by their text."""

    __slots__ = ("items", "memo")

    def __init__(self) -> None:
        self.items: list[str] = []
        self.memo: dict[str, Value] = {}


class Instructions:
    """The instructions of one function of a module."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.scopes = [Scope()]
        self.declarations: dict[str, None] = {}
        self._shifted: dict[str, tuple[Value, int]] = {}
        self._count = 0

    @property
    def depth(self) -> int:
        """The depth of the innermost open scope."""
        return len(self.scopes) - 1

    def fresh(self) -> int:
        """A number not yet used in this function."""
        self._count += 1
        return self._count

    def constant(self, dtype: DType, value: float | int | bool, lanes: int = 1) -> Value:
        """`value` as a constant of `dtype` in each of the lanes."""
        text = literal(dtype, value)
        if lanes > 1:
            text = f"splat ({scalar_type(dtype)} {text})"
        return Value(text, dtype, lanes, 0, value)

    def vector_constant(self, dtype: DType, values: Sequence[float | int | bool]) -> Value:
        """A constant with its own value in each lane."""
        if len(values) == 1:
            return self.constant(dtype, values[0])
        scalar = scalar_type(dtype)
        inner = ", ".join(f"{scalar} {literal(dtype, v)}" for v in values)
        return Value(f"<{inner}>", dtype, len(values), 0)

    def zero(self, dtype: DType, lanes: int = 1) -> Value:
        """Zero (or false) in each lane."""
        return Value("zeroinitializer" if lanes > 1 else literal(dtype, 0), dtype, lanes, 0, 0)

    def constant_true(self, lanes: int = 1) -> Value:
        """True in each lane."""
        return self.constant(bool_, True, lanes)

    def pure(self, text: str, dtype: DType, lanes: int, depth: int) -> Value:
        """The result of a pure instruction, written once in the scope at `depth`."""
        scope = self.scopes[depth]
        found = scope.memo.get(text)
        if found is None:
            self._count += 1
            found = Value(f"%v{self._count}", dtype, lanes, depth)
            scope.items.append(f"{found.name} = {text}")
            scope.memo[text] = found
        return found

    def effect(self, text: str) -> None:
        """Write an instruction without a result, here."""
        self.scopes[-1].items.append(text)

    def here(self, text: str, dtype: DType, lanes: int) -> Value:
        """The result of an instruction that must run here, each time."""
        self._count += 1
        value = Value(f"%v{self._count}", dtype, lanes, self.depth)
        self.scopes[-1].items.append(f"{value.name} = {text}")
        return value

    def declare(self, text: str) -> None:
        """Declare an external function."""
        self.declarations[text] = None

    def intrinsic(
        self, name: str, result: DType, args: Sequence[Value], *, suffix: str = ""
    ) -> Value:
        """The result of a pure intrinsic, overloaded on its first argument unless `suffix` says."""
        first = args[0]
        full = f"llvm.{name}.{suffix or mangled(first.dtype, first.lanes)}"
        kind = vector_type(result, first.lanes)
        self.declare(f"declare {kind} @{full}({', '.join(a.type for a in args)})")
        depth = max(a.depth for a in args)
        return self.pure(
            f"call {kind} @{full}({', '.join(map(str, args))})", result, first.lanes, depth
        )

    # --- plain operations ---------------------------------------

    def binary(self, opcode: str, a: Value, b: Value) -> Value:
        """An instruction of two operands of one type; a scalar beside a vector is spread."""
        a, b = self.unify(a, b)
        return self.pure(
            f"{opcode} {a.type} {a.name}, {b.name}", a.dtype, a.lanes, max(a.depth, b.depth)
        )

    def compare(self, opcode: str, a: Value, b: Value) -> Value:
        """A comparison (``icmp slt``, ``fcmp olt``): bool in each lane."""
        a, b = self.unify(a, b)
        return self.pure(
            f"{opcode} {a.type} {a.name}, {b.name}", bool_, a.lanes, max(a.depth, b.depth)
        )

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """`a` where `condition`, else `b`."""
        lanes = max(condition.lanes, a.lanes, b.lanes)
        if condition.lanes > 1 or lanes == 1:
            condition, a, b = (self.splat(v, lanes) for v in (condition, a, b))
        else:
            a, b = self.splat(a, lanes), self.splat(b, lanes)
        depth = max(condition.depth, a.depth, b.depth)
        return self.pure(f"select {condition}, {a}, {b}", a.dtype, lanes, depth)

    def convert(self, opcode: str, a: Value, dtype: DType) -> Value:
        """A conversion instruction (``sitofp``, ``zext``, ``bitcast``, ...) to `dtype`."""
        return self.pure(f"{opcode} {a} to {vector_type(dtype, a.lanes)}", dtype, a.lanes, a.depth)

    def retype(self, a: Value, dtype: DType) -> Value:
        """The same LLVM value under another dtype of the same representation (i8 and u8)."""
        return Value(a.name, dtype, a.lanes, a.depth, a.constant)

    def splat(self, a: Value, lanes: int) -> Value:
        """`a` in each of `lanes` lanes; a vector stays as it is."""
        if a.lanes == lanes:
            return a
        if a.constant is not None:
            return self.constant(a.dtype, a.constant, lanes)
        kind = vector_type(a.dtype, lanes)
        first = self.pure(f"insertelement {kind} poison, {a}, i32 0", a.dtype, lanes, a.depth)
        return self.pure(
            f"shufflevector {first}, {kind} poison, <{lanes} x i32> zeroinitializer",
            a.dtype,
            lanes,
            a.depth,
        )

    def unify(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Both, spread to the lanes of the wider one."""
        lanes = max(a.lanes, b.lanes)
        return self.splat(a, lanes), self.splat(b, lanes)

    def shuffle(self, a: Value, lanes: Sequence[int]) -> Value:
        """The named lanes of `a`, as a vector (a scalar for one)."""
        if len(lanes) == 1:
            return self.pure(f"extractelement {a}, i32 {lanes[0]}", a.dtype, 1, a.depth)
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        return self.pure(
            f"shufflevector {a}, {a.type} poison, <{len(lanes)} x i32> <{mask}>",
            a.dtype,
            len(lanes),
            a.depth,
        )

    def mix(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """A vector of lanes of `a` and, numbered on, of `b`."""
        mask = ", ".join(f"i32 {lane}" for lane in lanes)
        text = f"shufflevector {a}, {b}, <{len(lanes)} x i32> <{mask}>"
        return self.pure(text, a.dtype, len(lanes), max(a.depth, b.depth))

    def transpose(self, rows: Sequence[Value]) -> list[Value]:
        """The columns of a square of as many vectors as they have lanes, a power of two.

        Blocks on either side of the diagonal change places, from single lanes to half vectors.
        """
        count, rows = len(rows), list(rows)
        step = 1
        while step < count:
            for i in range(count):
                if not i & step:
                    a, b = rows[i], rows[i + step]
                    lower = [j if not j & step else count + j - step for j in range(count)]
                    upper = [j + step if not j & step else count + j for j in range(count)]
                    rows[i], rows[i + step] = self.mix(a, b, lower), self.mix(a, b, upper)
            step *= 2
        return rows

    # --- i64 arithmetic with folding of constants ---------------------------------------

    def integer(self, value: int) -> Value:
        """An i64 constant."""
        return self.constant(i64, value)

    def add(self, a: Value, b: Value) -> Value:
        """``a + b`` of i64."""
        if a.constant is not None and b.constant is not None:
            return self.integer(int(a.constant) + int(b.constant))
        if a.constant == 0:
            return b
        if b.constant == 0:
            return a
        total = self.binary("add nsw", a, b)
        if b.constant is not None:
            base, constant = self.split(a)
            self._shifted[total.name] = base, constant + int(b.constant)
        return total

    def split(self, a: Value) -> tuple[Value, int]:
        """`a` as a value plus a constant that was added to it last."""
        return self._shifted.get(a.name, (a, 0))

    def sub(self, a: Value, b: Value) -> Value:
        """``a - b`` of i64."""
        if a.constant is not None and b.constant is not None:
            return self.integer(int(a.constant) - int(b.constant))
        return a if b.constant == 0 else self.binary("sub nsw", a, b)

    def mul(self, a: Value, b: Value) -> Value:
        """``a * b`` of i64."""
        if a.constant is not None and b.constant is not None:
            return self.integer(int(a.constant) * int(b.constant))
        if a.constant == 0 or b.constant == 0:
            return self.integer(0)
        if a.constant == 1:
            return b
        return a if b.constant == 1 else self.binary("mul nsw", a, b)

    def minimum(self, a: Value, b: Value) -> Value:
        """The smaller of two i64."""
        return self.intrinsic("smin", i64, (a, b))

    def maximum(self, a: Value, b: Value) -> Value:
        """The larger of two i64."""
        return self.intrinsic("smax", i64, (a, b))

    def ceil_div(self, a: Value, b: Value) -> Value:
        """``ceil(a / b)`` of i64, for a >= 0 and b > 0."""
        if b.constant == 1:
            return a
        if a.constant is not None and b.constant is not None:
            return self.integer(-(-int(a.constant) // int(b.constant)))
        return self.binary("udiv", self.add(a, self.sub(b, self.integer(1))), b)

    def divide(self, a: Value, b: Value) -> tuple[Value, Value]:
        """Quotient and remainder of i64, for a >= 0 and b > 0."""
        if b.constant == 1:
            return a, self.integer(0)
        return self.binary("udiv", a, b), self.binary("urem", a, b)
