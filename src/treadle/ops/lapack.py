"""What the operators of linear algebra share: LAPACK, which the interpreter calls through NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.errors import ScriptError, ShapeError
from treadle.ir import dtypes
from treadle.ir.op import Tolerance
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.promotion import dtype_of
from treadle.ops.samples import given
from treadle.ops.shapes import tensor

Array = np.ndarray[Any, Any]
TOLERANCE = Tolerance(1e-4, 1e-5, "LAPACK's order of operations is the library's")
_REAL = {"c64": dtypes.f32, "c128": dtypes.f64}
WHOLE = {"f32": dtypes.c64, "f64": dtypes.c128}
GOOD = given([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 5.0]])
PAIR = given([[[2.0, 1.0], [1.0, 3.0]], [[1.0, 0.5], [-0.5, 2.0]]], dtypes.f64)
TALL = given([[1.0, 2.0], [3.0, -4.0], [0.5, 6.0]])


def matrix(name: str, x: Any, *, square: bool = False) -> None:
    """Check that `x` holds matrices of a dtype that LAPACK takes.

    Raises:
        ShapeError: if not.
    """
    fits = len(x.shape) >= 2 and (not square or x.shape[-1] == x.shape[-2])
    if not fits or dtype_of(x).name not in ("f32", "f64", "c64", "c128"):
        kind = "square matrices" if square else "matrices"
        raise ShapeError(
            f"{name}: needs {kind} of f32, f64 or complex, got {x.shape} {dtype_of(x)}"
        )


def real(x: Any) -> dtypes.DType:
    """The dtype of the parts of `x`."""
    return _REAL.get(dtype_of(x).name, dtype_of(x))


def _type_of(dtype: Any, shape: tuple[int, ...]) -> TensorType:
    return tensor(dtype_of(np.empty(0, dtype)), shape)


def defined(
    schema: str,
    infer: Callable[..., Any],
    compute: Callable[..., Any],
    samples: tuple[tuple[Any, ...], ...],
) -> Any:
    """Define an operator whose reference casts what NumPy gives to what `infer` tells."""
    name = schema.partition("(")[0]
    results, array_class = _results_of(infer), np.ndarray

    def reference(*args: Any) -> Any:
        keys = [(a.dtype, a.shape) if type(a) is array_class else a for a in args]
        is_single, dtypes, shapes = results(*keys)
        try:
            found = compute(*args)
        except np.linalg.LinAlgError as error:
            raise ScriptError(f"{name}: {error}", "RuntimeError") from error
        if is_single:
            return _cast(found, dtypes[0], shapes[0])
        return tuple(map(_cast, found, dtypes, shapes))

    return op(schema, reference=reference, infer=infer, tolerance=TOLERANCE, samples=samples)


def _results_of(infer: Callable[..., Any]) -> Callable[..., Any]:
    """Whether there is one result, and NumPy's dtypes and the shapes of all.

    The arguments have pairs of dtype and shape for arrays. What was found is kept: to infer it
    costs more than to decompose a small matrix.
    """

    @functools.lru_cache(maxsize=256)
    def results(*keys: Any) -> tuple[bool, list[Any], list[tuple[int, ...]]]:
        types = infer(*(_type_of(*k) if isinstance(k, tuple) else k for k in keys))
        several = types if isinstance(types, tuple) else (types,)
        dtypes, shapes = [t.element.numpy for t in several], [t.sizes for t in several]
        return not isinstance(types, tuple), dtypes, shapes

    return results


def _cast(found: Any, dtype: Any, shape: tuple[int, ...]) -> Array:
    array: Array = found if type(found) is np.ndarray else np.asarray(found)
    if array.dtype is not dtype or not array.flags.c_contiguous:
        array = array.astype(dtype, "C")
    return array if array.shape == shape else array.reshape(shape)


def infer_square(name: str) -> Callable[..., TensorType]:
    """A rule: square matrices stay what they are."""

    def infer(x: TensorType, *_: Any) -> TensorType:
        matrix(name, x, square=True)
        return x

    return infer


def adjoint(a: Array) -> Array:
    """Matrices with rows and columns exchanged, conjugated; a view of real ones."""
    turned: Array = a.swapaxes(-1, -2)
    return np.conj(turned) if a.dtype.kind == "c" else turned


def magnitude(x: Array) -> Array:
    """As LAPACK compares pivots: of complex numbers the sum of both parts."""
    return np.asarray(np.abs(x.real) + np.abs(x.imag))
