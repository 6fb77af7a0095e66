"""Identity matrices, positions of triangles, grids of coordinates."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import InputError, ShapeError
from treadle.ir.dtypes import i64 as i64_dtype
from treadle.ir.loops import Expr
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops.creation import REST, Samples, checked_size, default
from treadle.ops.declare import EXACT, op
from treadle.ops.expr import compare, const, select
from treadle.ops.lowering import Decompose, Elements, Emitter
from treadle.ops.samples import f32
from treadle.ops.shapes import dtype_from_code, numel, tensor
from treadle.ops.strided import expanded

Array = np.ndarray[Any, Any]


# --- identity -----------------------------------------------------------------------------------


def _eye(n: int, m: int, dtype: int | None, *_: Any) -> Array:
    checked_size("eye", (n, m))
    return np.eye(n, m, dtype=default(dtype).numpy)


def _infer_eye(n: int, m: int, dtype: int | None, *_: Any) -> TensorType:
    return tensor(default(dtype), checked_size("eye", (n, m)))


def _eye_element(load: Any, positions: Sequence[Expr], result: TensorType, *_: Any) -> Expr:
    same = compare("eq", positions[0], positions[1])
    return select(same, const(1, result.element), const(0, result.element))


eye_m = op(
    "aten::eye.m(int n, int m, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    reference=_eye,
    infer=_infer_eye,
    lower=Elements(_eye_element),
    tolerance=EXACT,
    samples=((2, 3, None, *REST), (0, 2, 4, *REST)),
)
eye = op(
    "aten::eye(int n, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None) -> Tensor",
    reference=lambda n, *rest: _eye(n, n, *rest),
    infer=lambda n, *rest: _infer_eye(n, n, *rest),
    lower=Elements(_eye_element),
    tolerance=EXACT,
    samples=((3, None, *REST), (1, 7, *REST)),
)


# --- positions of triangles ---------------------------------------------------------------------


_SMALL = 1 << 10
"""Elements of matrices of which the positions of triangles are kept."""


def _triangle_indices(schema: str, function: Any, samples: Samples) -> OpDef:
    def positions(row: int, col: int, offset: int, dtype: int | None) -> Any:
        checked_size("tril_indices", (row, col))
        final = dtype_from_code("tril_indices", dtype, i64_dtype).numpy
        return np.stack(function(row, offset, col)).astype(final, copy=False)

    kept = functools.lru_cache(maxsize=64)(positions)

    def reference(row: int, col: int, offset: int, dtype: int | None, *_: Any) -> Array:
        if row * col > _SMALL:
            return np.asarray(positions(row, col, offset, dtype))
        found: Array = kept(row, col, offset, dtype).copy()
        return found

    def infer(row: int, col: int, offset: int, dtype: int | None, *_: Any) -> TensorType:
        checked_size("tril_indices", (row, col))
        count = len(function(row, offset, col)[0])
        return tensor(dtype_from_code("tril_indices", dtype, i64_dtype), (2, count))

    return op(schema, reference=reference, infer=infer, tolerance=EXACT, samples=samples)


tril_indices = _triangle_indices(
    "aten::tril_indices(int row, int col, int offset=0, *, ScalarType? dtype=4, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    np.tril_indices,
    ((3, 4, 0, 4, *REST), (3, 3, -1, None, *REST)),
)
triu_indices = _triangle_indices(
    "aten::triu_indices(int row, int col, int offset=0, *, ScalarType? dtype=4, Layout? "
    "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
    np.triu_indices,
    ((3, 4, 0, 4, *REST), (3, 3, 1, None, *REST)),
)


# --- grids --------------------------------------------------------------------------------------


def _meshgrid(tensors: Sequence[Array], indexing: str = "ij") -> list[Array]:
    _check_grid(tensors, indexing)
    return [expanded(g, s) for g, s in _grid(tensors, indexing)]


def _check_grid(tensors: Sequence[Any], indexing: str) -> None:
    if indexing not in ("ij", "xy"):
        raise InputError(f"meshgrid: indexing {indexing!r}; allowed: 'ij', 'xy'")
    if any(len(t.shape) > 1 for t in tensors):
        raise ShapeError("meshgrid: tensors must have at most 1 dim")


def _grid_shapes(
    sizes: Sequence[int], indexing: str
) -> tuple[list[tuple[int, ...]], tuple[int, ...]]:
    """The shape of each operand before broadcasting, and the common shape."""
    order = list(range(len(sizes)))
    if indexing == "xy" and len(sizes) > 1:
        order[:2] = 1, 0
    shapes = [
        tuple(sizes[i] if order[d] == i else 1 for d in range(len(sizes)))
        for i in range(len(sizes))
    ]
    return shapes, tuple(sizes[i] for i in order)


def _grid(tensors: Sequence[Array], indexing: str) -> list[tuple[Array, tuple[int, ...]]]:
    shapes, common = _grid_shapes([t.size for t in tensors], indexing)
    return [(t.reshape(s), common) for t, s in zip(tensors, shapes, strict=True)]


def _infer_meshgrid(tensors: Sequence[TensorType], indexing: str = "ij") -> list[TensorType]:
    _check_grid(tensors, indexing)
    _, common = _grid_shapes([t.sizes[0] if t.sizes else 1 for t in tensors], indexing)
    return [tensor(t.element, common) for t in tensors]


def _decompose_meshgrid(emit: Emitter, tensors: Sequence[Any], indexing: str = "ij") -> list[Any]:
    counts = [numel(emit.type(t).sizes) for t in tensors]
    shapes, common = _grid_shapes(counts, indexing)
    return [
        emit("expand", emit("view", t, list(s)), list(common), False)
        for t, s in zip(tensors, shapes, strict=True)
    ]


meshgrid = op(
    "aten::meshgrid(Tensor[] tensors) -> Tensor[]",
    reference=_meshgrid,
    infer=_infer_meshgrid,
    lower=Decompose(_decompose_meshgrid),
    tolerance=EXACT,
    samples=(([f32(3), f32(2)],), ([f32(4)],)),
)
meshgrid_indexing = op(
    "aten::meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]",
    reference=_meshgrid,
    infer=_infer_meshgrid,
    lower=Decompose(_decompose_meshgrid),
    tolerance=EXACT,
    samples=(([f32(3), f32(2)], "ij"), ([f32(3), f32(2), f32(4)], "xy")),
)
