"""Random tensors: seeds and states repeat them, threads do not matter, distributions are right."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import treadle
import treadle.nn.functional as F  # noqa: N812  torch's name
from treadle import Tensor
from treadle.errors import InputError

untyped: Any = treadle
"""For calls that a type checker refuses too."""
COUNT = 40_000
DRAWS: dict[str, Callable[[Any], Any]] = {
    "rand": lambda g: treadle.rand(5, 3, generator=g),
    "rand of half": lambda g: treadle.rand(9, dtype=treadle.float16, generator=g),
    "randn": lambda g: treadle.randn(7, dtype=treadle.float64, generator=g),
    "randn of complex": lambda g: treadle.randn(4, dtype=treadle.complex64, generator=g),
    "randint": lambda g: treadle.randint(-3, 50, (6,), generator=g),
    "randint of many": lambda g: treadle.randint(-(2**62), 2**62, (3,), generator=g),
    "randperm": lambda g: treadle.randperm(11, generator=g),
    "bernoulli": lambda g: treadle.bernoulli(treadle.full((20,), 0.5), generator=g),
    "multinomial": lambda g: treadle.multinomial(treadle.ones(9), 5, generator=g),
    "normal": lambda g: untyped.normal(treadle.zeros(4), treadle.ones(4), generator=g),
    "poisson": lambda g: treadle.poisson(treadle.full((5,), 4.0), generator=g),
    "normal_": lambda g: treadle.empty(4).normal_(1.0, 2.0, generator=g),
    "uniform_": lambda g: treadle.empty(4).uniform_(-1.0, 1.0, generator=g),
    "random_": lambda g: treadle.empty(4).random_(generator=g),
    "exponential_": lambda g: treadle.empty(4).exponential_(generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_or_a_state_repeats_what_is_drawn(name: str) -> None:
    draw, own = DRAWS[name], treadle.Generator().manual_seed(5)
    state = own.get_state()
    first, second = draw(own).tolist(), draw(own).tolist()
    assert first != second
    assert [draw(own.set_state(state)).tolist(), draw(own).tolist()] == [first, second]
    assert draw(own.manual_seed(5)).tolist() == first
    treadle.manual_seed(5)
    assert [draw(None).tolist(), draw(None).tolist()] == [first, second]
    treadle.set_rng_state(state)
    assert draw(None).tolist() == first


@pytest.mark.parametrize("name", DRAWS)
def test_threads_change_nothing(name: str) -> None:
    results = []
    for threads in (1, 2, 3, 8):
        with treadle.threads(intra=threads):
            treadle.manual_seed(1)
            results.append(DRAWS[name](None).tolist())
    assert all(r == results[0] for r in results)


def test_scripts_draw_what_eager_functions_draw() -> None:
    def draws(x: Tensor) -> Tensor:
        y = treadle.rand_like(x) + treadle.randn_like(x) + treadle.bernoulli(x * 0.0 + 0.5)
        return y + treadle.rand([3]) + treadle.randint(0, 9, [3]) + treadle.randn([3])

    scripted = treadle.script(draws)
    x = treadle.zeros(3)
    treadle.manual_seed(4)
    expected = [draws(x).tolist() for _ in range(2)]
    treadle.manual_seed(4)
    assert [scripted(x).tolist() for _ in range(2)] == expected


def test_what_seeds_and_states_are() -> None:
    own = treadle.Generator()
    assert own.manual_seed(-1).initial_seed() == 2**64 - 1
    assert own.seed() == own.initial_seed()
    assert own.get_state().dtype is treadle.uint8
    other = treadle.Generator().set_state(own.get_state())
    assert other.initial_seed() == own.initial_seed()
    assert treadle.rand(3, generator=other).tolist() == treadle.rand(3, generator=own).tolist()
    assert treadle.manual_seed(3) is treadle.default_generator
    assert treadle.initial_seed() == 3
    assert treadle.seed() == treadle.initial_seed()
    with pytest.raises(treadle.InputError, match=r"new_state must be 112 bytes .* got uint8\[4\]"):
        own.set_state(treadle.zeros(4, dtype=treadle.uint8))


def moments(values: Any) -> tuple[float, float]:
    array = values.numpy().astype(np.float64)
    return float(array.mean()), float(array.var())


@pytest.mark.parametrize(
    ("draw", "mean", "variance"),
    [
        (lambda: treadle.rand(COUNT), 0.5, 1 / 12),
        (lambda: treadle.randn(COUNT), 0.0, 1.0),
        (lambda: treadle.rand(COUNT, dtype=treadle.float16), 0.5, 1 / 12),
        (lambda: treadle.randn(COUNT, dtype=treadle.bfloat16), 0.0, 1.0),
        (lambda: treadle.randint(-2, 4, (COUNT,)), 0.5, 35 / 12),
        (lambda: treadle.bernoulli(treadle.full((COUNT,), 0.3)), 0.3, 0.21),
        (lambda: untyped.normal(3.0, 2.0, (COUNT,)), 3.0, 4.0),
        (lambda: treadle.poisson(treadle.full((COUNT,), 4.0)), 4.0, 4.0),
        (lambda: treadle.poisson(treadle.full((COUNT,), 0.3, dtype=treadle.float64)), 0.3, 0.3),
        (lambda: treadle.poisson(treadle.full((COUNT,), 12.0)), 12.0, 12.0),
        (lambda: treadle.poisson(treadle.full((COUNT,), 90.0, dtype=treadle.float16)), 90.0, 90.0),
        (lambda: treadle.empty(COUNT).exponential_(2.0), 0.5, 0.25),
        (lambda: treadle.empty(COUNT).geometric_(0.25), 4.0, 12.0),
        (lambda: treadle.empty(COUNT).uniform_(-2.0, 4.0), 1.0, 3.0),
    ],
)  # fmt: skip
def test_moments_are_the_distributions(
    draw: Callable[[], Any], mean: float, variance: float
) -> None:
    treadle.manual_seed(11)
    found = moments(draw())
    assert abs(found[0] - mean) < 5 * math.sqrt(variance / COUNT)
    assert abs(found[1] - variance) < 0.05 * variance


def test_uniform_numbers_fill_their_interval_evenly() -> None:
    treadle.manual_seed(12)
    for dtype in (treadle.float32, treadle.float64, treadle.float16, treadle.bfloat16):
        values = treadle.rand(COUNT, dtype=dtype).double().numpy()
        assert values.min() >= 0
        assert values.max() < 1
        counts = np.histogram(values, 16, (0, 1))[0]
        assert ((counts - COUNT / 16) ** 2).sum() / (COUNT / 16) < 45  # 15 degrees of freedom
    lags = treadle.rand(COUNT).double().numpy() - 0.5
    assert abs((lags[1:] * lags[:-1]).mean()) < 5 / 12 / math.sqrt(COUNT)


def test_integers_and_orders_are_equally_likely() -> None:
    treadle.manual_seed(13)
    counts = np.bincount(treadle.randint(0, 7, (7000,)).numpy(), minlength=7)
    assert ((counts - 1000) ** 2).sum() / 1000 < 25  # 6 degrees of freedom
    orders = list(itertools.permutations(range(3)))
    seen = [orders.index(tuple(treadle.randperm(3).tolist())) for _ in range(1200)]
    assert ((np.bincount(seen, minlength=6) - 200) ** 2).sum() / 200 < 22
    assert sorted(treadle.randperm(100).tolist()) == list(range(100))


def test_weights_decide_what_is_sampled() -> None:
    treadle.manual_seed(14)
    weights = treadle.tensor([1.0, 0.0, 3.0, 6.0])
    drawn = treadle.multinomial(weights, 10_000, True).numpy()
    shares = np.bincount(drawn, minlength=4) / 10_000
    np.testing.assert_allclose(shares, [0.1, 0.0, 0.3, 0.6], atol=0.02)
    for _ in range(20):
        assert sorted(treadle.multinomial(weights, 3).tolist()) == [0, 2, 3]


def test_dropout_outside_of_training_is_the_identity() -> None:
    x = treadle.rand(4)
    assert F.dropout(x, 0.7, training=False).tolist() == x.tolist()


def test_dropout_in_scripts_draws_anew_at_each_call_and_repeats_with_the_seed() -> None:
    def twice(x: treadle.Tensor) -> treadle.Tensor:
        return F.dropout(x, 0.5, True) + F.dropout(x, 0.5, True)

    function = treadle.script(twice)
    x = treadle.ones(4, 64)
    treadle.manual_seed(15)
    first = function(x)
    assert {0.0, 2.0, 4.0} == set(first.unique().tolist())
    assert first.tolist() != function(x).tolist()
    treadle.manual_seed(15)
    assert first.tolist() == function(x).tolist()


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: treadle.randint(3, 3, (2,)), "randint: there is no integer from 3 to below 3"),
        (lambda: untyped.randint(3), "randint: argument size is missing"),
        (lambda: treadle.rand(2, dtype=treadle.int64), "rand: only floating and complex dtypes"),
        (lambda: treadle.randn(-1), "randn: sizes must not be negative"),
        (lambda: treadle.multinomial(treadle.zeros(3), 1), "multinomial: weights"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call: Callable[[], Any], match: str) -> None:
    with pytest.raises(treadle.InputError, match=match):
        call()


@pytest.mark.parametrize("rate", [0.7, 9.5, 10.5, 80.0])
def test_numbers_of_events_have_their_chances(rate: float) -> None:
    treadle.manual_seed(13)
    drawn = treadle.poisson(treadle.full((COUNT,), rate)).long().numpy()
    count = np.arange(drawn.max() + 1)
    steps = np.log(rate) - np.log(np.maximum(count, 1))
    steps[0] = -rate
    expected = COUNT * np.exp(np.cumsum(steps))
    is_likely = expected > 20
    errors = (np.bincount(drawn) - expected)[is_likely] / np.sqrt(expected[is_likely])
    assert np.mean(errors**2) < 2


@pytest.mark.parametrize("rate", [-1.0, math.nan, math.inf])
def test_what_is_no_rate_of_events_is_refused(rate: float) -> None:
    with pytest.raises(InputError, match="poisson: rates must be from 0"):
        treadle.poisson(treadle.tensor([1.0, rate]))
    assert treadle.poisson(treadle.zeros(2, 0)).shape == (2, 0)
    assert float(treadle.poisson(treadle.tensor(0.0))) == 0.0
