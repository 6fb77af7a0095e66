"""Second names that torch has for operators, copies of views, and more in-place forms."""

from __future__ import annotations

from typing import Any

from treadle.ops.composite import Operand, alias, composite, renamed
from treadle.ops.declare import EXACT
from treadle.ops.inplace import inplace, reshaping
from treadle.ops.registry import OPS
from treadle.ops.samples import c64, f32, i64

inplace(
    *(OPS[n] for n in ("acosh", "asinh", "atanh", "nan_to_num", "heaviside", "xlogy.Tensor")),
    OPS["sgn"],
    OPS["conj_physical"],
    *(OPS[f"bitwise_{n}_shift.Tensor"] for n in ("left", "right")),
)
inplace(OPS["ldexp.Tensor"], overload="")
inplace(
    *(OPS[f"__{n}__.{kind}"] for n in ("and", "or", "xor", "lshift", "rshift")
      for kind in ("Scalar", "Tensor"))
)  # fmt: skip


NAMES: dict[str, tuple[str, ...]] = {
    "acos": ("arccos",), "acosh": ("arccosh",), "asin": ("arcsin",), "asinh": ("arcsinh",),
    "atan": ("arctan",), "atanh": ("arctanh",), "atan2": ("arctan2",), "acos_": ("arccos_",),
    "acosh_": ("arccosh_",), "asin_": ("arcsin_",), "asinh_": ("arcsinh_",),
    "atan_": ("arctan_",), "atanh_": ("arctanh_",), "atan2_": ("arctan2_",),
    "div.Tensor": ("divide",), "div.Scalar": ("divide",), "div.Tensor_mode": ("divide",),
    "div.Scalar_mode": ("divide",), "mul.Scalar": ("multiply",), "sub.Tensor": ("subtract",),
    "sub.Scalar": ("subtract",), "div_.Tensor": ("divide_",), "div_.Scalar": ("divide_",),
    "div_.Tensor_mode": ("divide_",), "div_.Scalar_mode": ("divide_",),
    "mul_.Tensor": ("multiply_",), "mul_.Scalar": ("multiply_",), "sub_.Tensor": ("subtract_",),
    "sub_.Scalar": ("subtract_",), "erf": ("special_erf",), "erfc": ("special_erfc",),
    "exp2": ("special_exp2",), "expm1": ("special_expm1",), "log1p": ("special_log1p",),
    "sigmoid": ("special_expit",), "logit": ("special_logit",),
    "logsumexp": ("special_logsumexp",), "erfinv": ("special_erfinv",),
    "lgamma": ("special_gammaln",), "digamma": ("special_digamma", "special_psi"),
    "i0": ("special_i0",), "sinc": ("special_sinc",),
    "vstack": ("row_stack",), "channel_shuffle": ("native_channel_shuffle",),
}  # fmt: skip
for _original, _others in NAMES.items():
    renamed(_original, *_others)
alias(OPS["xlogy.Tensor"], "aten::special_xlogy(Tensor self, Tensor other) -> Tensor")
alias(
    OPS["softmax.int"],
    "aten::special_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor",
)
alias(
    OPS["log_softmax.int"],
    "aten::special_log_softmax(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
)
alias(
    OPS["chunk"],
    "aten::unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]",
)
alias(
    OPS["split.Tensor"],
    "aten::unsafe_split.Tensor(Tensor self, int split_size, int dim=0) -> Tensor[]",
)
alias(
    OPS["split_with_sizes"],
    "aten::unsafe_split_with_sizes(Tensor self, int[] split_sizes, int dim=0) -> Tensor[]",
)


# --- views by another name, and their copies ----------------------------------------------------


composite(
    "aten::linalg_diagonal(Tensor(a) A, *, int offset=0, int dim1=-2, int dim2=-1) -> Tensor(a)",
    lambda x, *rest: x.op("diagonal", *rest),
    samples=((f32(2, 3, 4), 0, -2, -1), (f32(3, 4), 1, 0, 1)),
    tolerance=EXACT,
)
_COPIES: tuple[tuple[str, str, str, tuple[Any, ...]], ...] = (
    ("alias", "alias", "", ()), ("detach", "detach", "", ()),
    ("expand", "expand", "int[] size, *, bool implicit=False", ([2, 3, 4], False)),
    ("permute", "permute", "int[] dims", ([1, 0],)),
    ("select", "select.int", "int dim, int index", (0, 1)),
    ("slice", "slice.Tensor", "int dim=0, int? start=None, int? end=None, int step=1",
     (1, 1, None, 2)),
    ("squeeze", "squeeze", "", ()), ("squeeze", "squeeze.dim", "int dim", (0,)),
    ("squeeze", "squeeze.dims", "int[] dim", ([0],)), ("t", "t", "", ()),
    ("transpose", "transpose.int", "int dim0, int dim1", (0, 1)),
    ("unsqueeze", "unsqueeze", "int dim", (1,)), ("view", "view", "int[] size", ([4, 3],)),
    ("diagonal", "diagonal", "int offset=0, int dim1=0, int dim2=1", (0, 0, 1)),
    ("unfold", "unfold", "int dimension, int size, int step", (1, 2, 1)),
)  # fmt: skip


def _copied(base: str, original: str, arguments: str, sample: tuple[Any, ...]) -> None:
    _, dot, overload = original.partition(".")
    comma = ", " if arguments else ""
    composite(
        f"aten::{base}_copy{dot}{overload}(Tensor self{comma}{arguments}) -> Tensor",
        lambda x, *rest: x.op(original, *rest).op("clone"),
        samples=((f32(3, 4), *sample),),
        tolerance=EXACT,
    )


for _entry in _COPIES:
    _copied(*_entry)
for _base, _view, _arguments, _sample in (
    ("split", "split.Tensor", "int split_size, int dim=0", (2, 1)),
    ("split_with_sizes", "split_with_sizes", "int[] split_sizes, int dim=0", ([1, 3], 1)),
    ("unbind", "unbind.int", "int dim=0", (0,)),
):

    def _parts(x: Operand, *rest: Any, view: str = _view) -> Any:
        return [part.op("clone") for part in x.op(view, *rest)]

    composite(
        f"aten::{_base}_copy{_view[len(_base) :]}(Tensor self, {_arguments}) -> Tensor[]",
        _parts,
        samples=((f32(3, 4), *_sample),),
        tolerance=EXACT,
    )
for _name, _draw in (("view_as_real", c64(3)), ("view_as_complex", f32(3, 2))):

    def _copy_of(x: Operand, view: str = _name) -> Any:
        return x.op(view).op("clone")

    composite(
        f"aten::{_name}_copy(Tensor self) -> Tensor",
        _copy_of,
        samples=((_draw,),),
        tolerance=EXACT,
        planned=False,
    )


_SHAPES = ("unsqueeze", "squeeze", "squeeze.dim", "squeeze.dims", "transpose.int", "t", "swapaxes",
           "swapdims")  # fmt: skip
reshaping(*(OPS[n] for n in _SHAPES))


# --- rounding, leaks, casts ---------------------------------------------------------------------


def _round(x: Operand, decimals: int) -> Any:
    if not decimals or not x.dtype.is_floating:
        return x.op("round")
    scale = 10.0 ** abs(decimals)
    return (x * scale).op("round") / scale if decimals > 0 else (x / scale).op("round") * scale


for _name, _default in (("round.decimals", ""), ("special_round", "=0")):
    composite(
        f"aten::{_name}(Tensor self, *, int decimals{_default}) -> Tensor",
        _round,
        samples=((f32(3, 4, high=10.0), 2), (f32(5, high=300.0), -1), (f32(5), 0)),
        kinds="f",
    )


composite(
    "aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? "
    "device=None, bool? pin_memory=None, bool non_blocking=False, MemoryFormat? "
    "memory_format=None) -> Tensor",
    lambda x, dtype, *_: x.op("clone") if dtype is None else x.op("to.dtype", dtype, False, True),
    samples=(
        (f32(3, 4), 7, None, None, None, False, None),
        (i64(3), None, None, None, None, False, None),
    ),
    tolerance=EXACT,
)
