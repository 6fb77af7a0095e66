"""Complex tensors: parts, magnitude, angle, conjugates; and how plans compute on the parts.

No kernel knows complex numbers. In a plan a complex tensor is memory with real and imaginary parts
side by side, which views, reshapes and concatenations may pass on; everything else is made
of operators on the parts, as `DECOMPOSED` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.dtypes import DType
from treadle.ir.types import TensorType
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import EXACT, op
from treadle.ops.lowering import Decompose, View
from treadle.ops.promotion import dtype_of, floating, result_dtype
from treadle.ops.samples import f32, f64, given
from treadle.ops.scalar_math import NUMPY
from treadle.ops.shapes import broadcast, tensor

Array = np.ndarray[Any, Any]
REAL: dict[str, DType] = {"c64": dtypes.f32, "c128": dtypes.f64}
WHOLE: dict[str, DType] = {"f32": dtypes.c64, "f64": dtypes.c128}
_VALUES = given([1 + 2j, -0.5j, 3, -2 + 1e-3j, 0], dtypes.c64)
_MATRIX = given([[1 + 2j, -0.5j], [3, -2 + 1j]], dtypes.c128)
_SAMPLES = ((_VALUES,), (_MATRIX,), (f32(3),))


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
        flat = x * 0
        return (flat + math.pi).where(x < 0, flat)
    return imag.op("atan2", real)


op(
    "aten::real(Tensor(a) self) -> Tensor(a)",
    reference=lambda x: x.real if x.dtype.kind == "c" else x,
    infer=lambda x: tensor(_real(x), x.sizes),
    lower=made_of(lambda x: parts(x)[0]),
    tolerance=EXACT,
    samples=_SAMPLES,
)
op(
    "aten::imag(Tensor(a) self) -> Tensor(a)",
    reference=_imag,
    infer=_infer_imag,
    lower=made_of(lambda x: parts(x)[1]),
    tolerance=EXACT,
    samples=_SAMPLES[:2],
)
op(
    "aten::angle(Tensor self) -> Tensor",
    reference=_angle,
    infer=lambda x: tensor(floating(_real(x)), x.sizes),
    lower=made_of(_lower_angle),
    samples=(*_SAMPLES, (given([1.0, -2.0, 0.0, math.nan]),)),
)


def _conjugate(x: Operand) -> Any:
    real, imag = parts(x)
    return x if imag is None else joined(real, -imag)


for _name, _alias in (("conj", "(a)"), ("_conj", "(a)"), ("conj_physical", "")):
    op(
        f"aten::{_name}(Tensor{_alias} self) -> Tensor{_alias}",
        reference=lambda x: np.conj(x) if x.dtype.kind == "c" else x,
        infer=lambda x: x,
        lower=made_of(_conjugate),
        samples=(_SAMPLES[0],) if not _alias else (),
        doc="A conjugate is a new tensor here, not a view with a mark on it.",
    )


def _sgn(x: Array) -> Array:
    size = np.abs(x)
    return np.where(size == 0, 0, x / np.where(size == 0, 1, size)).astype(x.dtype)


def _lower_sgn(x: Operand) -> Any:
    if not x.dtype.is_complex:
        return x.op("sign")
    size = _magnitude(x)
    return _quotient(x, size.op("masked_fill.Scalar", size.op("eq.Scalar", 0), 1))


op(
    "aten::sgn(Tensor self) -> Tensor",
    reference=lambda x: _sgn(x) if x.dtype.kind == "c" else NUMPY.sign(x),
    infer=lambda x: x,
    lower=made_of(_lower_sgn),
    samples=_SAMPLES,
)


def _adjoint(x: Operand) -> Any:
    if len(x.shape) < 2:
        raise ShapeError(f"adjoint: needs 2 dims, got {list(x.shape)}")
    return _conjugate(x).op("transpose.int", -2, -1)


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


def _broadcast_pair(a: Operand, b: Operand) -> Any:
    return joined(*a.apply("broadcast_tensors", [a, b]))


_made("complex", "Tensor real, Tensor imag", lambda a, b: a + 1j * b, _broadcast_pair)
_made(
    "polar", "Tensor abs, Tensor angle", lambda r, phi: r * np.exp(1j * phi),
    lambda r, phi: joined(r * phi.op("cos"), r * phi.op("sin")),
)  # fmt: skip


# --- arithmetic on parts ------------------------------------------------------------------------


def _zero(x: Operand) -> Operand:
    return x * 0


def _sum_of(a: Operand, b: Operand, alpha: float, sign: int) -> Any:
    (ar, ai), (br, bi) = parts(a), parts(b)
    factor = alpha * sign
    real = ar + br * factor
    imag = ai if bi is None else bi * factor if ai is None else ai + bi * factor
    assert imag is not None
    return _broadcast_pair(real, imag + _zero(real))


def _product(a: Operand, b: Operand | complex) -> Any:
    ar, ai = parts(a)
    br, bi = parts(b) if isinstance(b, Operand) else (b.real, b.imag or None)
    if ai is None:
        return joined(br * ar, bi * ar)
    if bi is None:
        return joined(ar * br, ai * br)
    return joined(ar * br - ai * bi, ar * bi + ai * br)


def _quotient(a: Operand, b: Operand | complex) -> Any:
    if not isinstance(b, Operand):
        return _product(a, 1 / b)
    br, bi = parts(b)
    if bi is None:
        ar, ai = parts(a)
        assert ai is not None
        return joined(ar / br, ai / br)
    size = br * br + bi * bi
    return _product(a, joined(br / size, -bi / size))


def _power(a: Operand, exponent: complex) -> Any:
    if exponent == 2:
        return _product(a, a)
    if exponent == 1:
        return a
    raise UnsupportedError(f"a complex power of {exponent}, as a plan")


def _exponential(x: Operand) -> Any:
    real, imag = parts(x)
    assert imag is not None
    size = real.op("exp")
    return joined(size * imag.op("cos"), size * imag.op("sin"))


def _matrix_product(a: Operand, b: Operand) -> Any:
    (ar, ai), (br, bi) = parts(a), parts(b)
    if ai is None or bi is None:
        raise ShapeError(f"matmul: operands must have one dtype, got {a.dtype} and {b.dtype}")
    real = ar.op("matmul", br) - ai.op("matmul", bi)
    return joined(real, ar.op("matmul", bi) + ai.op("matmul", br))


def _on_parts(name: str) -> Callable[..., Any]:
    """An operator that does the same to both parts."""

    def body(x: Operand, *args: Any) -> Any:
        real, imag = parts(x)
        assert imag is not None
        return joined(real.op(name, *args), imag.op(name, *args))

    return body


def _padded(x: Operand, pad: Sequence[int], value: complex) -> Any:
    real, imag = parts(x)
    assert imag is not None
    number = complex(value)
    sides = list(pad)
    return joined(
        real.op("constant_pad_nd", sides, number.real),
        imag.op("constant_pad_nd", sides, number.imag),
    )


def _magnitude(x: Operand) -> Any:
    real, imag = parts(x)
    assert imag is not None
    return real.op("hypot", imag)


def _variance(name: str) -> Callable[..., Any]:
    """The sum of the variances of the parts."""

    def body(x: Operand, *args: Any) -> Any:
        real, imag = parts(x)
        assert imag is not None
        return real.op(f"var{name}", *args) + imag.op(f"var{name}", *args)

    return body


def _deviation(name: str) -> Callable[..., Any]:
    return lambda x, *args: _variance(name)(x, *args).op("sqrt")


def _filled_like(real_by: str) -> Callable[..., Any]:
    """Zeros or ones like a complex tensor."""

    def body(x: Operand, *args: Any) -> Any:
        real, _ = parts(x)
        if any(a is not None and a is not False for a in args):
            raise UnsupportedError(f"{real_by} of complex numbers with another dtype or layout")
        return joined(real.op(real_by), real.op("zeros_like"))

    return body


_BODIES: dict[str, Callable[..., Any]] = {
    "abs": _magnitude, "exp": _exponential, "square": lambda x: _product(x, x),
    "neg": _on_parts("neg"), "clone": _on_parts("clone"), "sum": _on_parts("sum"),
    "sum.dim_IntList": _on_parts("sum.dim_IntList"), "mean": _on_parts("mean"),
    "mean.dim": _on_parts("mean.dim"), "cumsum": _on_parts("cumsum"),
    "constant_pad_nd": _padded, "roll": _on_parts("roll"),
    "flip": _on_parts("flip"), "index_select": _on_parts("index_select"),
    "gather": _on_parts("gather"),
    **{f"var{name}": _variance(name) for name in ("", ".dim", ".correction")},
    **{f"std{name}": _deviation(name) for name in ("", ".dim", ".correction")},
    "zeros_like": _filled_like("zeros_like"), "ones_like": _filled_like("ones_like"),
    "add.Tensor": lambda a, b, alpha: _sum_of(a, b, alpha, 1),
    "sub.Tensor": lambda a, b, alpha: _sum_of(a, b, alpha, -1),
    "mul.Tensor": _product, "mul.Scalar": _product, "div.Tensor": _quotient,
    "div.Scalar": _quotient, "pow.Tensor_Scalar": _power, "matmul": _matrix_product,
    "mm": _matrix_product, "bmm": _matrix_product, "matrix_product": _matrix_product,
    "vdot": lambda a, b: _matrix_product(_conjugate(a), b), "dot": _matrix_product,
    "mv": _matrix_product,
}  # fmt: skip
DECOMPOSED: dict[str, Decompose] = {name: made_of(body) for name, body in _BODIES.items()}
"""How operators on complex tensors become operators on their parts, where they can."""
