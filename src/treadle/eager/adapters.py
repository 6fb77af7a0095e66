"""Functions that torch's Python interface writes otherwise than the operators below them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.eager.dtypes import as_dtype, as_element, dtype
from treadle.eager.lowrank import lobpcg, pca_lowrank, svd_lowrank
from treadle.eager.rewritten import apply_ as apply_
from treadle.eager.rewritten import as_strided_ as as_strided_
from treadle.eager.rewritten import map2_ as map2_
from treadle.eager.rewritten import map_ as map_
from treadle.eager.rewritten import set_ as set_
from treadle.eager.table import FUNCTIONS
from treadle.eager.values import tensor
from treadle.errors import IndexOutOfRange, InputError, ShapeError
from treadle.ops.inplace import can_cast as _can_cast
from treadle.ops.promotion import promote
from treadle.tensor import Size, Tensor


def make_function(name: str) -> Callable[..., Any]:
    """The function of the operators themselves, which the adapter of that name hides."""
    return FUNCTIONS.plain(name)


def norm(
    input: Any,
    p: Any = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: Any = None,
    dtype: Any = None,
) -> Tensor:
    """The p-norm of all elements, or along `dim`; ``"nuc"`` is the sum of singular values."""
    order: Any
    options = {"dtype": dtype} if out is None else {"dtype": dtype, "out": out}
    if p == "nuc":
        dims = range(-2, 0) if dim is None else dim
        name, order, dim = "linalg_matrix_norm", "nuc", [*dims]
    elif isinstance(p, str) and p != "fro":
        raise InputError(f"norm: argument p must be a number, 'fro' or 'nuc', got {p!r}")
    else:
        name, order = "linalg_vector_norm", 2 if isinstance(p, str) or p is None else p
    result: Tensor = FUNCTIONS[name](input, order, dim, keepdim, **options)
    return result


def lu(
    A: Any,  # noqa: N803  torch's name
    pivot: bool = True,
    get_infos: bool = False,
    out: Any = None,
) -> tuple[Tensor, ...]:
    """Both factors of a matrix in one, and its pivots; with `get_infos` which pivot is zero."""
    found = FUNCTIONS["linalg_lu_factor_ex"](A, pivot=pivot)[: 3 if get_infos else 2]
    if out is None:
        return tuple(found)
    return tuple(target.copy_(part) for target, part in zip(out, found, strict=True))


def promote_types(type1: Any, type2: Any) -> dtype:
    """The dtype that holds values of both."""
    return as_dtype(promote(as_element(type1), as_element(type2)).torch_name)


def can_cast(from_: Any, to: Any) -> bool:
    """Whether an operator may write values of one dtype into a tensor of the other."""
    return _can_cast(as_element(from_), as_element(to))


def unique(
    input: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in order; also where each element is among them, and how often.

    With `dim`, the distinct slices along it.
    """
    if dim is None:
        found = FUNCTIONS["_unique2"](input, sorted, return_inverse, return_counts)
    else:
        found = FUNCTIONS["unique_dim"](input, dim, sorted, return_inverse, return_counts)
    return _wanted(found, return_inverse, return_counts)


def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements, or slices along `dim`, without repeated neighbours."""
    function = make_function("unique_consecutive")
    found = function(input, return_inverse, return_counts, dim)
    return _wanted(found, return_inverse, return_counts)


def _wanted(found: Any, *others: bool) -> Any:
    """The first of several tensors, and those others that are wanted."""
    if not any(others):
        return found[0]
    rest = (tensor for tensor, is_wanted in zip(found[1:], others, strict=True) if is_wanted)
    return found[0], *rest


_DISTANCES = {
    "use_mm_for_euclid_dist_if_necessary": None,
    "use_mm_for_euclid_dist": 1,
    "donot_use_mm_for_euclid_dist": 2,
}


def cdist(
    x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """The p-norms of differences of all pairs of rows; `compute_mode` changes nothing."""
    if compute_mode not in _DISTANCES:
        raise InputError(
            f"cdist: argument compute_mode must be one of {[*_DISTANCES]}, got {compute_mode!r}"
        )
    result: Tensor = make_function("cdist")(x1, x2, p, _DISTANCES[compute_mode])
    return result


def stft(
    input: Any,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Any = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Fourier transforms of overlapping windows of the signal, padded on both sides if `center`."""
    if return_complex is None and any(np.iscomplexobj(x) for x in (input, window)):
        return_complex = True
    if return_complex is None:
        raise InputError("stft: argument return_complex must be True or False")
    result: Tensor = make_function("stft")(
        input, n_fft, hop_length, win_length, window, center, pad_mode, normalized, onesided,
        return_complex, align_to_window,
    )  # fmt: skip
    return result


def tensordot(a: Any, b: Any, dims: Any = 2, out: Any = None) -> Tensor:
    """The product summed over the last dims of `a` and the first of `b`, or over dims listed."""
    pair = (range(-dims, 0), range(dims)) if isinstance(dims, int) else dims
    over = [[d] if isinstance(d, int) else [*d] for d in pair]
    options = {} if out is None else {"out": out}
    result: Tensor = make_function("tensordot")(a, b, *over, **options)
    return result


def unravel_index(indices: Any, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, one tensor a dim, of positions in a flattened tensor of `shape`."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    positions = np.asarray(indices)
    if positions.dtype.kind not in "iu" or any(n < 0 for n in sizes):
        raise InputError(f"unravel_index: {positions.dtype} indices into shape {list(sizes)}")
    try:
        found = np.unravel_index(positions, sizes)
    except ValueError as error:
        raise IndexOutOfRange(f"unravel_index: {error}") from None
    return tuple(Tensor(np.asarray(part, np.int64)) for part in found)


def argwhere(input: Any) -> Tensor:
    """The positions of elements that are not zero, one a row."""
    result: Tensor = FUNCTIONS["nonzero"](input)
    return result


def nonzero(input: Any, *, as_tuple: bool = False, out: Tensor | None = None) -> Any:
    """The positions of elements that are not zero, one a row; or a tensor for each dim."""
    if as_tuple:
        return FUNCTIONS["nonzero_numpy"](input)
    options = {} if out is None else {"out": out}
    return make_function("nonzero")(input, **options)


def is_nonzero(input: Any) -> bool:
    """Whether the only element of a tensor is not zero."""
    return bool(Tensor(input).item())


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape to which tensors of these shapes broadcast.

    Raises:
        ShapeError: if they do not.
    """
    sizes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    try:
        return Size(np.broadcast_shapes(*sizes))
    except ValueError:
        listed = ", ".join(str(list(s)) for s in sizes)
        raise ShapeError(f"broadcast_shapes: {listed} do not broadcast") from None


def new_tensor(
    input: Any, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of a copy of `data`, by default of the dtype of `input`."""
    chosen = Tensor(input).dtype if dtype is None else dtype
    return tensor(data, dtype=chosen, device=device, requires_grad=requires_grad)


def _query(name: str) -> Callable[[Any], Any]:
    """The function that asks a tensor what its method of that name tells."""
    method = getattr(Tensor, name)

    def function(input: Any) -> Any:
        return method(input if type(input) is Tensor else Tensor(input))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = method.__doc__
    return function


is_complex, is_floating_point = _query("is_complex"), _query("is_floating_point")
numel = _query("numel")
ADAPTERS: dict[str, Callable[..., Any]] = {
    "apply_": apply_,
    "as_strided_": as_strided_,
    "argwhere": argwhere,
    "broadcast_shapes": broadcast_shapes,
    "can_cast": can_cast,
    "cdist": cdist,
    "is_complex": is_complex,
    "is_floating_point": is_floating_point,
    "is_nonzero": is_nonzero,
    "map2_": map2_,
    "map_": map_,
    "new_tensor": new_tensor,
    "nonzero": nonzero,
    "lobpcg": lobpcg,
    "lu": lu,
    "norm": norm,
    "numel": numel,
    "pca_lowrank": pca_lowrank,
    "promote_types": promote_types,
    "set_": set_,
    "stft": stft,
    "svd_lowrank": svd_lowrank,
    "tensordot": tensordot,
    "unique": unique,
    "unique_consecutive": unique_consecutive,
    "unravel_index": unravel_index,
}
