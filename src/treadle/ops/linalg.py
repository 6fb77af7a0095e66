"""Linear algebra by LAPACK, which the interpreter calls through NumPy: solves, factors, spectra."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ScriptError, ShapeError
from treadle.ir import dtypes
from treadle.ir.op import Tolerance
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite, renamed
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import f32, f64, given
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]
TOLERANCE = Tolerance(1e-4, 1e-5, "LAPACK's order of operations is the library's")
_REAL = {"c64": dtypes.f32, "c128": dtypes.f64}
_WHOLE = {"f32": dtypes.c64, "f64": dtypes.c128}
_GOOD = given([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 5.0]])
_PAIR = given([[[2.0, 1.0], [1.0, 3.0]], [[1.0, 0.5], [-0.5, 2.0]]], dtypes.f64)
_TALL = given([[1.0, 2.0], [3.0, -4.0], [0.5, 6.0]])


def _matrix(name: str, x: Any, *, square: bool = False) -> None:
    """Check that `x` holds matrices of a dtype that LAPACK takes.

    Raises:
        ShapeError: if not.
    """
    fits = len(x.shape) >= 2 and (not square or x.shape[-1] == x.shape[-2])
    if not fits or dtype_of(x).name not in ("f32", "f64", "c64", "c128"):
        kind = "square matrices" if square else "matrices"
        raise ShapeError(
            f"{name}: needs {kind} of f32, f64 or complex, got {x.shape} {dtype_of(x)}"
        )


def _real(x: Any) -> dtypes.DType:
    return _REAL.get(dtype_of(x).name, dtype_of(x))


def _type(x: Array) -> TensorType:
    return tensor(dtype_of(x), x.shape)


def _defined(
    schema: str,
    infer: Callable[..., Any],
    compute: Callable[..., Any],
    samples: tuple[tuple[Any, ...], ...],
) -> Any:
    """Define an operator whose reference casts what NumPy gives to what `infer` tells."""
    name = schema.partition("(")[0]

    def reference(*args: Any) -> Any:
        types = infer(*(_type(a) if isinstance(a, np.ndarray) else a for a in args))
        try:
            found = compute(*args)
        except np.linalg.LinAlgError as error:
            raise ScriptError(f"{name}: {error}", "RuntimeError") from error
        if isinstance(types, tuple):
            return tuple(_cast(f, t) for f, t in zip(found, types, strict=True))
        return _cast(found, types)

    return op(schema, reference=reference, infer=infer, tolerance=TOLERANCE, samples=samples)


def _cast(array: Any, type_: TensorType) -> Array:
    return np.ascontiguousarray(np.asarray(array).astype(type_.element.numpy)).reshape(type_.sizes)


# --- solves -------------------------------------------------------------------------------------


def _infer_square(name: str) -> Callable[..., TensorType]:
    def infer(x: TensorType, *_: Any) -> TensorType:
        _matrix(name, x, square=True)
        return x

    return infer


def _solved(a: TensorType, b: TensorType, left: bool = True) -> TensorType:
    """Vectors are solved for if B has one dim, or the batch of A and its columns."""
    _matrix("linalg_solve", a, square=True)
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
        return np.linalg.solve(a, b[..., None])[..., 0]
    if left:
        return np.linalg.solve(a, b)
    return np.swapaxes(np.linalg.solve(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)


inv = _defined(
    "aten::linalg_inv(Tensor A) -> Tensor", _infer_square("linalg_inv"), np.linalg.inv,
    ((_GOOD,), (_PAIR,), (f32(0, 0),)),
)  # fmt: skip
_defined(
    "aten::inverse(Tensor self) -> Tensor", _infer_square("inverse"), np.linalg.inv, ((_GOOD,),)
)
_defined(
    "aten::linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)",
    lambda a, _: (inv.infer(a), tensor(dtypes.i32, a.sizes[:-2])),
    lambda a, _: (np.linalg.inv(a), np.zeros(a.shape[:-2])),
    ((_GOOD, False),),
)
_defined(
    "aten::linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", _solved, _solve,
    ((_GOOD, f32(3, 2), True), (_GOOD, f32(3), True), (_GOOD, f32(2, 3), False),
     (_PAIR, f64(2, 2, 3), True)),
)  # fmt: skip
_defined(
    "aten::linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> "
    "(Tensor result, Tensor info)",
    lambda a, b, left, _: (_solved(a, b, left), tensor(dtypes.i32, a.sizes[:-2])),
    lambda a, b, left, _: (_solve(a, b, left), np.zeros(a.shape[:-2])),
    ((_GOOD, f32(3, 2), True, False),),
)


def _triangle(a: Array, upper: bool, unit: bool) -> Array:
    part = np.triu(a) if upper else np.tril(a)
    if unit:
        i = np.arange(a.shape[-1])
        part[..., i, i] = 1
    return part


_defined(
    "aten::linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, bool "
    "unitriangular=False) -> Tensor",
    lambda a, b, upper, left, unit: _solved(a, b, left),
    lambda a, b, upper, left, unit: _solve(_triangle(a, upper, unit), b, left),
    ((_GOOD, f32(3, 2), True, True, False), (_GOOD, f32(2, 3), False, False, True)),
)


def _cholesky(a: Array, upper: bool = False, *_: Any) -> Array:
    low = np.linalg.cholesky(np.conj(np.swapaxes(a, -1, -2)) if upper else a)
    return np.conj(np.swapaxes(low, -1, -2)) if upper else low


for _schema in (
    "aten::linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor",
    "aten::cholesky(Tensor self, bool upper=False) -> Tensor",
):
    _defined(_schema, _infer_square("cholesky"), _cholesky, ((_GOOD, False), (_GOOD, True)))
_defined(
    "aten::cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor",
    lambda b, low, upper: _solved(low, b),
    lambda b, low, upper: np.linalg.solve(
        np.swapaxes(low, -1, -2) @ low if upper else low @ np.swapaxes(low, -1, -2), b
    ),
    ((f32(3, 2), given([[2.0, 0.0, 0.0], [0.5, 1.5, 0.0], [0.1, -0.3, 1.0]]), False),),
)


# --- determinants and powers --------------------------------------------------------------------


def _infer_number(a: TensorType) -> TensorType:
    _matrix("det", a, square=True)
    return tensor(a.element, a.sizes[:-2])


def _infer_slogdet(a: TensorType) -> tuple[TensorType, TensorType]:
    return _infer_number(a), tensor(_real(a), a.sizes[:-2])


for _schema in ("aten::linalg_det(Tensor A) -> Tensor", "aten::det(Tensor self) -> Tensor"):
    _defined(_schema, _infer_number, np.linalg.det, ((_GOOD,), (_PAIR,)))
for _schema in ("linalg_slogdet(Tensor A)", "slogdet(Tensor self)"):
    _defined(
        f"aten::{_schema} -> (Tensor sign, Tensor logabsdet)", _infer_slogdet,
        lambda a: tuple(np.linalg.slogdet(a)), ((_GOOD,), (_PAIR,)),
    )  # fmt: skip


def _logdet(a: Array) -> Array:
    sign, value = np.linalg.slogdet(a)
    return np.where(sign < 0, np.nan, value)


_defined("aten::logdet(Tensor self) -> Tensor", _infer_number, _logdet, ((_GOOD,), (_PAIR,)))
for _name in ("linalg_matrix_power", "matrix_power"):
    _defined(
        f"aten::{_name}(Tensor self, int n) -> Tensor", _infer_square(_name),
        np.linalg.matrix_power, ((_GOOD, 3), (_GOOD, 0), (_PAIR, -2)),
    )  # fmt: skip


def _exponential(a: Array) -> Array:
    """Scaling and squaring of a Taylor series in double precision."""
    wide = a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)
    norm = float(np.max(np.sum(np.abs(wide), -1), initial=0.0))
    squarings = max(0, math.ceil(math.log2(norm)) + 1) if norm > 0 else 0
    small = wide / 2**squarings
    term = np.broadcast_to(np.eye(a.shape[-1]), a.shape).astype(wide.dtype)
    total = term.copy()
    for i in range(1, 19):
        term = term @ small / i
        total = total + term
    for _ in range(squarings):
        total = total @ total
    return np.asarray(total)


for _name in ("linalg_matrix_exp", "matrix_exp"):
    _defined(
        f"aten::{_name}(Tensor self) -> Tensor", _infer_square(_name), _exponential,
        ((_GOOD,), (_PAIR,)),
    )  # fmt: skip


# --- factors ------------------------------------------------------------------------------------


def _infer_qr(a: TensorType, mode: str = "reduced") -> tuple[TensorType, TensorType]:
    _matrix("linalg_qr", a)
    if mode not in ("reduced", "complete", "r"):
        raise ShapeError(f"linalg_qr: mode {mode!r}; allowed: reduced, complete, r")
    *batch, m, n = a.sizes
    k = m if mode == "complete" else min(m, n)
    q = (0,) if mode == "r" else (*batch, m, k)
    return tensor(a.element, q), tensor(a.element, (*batch, k, n))


def _qr(a: Array, mode: str = "reduced") -> tuple[Array, Array]:
    q, r = np.linalg.qr(a, "reduced" if mode == "r" else mode)  # type: ignore[call-overload]
    return (np.empty(0) if mode == "r" else q), r


_defined(
    'aten::linalg_qr(Tensor A, str mode="reduced") -> (Tensor Q, Tensor R)', _infer_qr, _qr,
    tuple((_TALL, mode) for mode in ("reduced", "complete", "r")),
)  # fmt: skip
_defined(
    "aten::qr(Tensor self, bool some=True) -> (Tensor Q, Tensor R)",
    lambda a, some: _infer_qr(a, "reduced" if some else "complete"),
    lambda a, some: _qr(a, "reduced" if some else "complete"),
    ((_TALL, True),),
)


def _infer_svd(a: TensorType, full: bool, *_: Any) -> tuple[TensorType, ...]:
    _matrix("linalg_svd", a)
    *batch, m, n = a.sizes
    k = min(m, n)
    shapes = ((*batch, m, m if full else k), (*batch, n if full else k, n))
    u, vh = (tensor(a.element, s) for s in shapes)
    return u, tensor(_real(a), (*batch, k)), vh


def _infer_singular(a: TensorType, *_: Any) -> TensorType:
    return _infer_svd(a, False)[1]


_defined(
    "aten::linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor "
    "S, Tensor Vh)",
    _infer_svd,
    lambda a, full, _: tuple(np.linalg.svd(a, full)),
    (),
)
_defined(
    "aten::linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor", _infer_singular,
    lambda a, _: np.linalg.svd(a, compute_uv=False), ((_TALL, None), (_PAIR, None)),
)  # fmt: skip


def _infer_old_svd(a: TensorType, some: bool, compute: bool) -> tuple[TensorType, ...]:
    u, s, vh = _infer_svd(a, not some)
    return u, s, tensor(vh.element, (*vh.sizes[:-2], vh.sizes[-1], vh.sizes[-2]))


def _old_svd(a: Array, some: bool, compute: bool) -> tuple[Array, ...]:
    u, s, vh = np.linalg.svd(a, not some)
    v = np.conj(np.swapaxes(vh, -1, -2))
    return (u, s, v) if compute else (np.zeros_like(u), s, np.zeros_like(v))


_defined(
    "aten::svd(Tensor self, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor "
    "V)",
    _infer_old_svd, _old_svd, (),
)  # fmt: skip


def _infer_eigh(a: TensorType, *_: Any) -> tuple[TensorType, TensorType]:
    _matrix("linalg_eigh", a, square=True)
    return tensor(_real(a), a.sizes[:-1]), a


def _infer_eig(a: TensorType) -> tuple[TensorType, TensorType]:
    _matrix("linalg_eig", a, square=True)
    dtype = _WHOLE.get(a.element.name, a.element)
    return tensor(dtype, a.sizes[:-1]), tensor(dtype, a.sizes)


_defined(
    'aten::linalg_eigh(Tensor self, str UPLO="L") -> (Tensor eigenvalues, Tensor eigenvectors)',
    _infer_eigh, lambda a, part: tuple(np.linalg.eigh(a, part)), (),
)  # fmt: skip
_defined(
    'aten::linalg_eigvalsh(Tensor self, str UPLO="L") -> Tensor',
    lambda a, _: _infer_eigh(a)[0], np.linalg.eigvalsh, ((_GOOD, "L"), (_GOOD, "U")),
)  # fmt: skip
_defined(
    "aten::linalg_eig(Tensor self) -> (Tensor eigenvalues, Tensor eigenvectors)",
    _infer_eig, lambda a: tuple(np.linalg.eig(a)), (),
)  # fmt: skip
_defined(
    "aten::linalg_eigvals(Tensor self) -> Tensor", lambda a: _infer_eig(a)[0],
    np.linalg.eigvals, (),
)  # fmt: skip


# --- pseudo-inverses, ranks and norms -----------------------------------------------------------


def _infer_pinv(a: TensorType, *_: Any) -> TensorType:
    _matrix("linalg_pinv", a)
    return tensor(a.element, (*a.sizes[:-2], a.sizes[-1], a.sizes[-2]))


def _pinv(a: Array, atol: float | None, rtol: float | None) -> Array:
    """The inverse on the singular values above both limits."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    most = s.max(-1, keepdims=True, initial=0.0)
    limit = np.maximum(atol or 0.0, _relative(a, atol, rtol) * most)
    inverse = np.where(s > limit, 1 / np.where(s > limit, s, 1), 0)
    v, adjoint = (np.conj(np.swapaxes(x, -1, -2)) for x in (vh, u))
    return np.asarray((v * inverse[..., None, :]) @ adjoint)


def _relative(a: Array, atol: float | None, rtol: float | None) -> float:
    if rtol is not None:
        return rtol
    return 0.0 if atol else max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)


def _rank(a: Array, atol: float | None, rtol: float | None, hermitian: bool) -> Array:
    s = np.linalg.svd(a, compute_uv=False)
    most = s.max(-1, keepdims=True, initial=0.0)
    limit = np.maximum(atol or 0.0, _relative(a, atol, rtol) * most)
    return np.asarray(np.sum(s > limit, -1))


def _infer_rank(a: TensorType, *_: Any) -> TensorType:
    _matrix("linalg_matrix_rank", a)
    return tensor(dtypes.i64, a.sizes[:-2])


_defined(
    "aten::linalg_pinv(Tensor self, float rcond, bool hermitian=False) -> Tensor", _infer_pinv,
    lambda a, rcond, _: _pinv(a, None, rcond), ((_TALL, 1e-6, False), (_GOOD, 1e-6, False)),
)  # fmt: skip
_defined(
    "aten::linalg_pinv.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool "
    "hermitian=False) -> Tensor",
    _infer_pinv, lambda a, atol, rtol, _: _pinv(a, atol, rtol), ((_TALL, None, None, False),),
)  # fmt: skip
_defined(
    "aten::pinverse(Tensor self, float rcond=1.0000000000000001e-15) -> Tensor", _infer_pinv,
    lambda a, rcond: _pinv(a, None, rcond), ((_TALL, 1e-15),),
)  # fmt: skip
_defined(
    "aten::linalg_matrix_rank(Tensor self, float tol, bool hermitian=False) -> Tensor",
    _infer_rank, lambda a, tol, hermitian: _rank(a, tol, 0.0, hermitian), ((_GOOD, 0.1, False),),
)  # fmt: skip
_defined(
    "aten::linalg_matrix_rank.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, "
    "bool hermitian=False) -> Tensor",
    _infer_rank, _rank, ((_GOOD, None, None, False), (_TALL, None, 0.9, False)),
)  # fmt: skip


def _infer_lstsq(a: TensorType, b: TensorType, *_: Any) -> tuple[TensorType, ...]:
    _matrix("linalg_lstsq", a)
    if len(a.sizes) != len(b.sizes) or a.sizes[:-1] != b.sizes[:-1]:
        raise ShapeError(f"linalg_lstsq: A {list(a.sizes)} does not fit B {list(b.sizes)}")
    solution = tensor(a.element, (*a.sizes[:-2], a.sizes[-1], b.sizes[-1]))
    none = tensor(a.element, (0,))
    return solution, none, tensor(dtypes.i64, (0,)), none


_defined(
    "aten::linalg_lstsq(Tensor self, Tensor b, float? rcond=None, *, str? driver=None) -> (Tensor "
    "solution, Tensor residuals, Tensor rank, Tensor singular_values)",
    _infer_lstsq,
    lambda a, b, rcond, _: (_pinv(a, None, rcond) @ b, np.empty(0), np.empty(0), np.empty(0)),
    (),
)


def _matrix_norm(
    x: Operand, order: float | str, dims: Sequence[int], keepdim: bool, dtype: int | None
) -> Any:
    """By sums and maxima; ``2`` and ``nuc`` by singular values."""
    x = x if dtype is None else x.op("to.dtype", dtype)
    rank = len(x.shape)
    if len(dims) != 2 or rank < 2:
        raise ShapeError(f"linalg_matrix_norm: dims {list(dims)} of {list(x.shape)}")
    row, column = (d % rank for d in dims)
    if order == "fro":
        return x.op("linalg_vector_norm", 2, [row, column], keepdim)
    if order in ("nuc", 2, -2):
        values = x.op("movedim.intlist", [row, column], [-2, -1]).op("linalg_svdvals", None)
        y = values.sum(-1) if order == "nuc" else values.op("amax" if order == 2 else "amin", [-1])
        return (
            y.reshape(*(1 if d in (row, column) else s for d, s in enumerate(x.shape)))
            if (keepdim)
            else y
        )
    if order not in (1, -1, math.inf, -math.inf):
        raise ShapeError(f"linalg_matrix_norm: ord {order!r}; allowed: fro, nuc, ±1, ±2, ±inf")
    summed, over = (row, column) if abs(float(order)) == 1 else (column, row)
    sums = abs(x).op("sum.dim_IntList", [summed], True)
    y = sums.op("amax" if float(order) > 0 else "amin", [over], True)
    return y if keepdim else y.op("squeeze.dims", [row, column])


_TAIL = "int[] dim=[-2, -1], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
composite(
    f"aten::linalg_matrix_norm(Tensor self, Scalar ord, {_TAIL}",
    _matrix_norm,
    samples=tuple(
        (f32(2, 3, 4), p, [-2, -1], k, None) for p in (1, -1, math.inf) for k in (False, True)
    ),
    tolerance=TOLERANCE,
)
composite(
    f'aten::linalg_matrix_norm.str_ord(Tensor self, str ord="fro", {_TAIL}',
    _matrix_norm,
    samples=((f32(2, 3, 4), "fro", [-2, -1], False, None), (f32(3, 4), "fro", [0, 1], True, None)),
    tolerance=TOLERANCE,
)


def _any_norm(
    x: Operand, order: Any, dim: Sequence[int] | None, keepdim: bool, dtype: int | None
) -> Any:
    if order is None:
        return x.op("linalg_vector_norm", 2, None if dim is None else list(dim), keepdim, dtype)
    dims = list(dim) if dim is not None else list(range(len(x.shape)))
    if len(dims) == 2 and not (dim is None and len(x.shape) == 1):
        return _matrix_norm(x, order, dims, keepdim, dtype)
    return x.op("linalg_vector_norm", order, dims, keepdim, dtype)


_TAIL = "int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor"
composite(
    f"aten::linalg_norm(Tensor self, Scalar? ord=None, {_TAIL}",
    _any_norm,
    samples=(
        (f32(3, 4), None, None, False, None),
        (f32(3, 4), 1, None, False, None),
        (f32(3, 4), 3.0, [1], True, None),
        (f32(3, 4, 2), math.inf, [0, 1], False, None),
    ),
    tolerance=TOLERANCE,
)
composite(
    f"aten::linalg_norm.ord_str(Tensor self, str ord, {_TAIL}",
    _any_norm,
    samples=((f32(3, 4), "fro", None, False, None),),
    tolerance=TOLERANCE,
)
composite(
    "aten::frobenius_norm.dim(Tensor self, int[1] dim, bool keepdim=False) -> Tensor",
    lambda x, dim, keepdim: x.op("linalg_vector_norm", 2, list(dim), keepdim),
    samples=((f32(3, 4), [0, 1], False), (f32(3, 4), [1], True)),
    tolerance=TOLERANCE,
)
renamed("matmul", "linalg_matmul")
