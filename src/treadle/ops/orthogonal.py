"""Orthogonal polynomials by their recurrences: Chebyshev's, Hermite's, Laguerre's, Legendre's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle.errors import ShapeError
from treadle.ops.doubles import in_numpy
from treadle.ops.samples import f32, f64, given

Array = np.ndarray[Any, Any]
_HIGHEST = 1 << 20  # degree; each takes a step
Next = Callable[[int, Array, Array, Array], Array]
"""``(k, x, value of k, value of k - 1) -> value of k + 1``."""


def _evaluated(first: Callable[[Array], Array], following: Next, shifted: bool) -> Any:
    """The polynomial of degree `n` at `x`: 1, ``first(x)``, and what follows; 0 below degree 0."""

    def evaluate(x: Array, n: Array) -> Array:
        x, degree = np.broadcast_arrays(2 * x - 1 if shifted else x, np.trunc(n))
        if degree.size and not degree.max() <= _HIGHEST:
            raise ShapeError(f"a polynomial of degree {degree.max()}; allowed: {_HIGHEST}")
        before, value = np.ones(x.shape), first(x)
        result = np.where(degree == 0, before, np.where(degree == 1, value, 0.0))
        for k in range(1, int(degree.max(initial=0))):
            before, value = value, following(k, x, value, before)
            result = np.where(degree == k + 1, value, result)
        return np.asarray(result)

    return evaluate


def _chebyshev(k: int, x: Array, value: Array, before: Array) -> Array:
    return 2 * x * value - before


_FAMILIES: dict[str, tuple[Callable[[Array], Array], Next]] = {
    "chebyshev_polynomial_t": (lambda x: x, _chebyshev),
    "chebyshev_polynomial_u": (lambda x: 2 * x, _chebyshev),
    "chebyshev_polynomial_v": (lambda x: 2 * x - 1, _chebyshev),
    "chebyshev_polynomial_w": (lambda x: 2 * x + 1, _chebyshev),
    "hermite_polynomial_h": (lambda x: 2 * x, lambda k, x, v, b: 2 * (x * v - k * b)),
    "hermite_polynomial_he": (lambda x: x, lambda k, x, v, b: x * v - k * b),
    "laguerre_polynomial_l": (
        lambda x: 1 - x,
        lambda k, x, v, b: ((2 * k + 1 - x) * v - k * b) / (k + 1),
    ),
    "legendre_polynomial_p": (
        lambda x: x,
        lambda k, x, v, b: ((2 * k + 1) * x * v - k * b) / (k + 1),
    ),
}
_X, _DEGREES = f32(3, 5, low=-1.5, high=1.5), given([0.0, 1.0, 2.0, 5.0, 7.0])
_SAMPLES = {
    "": ("Tensor x, Tensor n", ((_X, _DEGREES), (f64(5, low=-0.9, high=0.9), _DEGREES))),
    ".x_scalar": ("Scalar x, Tensor n", ((0.5, _DEGREES),)),
    ".n_scalar": ("Tensor x, Scalar n", ((_X, 3), (_X, 0), (f32(0), 2))),
}
for _name, _rules in _FAMILIES.items():
    for _shifted in (False, True) if _name.startswith("chebyshev") else (False,):
        _full = f"special_{'shifted_' * _shifted}{_name}"
        for _overload, (_arguments, _samples) in _SAMPLES.items():
            in_numpy(
                f"aten::{_full}{_overload}({_arguments}) -> Tensor",
                _evaluated(*_rules, _shifted),
                _samples,
                kinds="bid",
            )
