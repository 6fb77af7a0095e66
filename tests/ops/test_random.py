"""Random operators: distributions, and sequences that a seed repeats."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from treadle.errors import InputError, ShapeError
from treadle.ir.text import print_graph
from treadle.ir.text_parser import parse_graph
from treadle.ops import OPS
from treadle.ops.random import manual_seed
from treadle.passes.cse import eliminate_common_subexpressions

Array = np.ndarray[Any, Any]
_REST = (None, None, None)


def _draw(name: str, *args: object) -> np.ndarray[Any, Any]:
    result = OPS[name].reference(*args)  # type: ignore[misc]
    assert isinstance(result, np.ndarray)
    return result


def test_a_seed_repeats_the_sequence() -> None:
    manual_seed(7)
    first = [_draw("randn", [3], None, *_REST), _draw("rand", [2], 7, *_REST)]
    manual_seed(7)
    again = [_draw("randn", [3], None, *_REST), _draw("rand", [2], 7, *_REST)]
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert [a.dtype for a in first] == [np.float32, np.float64]


def test_draws_have_their_distribution() -> None:
    manual_seed(0)
    uniform = _draw("rand", [20000], None, *_REST).astype(np.float64)
    assert 0 <= uniform.min() < 0.01
    assert 0.99 < uniform.max() < 1
    normal = _draw("randn", [20000], None, *_REST).astype(np.float64)
    assert abs(normal.mean()) < 0.05
    assert abs(normal.std() - 1) < 0.05
    integers = _draw("randint.low", 2, 5, [300], 4, *_REST)
    assert set(integers.tolist()) == {2, 3, 4}


def test_random_operators_are_not_pure() -> None:
    assert not any(OPS[n].pure for n in ("rand", "randn", "rand_like", "randint", "bernoulli"))


def test_bad_bounds_and_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="low 3 must be less than high 3"):
        _draw("randint.low", 3, 3, [2], 4, *_REST)
    with pytest.raises(ShapeError, match="must not be negative"):
        _draw("rand", [-1], None, *_REST)


# --- dropout ------------------------------------------------------------------------------------

_ONES = np.ones((200, 100, 1), np.float32)


@pytest.mark.parametrize("name", ["dropout", "feature_dropout"])
@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
def test_dropped_elements_are_as_many_as_told_and_the_rest_is_scaled(name: str, p: float) -> None:
    manual_seed(5)
    found = _draw(name, _ONES, p, True)
    assert set(found.ravel().tolist()) <= {0.0, np.float32(1 / (1 - p)) if p < 1 else 0.0}
    assert abs(np.mean(found == 0) - p) < 0.01


def test_whole_channels_are_dropped() -> None:
    manual_seed(5)
    found = _draw("feature_dropout", np.ones((20, 30, 4), np.float32), 0.5, True)
    assert np.array_equal(found.min(-1), found.max(-1))
    assert 0 < np.mean(found == 0) < 1


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_and_variance(name: str) -> None:
    manual_seed(5)
    x = np.random.default_rng(0).standard_normal((300, 200), np.float32)
    found = _draw(name, x, 0.3, True)
    assert abs(found.mean()) < 0.02
    assert abs(found.std() - 1) < 0.02


def test_the_mask_of_native_dropout_tells_what_was_kept() -> None:
    manual_seed(5)
    found, kept = OPS["native_dropout"].reference(_ONES, 0.5, None)  # type: ignore[misc]
    np.testing.assert_array_equal(found, np.where(kept, 2.0, 0.0))


def test_slopes_of_rrelu_lie_between_their_bounds() -> None:
    manual_seed(5)
    slopes = -_draw("rrelu", -_ONES, 0.1, 0.3, True, None)
    assert 0.1 <= slopes.min() < 0.11
    assert 0.29 < slopes.max() <= 0.3


@pytest.mark.parametrize("name", ["dropout", "feature_dropout", "alpha_dropout"])
def test_integers_are_not_dropped_in_training(name: str) -> None:
    with pytest.raises(ShapeError, match=f"{name}: needs floating numbers in training, got i64"):
        _draw(name, np.ones((2, 3), np.int64), 0.5, True)


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_networks_drop_elements_between_their_layers_in_training(name: str) -> None:
    rows = {"lstm": 16, "gru": 12}.get(name, 4)
    first, second = ([_weight(rows, n), _weight(rows, 4)] for n in (3, 4))
    states = np.zeros((2, 2, 4), np.float32)

    def run(x: Array, weights: list[Array], dropout: float, train: bool) -> list[Array]:
        h = states[: len(weights) // 2]
        flags = False, len(h), dropout, train, False, False
        return list(_call(f"{name}.input", x, [h, h] if name == "lstm" else h, weights, *flags))

    x = np.ones((5, 2, 3), np.float32)
    plain, dropped, again = (run(x, first + second, 0.5, train) for train in (False, True, True))
    assert not np.array_equal(dropped[0], again[0])
    np.testing.assert_array_equal(plain[1][0], dropped[1][0])  # the first layer gets all
    nothing = run(np.zeros((5, 2, 4), np.float32), second, 0.5, True)
    np.testing.assert_array_equal(run(x, first + second, 1.0, True)[0], nothing[0])


def test_attention_drops_weights() -> None:
    q = _weight(4, 8)
    plain, dropped, nothing = (
        _call("scaled_dot_product_attention", q, q, q, None, p, False, None, False)
        for p in (0.0, 0.5, 1.0)
    )
    assert not np.array_equal(plain, dropped)
    assert not nothing.any()


@pytest.mark.parametrize(("p", "calls"), [("0.5", 2), ("0.0", 1)])
def test_two_calls_that_draw_are_not_one(p: str, calls: int) -> None:
    call = f"scaled_dot_product_attention(%q, %q, %q, None, {p}, False, None, False)"
    graph = parse_graph(
        f"""
        graph(%q: f32[3, 4])
        %a: f32[3, 4] = {call}
        %b: f32[3, 4] = {call}
        %c: f32[3, 4] = sub.Tensor(%a, %b)
        return %c
        """,
        OPS,
    )
    eliminate_common_subexpressions(graph)
    assert print_graph(graph).count("attention") == calls


def _weight(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def _call(name: str, *args: Any) -> Any:
    return OPS[name].reference(*args)  # type: ignore[misc]
