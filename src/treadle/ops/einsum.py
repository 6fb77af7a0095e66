"""Einstein sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import InputError, ShapeError
from treadle.ir.dtypes import DType, i64
from treadle.ir.types import TensorType
from treadle.ops.contraction import same_dtype
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.promotion import accumulation, category, dtype_of
from treadle.ops.samples import f32, f64, u8
from treadle.ops.shapes import numel, tensor

Array = np.ndarray[Any, Any]


def _parse(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result.

    The dims of ``...`` get characters that no equation uses.

    Raises:
        InputError: if the equation is none, or does not fit the operands.
    """
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise InputError(f"einsum: {equation!r} has {len(terms)} operands, got {len(ranks)}")
    dots = [r - len(t.replace("...", "")) for t, r in zip(terms, ranks, strict=True)]
    spare = [c for c in map(chr, range(0x100, 0x140)) if c not in text]
    widest = max((d for t, d in zip(terms, dots, strict=True) if "..." in t), default=0)
    full = []
    for term, count in zip(terms, dots, strict=True):
        if count < 0 or ("..." not in term and count):
            rank = len(term.replace("...", "")) + count
            raise InputError(f"einsum: {term!r} in {equation!r} for an operand of {rank} dims")
        full.append(term.replace("...", "".join(spare[widest - count : widest])))
    if arrow:
        result = right.replace("...", "".join(spare[:widest]))
    else:
        letters = sorted({c for t in full for c in t if c not in spare})
        result = "".join(spare[:widest]) + "".join(
            c for c in letters if sum(t.count(c) for t in full) == 1
        )
    _check_letters(equation, full, result, spare)
    return full, result


def _check_letters(equation: str, terms: Sequence[str], result: str, spare: Sequence[str]) -> None:
    used = set("".join(terms))
    if any(not (c.isascii() and c.isalpha()) and c not in spare for c in used | set(result)):
        raise InputError(f"einsum: {equation!r}; dims are letters")
    if len(set(result)) < len(result) or not set(result) <= used:
        raise InputError(f"einsum: the result of {equation!r} repeats or invents a dim")


def _extents(
    equation: str, terms: Sequence[str], shapes: Sequence[Sequence[int]]
) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, size in zip(term, shape, strict=True):
            if sizes.setdefault(letter, size) == 1:
                sizes[letter] = size
            elif size not in (1, sizes[letter]):
                raise ShapeError(
                    f"einsum: dim {letter!r} of {equation!r} is both {sizes[letter]} and {size}"
                )
    return sizes


def _infer(equation: str, tensors: Sequence[TensorType], path: Any) -> TensorType:
    same_dtype("einsum", *tensors)
    shapes = [t.sizes for t in tensors]
    terms, result = _parse(equation, [len(s) for s in shapes])
    sizes = _extents(equation, terms, shapes)
    return tensor(_dtype(tensors[0].element, terms, result), [sizes[c] for c in result])


def _dtype(given: DType, terms: Sequence[str], result: str) -> DType:
    """The dtype of the result: i64 if integers of one operand alone are summed."""
    others = [result + "".join(terms[:i]) + "".join(terms[i + 1 :]) for i in range(len(terms))]
    sums = any(not set(t) <= set(rest) for t, rest in zip(terms, others, strict=True))
    return i64 if sums and category(given) <= 1 else given


def _reference(equation: str, tensors: Sequence[Array], path: Any) -> Array:
    final = _infer(equation, [tensor(dtype_of(t), t.shape) for t in tensors], path).element
    terms, result = _parse(equation, [t.ndim for t in tensors])
    if sorted(terms[0]) == sorted(result) and len(tensors) == 1 and len({*result}) == len(result):
        return np.asarray(tensors[0].transpose([terms[0].index(c) for c in result]))  # a view
    number = {c: i for i, c in enumerate(dict.fromkeys("".join(terms)))}
    wide = accumulation(final).numpy
    operands: list[Any] = []
    for term, t in zip(terms, tensors, strict=True):
        operands += [t.astype(wide), [number[c] for c in term]]
    return np.asarray(np.einsum(*operands, [number[c] for c in result])).astype(final.numpy)


# --- as a product of matrices -------------------------------------------------------------------


def _decompose(emit: Emitter, equation: str, tensors: Sequence[Any], path: Any) -> Any:
    """Products of two operands from the left, then what is left to sum, then the order.

    Each product is a batched matrix product over the letters that nothing later needs.
    """
    terms, result = _parse(equation, [len(emit.type(t).sizes) for t in tensors])
    given = emit.type(tensors[0]).element
    dtype = _dtype(given, terms, result)
    if dtype != given:
        tensors = [emit("to.dtype", t, dtype.code, False, False, None) for t in tensors]
    values = [_distinct(emit, v, t) for v, t in zip(tensors, terms, strict=True)]
    value, term = values[0]
    for i, (other, letters) in enumerate(values[1:], 1):
        later = result + "".join(t for _, t in values[i + 1 :])
        value, term = _pair(emit, value, term, other, letters, later)
    value, term = _sum_out(emit, value, term, result)
    return emit("permute", value, [term.index(c) for c in result])


def _distinct(emit: Emitter, value: Any, term: str) -> tuple[Any, str]:
    """The operand with every repeated letter replaced by its diagonal, moved to the end."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first, second = term.index(letter), term.rindex(letter)
            value = emit("diagonal", value, 0, first, second)
            term = "".join(c for i, c in enumerate(term) if i not in (first, second)) + letter
    return value, term


def _sum_out(emit: Emitter, value: Any, term: str, needed: str) -> tuple[Any, str]:
    gone = [i for i, c in enumerate(term) if c not in needed]
    if not gone:
        return value, term
    value = emit("sum.dim_IntList", value, gone, False, emit.type(value).element.code)
    return value, "".join(c for c in term if c in needed)


def _pair(emit: Emitter, a: Any, ta: str, b: Any, tb: str, later: str) -> tuple[Any, str]:
    a, ta = _sum_out(emit, a, ta, tb + later)
    b, tb = _sum_out(emit, b, tb, ta + later)
    sizes = _extents("", [ta, tb], [emit.type(a).sizes, emit.type(b).sizes])
    batch = [c for c in ta if c in tb and c in later]
    inner = [c for c in ta if c in tb and c not in later]
    rows = [c for c in ta if c not in tb]
    columns = [c for c in tb if c not in ta]
    left = _arranged(emit, a, ta, (batch, rows, inner), sizes)
    right = _arranged(emit, b, tb, (batch, inner, columns), sizes)
    product = emit("matrix_product", left, right)
    letters = [*batch, *rows, *columns]
    return emit("view", product, [sizes[c] for c in letters]), "".join(letters)


def _arranged(
    emit: Emitter, value: Any, term: str, groups: tuple[list[str], ...], sizes: dict[str, int]
) -> Any:
    """Three dims: the letters of each group together, in order."""
    order = [c for group in groups for c in group]
    value = emit("permute", value, [term.index(c) for c in order])
    shape = [sizes[c] for c in order]
    if list(emit.type(value).sizes) != shape:
        value = emit("expand", value, shape, False)
    return emit("reshape", value, [numel([sizes[c] for c in group]) for group in groups])


einsum = op(
    "aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor",
    reference=_reference,
    infer=_infer,
    lower=Decompose(_decompose),
    samples=(
        ("ij,jk->ik", [f32(3, 4), f32(4, 5)], None),
        ("bij,bjk", [f32(2, 3, 4), f32(2, 4, 5)], None),
        ("bhqd,bhkd->bhqk", [f32(2, 3, 4, 5), f32(2, 3, 6, 5)], None),
        ("...ij,jk->...ik", [f32(2, 2, 3), f32(3, 4)], None),
        ("i,j->ij", [f32(3), f32(4)], None),
        ("ii->i", [f32(3, 3)], None),
        ("ij->", [f32(3, 4)], None),
        ("ij->ji", [f64(3, 4)], None),
        ("i,i", [f32(5), f32(5)], None),
        ("ij,jk,kl->il", [f32(2, 3), f32(3, 4), f32(4, 2)], None),
        ("bij,bk->bj", [f32(2, 3, 4), f32(2, 5)], None),
        ("ij->j", [u8(3, 4)], None),
    ),
)
