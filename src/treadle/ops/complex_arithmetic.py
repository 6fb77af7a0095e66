"""Arithmetic on complex tensors as plans do it.

No kernel knows complex numbers. In a plan a complex tensor is memory with real and imaginary parts
side by side, which views, reshapes and concatenations may pass on; everything else is made
of operators on the parts, as `DECOMPOSED` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import BY_CODE
from treadle.ops.complex_numbers import SAMPLES, broadcast_pair, conjugate, joined, parts
from treadle.ops.composite import Operand, made_of
from treadle.ops.declare import op
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.registry import OPS
from treadle.ops.scalar_math import NUMPY

Array = np.ndarray[Any, Any]


def _zero(x: Operand) -> Operand:
    return x * 0


def _sum_of(a: Operand, b: Operand, alpha: float, sign: int) -> Any:
    (ar, ai), (br, bi) = parts(a), parts(b)
    factor = alpha * sign
    real = ar + br * factor
    imag = ai if bi is None else bi * factor if ai is None else ai + bi * factor
    assert imag is not None
    return broadcast_pair(real, imag + _zero(real))


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


def _added_up(name: str) -> Callable[..., Any]:
    """The operator of each part, after a conversion to the dtype that is the last argument."""

    def body(x: Operand, *args: Any) -> Any:
        *rest, code = args
        wide = x if code is None else x.to(BY_CODE[code])
        if not wide.dtype.is_complex:
            return wide.op(name, *rest, code)
        real, imag = parts(wide)
        assert imag is not None
        return joined(real.op(name, *rest, None), imag.op(name, *rest, None))

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


def _to_own_dtype(name: str) -> Decompose:
    """A conversion that has nothing to convert: the numbers, or a copy where one is asked for."""

    def build(emit: Emitter, x: Any, *args: Any) -> Any:
        conversion = OPS[name]
        assert conversion.schema is not None
        assert conversion.infer is not None
        given = dict(zip((a.name for a in conversion.schema.arguments[1:]), args, strict=True))
        types = [emit.type(v) if n == "other" else v for n, v in given.items()]
        if conversion.infer(emit.type(x), *types) != emit.type(x):
            raise UnsupportedError(f"{name} of complex numbers to another dtype is not compiled")
        return emit("clone", x, None) if given.get("copy") else x

    return Decompose(build)


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
    samples=SAMPLES,
)


_BODIES: dict[str, Callable[..., Any]] = {
    "abs": _magnitude, "exp": _exponential, "square": lambda x: _product(x, x),
    "neg": _on_parts("neg"), "clone": _on_parts("clone"), "sum": _added_up("sum"),
    "sum.dim_IntList": _added_up("sum.dim_IntList"), "mean": _added_up("mean"),
    "mean.dim": _added_up("mean.dim"), "cumsum": _added_up("cumsum"),
    "constant_pad_nd": _padded, "roll": _on_parts("roll"),
    "flip": _on_parts("flip"), "index_select": _on_parts("index_select"),
    "gather": _on_parts("gather"), "nan_to_num": _on_parts("nan_to_num"),
    **{f"var{name}": _variance(name) for name in ("", ".dim", ".correction")},
    **{f"std{name}": _deviation(name) for name in ("", ".dim", ".correction")},
    "zeros_like": _filled_like("zeros_like"), "ones_like": _filled_like("ones_like"),
    "add.Tensor": lambda a, b, alpha: _sum_of(a, b, alpha, 1),
    "sub.Tensor": lambda a, b, alpha: _sum_of(a, b, alpha, -1),
    "mul.Tensor": _product, "mul.Scalar": _product, "div.Tensor": _quotient,
    "div.Scalar": _quotient, "pow.Tensor_Scalar": _power, "matmul": _matrix_product,
    "mm": _matrix_product, "bmm": _matrix_product, "matrix_product": _matrix_product,
    "vdot": lambda a, b: _matrix_product(conjugate(a), b), "dot": _matrix_product,
    "mv": _matrix_product,
}  # fmt: skip
_CONVERSIONS = (
    "to.dtype", "to.device", "to.other", "to.dtype_layout", "to.prim_Device", "to.prim_dtype",
    "to.prim_other", "type_as", "cpu",
)  # fmt: skip
DECOMPOSED: dict[str, Decompose] = {
    **{name: made_of(body) for name, body in _BODIES.items()},
    **{name: _to_own_dtype(name) for name in _CONVERSIONS},
}
"""How operators on complex tensors become operators on their parts, where they can."""
