"""Views of the same elements in the same order: other shapes, and identities.

References share memory, as torch's; `ops.strided` has the views that order elements differently.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir.types import TensorType
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Reshape
from treadle.ops.promotion import KINDS
from treadle.ops.samples import f32, i64
from treadle.ops.shapes import complete_shape, numel, tensor, wrap_dim

Array = np.ndarray[Any, Any]


def view_array(op_name: str, x: Array, shape: Sequence[int]) -> Array:
    """`x` under `shape`, sharing its memory.

    Raises:
        ShapeError: if no strides give that shape.
    """
    result = x.reshape(shape)
    if x.size and not np.may_share_memory(result, x):
        raise ShapeError(
            f"{op_name}: shape {list(shape)} is not a view of a tensor of shape {list(x.shape)}"
            f" and strides {[s // x.itemsize for s in x.strides]}; use reshape"
        )
    return result


# --- shapes -------------------------------------------------------------------------------------


def _view(x: Array, size: Sequence[int]) -> Array:
    return view_array("view", x, complete_shape("view", size, x.size))


def _infer_view(x: TensorType, size: Sequence[int]) -> TensorType:
    return tensor(x.element, complete_shape("view", size, numel(x.sizes)))


def _flat_shape(shape: Sequence[int], start: int, end: int) -> tuple[int, ...]:
    first, last = (wrap_dim("flatten", d, len(shape)) for d in (start, end))
    if first > last:
        raise ShapeError(f"flatten: start_dim {start} lies behind end_dim {end}")
    if not shape:
        return (1,)
    return (*shape[:first], numel(shape[first : last + 1]), *shape[last + 1 :])


def _flatten(x: Array, start: int, end: int) -> Array:
    return x.reshape(_flat_shape(x.shape, start, end))


def _infer_flatten(x: TensorType, start: int, end: int) -> TensorType:
    return tensor(x.element, _flat_shape(x.sizes, start, end))


view = op(
    "aten::view(Tensor(a) self, int[] size) -> Tensor(a)",
    reference=_view,
    infer=_infer_view,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 6), [3, 4]),
        (f32(2, 6), [-1]),
        (f32(), [1, 1]),
        (f32(0, 3), [3, 0]),
        (f32(4, 1, 3), [2, -1, 3]),
        (i64(1), []),
    ),
)
flatten = op(
    "aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)",
    reference=_flatten,
    infer=_infer_flatten,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 3, 4), 1, -1),
        (f32(2, 3, 4), 0, 1),
        (f32(), 0, -1),
        (f32(3), 0, 0),
        (f32(0, 2), 0, -1),
        (f32(3, 4, layout="transposed"), 0, 1),
    ),
)


def _reshape(x: Array, shape: Sequence[int]) -> Array:
    return x.reshape(complete_shape("reshape", shape, x.size))


def _like(other: Any) -> list[int]:
    return list(other.shape)


def _unflattened(shape: Sequence[int], dim: int, sizes: Sequence[int]) -> tuple[int, ...]:
    if not shape:
        raise ShapeError("unflatten: a tensor without dims has none to unflatten")
    axis = wrap_dim("unflatten", dim, len(shape))
    inner = complete_shape("unflatten", sizes, shape[axis])
    return (*shape[:axis], *inner, *shape[axis + 1 :])


reshape = op(
    "aten::reshape(Tensor(a) self, int[] shape) -> Tensor(a)",
    reference=_reshape,
    infer=_infer_view,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 6), [3, 4]),
        (f32(2, 6, layout="transposed"), [-1]),
        (f32(), [1]),
        (f32(0, 3), [3, 0]),
        (i64(4), [2, -1, 1]),
        (f32(2, 3, layout="strided"), [6]),
    ),
)
view_as = op(
    "aten::view_as(Tensor(a) self, Tensor other) -> Tensor(a)",
    reference=lambda x, other: _view(x, _like(other)),
    infer=lambda x, other: _infer_view(x, _like(other)),
    lower=Reshape(),
    tolerance=EXACT,
    samples=((f32(2, 6), f32(3, 4)), (f32(1), f32())),
)
reshape_as = op(
    "aten::reshape_as(Tensor(a) self, Tensor other) -> Tensor(a)",
    reference=lambda x, other: _reshape(x, _like(other)),
    infer=lambda x, other: _infer_view(x, _like(other)),
    lower=Reshape(),
    tolerance=EXACT,
    samples=((f32(2, 6, layout="transposed"), f32(3, 4)),),
)
ravel = op(
    "aten::ravel(Tensor(a) self) -> Tensor(a)",
    reference=lambda x: _contiguous(x, 0).reshape(-1),
    infer=lambda x: _infer_view(x, [-1]),
    lower=Reshape(),
    tolerance=EXACT,
    samples=((f32(2, 3),), (f32(),), (f32(0),), (f32(5),)),
)
unflatten = op(
    "aten::unflatten.int(Tensor(a) self, int dim, int[] sizes) -> Tensor(a)",
    reference=lambda x, dim, sizes: view_array("unflatten", x, _unflattened(x.shape, dim, sizes)),
    infer=lambda x, dim, sizes: tensor(x.element, _unflattened(x.sizes, dim, sizes)),
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 6), 1, [2, 3]),
        (f32(6, 2), 0, [-1, 3]),
        (f32(6, 4, layout="transposed"), -1, [2, 2]),
    ),
)


# --- identities ---------------------------------------------------------------------------------


def _contiguous(x: Array, memory_format: int) -> Array:
    return x if x.flags.c_contiguous else np.ascontiguousarray(x)


contiguous = op(
    "aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)",
    reference=_contiguous,
    infer=lambda x, _: x,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 3), 0),
        (f32(2, 3, layout="transposed"), 0),
        (f32(), 0),
        (f32(0, 2), 0),
    ),
)


def _identity(
    schema: str, reference: Callable[[Array], Array] = lambda x: x, kinds: str = KINDS
) -> None:
    op(
        schema,
        reference=reference,
        infer=lambda x: x,
        lower=Reshape(),
        tolerance=EXACT,
        samples=((f32(2, 3),), (f32(),), (f32(0, 2),), (f32(2, 3, layout="transposed"),)),
        kinds=kinds,
    )


def _same_memory(x: Array) -> Array:
    return x[...]


_identity("aten::detach(Tensor(a) self) -> Tensor(a)", _same_memory)
_identity("aten::alias(Tensor(a) self) -> Tensor(a)", _same_memory)
_identity("aten::data(Tensor self) -> Tensor", _same_memory)
_identity("aten::positive(Tensor(a) self) -> Tensor(a)", kinds="ifc")
_identity("aten::resolve_conj(Tensor(a) self) -> Tensor(a)")
_identity("aten::resolve_neg(Tensor(a) self) -> Tensor(a)")
_identity("aten::lift_fresh(Tensor(a) self) -> Tensor(a)")


# --- dims of size one ---------------------------------------------------------------------------


def _unsqueezed(shape: Sequence[int], dim: int) -> tuple[int, ...]:
    axis = wrap_dim("unsqueeze", dim, len(shape) + 1)
    return (*shape[:axis], 1, *shape[axis:])


def _infer_unsqueeze(x: TensorType, dim: int) -> TensorType:
    return tensor(x.element, _unsqueezed(x.sizes, dim))


def _squeezable(name: str, shape: Sequence[int], dims: Sequence[int]) -> list[int]:
    wrapped = [wrap_dim(name, d, len(shape)) for d in dims]
    return [i for i, d in enumerate(shape) if d == 1 and i in wrapped]


def _squeezed(shape: Sequence[int], dims: Sequence[int]) -> tuple[int, ...]:
    gone = _squeezable("squeeze", shape, dims)
    return tuple(d for i, d in enumerate(shape) if i not in gone)


def _infer_squeeze(x: TensorType, dim: int) -> TensorType:
    return tensor(x.element, _squeezed(x.sizes, [dim]))


unsqueeze = op(
    "aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)",
    reference=lambda x, dim: x.reshape(_unsqueezed(x.shape, dim)),
    infer=_infer_unsqueeze,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 3), 1),
        (f32(), 0),
        (f32(2), -1),
        (f32(0), 0),
        (f32(2, 3, layout="transposed"), -2),
    ),
)
squeeze_dim = op(
    "aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)",
    reference=lambda x, dim: x.reshape(_squeezed(x.shape, [dim])),
    infer=_infer_squeeze,
    lower=Reshape(),
    tolerance=EXACT,
    samples=(
        (f32(2, 1, 3), 1),
        (f32(2, 3), 0),
        (f32(), -1),
        (f32(1), 0),
        (f32(0, 1), 1),
    ),
)
squeeze = op(
    "aten::squeeze(Tensor(a) self) -> Tensor(a)",
    reference=lambda x: x.reshape([d for d in x.shape if d != 1]),
    infer=lambda x: tensor(x.element, [d for d in x.sizes if d != 1]),
    lower=Reshape(),
    tolerance=EXACT,
    samples=((f32(1, 2, 1),), (f32(1),), (f32(),), (f32(0, 1),)),
)
squeeze_dims = op(
    "aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)",
    reference=lambda x, dims: x.reshape(_squeezed(x.shape, dims)),
    infer=lambda x, dims: tensor(x.element, _squeezed(x.sizes, dims)),
    lower=Reshape(),
    tolerance=EXACT,
    samples=((f32(1, 2, 1), [0, 2]), (f32(1, 2, 1), [0, 1]), (f32(), [])),
)


# --- what only training uses --------------------------------------------------------------------


def _same_object(schema: str) -> None:
    """Marks that inference has no use for: the tensor itself."""
    op(schema, reference=lambda x, *_: x, infer=lambda x, *_: x, tolerance=EXACT)


_same_object("aten::requires_grad_(Tensor(a!) self, bool requires_grad=True) -> Tensor(a!)")
_same_object("aten::detach_(Tensor(a!) self) -> Tensor(a!)")
