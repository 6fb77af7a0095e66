"""Fourier transforms, and the orders of their frequencies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ir import dtypes
from treadle.ir.dtypes import DType
from treadle.ir.op import Tolerance
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, composite, made_of
from treadle.ops.creation import default
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import c64, f32, f64, i64
from treadle.ops.shapes import tensor, wrap_dim
from treadle.ops.transforms import transformed

Array = np.ndarray[Any, Any]
TOLERANCE = Tolerance(1e-5, 1e-5, "sums in the order of another algorithm")
_NORMS = (None, "backward", "ortho", "forward")
_REST = (None, None, None)


def _real(dtype: DType) -> DType:
    """The real dtype in which a transform of `dtype` computes."""
    return dtypes.f64 if dtype.name in ("f64", "c128") else dtypes.f32


def _whole(dtype: DType) -> DType:
    return dtypes.c128 if dtype.name in ("f64", "c128") else dtypes.c64


def _check(name: str, x: Any, norm: str | None, *, real: bool = False) -> None:
    dtype = dtype_of(x)
    if norm not in _NORMS:
        raise ShapeError(f"{name}: norm {norm!r}; allowed: forward, backward, ortho")
    if dtype.itemsize == 2 and dtype.is_floating:
        raise ShapeError(f"{name}: no transform of {dtype}")
    if real and dtype.is_complex:
        raise ShapeError(f"{name}: expects real numbers, got {dtype}")


class _Kind:
    """One transform: whether it takes and gives real numbers, and NumPy's function for it."""

    __slots__ = ("forward", "gives_real", "name", "takes_real")

    def __init__(self, name: str) -> None:
        self.name = name
        inner = name.removeprefix("fft_").rstrip("2n")
        self.takes_real = inner in ("rfft", "ihfft")
        self.gives_real = inner in ("irfft", "hfft")
        self.forward = inner in ("fft", "rfft", "hfft")

    def length(self, size: int, n: int | None) -> tuple[int, int]:
        """The length transformed over, and that of the result."""
        over = n if n is not None else 2 * (size - 1) if self.gives_real else size
        if over < 1:
            raise ShapeError(f"{self.name}: {over} points; must be positive")
        return over, over // 2 + 1 if self.takes_real else over

    def infer(self, x: TensorType, sizes: dict[int, int | None], norm: Any) -> TensorType:
        """The type after a transform of dims `sizes`, of which the last may halve."""
        _check(self.name, x, norm, real=self.takes_real)
        shape = list(x.sizes)
        last = next(reversed(sizes), None)
        for dim, n in sizes.items():
            over = n if n is not None else shape[dim]
            if over < 1:
                raise ShapeError(f"{self.name}: {over} points; must be positive")
            shape[dim] = self.length(shape[dim], n)[1] if dim == last else over
        dtype = x.element
        return tensor(_real(dtype) if self.gives_real else _whole(dtype), shape)

    def run(self, x: Array, sizes: dict[int, int | None], norm: str | None) -> Array:
        result = self.infer(tensor(dtype_of(x), x.shape), sizes, norm)
        wide: Array = x if x.dtype.kind in "fc" else x.astype(np.float32)
        last = next(reversed(sizes))
        if self.takes_real:
            wide = np.fft.rfft(wide, sizes[last], last, norm)  # type: ignore[arg-type]
        if self.takes_real and not self.forward:
            n = sizes[last] or x.shape[last]
            wide = np.conj(wide) * {"ortho": 1.0, "forward": n}.get(norm or "", 1 / n)
        for dim, n in sizes.items():
            if dim != last or not (self.takes_real or self.gives_real):
                whole: Any = np.fft.fft if self.forward else np.fft.ifft
                wide = whole(wide, n, dim, norm)
        if self.gives_real:
            over = self.length(x.shape[last], sizes[last])[0]
            real: Any = np.fft.hfft if self.forward else np.fft.irfft
            wide = real(wide, over, last, norm)
        return wide.astype(result.element.numpy)

    def build(self, x: Operand, sizes: dict[int, int | None], norm: str | None) -> Any:
        """The transform as products, one dim after another."""
        result = self.infer(x.type, sizes, norm)
        real = _real(result.element)
        last = next(reversed(sizes))
        ends = self.takes_real or self.gives_real
        if self.takes_real:
            x = transformed(x, last, *self._options(x, last, sizes[last], real, norm))
        for dim in sizes:
            if dim != last or not ends:
                n = x.shape[dim] if sizes[dim] is None else sizes[dim]
                assert n is not None
                x = transformed(x, dim, n, real, "whole", self.forward, norm)
        if self.gives_real:
            x = transformed(x, last, *self._options(x, last, sizes[last], real, norm))
        return x

    def _options(
        self, x: Operand, dim: int, n: int | None, real: DType, norm: str | None
    ) -> tuple[Any, ...]:
        over = self.length(x.shape[dim], n)[0]
        given = "real" if self.gives_real else "half"
        return over, real, given, self.forward, norm


def _along_one(name: str, samples: tuple[tuple[Any, ...], ...]) -> None:
    kind = _Kind(name)

    def dims(x: Any, n: int | None, dim: int) -> dict[int, int | None]:
        if not x.shape:
            raise ShapeError(f"{name}: needs at least one dim")
        return {wrap_dim(name, dim, len(x.shape)): n}

    op(
        f"aten::{name}(Tensor self, int? n=None, int dim=-1, str? norm=None) -> Tensor",
        reference=lambda x, n, dim, norm: kind.run(x, dims(x, n, dim), norm),
        infer=lambda x, n, dim, norm: kind.infer(x, dims(x, n, dim), norm),
        lower=made_of(lambda x, n, dim, norm: kind.build(x, dims(x, n, dim), norm)),
        tolerance=TOLERANCE,
        samples=samples,
    )


def _along_many(name: str, samples: tuple[tuple[Any, ...], ...]) -> None:
    kind = _Kind(name)
    argument = "int[1] dim=[-2, -1]" if name.endswith("2") else "int[1]? dim=None"

    def dims(x: Any, s: Sequence[int] | None, dim: Sequence[int] | None) -> dict[int, int | None]:
        rank = len(x.shape)
        over = list(dim) if dim is not None else list(range(rank - len(s or x.shape), rank))
        wrapped = [wrap_dim(name, d, rank) for d in over]
        if not rank or not over or len(set(wrapped)) < len(over) or (s and len(s) != len(over)):
            raise ShapeError(f"{name}: dims {over} and sizes {s} of {list(x.shape)}")
        sizes = [None if n == -1 else n for n in s] if s else [None] * len(over)
        return dict(zip(wrapped, sizes, strict=True))

    op(
        f"aten::{name}(Tensor self, int[1]? s=None, {argument}, str? norm=None) -> Tensor",
        reference=lambda x, s, dim, norm: kind.run(x, dims(x, s, dim), norm),
        infer=lambda x, s, dim, norm: kind.infer(x, dims(x, s, dim), norm),
        lower=made_of(lambda x, s, dim, norm: kind.build(x, dims(x, s, dim), norm)),
        tolerance=TOLERANCE,
        samples=samples,
    )


_LINES = (
    (f32(3, 8), None, -1, None), (f64(7, 2), None, 0, "ortho"), (f32(9), 6, -1, "forward"),
    (f32(5), 8, 0, "backward"), (f32(2, 144), None, -1, "ortho"),
)  # fmt: skip
for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    _along_one(f"fft_{_name}", (*_LINES, (i64(6), None, -1, None)))
_PLANES = ((f32(2, 4, 5), None, [-2, -1], None), (f32(3, 6), [4, 4], [0, 1], "ortho"))
for _name in ("fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2"):
    _along_many(f"fft_{_name}", _PLANES)
for _name in ("fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn"):
    _along_many(f"fft_{_name}", (*_PLANES, (f32(2, 4, 6), None, None, "forward")))


# --- the transforms below these, as exporters write them ----------------------------------------

_FACTORS = ("backward", "ortho", "forward")
"""Norms of the forward transform by number; inverse ones exchange the first and the last."""


def _norm(code: int, forward: bool) -> str:
    if not 0 <= code <= 2:
        raise ShapeError(f"fft: argument normalization must be 0, 1 or 2, got {code}")
    return _FACTORS[code] if forward else _FACTORS[::-1][code]


def _forward_of_real(x: Operand, dim: Sequence[int], norm: int, onesided: bool) -> Any:
    if not onesided:
        return x.op("fft_fftn", None, list(dim), _norm(norm, True))
    return x.op("fft_rfftn", None, list(dim), _norm(norm, True))


def _inverse_to_real(x: Operand, dim: Sequence[int], norm: int, size: int) -> Any:
    sizes = [*(x.shape[d] for d in dim[:-1]), size]
    return x.op("fft_irfftn", sizes, list(dim), _norm(norm, False))


def _of_complex(x: Operand, dim: Sequence[int], norm: int, forward: bool) -> Any:
    name = "fft_fftn" if forward else "fft_ifftn"
    return x.op(name, None, list(dim), _norm(norm, forward))


composite(
    "aten::_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided) -> Tensor",
    _forward_of_real,
    samples=((f32(3, 8), [1], 0, True), (f32(3, 6), [0, 1], 1, True), (f64(3, 6), [0], 2, False)),
    tolerance=TOLERANCE,
    kinds="f",
)
composite(
    "aten::_fft_c2r(Tensor self, int[] dim, int normalization, int last_dim_size) -> Tensor",
    _inverse_to_real,
    samples=((c64(3, 5), [1], 2, 8), (c64(3, 4), [0, 1], 0, 7)),
    tolerance=TOLERANCE,
    kinds="fc",
)
composite(
    "aten::_fft_c2c(Tensor self, int[] dim, int normalization, bool forward) -> Tensor",
    _of_complex,
    samples=((c64(3, 5), [1], 0, True), (c64(3, 4), [0, 1], 2, False)),
    tolerance=TOLERANCE,
    kinds="fc",
)


# --- orders of frequencies ----------------------------------------------------------------------


def _shifted(x: Operand, dim: Sequence[int] | None, back: bool) -> Any:
    dims = list(range(len(x.shape))) if dim is None else list(dim)
    if not dims:
        return x.op("clone")
    halves = [(x.shape[d] + back) // 2 for d in dims]
    return x.op("roll", halves, dims)


for _name, _back in (("fftshift", False), ("ifftshift", True)):

    def _body(x: Operand, dim: Sequence[int] | None, back: bool = _back) -> Any:
        return _shifted(x, dim, back)

    composite(
        f"aten::fft_{_name}(Tensor self, int[1]? dim=None) -> Tensor",
        _body,
        samples=((f32(5, 4), None), (f32(5, 4), [0]), (i64(7), [-1])),
    )


def _frequencies(name: str, compute: Callable[[int, float], Array]) -> None:
    def checked(n: int, d: float) -> Array:
        if n < 1 or not d:
            raise ShapeError(f"fft_{name}: {n} points at a distance of {d}")
        return compute(n, d)

    def reference(n: int, d: float, dtype: int | None, *_: Any) -> Array:
        return checked(n, d).astype(default(dtype).numpy)

    op(
        f"aten::fft_{name}(int n, float d=1., *, ScalarType? dtype=None, Layout? layout=None, "
        "Device? device=None, bool? pin_memory=None) -> Tensor",
        reference=reference,
        infer=lambda n, d, dtype, *_: tensor(default(dtype), (checked(n, d).size,)),
        samples=((8, 1.0, None, *_REST), (5, 0.25, 7, *_REST)),
    )


_frequencies("fftfreq", np.fft.fftfreq)
_frequencies("rfftfreq", np.fft.rfftfreq)
