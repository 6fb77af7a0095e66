"""Writing LLVM IR as text: values, scopes that code can be hoisted to, loops and branches.

An `Emitter` keeps a stack of open scopes (function body, loop bodies, branches). A pure instruction
goes to the outermost scope where all its operands exist, and the same instruction is written once
per scope: so invariant code is hoisted and common subexpressions are shared as they are emitted.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from treadle.codegen.target import Target
from treadle.ir.dtypes import DType, bool_, f32, i64

PTR = DType("ptr", "", -1, "p", 8)

_SCALARS = {
    "f32": "float",
    "f16": "float",
    "bf16": "float",
    "f64": "double",
    "bool": "i1",
    "ptr": "ptr",
    "i8": "i8",
    "u8": "i8",
    "i16": "i16",
    "u16": "i16",
    "i32": "i32",
    "u32": "i32",
    "i64": "i64",
    "u64": "i64",
    "i128": "i128",
}


def compute_dtype(dtype: DType) -> DType:
    """The type that values of `dtype` are computed in: f32 for the 16-bit floats."""
    return f32 if dtype.kind == "f" and dtype.itemsize < 4 else dtype


def scalar_type(dtype: DType) -> str:
    """LLVM's name of the type one value of `dtype` is computed in."""
    return _SCALARS[dtype.name]


def vector_type(dtype: DType, lanes: int) -> str:
    """LLVM's name of `lanes` values; one lane is a scalar."""
    scalar = _SCALARS[dtype.name]
    return scalar if lanes == 1 else f"<{lanes} x {scalar}>"


def mangled(dtype: DType, lanes: int) -> str:
    """The suffix of an intrinsic overloaded on this type (``v16f32``)."""
    scalar = {"float": "f32", "double": "f64", "ptr": "p0"}.get(
        _SCALARS[dtype.name], _SCALARS[dtype.name]
    )
    return scalar if lanes == 1 else f"v{lanes}{scalar}"


@dataclass(frozen=True, slots=True)
class Value:
    """An SSA value: `name` is its text, `depth` the scope it belongs to (0: the function)."""

    name: str
    dtype: DType
    lanes: int
    depth: int
    constant: float | int | bool | None = None

    @property
    def type(self) -> str:
        """LLVM's name of the type."""
        return vector_type(self.dtype, self.lanes)

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


class Scope:
    """Instructions of one open region, and the values already computed in it by their text."""

    __slots__ = ("items", "memo")

    def __init__(self) -> None:
        self.items: list[str] = []
        self.memo: dict[str, Value] = {}


class Loop:
    """An open loop: its index, the values it carries, and after it closed, their results."""

    __slots__ = ("carried", "following", "index", "results")

    def __init__(self, index: Value, carried: tuple[Value, ...]) -> None:
        self.index = index
        self.carried = carried
        self.following: tuple[Value, ...] = carried
        self.results: tuple[Value, ...] = ()


def literal(dtype: DType, value: float | int | bool) -> str:
    """The text of a constant of `dtype`, exact."""
    if dtype.kind == "f":
        number = float(value)
        if dtype.name != "f64":
            number = _round_f32(number)
        return f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
    if dtype is bool_:
        return "true" if value else "false"
    bits = dtype.itemsize * 8
    number_ = int(value) & ((1 << bits) - 1)
    return str(number_ - (1 << bits) if number_ >> (bits - 1) else number_)


def _round_f32(number: float) -> float:
    if math.isnan(number):
        return number
    try:
        return float(struct.unpack("<f", struct.pack("<f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


class Emitter:
    """Writes one function of a module."""

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

    def by_parts(
        self,
        function: Callable[[Emitter, Sequence[Value]], Value],
        args: Sequence[Value],
        lanes: int,
    ) -> Value:
        """A function that exists for `lanes` lanes only, of vectors of a multiple of that."""
        parts = [
            function(self, [self._part(a, start, lanes) for a in args])
            for start in range(0, args[0].lanes, lanes)
        ]
        while len(parts) > 1:
            parts = [self._join(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
        return parts[0]

    def _part(self, a: Value, start: int, lanes: int) -> Value:
        return a if a.lanes == lanes else self.shuffle(a, range(start, start + lanes))

    def _join(self, a: Value, b: Value) -> Value:
        return self.mix(a, b, range(2 * a.lanes))

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

    # --- control flow ---------------------------------------

    @contextmanager
    def loop(
        self,
        start: Value,
        stop: Value,
        step: Value | int = 1,
        carried: Sequence[Value] = (),
        *,
        entered: bool = False,
    ) -> Iterator[Loop]:
        """A loop ``for index in range(start, stop, step)`` that carries values.

        The block sets ``loop.following``; afterwards ``loop.results`` holds the last ones.
        `entered` says that there is at least one iteration: the test moves to the end.
        """
        n = self.fresh()
        step = self.integer(step) if isinstance(step, int) else step
        self.scopes.append(Scope())
        depth = self.depth
        index = Value(f"%i{n}", i64, 1, depth)
        phis = tuple(Value(f"%c{n}_{j}", v.dtype, v.lanes, depth) for j, v in enumerate(carried))
        loop = Loop(index, phis)
        yield loop
        body = self.scopes.pop()
        out = self.scopes[-1].items
        out += [f"br label %pre{n}", f"pre{n}:", f"br label %head{n}", f"head{n}:"]
        out.append(f"{index.name} = phi i64 [{start.name}, %pre{n}], [%n{n}, %latch{n}]")
        for phi, first, last in zip(phis, carried, loop.following, strict=True):
            out.append(
                f"{phi.name} = phi {phi.type} [{first.name}, %pre{n}], [{last.name}, %latch{n}]"
            )
        following = f"%n{n} = add nsw i64 {index.name}, {step.name}"
        if entered:
            out += [*body.items, f"br label %latch{n}", f"latch{n}:", following]
            out.append(f"%t{n} = icmp slt i64 %n{n}, {stop.name}")
            out += [f"br i1 %t{n}, label %head{n}, label %exit{n}", f"exit{n}:"]
        else:
            out.append(f"%t{n} = icmp slt i64 {index.name}, {stop.name}")
            out += [f"br i1 %t{n}, label %body{n}, label %exit{n}", f"body{n}:", *body.items]
            out += [f"br label %latch{n}", f"latch{n}:", following]
            out += [f"br label %head{n}", f"exit{n}:"]
        last_values = loop.following if entered else phis
        loop.results = tuple(
            Value(v.name, v.dtype, v.lanes, self.depth, v.constant) for v in last_values
        )

    @contextmanager
    def branch(self, condition: Value) -> Iterator[None]:
        """Code that runs only if `condition` (a scalar bool) holds."""
        n = self.fresh()
        self.scopes.append(Scope())
        yield
        body = self.scopes.pop()
        out = self.scopes[-1].items
        out += [f"br i1 {condition.name}, label %then{n}, label %end{n}", f"then{n}:"]
        out += [*body.items, f"br label %end{n}", f"end{n}:"]

    def unlikely(
        self,
        mask: Value,
        usual: Value,
        args: Sequence[Value],
        unusual: Callable[[Sequence[Value]], Value],
    ) -> Value:
        """`usual`, but ``unusual(args)`` in the lanes of `mask`; the latter runs only if needed."""
        n = self.fresh()
        some = mask if mask.lanes == 1 else self.any_lane(mask)
        out = self.scopes[-1].items
        out += [f"br label %here{n}", f"here{n}:"]
        out += [f"br i1 {some.name}, label %cold{n}, label %end{n}, !prof !1", f"cold{n}:"]
        self.scopes.append(Scope())
        inner = [Value(a.name, a.dtype, a.lanes, self.depth) for a in args]
        value = self.select(mask, unusual(inner), usual)
        body = self.scopes.pop()
        out += [*body.items, f"br label %last{n}", f"last{n}:", f"br label %end{n}", f"end{n}:"]
        text = f"phi {usual.type} [{usual.name}, %here{n}], [{value.name}, %last{n}]"
        return self.here(text, usual.dtype, usual.lanes)

    def any_lane(self, mask: Value) -> Value:
        """Whether any lane of a vector of bools is true."""
        name = f"llvm.vector.reduce.or.{mangled(bool_, mask.lanes)}"
        self.declare(f"declare i1 @{name}({mask.type})")
        return self.pure(f"call i1 @{name}({mask})", bool_, 1, mask.depth)

    def finish(self, name: str, parameters: str) -> str:
        """The text of the function, with the scope stack closed."""
        lines = "\n".join(self.scopes[0].items)
        return f"define void @{name}({parameters}) #0 {{\nentry:\n{lines}\nret void\n}}\n"


__all__ = [
    "PTR",
    "Emitter",
    "Loop",
    "Value",
    "compute_dtype",
    "mangled",
    "scalar_type",
    "vector_type",
]
