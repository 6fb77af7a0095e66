from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import special

from tests.codegen.checking import each_target
from tests.codegen.reference import run
from tests.codegen.test_pointwise import load, pointwise
from treadle.codegen import Target, compile_kernels
from treadle.ir.dtypes import DType, f32, f64
from treadle.ir.loops import Call

Array = npt.NDArray[Any]
STEP = 4096


def apply(function: str, dtype: DType, target: Target, *args: Array) -> Array:
    """A function of the loop IR, of arrays."""
    value = Call(function, tuple(load(n, dtype, 1) for n in range(len(args))), dtype)
    kernel = pointwise(value, [dtype] * len(args), dtype, step=STEP)
    (compiled,) = compile_kernels([kernel], target)
    result = np.zeros_like(args[0])
    run(compiled, [*args, result], [args[0].size], 0, -(-args[0].size // STEP))
    return result


def ulps(actual: Array, exact: npt.NDArray[np.floating[Any]]) -> float:
    """The largest distance in units of the last place; specials must be the same."""
    with np.errstate(over="ignore"):
        nearest = exact.astype(actual.dtype)
    special_ = ~np.isfinite(nearest)
    np.testing.assert_array_equal(actual[special_], nearest[special_])
    finite = ~special_
    spacing = np.spacing(np.abs(nearest[finite])).astype(exact.dtype)
    return float(np.max(np.abs(actual[finite] - exact[finite]) / spacing, initial=0))


EVERY_F32 = np.arange(0, 2**32, 60013, dtype=np.uint64).astype(np.uint32).view(np.float32)
SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e-45, -1e-45, 1e-38, 3e38, -3e38, 1.0, -1.0]

F32: dict[str, tuple[Callable[..., Any], float]] = {
    "exp": (np.exp, 1.2),
    "log": (np.log, 1.0),
    "tanh": (np.tanh, 1.5),
    "sigmoid": (special.expit, 1.5),
    "erf": (special.erf, 1.2),
    "sin": (np.sin, 0.6),
    "cos": (np.cos, 0.6),
    "tan": (np.tan, 0.6),
    "sqrt": (np.sqrt, 0.5),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 1.5),
    "exp2": (np.exp2, 0.6),
    "expm1": (np.expm1, 0.6),
    "log1p": (np.log1p, 0.6),
    "log2": (np.log2, 0.6),
    "log10": (np.log10, 0.6),
    "asin": (np.arcsin, 0.6),
    "acos": (np.arccos, 0.6),
    "atan": (np.arctan, 0.6),
    "sinh": (np.sinh, 0.6),
    "cosh": (np.cosh, 0.6),
}


@each_target
@pytest.mark.parametrize("function", F32)
def test_f32_is_accurate_over_the_whole_range(function: str, target: Target) -> None:
    exact, limit = F32[function]
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [EVERY_F32, np.array(SPECIAL, np.float32), rng.uniform(-20, 20, 20000).astype(np.float32)]
    )
    with np.errstate(all="ignore"):
        assert ulps(apply(function, f32, target, x), exact(x.astype(np.float64))) <= limit


@each_target
def test_the_normal_distribution_is_within_2e_7(target: Target) -> None:
    """Absolute: a gelu multiplies it by its argument."""
    rng = np.random.default_rng(3)
    x = np.concatenate([EVERY_F32, rng.uniform(-7, 7, 50000).astype(np.float32)])
    x = x[~np.isnan(x)]
    actual = apply("normal_cdf", f32, target, x)
    assert np.abs(actual - special.ndtr(x.astype(np.float64))).max() <= 2e-7
    assert np.isnan(apply("normal_cdf", f32, target, np.full(9, math.nan, np.float32))).all()
    extreme = apply("normal_cdf", f32, target, np.array([-math.inf, -6, 6, math.inf], np.float32))
    assert extreme.tolist() == [0, 0, 1, 1]


ODD = ["tanh", "erf", "sin", "tan", "expm1", "log1p", "asin", "atan", "sinh", "sqrt"]


@each_target
@pytest.mark.parametrize("function", ODD)
def test_signed_zeros_are_kept(function: str, target: Target) -> None:
    x = np.array([0.0, -0.0] * 10, np.float32)
    assert apply(function, f32, target, x).tobytes() == x.tobytes()


F64: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "sin": np.sin,
    "expm1": np.expm1,
    "log1p": np.log1p,
}


@each_target
@pytest.mark.parametrize("function", F64)
def test_f64_is_within_two_units(function: str, target: Target) -> None:
    rng = np.random.default_rng(1)
    parts = [rng.uniform(-s, s, 3000) for s in (1e-3, 1, 30, 745)]
    x = np.concatenate([*parts, [0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, 1e308]])
    with np.errstate(all="ignore"):
        exact = F64[function](x.astype(np.longdouble))
        assert ulps(apply(function, f64, target, x), exact) <= 2


@each_target
@pytest.mark.parametrize(("function", "exact"), [("pow", np.power), ("atan2", np.arctan2)])
def test_two_operands_over_all_pairs_of_specials(
    function: str, exact: Callable[..., Any], target: Target
) -> None:
    rng = np.random.default_rng(2)
    some = np.array([*SPECIAL, 2, 3, -2, -3, 0.5, -0.5, 1.5, 1e10], np.float32)
    left = np.concatenate([np.repeat(some, some.size), rng.uniform(0, 9, 999).astype(np.float32)])
    right = np.concatenate([np.tile(some, some.size), rng.uniform(-9, 9, 999).astype(np.float32)])
    with np.errstate(all="ignore"):
        expected = exact(left.astype(np.float64), right.astype(np.float64))
        actual = apply(function, f32, target, left, right)
    assert ulps(actual, expected) <= 0.6
    zeros = expected == 0
    np.testing.assert_array_equal(np.signbit(actual[zeros]), np.signbit(expected[zeros]))


@each_target
def test_an_element_does_not_depend_on_its_lane(target: Target) -> None:
    x = np.random.default_rng(3).normal(size=100).astype(np.float32)
    for function in ("exp", "tanh", "sigmoid", "erf", "sin", "pow"):
        args = [x, abs(x)] if function == "pow" else [x]
        whole = apply(function, f32, target, *args)
        for shift in (1, 3, 15):
            shifted = apply(function, f32, target, *[a[shift:].copy() for a in args])
            assert shifted.tobytes() == whole[shift:].tobytes()
