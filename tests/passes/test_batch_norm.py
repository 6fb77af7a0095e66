from __future__ import annotations

import numpy as np
import pytest

from tests.check_pass import canonical, check_meaning, check_pass, graph_of
from treadle.passes.batch_norm import fold_batch_norm

_RNG = np.random.default_rng(0)


def _f32(*shape: int) -> np.ndarray:
    return _RNG.standard_normal(shape).astype(np.float32)


CONSTANTS = {
    "w": _f32(3, 2, 2, 2),
    "b": _f32(3),
    "gamma": _f32(3),
    "beta": _f32(3),
    "mean": _f32(3),
    "var": np.abs(_f32(3)) + 0.5,
    "l": _f32(3, 4),
}
HEAD = """
%w: f32[3, 2, 2, 2] = constant(@w)
%b: f32[3] = constant(@b)
%l: f32[3, 4] = constant(@l)
%gamma: f32[3] = constant(@gamma)
%beta: f32[3] = constant(@beta)
%mean: f32[3] = constant(@mean)
%var: f32[3] = constant(@var)
"""


def _check_folds(text: str, params: str) -> None:
    text = f"graph({params})" + HEAD + text
    before, graph = graph_of(text, CONSTANTS), graph_of(text, CONSTANTS)
    assert fold_batch_norm(graph)
    assert "batch_norm" not in canonical(graph)
    check_meaning(before, graph, rtol=1e-5)
    assert not fold_batch_norm(graph)


def _check_stays(text: str, params: str = "%x: f32[N, 2, 5, 5]") -> None:
    check_pass(
        fold_batch_norm,
        before=f"graph({params})" + HEAD + text,
        constants=CONSTANTS,
        meaning=False,
    )


@pytest.mark.parametrize("bias", ["%b", "None"])
@pytest.mark.parametrize("affine", ["%gamma, %beta", "None, None"])
def test_a_convolution_takes_the_normalisation(bias: str, affine: str) -> None:
    _check_folds(
        f"%c: Tensor = conv2d(%x, %w, {bias}, [1, 1], [0, 0], [1, 1], 1)\n"
        f"%n: Tensor = batch_norm(%c, {affine}, %mean, %var, False, 0.1, 1e-05, True)\n"
        "return %n",
        "%x: f32[N, 2, 5, 5]",
    )


def test_a_linear_layer_of_known_rank_takes_the_normalisation() -> None:
    _check_folds(
        "%c: f32[N, 3] = linear(%x, %l, %b)\n"
        "%n: Tensor = batch_norm(%c, %gamma, %beta, %mean, %var, False, 0.1, 1e-05, True)\n"
        "return %n",
        "%x: f32[N, 4]",
    )


def test_a_linear_layer_of_unknown_rank_stays() -> None:
    _check_stays(
        "%c: Tensor = linear(%x, %l, %b)\n"
        "%n: Tensor = batch_norm(%c, %gamma, %beta, %mean, %var, False, 0.1, 1e-05, True)\n"
        "return %n",
    )


def test_a_convolution_with_another_use_stays() -> None:
    _check_stays(
        "%c: Tensor = conv2d(%x, %w, %b, [1, 1], [0, 0], [1, 1], 1)\n"
        "%n: Tensor = batch_norm(%c, %gamma, %beta, %mean, %var, False, 0.1, 1e-05, True)\n"
        "return %n, %c",
    )


def test_training_stays() -> None:
    _check_stays(
        "%c: Tensor = conv2d(%x, %w, %b, [1, 1], [0, 0], [1, 1], 1)\n"
        "%n: Tensor = batch_norm(%c, %gamma, %beta, %mean, %var, True, 0.1, 1e-05, True)\n"
        "return %n",
    )


def test_a_weight_from_outside_stays() -> None:
    _check_stays(
        "%c: Tensor = conv2d(%x, %k, %b, [1, 1], [0, 0], [1, 1], 1)\n"
        "%n: Tensor = batch_norm(%c, %gamma, %beta, %mean, %var, False, 0.1, 1e-05, True)\n"
        "return %n",
        "%x: f32[N, 2, 5, 5], %k: f32[3, 2, 2, 2]",
    )
