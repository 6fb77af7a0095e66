"""Factors of matrices: QR, singular values, eigenvalues."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops import routines
from treadle.ops.lapack import GOOD, PAIR, TALL, WHOLE, Array, adjoint, defined, matrix, real
from treadle.ops.shapes import tensor


def _infer_qr(a: TensorType, mode: str = "reduced") -> tuple[TensorType, TensorType]:
    matrix("linalg_qr", a)
    if mode not in ("reduced", "complete", "r"):
        raise ShapeError(f"linalg_qr: mode {mode!r}; allowed: reduced, complete, r")
    *batch, m, n = a.sizes
    k = m if mode == "complete" else min(m, n)
    q = (0,) if mode == "r" else (*batch, m, k)
    return tensor(a.element, q), tensor(a.element, (*batch, k, n))


def _qr(a: Array, mode: str = "reduced") -> tuple[Array, Array]:
    q, r = routines.qr(a, mode == "complete")
    return (np.empty(0) if mode == "r" else q), r


defined(
    'aten::linalg_qr(Tensor A, str mode="reduced") -> (Tensor Q, Tensor R)', _infer_qr, _qr,
    tuple((TALL, mode) for mode in ("reduced", "complete", "r")),
)  # fmt: skip
defined(
    "aten::qr(Tensor self, bool some=True) -> (Tensor Q, Tensor R)",
    lambda a, some: _infer_qr(a, "reduced" if some else "complete"),
    lambda a, some: _qr(a, "reduced" if some else "complete"),
    ((TALL, True),),
)


def _infer_svd(a: TensorType, full: bool, *_: Any) -> tuple[TensorType, ...]:
    matrix("linalg_svd", a)
    *batch, m, n = a.sizes
    k = min(m, n)
    shapes = ((*batch, m, m if full else k), (*batch, n if full else k, n))
    u, vh = (tensor(a.element, s) for s in shapes)
    return u, tensor(real(a), (*batch, k)), vh


def _infer_singular(a: TensorType, *_: Any) -> TensorType:
    return _infer_svd(a, False)[1]


defined(
    "aten::linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor "
    "S, Tensor Vh)",
    _infer_svd,
    lambda a, full, _: routines.svd(a, full),
    (),
)
defined(
    "aten::linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor", _infer_singular,
    lambda a, _: routines.svdvals(a), ((TALL, None), (PAIR, None)),
)  # fmt: skip


def _infer_old_svd(a: TensorType, some: bool, compute: bool) -> tuple[TensorType, ...]:
    u, s, vh = _infer_svd(a, not some)
    return u, s, tensor(vh.element, (*vh.sizes[:-2], vh.sizes[-1], vh.sizes[-2]))


def _old_svd(a: Array, some: bool, compute: bool) -> tuple[Array, ...]:
    u, s, vh = routines.svd(a, not some)
    v = adjoint(vh)
    return (u, s, v) if compute else (np.zeros_like(u), s, np.zeros_like(v))


defined(
    "aten::svd(Tensor self, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor "
    "V)",
    _infer_old_svd, _old_svd, (),
)  # fmt: skip


def _infer_eigh(a: TensorType, *_: Any) -> tuple[TensorType, TensorType]:
    matrix("linalg_eigh", a, square=True)
    return tensor(real(a), a.sizes[:-1]), a


def _infer_eig(a: TensorType) -> tuple[TensorType, TensorType]:
    matrix("linalg_eig", a, square=True)
    dtype = WHOLE.get(a.element.name, a.element)
    return tensor(dtype, a.sizes[:-1]), tensor(dtype, a.sizes)


defined(
    'aten::linalg_eigh(Tensor self, str UPLO="L") -> (Tensor eigenvalues, Tensor eigenvectors)',
    _infer_eigh, routines.eigh, (),
)  # fmt: skip
defined(
    'aten::linalg_eigvalsh(Tensor self, str UPLO="L") -> Tensor',
    lambda a, _: _infer_eigh(a)[0], np.linalg.eigvalsh, ((GOOD, "L"), (GOOD, "U")),
)  # fmt: skip
defined(
    "aten::linalg_eig(Tensor self) -> (Tensor eigenvalues, Tensor eigenvectors)",
    _infer_eig, lambda a: tuple(np.linalg.eig(a)), (),
)  # fmt: skip
defined(
    "aten::linalg_eigvals(Tensor self) -> Tensor", lambda a: _infer_eig(a)[0],
    np.linalg.eigvals, (),
)  # fmt: skip
