"""What there is: every operator on tensors with its status, its dtypes and a line about it.

Made from `OPS` and `summaries` alone; ``treadle ops``, the pages in ``docs/ops`` and the typed
stubs are written from it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from treadle.errors import Error
from treadle.ir import dtypes
from treadle.ir.dtypes import DType, from_numpy
from treadle.ir.op import OpDef
from treadle.ir.types import ListType, OptionalType, TensorType, Type
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL
from treadle.ops.samples import resolve
from treadle.ops.summaries import same_as, summaries, summary

COMPILED, EXTERN, UNSUPPORTED = "compiled", "extern", "unsupported"
MEANINGS = {
    COMPILED: "machine code, or known before anything runs",
    EXTERN: "the reference, in NumPy, run by the interpreter",
    UNSUPPORTED: "a name of torch's that Treadle lacks",
}
CLASSES = {
    "bool": (dtypes.bool_,),
    "integers": (dtypes.u8, dtypes.i8, dtypes.i16, dtypes.i32, dtypes.i64),
    "floats": (dtypes.f16, dtypes.bf16, dtypes.f32, dtypes.f64),
    "complex": (dtypes.c64, dtypes.c128),
}
_ALL = tuple(d for members in CLASSES.values() for d in members)
_NAMESPACES = ("aten", "torchvision")
_REFUSALS = (Error, ValueError, TypeError, IndexError, ArithmeticError, AttributeError, KeyError)


@dataclass(frozen=True, slots=True)
class Entry:
    """All overloads of one name, in-place ones included.

    `name` is torch's or torchvision's, without the namespace; `same_as` is the usual one if this is
    another name of it.
    """

    name: str
    family: str
    summary: str
    overloads: tuple[OpDef, ...]
    same_as: str

    @property
    def status(self) -> str:
        """The best status of the overloads."""
        found = {status_of(op) for op in self.overloads}
        return next((s for s in (COMPILED, EXTERN) if s in found), UNSUPPORTED)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Torch's names of the dtypes that any overload takes for its first tensor."""
        found = {d for op in self.overloads for d in accepted_dtypes(op)}
        return tuple(d.torch_name for d in _ALL if d in found)

    @property
    def page(self) -> str:
        """The page that tells of its family, below the repository."""
        return f"docs/ops/{page_name(self.family)}"

    @property
    def link(self) -> str:
        """The section of the page that tells of it."""
        if self.status == UNSUPPORTED:
            return f"{self.page}#unsupported"
        return f"{self.page}#{'other-names' if self.same_as else self.name.lower()}"


def catalog() -> tuple[Entry, ...]:
    """Every operator of torch and torchvision that has to do with tensors, by family and name."""
    names = {op.schema.base for op in OPS.by_name.values() if op.schema and _is_public(op)}
    names |= {*summaries()}
    entries = [_entry(n) for n in names if not (n.endswith("_") and n[:-1] in names)]
    order = {family: i for i, family in enumerate(_families())}
    return tuple(sorted(entries, key=lambda e: (order.get(e.family, len(order)), e.name)))


def page_name(family: str) -> str:
    """The file of the page of a family."""
    return f"{family.lower().replace(' ', '_')}.md"


def status_of(op: OpDef) -> str:
    """Whether machine code or NumPy computes an operator."""
    twin = OPS[FUNCTIONAL[op.name]] if op.name in FUNCTIONAL else op
    assert op.schema is not None
    answers = op.infer is not None and not any(_has_tensor(r.type) for r in op.schema.results)
    return COMPILED if twin.lower is not None or answers else EXTERN


@functools.cache
def accepted_dtypes(op: OpDef) -> tuple[DType, ...]:
    """Dtypes of its samples, and those that the rule of types takes in place of the first one's."""
    samples = [_resolved(s) for s in op.samples]
    first = _first_array(samples[0]) if samples else None
    if first is None:
        return ()
    leading = [(s, array) for s in samples if (array := _first_array(s)) is not None]
    tested = {from_numpy(array.dtype) for _, array in leading}
    alike = [s for s, array in leading if array.dtype == first.dtype]

    def accepted(dtype: DType) -> bool:
        return any(_accepts(op, sample, first.dtype, dtype) for sample in alike)

    return tuple(d for d in _ALL if d in tested or accepted(d))


def compact(names: Iterable[str]) -> str:
    """Dtypes in words: ``floats, integers``; whole classes by their names."""
    given, parts = set(names), []
    for name, members in CLASSES.items():
        found = [d.torch_name for d in members if d.torch_name in given]
        parts += [name] if len(found) == len(members) else found
    return "all" if len(given) == len(_ALL) else ", ".join(parts)


def _entry(name: str) -> Entry:
    family, text = summary(name)
    overloads = _overloads(name)
    return Entry(name, family, text or _first_doc(overloads), overloads, same_as(name))


def _first_doc(overloads: Iterable[OpDef]) -> str:
    """What stands for a line in `summaries` where there is none."""
    return next((op.doc.rstrip(".") for op in overloads if op.doc), "")


def _overloads(name: str) -> tuple[OpDef, ...]:
    names = (f"{space}::{n}" for space in _NAMESPACES for n in (name, f"{name}_"))
    return tuple(op for full in names for op in OPS.overloads(full))


def _families() -> list[str]:
    return list(dict.fromkeys(family for family, _ in summaries().values()))


def _is_public(op: OpDef) -> bool:
    """Whether it is torch's and about tensors, not about containers that may hold some."""
    schema = op.schema
    assert schema is not None
    return (
        schema.namespace in _NAMESPACES
        and bool(op.samples or op.lower or op.infer)
        and any(_has_tensor(a.type) for a in (*schema.arguments, *schema.results))
    )


def _has_tensor(type_: Type) -> bool:
    if isinstance(type_, OptionalType | ListType):
        return _has_tensor(type_.element)
    return isinstance(type_, TensorType)


def _resolved(sample: Any) -> Any:
    return resolve(sample, np.random.default_rng(0))


def _arrays(value: Any) -> list[np.ndarray[Any, Any]]:
    if isinstance(value, list | tuple):
        return [array for item in value for array in _arrays(item)]
    return [value] if isinstance(value, np.ndarray) else []


def _first_array(value: Any) -> np.ndarray[Any, Any] | None:
    return next(iter(_arrays(value)), None)


def _accepts(op: OpDef, sample: Sequence[Any], old: np.dtype[Any], new: DType) -> bool:
    """Whether the rule, or else the reference, takes `new` for every tensor of dtype `old`."""
    with np.errstate(all="ignore"):
        arguments = [_retyped(value, old, new) for value in sample]
    try:
        if op.infer is not None:
            op.infer(*map(_typed, arguments))
        elif op.reference is not None:
            op.reference(*arguments)
    except _REFUSALS:
        return False
    return True


def _retyped(value: Any, old: np.dtype[Any], new: DType) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_retyped(item, old, new) for item in value)
    changes = isinstance(value, np.ndarray) and value.dtype == old
    if not changes:
        return value
    return (value if new.is_complex else np.real(value)).astype(new.numpy)


def _typed(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_typed, value))
    is_array = isinstance(value, np.ndarray)
    return TensorType(from_numpy(value.dtype), value.shape) if is_array else value
