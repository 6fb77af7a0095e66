"""Complex tensors: pairs of parts, parts, angle, conjugates; tensors made of parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.dtypes import DType
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import View
from treadle.ops.promotion import dtype_of, floating, result_dtype
from treadle.ops.samples import f32, f64, given
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]
REAL: dict[str, DType] = {"c64": dtypes.f32, "c128": dtypes.f64}
WHOLE: dict[str, DType] = {"f32": dtypes.c64, "f64": dtypes.c128}
_VALUES = given([1 + 2j, -0.5j, 3, -2 + 1e-3j, 0], dtypes.c64)
_MATRIX = given([[1 + 2j, -0.5j], [3, -2 + 1j]], dtypes.c128)
SAMPLES = ((_VALUES,), (_MATRIX,), (f32(3),))


# --- pairs --------------------------------------------------------------------------------------


def _infer_as_real(x: TensorType) -> TensorType:
    if not x.element.is_complex:
        raise ShapeError(f"view_as_real: expected a complex tensor, got {x}")
    return tensor(REAL[x.element.name], (*x.sizes, 2))


def as_real(x: Array) -> Array:
    """The same memory, as pairs of real and imaginary part."""
    real = _infer_as_real(tensor(dtype_of(x), x.shape)).element.numpy
    return x[..., None].view(real)


def _infer_as_complex(x: TensorType) -> TensorType:
    if x.element.name not in WHOLE or not x.sizes or x.sizes[-1] != 2:
        raise ShapeError(f"view_as_complex: expected floats with a last dim of 2, got {x}")
    return tensor(WHOLE[x.element.name], x.sizes[:-1])


def _as_complex(x: Array) -> Array:
    """The same memory, as complex numbers.

    Raises:
        ShapeError: if the pairs do not lie side by side.
    """
    whole = _infer_as_complex(tensor(dtype_of(x), x.shape)).element.numpy
    if x.size and x.strides[-1] != x.itemsize:
        raise ShapeError("view_as_complex: the last dim must have a stride of 1")
    return np.asarray(x.view(whole)[..., 0])


def _pair_strides(strides: Sequence[int], offset: int, *_: Any) -> tuple[tuple[int, ...], int]:
    return (*(2 * s for s in strides), 1), 2 * offset


def _whole_strides(
    strides: Sequence[int], offset: int, result: TensorType, x: TensorType
) -> tuple[tuple[int, ...], int] | None:
    """None where the pairs do not lie side by side."""
    used = [s for s, n in zip(strides[:-1], x.sizes[:-1], strict=True) if n != 1]
    if strides[-1] != 1 or offset % 2 or any(s % 2 for s in used):
        return None
    return tuple(s // 2 for s in strides[:-1]), offset // 2


op(
    "aten::view_as_real(Tensor(a) self) -> Tensor(a)",
    reference=as_real,
    infer=_infer_as_real,
    lower=View(_pair_strides),
    tolerance=EXACT,
    samples=((_VALUES,), (_MATRIX,)),
)
op(
    "aten::view_as_complex(Tensor(a) self) -> Tensor(a)",
    reference=_as_complex,
    infer=_infer_as_complex,
    lower=View(_whole_strides),
    tolerance=EXACT,
    samples=((f32(3, 2),), (f32(2, 3, 2),), (f32(2),), (f64(1, 2),)),
)


def parts(x: Operand) -> tuple[Operand, Operand | None]:
    """Real and imaginary part; a real tensor has no imaginary one."""
    if not x.dtype.is_complex:
        return x, None
    pairs = x.op("view_as_real")
    return pairs.op("select.int", -1, 0), pairs.op("select.int", -1, 1)


def joined(real: Operand, imag: Operand) -> Any:
    """The complex tensor of two parts."""
    pairs = real.apply("stack", [real, imag], -1)
    return pairs.op("view_as_complex")


# --- parts --------------------------------------------------------------------------------------


def _real(x: TensorType) -> DType:
    return REAL.get(x.element.name, x.element)


def _infer_imag(x: TensorType) -> TensorType:
    if not x.element.is_complex:
        raise UnsupportedError(f"imag: expected a complex tensor, got {x}")
    return tensor(_real(x), x.sizes)


def _imag(x: Array) -> Array:
    _infer_imag(tensor(dtype_of(x), x.shape))
    return x.imag


def _angle(x: Array) -> Array:
    if x.dtype.kind == "c":
        return np.asarray(np.angle(x)).astype(x.real.dtype)
    final = floating(dtype_of(x)).numpy
    return np.where(x < 0, math.pi, np.where(x == x, 0.0, np.nan)).astype(final)


def _lower_angle(x: Operand) -> Any:
    real, imag = parts(x)
    if imag is None:
        x = x.to(floating(x.dtype))
        none = x.op("clamp", 0, 0) + 0.0  # of NaN it is NaN
        return (none + math.pi).where(x < 0, none)
    return imag.op("atan2", real)


op(
    "aten::real(Tensor(a) self) -> Tensor(a)",
    reference=lambda x: x.real if x.dtype.kind == "c" else x,
    infer=lambda x: tensor(_real(x), x.sizes),
    lower=made_of(lambda x: parts(x)[0]),
    tolerance=EXACT,
    samples=SAMPLES,
)
op(
    "aten::imag(Tensor(a) self) -> Tensor(a)",
    reference=_imag,
    infer=_infer_imag,
    lower=made_of(lambda x: parts(x)[1]),
    tolerance=EXACT,
    samples=SAMPLES[:2],
)
op(
    "aten::angle(Tensor self) -> Tensor",
    reference=_angle,
    infer=lambda x: tensor(floating(_real(x)), x.sizes),
    lower=made_of(_lower_angle),
    samples=(*SAMPLES, (given([1.0, -2.0, 0.0, -0.0, math.nan, math.inf, -math.inf]),)),
)


def conjugate(x: Operand) -> Any:
    """The same real parts with negative imaginary ones."""
    real, imag = parts(x)
    return x if imag is None else joined(real, -imag)


for _name, _alias in (("conj", "(a)"), ("_conj", "(a)"), ("conj_physical", "")):
    op(
        f"aten::{_name}(Tensor{_alias} self) -> Tensor{_alias}",
        reference=lambda x: np.conj(x) if x.dtype.kind == "c" else x,
        infer=lambda x: x,
        lower=made_of(conjugate),
        samples=(SAMPLES[0],) if not _alias else (),
        doc="A conjugate is a new tensor here, not a view with a mark on it.",
    )


def _adjoint(x: Operand) -> Any:
    if len(x.shape) < 2:
        raise ShapeError(f"adjoint: needs 2 dims, got {list(x.shape)}")
    return conjugate(x).op("transpose.int", -2, -1)


def _infer_adjoint(x: TensorType) -> TensorType:
    if len(x.sizes) < 2:
        raise ShapeError(f"adjoint: needs 2 dims, got {list(x.sizes)}")
    return tensor(x.element, (*x.sizes[:-2], x.sizes[-1], x.sizes[-2]))


def _reference_adjoint(x: Array) -> Array:
    _infer_adjoint(tensor(dtype_of(x), x.shape))
    turned = np.swapaxes(x, -1, -2)
    return np.conj(turned) if x.dtype.kind == "c" else turned


for _name in ("adjoint", "mH", "mH.a", "matrix_H", "matrix_H.a"):
    op(
        f"aten::{_name}(Tensor(a) self) -> Tensor(a)",
        reference=_reference_adjoint,
        infer=_infer_adjoint,
        lower=made_of(_adjoint),
        tolerance=EXACT,
        samples=((f32(2, 3, 4),),) if _name == "adjoint" else (),
    )


# --- made of parts ------------------------------------------------------------------------------


def _whole_of(name: str, a: TensorType, b: TensorType) -> TensorType:
    dtype = result_dtype(a, b)
    if dtype.name not in WHOLE or a.element != b.element or not a.element.is_floating:
        raise ShapeError(f"{name}: parts must both be f32 or f64, got {a.element}, {b.element}")
    return tensor(WHOLE[dtype.name], broadcast(name, a.sizes, b.sizes))


def _made(name: str, arguments: str, reference: Any, body: Any) -> None:
    def checked(a: Array, b: Array) -> Array:
        type_ = _whole_of(name, *(tensor(dtype_of(x), x.shape) for x in (a, b)))
        return np.asarray(reference(a, b)).astype(type_.element.numpy)

    op(
        f"aten::{name}({arguments}) -> Tensor",
        reference=checked,
        infer=lambda a, b: _whole_of(name, a, b),
        lower=made_of(body),
        samples=((f32(3, 4), f32(4)), (f64(2), f64(2))),
    )


def broadcast_pair(a: Operand, b: Operand) -> Any:
    """The complex tensor of two parts of different shapes."""
    return joined(*a.apply("broadcast_tensors", [a, b]))


_made("complex", "Tensor real, Tensor imag", lambda a, b: a + 1j * b, broadcast_pair)
_made(
    "polar", "Tensor abs, Tensor angle", lambda r, phi: r * np.exp(1j * phi),
    lambda r, phi: joined(r * phi.op("cos"), r * phi.op("sin")),
)  # fmt: skip
