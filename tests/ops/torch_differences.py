"""How results of Treadle differ from torch's, and what of them is anybody's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.dlpack import from_dlpack

import treadle

RANDOM = frozenset({
    "alpha_dropout", "argsort", "bernoulli", "bernoulli_", "cauchy_", "dropout", "dropout1d",
    "dropout2d", "dropout3d", "dropout_", "empty", "empty_like", "empty_permuted", "empty_strided",
    "exponential_", "feature_alpha_dropout", "feature_dropout", "fractional_max_pool2d",
    "fractional_max_pool3d", "geometric_", "gumbel_softmax", "log_normal_", "multinomial",
    "native_dropout", "new_empty", "new_empty_strided", "normal", "normal_", "pca_lowrank",
    "poisson", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like", "random",
    "random_", "randperm", "rrelu", "rrelu_", "svd_lowrank", "uniform_",
})  # fmt: skip
"""Functions whose values are anybody's: shapes and dtypes are compared."""
TIES = frozenset({"topk", "kthvalue", "mode", "median", "nanmedian", "sort"})
"""Functions that give positions too, any of those of equal elements: these are not compared."""
SIGNS = frozenset({"eigh", "eig", "qr", "lobpcg"})
"""Functions whose results have columns of either sign (or phase): absolute values are compared."""
ROUNDED = frozenset({
    "grid_sample", "grid_sampler_2d", "grid_sampler_3d", "hinge_embedding_loss", "histc",
    "multi_head_attention_forward", "native_layer_norm", "scaled_dot_product_attention",
})  # fmt: skip
"""Functions that torch rounds to 16 bits between steps, where Treadle rounds the result alone."""
POLES = frozenset({"polygamma", "trigamma"})
"""Functions that are infinite where torch gives what is left of rounding pi times an integer."""
COARSE = frozenset({"bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "cov"})
"""Functions that torch gives to seven digits: of float64 between 5 and 6, or with f32 weights."""
TOLERANCES = {
    torch.float64: 1e-7, torch.complex128: 1e-7, torch.float32: 2e-5, torch.complex64: 2e-5,
    torch.float16: 4e-3, torch.bfloat16: 3e-2,
}  # fmt: skip


def difference(ours: Any, torchs: Any, name: str) -> str:
    """How `ours` differs from `torchs`, structures of tensors and numbers; empty if it does not."""
    if isinstance(torchs, torch.Tensor):
        return _tensor_difference(ours, torchs, name)
    if isinstance(torchs, list | tuple):
        if not isinstance(ours, list | tuple) or len(ours) != len(torchs):
            return f"{shown(ours)} in place of {shown(torchs)}"
        if name in TIES and type(torchs).__module__ == "torch.return_types":
            ours, torchs = ours[:1], torchs[:1]
        elif name == "svd" and len(torchs) == 3:  # what is left of a basis may be any
            ours, torchs = ours[1:2], torchs[1:2]
        differences = (difference(o, t, name) for o, t in zip(ours, torchs, strict=True))
        return next(filter(None, differences), "")
    if isinstance(torchs, dict):
        differences = (difference(ours[k], t, name) for k, t in torchs.items())
        return next(filter(None, differences), "")
    if isinstance(torchs, bool | int | float | complex | str):
        same = ours == torchs or (ours != ours and torchs != torchs) or name in RANDOM
        if isinstance(torchs, float) and isinstance(ours, float) and not same:
            same = bool(np.isclose(ours, torchs, rtol=1e-5))
        return "" if same else f"{ours!r} in place of {torchs!r}"
    return ""


def _tensor_difference(ours: Any, torchs: torch.Tensor, name: str) -> str:
    if torchs.layout is not torch.strided:
        return ""
    if not isinstance(ours, treadle.Tensor):
        return f"{type(ours).__name__} in place of a tensor"
    if tuple(ours.shape) != tuple(torchs.shape):
        return f"shape {list(ours.shape)} in place of {list(torchs.shape)}"
    if str(ours.dtype).rpartition(".")[2] != str(torchs.dtype).rpartition(".")[2]:
        return f"{ours.dtype} in place of {torchs.dtype}"
    if name in RANDOM:
        return ""
    wide = torch.complex128 if torchs.is_complex() else torch.float64
    if torchs.dtype is torch.int64:
        wide = torch.int64
    theirs = torchs.detach().resolve_conj().resolve_neg().to(wide).numpy()
    found = _to_torch(ours).to(wide).numpy()
    if name in SIGNS:
        theirs, found = np.abs(theirs), np.abs(found)
    tolerance = TOLERANCES.get(torchs.dtype, 0.0)
    tolerance = max(tolerance, TOLERANCES[torch.float32]) if name in COARSE else tolerance
    finite = np.abs(theirs[np.isfinite(theirs)])
    scale = float(finite.max()) if finite.size else 0.0
    limit = tolerance * max(scale, 1e-2)
    close = np.isclose(found, theirs, rtol=tolerance, atol=limit, equal_nan=True)
    close |= np.isinf(found) & (name in POLES)
    if close.all():
        return ""
    first = tuple(np.argwhere(~close)[0])
    return f"{found[first]} in place of {theirs[first]} at {list(map(int, first))}"


def is_short(tensor: torch.Tensor) -> bool:
    """Whether its elements are floats of 16 bits."""
    return tensor.dtype in (torch.float16, torch.bfloat16)


def _to_torch(tensor: treadle.Tensor) -> torch.Tensor:
    return from_dlpack(tensor.clone()) if tensor.numel() else torch.empty(tensor.shape)


def shown(value: Any) -> str:
    """A value as an example shows it: tensors by dtype and shape."""
    if isinstance(value, torch.Tensor | treadle.Tensor):
        return f"{str(value.dtype).rpartition('.')[2]}{list(value.shape)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return repr(value)
