"""Calls of scripted functions with arguments that are not tensors."""

from __future__ import annotations

import numpy as np
import pytest

import treadle
from treadle import method, variants
from treadle.runtime import Plan
from treadle.template import Signature


def scaled(x: treadle.Tensor, factor: float) -> treadle.Tensor:
    return x * factor


def total(numbers: list[int]) -> int:
    result = 0
    for number in numbers:
        result += number
    return result


def test_each_number_has_its_own_result() -> None:
    script = treadle.script(scaled)
    x = np.ones(3, np.float32)
    for factor in (1.0, 2.0, 1.0, 0.5):
        assert script(x, factor).tolist() == [factor] * 3


def test_the_sign_of_a_zero_is_kept() -> None:
    script = treadle.script(scaled)
    x = np.ones(2, np.float32)
    assert not np.signbit(np.asarray(script(x, 0.0))).any()
    assert np.signbit(np.asarray(script(x, -0.0))).all()


def test_variants_are_bounded() -> None:
    script = treadle.script(scaled)
    x = np.ones(1, np.float32)
    for i in range(method.MAX_VARIANTS + 5):
        assert script(x, float(i)).item() == float(i)
    assert len(script._variants) == method.MAX_VARIANTS


def test_lists_of_numbers_do_not_make_plans() -> None:
    script = treadle.script(total)
    assert script(list(range(5000))) == 5000 * 4999 // 2
    assert not script._variants


def test_results_of_other_structures_for_other_signatures() -> None:
    @treadle.script
    def function(x: treadle.Tensor) -> tuple[treadle.Tensor, list[int]]:
        return x + 1, [x.size(0)]

    for _ in range(2):
        for size in range(200):
            y, shape = function(np.zeros((size,), np.float32))
            assert (y.shape, shape) == ((size,), [size])


def test_an_optional_result_that_some_signatures_lack() -> None:
    @treadle.script
    def function(x: treadle.Tensor) -> treadle.Tensor | None:
        return x + 1 if x.size(0) > 2 else None

    for size in (3, 1, 3, 2, 5, 1):
        result = function(np.zeros((size,), np.float32))
        assert (result is None) == (size <= 2)


def test_a_method_that_no_plan_takes_is_tried_a_few_times_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[Signature] = []
    bind = variants.Variant._bind

    def noted(variant: variants.Variant, signature: Signature) -> Plan:
        tried.append(signature)
        return bind(variant, signature)

    monkeypatch.setattr(variants.Variant, "_bind", noted)

    @treadle.script
    def positive(x: treadle.Tensor) -> treadle.Tensor:
        if bool(x.sum() > 0.0):
            return x + 1.0
        return x

    for n in range(1, 9):
        assert positive(np.ones(n, np.float32)).tolist() == [2.0] * n
    assert len(tried) == variants.MAX_FAILED
