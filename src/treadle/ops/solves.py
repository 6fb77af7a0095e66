"""Systems of linear equations, inverses, and factors of Cholesky."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ScriptError, ShapeError
from treadle.ir import dtypes
from treadle.ir.types import TensorType
from treadle.ops import routines
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import op
from treadle.ops.lapack import GOOD, PAIR, TOLERANCE, Array, adjoint, defined, infer_square, matrix
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, f64, given
from treadle.ops.shapes import broadcast, numel, tensor


def solved(a: TensorType, b: TensorType, left: bool = True) -> TensorType:
    """Vectors are solved for if B has one dim, or the batch of A and its columns."""
    matrix("linalg_solve", a, square=True)
    if dtype_of(a) != dtype_of(b):
        raise ShapeError(f"linalg_solve: A is {a.element} and B is {b.element}")
    if _is_vector(a, b):
        if b.sizes[-1:] != a.sizes[-1:]:
            raise ShapeError(f"linalg_solve: A {list(a.sizes)} does not fit B {list(b.sizes)}")
        return tensor(b.element, (*a.sizes[:-2], a.sizes[-1]) if len(b.sizes) == 1 else b.sizes)
    n = b.sizes[-2] if left else b.sizes[-1]
    if n != a.sizes[-1]:
        raise ShapeError(f"linalg_solve: A {list(a.sizes)} does not fit B {list(b.sizes)}")
    batch = broadcast("linalg_solve", a.sizes[:-2], b.sizes[:-2])
    return tensor(b.element, (*batch, *b.sizes[-2:]))


def _is_vector(a: Any, b: Any) -> bool:
    return len(b.shape) == 1 or tuple(b.shape) == tuple(a.shape[:-1])


def _solve(a: Array, b: Array, left: bool = True) -> Array:
    if _is_vector(a, b):
        return routines.solve(a, b[..., None])[..., 0]
    if left:
        return routines.solve(a, b)
    return np.swapaxes(routines.solve(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)


inv = defined(
    "aten::linalg_inv(Tensor A) -> Tensor", infer_square("linalg_inv"), routines.inv,
    ((GOOD,), (PAIR,), (f32(0, 0),)),
)  # fmt: skip
defined("aten::inverse(Tensor self) -> Tensor", infer_square("inverse"), routines.inv, ((GOOD,),))
defined(
    "aten::linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)",
    lambda a, _: (inv.infer(a), tensor(dtypes.i32, a.sizes[:-2])),
    lambda a, _: (routines.inv(a), np.zeros(a.shape[:-2])),
    ((GOOD, False),),
)
defined(
    "aten::linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", solved, _solve,
    ((GOOD, f32(3, 2), True), (GOOD, f32(3), True), (GOOD, f32(2, 3), False),
     (PAIR, f64(2, 2, 3), True)),
)  # fmt: skip
defined(
    "aten::linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> "
    "(Tensor result, Tensor info)",
    lambda a, b, left, _: (solved(a, b, left), tensor(dtypes.i32, a.sizes[:-2])),
    lambda a, b, left, _: (_solve(a, b, left), np.zeros(a.shape[:-2])),
    ((GOOD, f32(3, 2), True, False),),
)


def _substituted(a: Array, b: Array, upper: bool, unit: bool, left: bool = True) -> Array:
    """The matrices, or vectors, that the triangles in `a` make `b` of."""
    if _is_vector(a, b):
        return _substituted(a, b[..., None], upper, unit)[..., 0]
    if left:
        return routines.substituted(a, b, upper, unit)
    turned = routines.substituted(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2), not upper, unit)
    return np.swapaxes(turned, -1, -2)


defined(
    "aten::linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, bool "
    "unitriangular=False) -> Tensor",
    lambda a, b, upper, left, unit: solved(a, b, left),
    lambda a, b, upper, left, unit: _substituted(a, b, upper, unit, left),
    ((GOOD, f32(3, 2), True, True, False), (GOOD, f32(2, 3), False, False, True)),
)


def _cholesky(a: Array, upper: bool = False, *_: Any) -> Array:
    low = routines.cholesky(adjoint(a) if upper else a)
    return adjoint(low) if upper else low


def _whole(factor: Array, upper: bool) -> Array:
    """The matrix of which `factor` is Cholesky's."""
    factor = np.triu(factor) if upper else np.tril(factor)
    return adjoint(factor) @ factor if upper else factor @ adjoint(factor)


def _cholesky_solve(b: Array, low: Array) -> Array:
    """The solution for the matrix of which `low` is Cholesky's factor."""
    return _substituted(adjoint(low), _substituted(low, b, False, False), True, False)


def _cholesky_ex(a: Array, upper: bool, check_errors: bool) -> tuple[Array, Array]:
    """The factor, and the order of the first minor that is not positive definite."""
    low, info = routines.cholesky_ex(adjoint(a) if upper else a)
    if check_errors and info.any():
        raise ScriptError("linalg_cholesky_ex: not positive definite", "RuntimeError")
    return np.ascontiguousarray(adjoint(low)) if upper else low, info


for _schema in (
    "aten::linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor",
    "aten::cholesky(Tensor self, bool upper=False) -> Tensor",
):
    defined(_schema, infer_square("cholesky"), _cholesky, ((GOOD, False), (GOOD, True)))
defined(
    "aten::cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor",
    lambda b, low, upper: solved(low, b),
    lambda b, factor, upper: _cholesky_solve(b, adjoint(factor) if upper else factor),
    ((f32(3, 2), given([[2.0, 0.0, 0.0], [0.5, 1.5, 0.0], [0.1, -0.3, 1.0]]), False),),
)
op(
    "aten::linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> "
    "(Tensor L, Tensor info)",
    infer=lambda a, *_: (infer_square("linalg_cholesky_ex")(a), tensor(dtypes.i32, a.sizes[:-2])),
    reference=_cholesky_ex,
    tolerance=TOLERANCE,
    samples=((GOOD, False, False), (PAIR, True, False)),
)
defined(
    "aten::cholesky_inverse(Tensor self, bool upper=False) -> Tensor",
    infer_square("cholesky_inverse"),
    lambda a, upper: routines.inv(_whole(a, upper)),
    ((GOOD, False), (PAIR, True)),
)
defined(
    "aten::triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool "
    "unitriangular=False) -> (Tensor solution, Tensor cloned_coefficient)",
    lambda b, a, *_: (solved(a, b), a),
    lambda b, a, upper, transposed, unit: (
        _triangular_solve(b, a, upper, transposed, unit),
        a.copy(),
    ),
    ((f32(3, 2), GOOD, True, False, False), (f32(3, 2), GOOD, False, True, True)),
)


def _triangular_solve(b: Array, a: Array, upper: bool, transposed: bool, unit: bool) -> Array:
    if transposed:
        a, upper = np.swapaxes(a, -1, -2), not upper
    return _substituted(a, b, upper, unit)


def _tensor_solve(a: Operand, b: Operand, dims: list[int] | None) -> Any:
    """The tensor that `a`, with `dims` moved to its end, makes `b` of."""
    if dims is not None:
        a = a.op("movedim.intlist", list(dims), list(range(-len(dims), 0)))
    shape = list(a.shape[len(b.shape) :])
    flat = a.reshape(numel(b.shape), -1)
    return flat.op("linalg_solve", b.reshape(-1)).op("reshape", shape)


def _tensor_inverse(a: Operand, count: int) -> Any:
    if not 0 < count < len(a.shape):
        raise ShapeError(f"linalg_tensorinv: argument ind {count} of {len(a.shape)} dims")
    flat = a.reshape(numel(a.shape[:count]), -1)
    return flat.op("linalg_inv").op("reshape", [*a.shape[count:], *a.shape[:count]])


composite(
    "aten::linalg_tensorsolve(Tensor self, Tensor other, int[]? dims=None) -> Tensor",
    _tensor_solve,
    samples=((f64(2, 3, 6), f64(2, 3), None), (f64(6, 2, 3), f64(2, 3), [0])),
    tolerance=TOLERANCE,
    planned=False,
)
composite(
    "aten::linalg_tensorinv(Tensor self, int ind=2) -> Tensor",
    _tensor_inverse,
    samples=((f64(2, 3, 6), 2), (f64(4, 2, 2), 1)),
    tolerance=TOLERANCE,
    planned=False,
)
