"""The text form of loop nests: printing and parsing of kernels.

    loopnest add vectorize=outer
    buffer f32
    buffer f32 written
    axis s0 step 4096
    stage
    %0 = load f32 b0[a0:1]
    %1 = exp f32 %0
    store b1[a0:1] %1

Every expression is one line; equal expressions are the same line. ``s0`` is ``Size(0)``; an access
is its offset (if not 0) and ``axis:stride`` or ``%value:stride`` terms. ``stage across`` is one
that combines as lanes within a row would.
"""

from __future__ import annotations

import math
from dataclasses import replace

from treadle.errors import VerifyError
from treadle.ir.dtypes import BY_NAME, DType
from treadle.ir.loops import (
    Access,
    Accumulator,
    Axis,
    Buffer,
    Call,
    Const,
    Contraction,
    Dim,
    Expr,
    Extent,
    Index,
    Kernel,
    Load,
    LoopNest,
    Range,
    Reduce,
    Reduced,
    Size,
    Sort,
    Stage,
    Store,
    Tile,
)
from treadle.ir.loops_walk import visit_operands

_SORT_FLAGS = ("descending", "sifted")
_FLAGS = ("padded", "packed", "unit_k", "unit_taps", "flat_rows", "direct")


def print_kernel(kernel: Kernel) -> str:
    """The text of a kernel; `parse_kernel` reads it back."""
    return _Printer().kernel(kernel)


def _dim(dim: Dim) -> str:
    return str(dim) if isinstance(dim, int) else f"s{dim.index}"


class _Printer:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.by_id: dict[int, str] = {}
        self.by_text: dict[str, str] = {}

    def kernel(self, kernel: Kernel) -> str:
        if isinstance(kernel, LoopNest):
            self.lines.append(f"loopnest {kernel.name} vectorize={kernel.vectorize}")
        elif isinstance(kernel, Sort):
            flags = "".join(f" {flag}" for flag in _SORT_FLAGS if getattr(kernel, flag))
            self.lines.append(f"sort {kernel.name} stage={kernel.stage}{flags}")
        else:
            self.lines.append(self._contraction(kernel))
        for buffer in kernel.buffers:
            local = f" local {_dim(buffer.local)}" if buffer.local != 0 else ""
            written = " written" if buffer.written else ""
            self.lines.append(f"buffer {buffer.dtype}{written}{local}")
        if isinstance(kernel, LoopNest):
            for axis in kernel.axes:
                self.lines.append(f"axis {_dim(axis.extent)} step {_dim(axis.step)}")
            for stage in kernel.stages:
                self._stage(stage)
        elif isinstance(kernel, Contraction):
            self._stores(kernel.stores)
        return "\n".join(self.lines) + "\n"

    @staticmethod
    def _contraction(kernel: Contraction) -> str:
        flags = "".join(f" {flag}" for flag in _FLAGS if getattr(kernel, flag))
        tile = "x".join(map(str, (kernel.tile.rows, kernel.tile.vectors, kernel.tile.chains)))
        head = f"contraction {kernel.name} batch={kernel.batch} tile={tile}"
        return f"{head} gates={kernel.gates}{flags}"

    def _stage(self, stage: Stage) -> None:
        self.lines.append("stage across" if stage.across else "stage")
        for range_ in stage.ranges:
            start, stop = self._expr(range_.start), self._expr(range_.stop)
            self.lines.append(f"range {start} {stop}")
        for reduce in stage.reduces:
            value = self._expr(reduce.value)
            self.lines.append(f"reduce {reduce.function} {reduce.dtype} {value}")
        self._stores(stage.stores)

    def _stores(self, stores: tuple[Store, ...]) -> None:
        for store in stores:
            access, value = self._access(store.access), self._expr(store.value)
            streaming = " streaming" if store.streaming else ""
            self.lines.append(f"store {access} {value}{streaming}")

    def _access(self, access: Access) -> str:
        parts = [f"a{axis}:{_dim(stride)}" for axis, stride in access.terms]
        parts += [f"{self._expr(value)}:{_dim(stride)}" for value, stride in access.indirect]
        if access.offset != 0:
            parts.insert(0, _dim(access.offset))
        return f"b{access.buffer}[{','.join(parts)}]"

    def _expr(self, expr: Expr) -> str:
        name = self.by_id.get(id(expr))
        if name is None:
            if isinstance(expr, Call):
                visit_operands(expr, lambda e: id(e) in self.by_id, self._expr)
            text = self._text(expr)
            name = self.by_text.get(text)
            if name is None:
                name = f"%{len(self.by_text)}"
                self.by_text[text] = name
                self.lines.append(f"{name} = {text}")
            self.by_id[id(expr)] = name
        return name

    def _text(self, expr: Expr) -> str:
        if isinstance(expr, Const):
            return f"const {expr.dtype} {_number(expr.value)}"
        if isinstance(expr, Index):
            return f"index a{expr.axis}"
        if isinstance(expr, Extent):
            return f"extent {_dim(expr.dim)}"
        if isinstance(expr, Load):
            return f"load {expr.dtype} {self._access(expr.access)}"
        if isinstance(expr, Call):
            args = "".join(f" {self._expr(a)}" for a in expr.args)
            return f"{expr.function} {expr.dtype}{args}"
        if isinstance(expr, Reduced):
            return f"reduced {expr.dtype} {expr.stage} {expr.reduction}"
        return f"accumulator {expr.dtype} {expr.gate}"


def _number(value: float | int | bool) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return value.hex()
    return str(value)


def _parse_number(text: str) -> float | int | bool:
    if text in ("True", "False"):
        return text == "True"
    if text in ("inf", "-inf", "nan"):
        return float(text)
    return float.fromhex(text) if "0x" in text else int(text)


def parse_kernel(text: str) -> Kernel:
    """The kernel that `text` describes.

    Raises:
        VerifyError: if it is not the text of a kernel; names the line.
    """
    parser = _Parser()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if line.strip():
                parser.line(line.split())
        except (ValueError, KeyError, IndexError) as error:
            raise VerifyError(f"line {number} of the kernel is malformed: {line!r}") from error
    return parser.result()


def _parse_dim(text: str) -> Dim:
    return Size(int(text[1:])) if text.startswith("s") else int(text)


class _Parser:
    def __init__(self) -> None:
        self.head: list[str] = []
        self.buffers: list[Buffer] = []
        self.axes: list[Axis] = []
        self.stages: list[Stage] = [Stage()]
        self.values: dict[str, Expr] = {}

    def line(self, words: list[str]) -> None:
        kind, rest = words[0], words[1:]
        stage = self.stages[-1]
        if kind.startswith("%"):
            self.values[kind] = self._expr(rest[1], rest[2:])
        elif kind in ("loopnest", "contraction", "sort"):
            self.head = words
        elif kind == "buffer":
            local = _parse_dim(rest[-1]) if "local" in rest else 0
            self.buffers.append(Buffer(BY_NAME[rest[0]], "written" in rest, local))
        elif kind == "axis":
            self.axes.append(Axis(_parse_dim(rest[0]), _parse_dim(rest[2])))
        elif kind == "stage":
            self.stages.append(Stage(across=rest == ["across"]))
        elif kind == "range":
            range_ = Range(*(self.values[word] for word in rest))
            self.stages[-1] = replace(stage, ranges=(*stage.ranges, range_))
        elif kind == "reduce":
            reduce = Reduce(rest[0], self.values[rest[2]], BY_NAME[rest[1]])
            self.stages[-1] = replace(stage, reduces=(*stage.reduces, reduce))
        elif kind == "store":
            store = Store(self._access(rest[0]), self.values[rest[1]], rest[2:] == ["streaming"])
            self.stages[-1] = replace(stage, stores=(*stage.stores, store))
        else:
            raise ValueError(kind)

    def _access(self, text: str) -> Access:
        buffer, _, inner = text.rstrip("]").partition("[")
        terms: list[tuple[int, Dim]] = []
        indirect: list[tuple[Expr, Dim]] = []
        offset: Dim = 0
        for part in filter(None, inner.split(",")):
            what, colon, stride = part.partition(":")
            if not colon:
                offset = _parse_dim(what)
            elif what.startswith("%"):
                indirect.append((self.values[what], _parse_dim(stride)))
            else:
                terms.append((int(what[1:]), _parse_dim(stride)))
        return Access(int(buffer[1:]), tuple(terms), offset, tuple(indirect))

    def _expr(self, kind: str, words: list[str]) -> Expr:
        if kind == "index":
            return Index(int(words[0][1:]))
        if kind == "extent":
            return Extent(_parse_dim(words[0]))
        dtype: DType = BY_NAME[words[0]]
        if kind == "const":
            return Const(_parse_number(words[1]), dtype)
        if kind == "load":
            return Load(self._access(words[1]), dtype)
        if kind == "reduced":
            return Reduced(int(words[1]), int(words[2]), dtype)
        if kind == "accumulator":
            return Accumulator(int(words[1]), dtype)
        return Call(kind, tuple(self.values[word] for word in words[1:]), dtype)

    def result(self) -> Kernel:
        if not self.head:
            raise VerifyError(
                "the kernel's first line must start with loopnest, contraction or sort"
            )
        name = self.head[1]
        fields = dict(word.split("=") for word in self.head if "=" in word)
        buffers = tuple(self.buffers)
        if self.head[0] == "loopnest":
            stages = tuple(self.stages[1:])
            return LoopNest(name, buffers, tuple(self.axes), stages, fields["vectorize"])
        if self.head[0] == "sort":
            chosen = {flag: flag in self.head[2:] for flag in _SORT_FLAGS}
            return Sort(name, buffers, **chosen, stage=fields["stage"])
        flags = {flag: flag in self.head for flag in _FLAGS}
        return Contraction(
            name=name,
            buffers=buffers,
            batch=int(fields["batch"]),
            stores=self.stages[0].stores,
            tile=Tile(*map(int, fields["tile"].split("x"))),
            gates=int(fields["gates"]),
            **flags,
        )
