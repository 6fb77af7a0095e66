"""Quotients that are rounded, and what remains of such divisions."""

from __future__ import annotations

from typing import Any

from treadle.errors import InputError
from treadle.ir.op import OpDef
from treadle.ops.arithmetic import PAIRS, SCALARS, div, div_scalar
from treadle.ops.declare import op
from treadle.ops.inplace import inplace
from treadle.ops.lowering import Decompose, Emitter
from treadle.ops.pointwise import pointwise
from treadle.ops.samples import f32, i64

Samples = tuple[tuple[Any, ...], ...]


def _rounded(f: Any, a: Any, b: Any, rounding: str) -> Any:
    """Source: torch.div with `rounding_mode`."""
    return f.truncdiv(a, b) if rounding == "trunc" else f.floordiv(a, b)


def _check_mode(rounding: str | None) -> None:
    if rounding not in (None, "trunc", "floor"):
        raise InputError(f"div: rounding_mode {rounding!r}; allowed: None, 'trunc', 'floor'")


def _with_mode(schema: str, plain: OpDef, samples: Samples) -> OpDef:
    """A quotient whose last argument is the rounding, without which it is `plain`."""
    whole = {
        mode: pointwise(
            f"treadle::div_{mode}_{name}(Tensor self, {kind} other) -> Tensor",
            lambda f, a, b, mode=mode: _rounded(f, a, b, mode),
            samples=PAIRS[:6] if kind == "Tensor" else SCALARS,
            divides=True,
            kinds="bif",
        )
        for mode in ("trunc", "floor")
        for name, kind in [("scalar", "Scalar") if ".Scalar" in schema else ("tensor", "Tensor")]
    }

    def choose(rounding: str | None) -> OpDef:
        _check_mode(rounding)
        return plain if rounding is None else whole[rounding]

    def reference(a: Any, b: Any, rounding: str | None) -> Any:
        function = choose(rounding).reference
        assert function is not None
        return function(a, b)

    def infer(a: Any, b: Any, rounding: str | None) -> Any:
        function = choose(rounding).infer
        assert function is not None
        return function(a, b)

    def build(emit: Emitter, a: Any, b: Any, rounding: str | None) -> Any:
        return emit(choose(rounding), a, b)

    return op(schema, reference=reference, infer=infer, lower=Decompose(build), samples=samples)


_MODES = tuple((a, b, mode) for a, b in PAIRS[:9] for mode in ("trunc", "floor", None))
div_mode = _with_mode(
    "aten::div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor",
    div,
    (
        *_MODES,
        (i64(5, low=-9, high=9), i64(5, low=-3, high=0), "floor"),
        (i64(5, low=-9, high=9), i64(5, low=-3, high=0), "trunc"),
    ),
)
div_scalar_mode = _with_mode(
    "aten::div.Scalar_mode(Tensor self, Scalar other, *, str? rounding_mode) -> Tensor",
    div_scalar,
    tuple((*s, m) for s in SCALARS for m in ("floor", "trunc")),
)


def _division(
    schema: str, name: str, samples: Samples, operands: tuple[int, ...] | None = None
) -> OpDef:
    """A function of `scalar_math` that divides, by its name there."""
    return pointwise(
        schema,
        lambda f, a, b: getattr(f, name)(a, b),
        operands=operands,
        samples=samples,
        divides=True,
        kinds="if",
    )


_SIGNED = (*PAIRS[:9], (i64(5, low=-9, high=9), i64(5, low=-3, high=0)))
floor_divide = _division(
    "aten::floor_divide(Tensor self, Tensor other) -> Tensor", "floordiv", PAIRS[:9]
)
floor_divide_scalar = _division(
    "aten::floor_divide.Scalar(Tensor self, Scalar other) -> Tensor", "floordiv", SCALARS
)
remainder = _division(
    "aten::remainder.Tensor(Tensor self, Tensor other) -> Tensor", "remainder", _SIGNED
)
remainder_scalar = _division(
    "aten::remainder.Scalar(Tensor self, Scalar other) -> Tensor", "remainder", SCALARS
)
remainder_of = _division(
    "aten::remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor",
    "remainder",
    ((7, f32(3, low=1.0)), (7.5, i64(4, low=1, high=9)), (-7, i64(4, low=1, high=9))),
    (0, 1),
)
fmod = _division("aten::fmod.Tensor(Tensor self, Tensor other) -> Tensor", "fmod", _SIGNED)
fmod_scalar = _division("aten::fmod.Scalar(Tensor self, Scalar other) -> Tensor", "fmod", SCALARS)
inplace(
    div_mode,
    div_scalar_mode,
    floor_divide_scalar,
    remainder,
    remainder_scalar,
    fmod,
    fmod_scalar,
)
inplace(floor_divide, overload="Tensor")
