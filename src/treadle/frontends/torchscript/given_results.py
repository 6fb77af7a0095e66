"""Results that have a place already (``out=``): their names, and which dtypes they may have.

Source: PyTorch 2.13's ``.out`` overloads, each called with results of other dtypes.
"""

from __future__ import annotations

from treadle.ops import OPS
from treadle.ops.lowering import Pointwise

CHECK_OUT, WRITTEN_INTO = "treadle::check_out", "treadle::written_into"
"""Functions of `library`: whether a result fits into the tensor that is given for it; writing."""

RESULT_NAMES: dict[str, tuple[str, ...]] = {
    "aten::max": ("max", "max_values"), "aten::min": ("min", "min_indices"),
    "aten::linalg_eigh": ("eigvals", "eigvecs"),
    "aten::linalg_eig": ("eigenvalues", "eigenvectors"),
    "aten::linalg_qr": ("Q", "R"), "aten::qr": ("Q", "R"),
    "aten::linalg_svd": ("U", "S", "Vh"), "aten::svd": ("U", "S", "V"),
    "aten::linalg_lu": ("P", "L", "U"), "aten::lu_unpack": ("P", "L", "U"),
    "aten::linalg_lu_factor": ("LU", "pivots"), "aten::linalg_slogdet": ("sign", "logabsdet"),
    "aten::frexp": ("mantissa", "exponent"), "aten::geqrf": ("a", "tau"),
    "aten::triangular_solve": ("X", "M"), "aten::aminmax": ("min", "max"),
    **{f"aten::{name}": ("values", "indices")
       for name in ("sort", "topk", "kthvalue", "mode", "median", "nanmedian", "cummax", "cummin")},
}  # fmt: skip
"""The arguments for the results of operators that have several; others have ``out``."""

TAKES_DTYPE_OF_OUT = frozenset(
    f"aten::{name}"
    for name in (
        "arange", "cumprod", "cumsum", "eye", "full", "linspace", "logspace", "mean", "nanmean",
        "nansum", "ones", "prod", "rand", "randint", "randn", "randperm", "range", "sum", "zeros",
    )
)  # fmt: skip
"""Operators that compute in the dtype of the tensor that is given for the result."""

_CASTS = frozenset({
    "addr", "cat", "concat", "concatenate", "diff", "ger", "hstack", "huber_loss", "igamma",
    "inner", "kron", "logsumexp", "matrix_power", "mse_loss", "nextafter", "outer",
    "smooth_l1_loss", "stack", "std", "var", "vstack",
})  # fmt: skip
_KEEPS = frozenset({
    "abs", "absolute", "ceil", "celu", "clamp", "clamp_max", "clamp_min", "clip", "elu", "fix",
    "floor", "frac", "gelu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "heaviside",
    "leaky_relu", "log_sigmoid", "mish", "nan_to_num", "neg", "negative", "relu", "round", "sign",
    "silu", "softplus", "softshrink", "trunc", "where",
})  # fmt: skip


def casts_into_out(name: str) -> bool:
    """Whether operator `name` writes into a tensor of another dtype if its result can be cast.

    Arithmetic by elements does; what moves elements or contracts wants the dtype of its result.
    """
    base = name.partition("::")[2]
    if base in _CASTS or name in TAKES_DTYPE_OF_OUT:
        return True
    lowers = [op.lower for op in OPS.overloads(name)]
    return base not in _KEEPS and any(isinstance(lower, Pointwise) for lower in lowers)
