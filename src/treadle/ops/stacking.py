"""Tensors put together and turned: stacks, products of sets, rotations, powers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ops.composite import Operand, composite
from treadle.ops.declare import EXACT
from treadle.ops.promotion import promote
from treadle.ops.samples import f32, f64, i64, u8
from treadle.ops.shapes import wrap_dim


def joined(parts: Sequence[Operand], dim: int) -> Operand:
    """The tensors side by side."""
    result = parts[0].apply("cat", list(parts), dim)
    assert isinstance(result, Operand)
    return result


# --- at least so many dims ----------------------------------------------------------------------


def _at_least(x: Operand, dims: int) -> Operand:
    lead = {(1, 0): 1, (2, 0): 2, (2, 1): 1, (3, 0): 3, (3, 1): 1, (3, 2): 0}.get(
        (dims, len(x.shape)), 0
    )
    tail = {(3, 1): 1, (3, 2): 1}.get((dims, len(x.shape)), 0)
    return x.reshape(*[1] * lead, *x.shape, *[1] * tail) if lead or tail else x


for _dims in (1, 2, 3):

    def _one(x: Operand, dims: int = _dims) -> Operand:
        return _at_least(x, dims)

    def _many(tensors: Sequence[Operand], dims: int = _dims) -> list[Operand]:
        return [_at_least(x, dims) for x in tensors]

    composite(
        f"aten::atleast_{_dims}d(Tensor self) -> Tensor",
        _one,
        samples=((f32(),), (f32(3),), (f32(2, 3),), (f32(2, 3, 4),)),
        tolerance=EXACT,
    )
    composite(
        f"aten::atleast_{_dims}d.Sequence(Tensor[] tensors) -> Tensor[]",
        _many,
        samples=(([f32(), f32(3), f32(2, 3)],),),
        tolerance=EXACT,
    )


def _columns(tensors: Sequence[Operand]) -> Operand:
    return joined([x if len(x.shape) > 1 else x.reshape(-1, 1) for x in tensors], 1)


composite(
    "aten::column_stack(Tensor[] tensors) -> Tensor",
    _columns,
    samples=(([f32(3), f32(3, 2), f32(3)],),),
    tolerance=EXACT,
)
composite(
    "aten::dstack(Tensor[] tensors) -> Tensor",
    lambda tensors: joined([_at_least(x, 3) for x in tensors], 2),
    samples=(([f32(3, 2), f32(3, 2)],), ([f32(3), f32(3)],), ([f32(2, 3, 1), f32(2, 3, 2)],)),
    tolerance=EXACT,
)


def _blocks(tensors: Sequence[Operand]) -> Operand:
    """Matrices on the diagonal, zeros elsewhere."""
    matrices = [_at_least(x, 2) for x in tensors]
    if any(len(x.shape) > 2 for x in matrices):
        raise ShapeError("block_diag: tensors must have at most 2 dims")
    for dtype in {x.dtype for x in matrices}:
        matrices = [x.to(promote(x.dtype, dtype)) for x in matrices]
    width, before, rows = sum(x.shape[1] for x in matrices), 0, []
    for x in matrices:
        after = width - before - x.shape[1]
        rows.append(x.op("constant_pad_nd", [before, after], 0))
        before += x.shape[1]
    return joined(rows, 0)


composite(
    "aten::block_diag(Tensor[] tensors) -> Tensor",
    _blocks,
    samples=(([f32(2, 3), f32(1, 1), f32(3)],), ([f32()],), ([f64(1, 2), f32(2, 2)],)),
    tolerance=EXACT,
)


def _cartesian(tensors: Sequence[Operand]) -> Operand:
    if len(tensors) == 1:
        return tensors[0] if tensors[0].shape else tensors[0].reshape(1)
    grid = tensors[0].apply("meshgrid.indexing", list(tensors), "ij")
    return joined([g.reshape(-1, 1) for g in grid], 1)


composite(
    "aten::cartesian_prod(Tensor[] tensors) -> Tensor",
    _cartesian,
    samples=(([f32(3), f32(2)],), ([f32(3)],)),
    tolerance=EXACT,
)


def _combinations(x: Operand, r: int, with_replacement: bool) -> Operand:
    if len(x.shape) != 1:
        raise ShapeError(f"combinations: needs 1 dim, got {list(x.shape)}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(int(x.shape[0])), r)), np.int64).reshape(-1, r)
    result = x.op("index.Tensor", [x.given(rows, dtypes.i64)])
    assert isinstance(result, Operand)
    return result


composite(
    "aten::combinations(Tensor self, int r=2, bool with_replacement=False) -> Tensor",
    _combinations,
    samples=((f32(5), 2, False), (f32(4), 3, True)),
    tolerance=EXACT,
)


# --- split along a dim that the name tells ------------------------------------------------------


def _define_split(name: str, dim: Callable[[int], int], least: int) -> None:
    """``hsplit`` and its kin, by a number of equal parts or at indices."""

    def equal(x: Operand, sections: int) -> Any:
        axis = dim(len(x.shape))
        if len(x.shape) < least or sections <= 0 or x.shape[axis] % sections:
            raise ShapeError(f"{name}: {list(x.shape)} into {sections} equal parts")
        return x.op("tensor_split.sections", sections, axis)

    def at(x: Operand, indices: Sequence[int]) -> Any:
        if len(x.shape) < least:
            raise ShapeError(f"{name}: needs {least} dims, got {list(x.shape)}")
        return x.op("tensor_split.indices", list(indices), dim(len(x.shape)))

    head = f"aten::{name}.{{}}(Tensor(a -> *) self, {{}}) -> Tensor(a)[]"
    composite(
        head.format("int", "int sections"), equal, samples=((f32(4, 6, 2), 2),), tolerance=EXACT
    )
    composite(
        head.format("array", "int[] indices"), at, samples=((f32(4, 6, 3), [1, 2]),),
        tolerance=EXACT,
    )  # fmt: skip


_define_split("hsplit", lambda rank: 0 if rank == 1 else 1, 1)
_define_split("vsplit", lambda rank: 0, 2)
_define_split("dsplit", lambda rank: 2, 3)


# --- turned -------------------------------------------------------------------------------------


def _rot90(x: Operand, k: int, dims: Sequence[int]) -> Any:
    rank = len(x.shape)
    if len(dims) != 2 or rank < 2:
        raise ShapeError(f"rot90: needs two dims of {list(x.shape)}, got {list(dims)}")
    a, b = (wrap_dim("rot90", d, rank) for d in dims)
    if a == b:
        raise ShapeError(f"rot90: dims {list(dims)} must differ")
    turns = k % 4
    if turns == 2:
        return x.op("flip", [a, b])
    if turns == 1:
        return x.op("flip", [b]).op("transpose.int", a, b).op("clone")
    return x.op("transpose.int", a, b).op("flip", [b]) if turns else x.op("clone")


composite(
    "aten::rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor",
    _rot90,
    samples=tuple((f32(2, 3, 4), k, [0, 2]) for k in (-1, 0, 1, 2, 3)),
    tolerance=EXACT,
)


def _flipped(name: str, x: Operand, dim: int) -> Any:
    if len(x.shape) <= dim:
        raise ShapeError(f"{name}: input must have at least {dim + 1} dims, got {x.type}")
    return x.op("flip", [dim])


composite(
    "aten::fliplr(Tensor self) -> Tensor",
    lambda x: _flipped("fliplr", x, 1),
    samples=((f32(2, 3),),),
    tolerance=EXACT,
)
composite(
    "aten::flipud(Tensor self) -> Tensor",
    lambda x: _flipped("flipud", x, 0),
    samples=((f32(2, 3),), (i64(4),)),
    tolerance=EXACT,
)


def _unshuffle(x: Operand, factor: int) -> Any:
    """Blocks of ``factor * factor`` pixels become channels."""
    *batch, c, h, w = x.shape if len(x.shape) > 2 else (0, 0, 0)
    if len(x.shape) < 3 or factor < 1 or h % factor or w % factor:
        raise ShapeError(f"pixel_unshuffle: {list(x.shape)} by a factor of {factor}")
    n = len(batch)
    cut = x.reshape(*batch, c, h // factor, factor, w // factor, factor)
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3]
    turned = cut.op("permute", order)
    return turned.op("reshape", [*batch, c * factor * factor, h // factor, w // factor])


composite(
    "aten::pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor",
    _unshuffle,
    samples=((f32(2, 3, 4, 6), 2), (f32(2, 6, 3), 3)),
    tolerance=EXACT,
)


def _vander(x: Operand, count: int | None, increasing: bool) -> Any:
    """Powers of each element, side by side; the highest first unless `increasing`."""
    x = x if x.shape else x.reshape(1)
    n = int(x.shape[-1] if count is None else count)
    if n < 0:
        raise ShapeError(f"vander: {n} columns")
    powers = np.arange(n) if increasing else np.arange(n)[::-1]
    wide = x.to(dtypes.i64) if x.dtype.kind in "biu" else x
    return wide.op("unsqueeze", -1).op("pow.Tensor_Tensor", x.given(powers, wide.dtype))


composite(
    "aten::vander(Tensor x, int? N=None, bool increasing=False) -> Tensor",
    _vander,
    samples=((f32(4), None, False), (f32(3), 5, True), (i64(3), 2, False), (u8(3), 2, True)),
)
composite(
    "aten::linalg_vander(Tensor x, *, int? N=None) -> Tensor",
    lambda x, count: _vander(x, count, True),
    samples=((f32(2, 4), None), (f32(3), 2)),
    kinds="idc",
)
composite(
    "aten::narrow_copy(Tensor self, int dim, int start, int length) -> Tensor",
    lambda x, *rest: x.op("narrow", *rest).op("clone"),
    samples=((f32(3, 4), 1, 1, 2),),
    tolerance=EXACT,
)
