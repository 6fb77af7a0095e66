"""3x3 convolutions by minimal filtering agree with PyTorch's, tiles that stick out included."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from tests.plans import bind, graph_of, results_of, run_on_all, type_of
from treadle.compiler import Bound, engine
from treadle.ir import dtypes
from treadle.ir.graph import Graph
from treadle.ir.types import ANY, TensorType
from treadle.ops import OPS
from treadle.ops.lowering import ConvolutionSpec
from treadle.passes.abstract import flatten
from treadle.schedule import winograd
from treadle.schedule.machine import Machine

SIZES = tuple(itertools.product([1, 2], [32, 48], [33, 64], [(5, 6), (8, 7), (13, 13)], [0, 1, 2]))


def _bound(x: np.ndarray, weight: np.ndarray, bias: np.ndarray, padding: int) -> Bound:
    """relu(conv(x) + x'), x' of the result's shape, as a plan."""
    graph = Graph()
    images = [graph.add_param(ANY, name) for name in ("x", "residual")]
    constants = [weight, bias, [1, 1], [padding, padding], [1, 1], 1]
    inputs = [images[0], *(graph.constant(c, ANY) for c in constants)]
    convolved = graph.add(OPS["conv2d"], inputs, (ANY,)).output
    one = graph.constant(1, ANY)
    total = graph.add(OPS["add.Tensor"], [convolved, images[1], one], (ANY,)).output
    graph.set_returns([graph.add(OPS["relu"], [total], (ANY,)).output])
    n, _, height, width = x.shape
    grow = 2 * padding - 2
    out = (n, weight.shape[0], height + grow, width + grow)
    types = [TensorType(dtypes.f32, shape) for shape in (x.shape, out)]
    return engine().bind(graph, types)


@pytest.mark.torch
@pytest.mark.parametrize(("n", "c_in", "c_out", "size", "padding"), SIZES)
def test_agrees_with_direct_convolution(
    n: int, c_in: int, c_out: int, size: tuple[int, int], padding: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(winograd, "MIN_GAIN_PERCENT", 10**9)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, c_in, *size), np.float32)
    weight = rng.standard_normal((c_out, c_in, 3, 3), np.float32)
    bias = rng.standard_normal(c_out, np.float32)
    bound = _bound(x, weight, bias, padding)
    assert any(s.name.startswith("winograd") for s in bound.schedule.steps())
    (value,) = flatten(bound.result)
    assert isinstance(value.type, TensorType)
    residual = rng.standard_normal(value.type.sizes, np.float32)
    out = np.empty_like(residual)
    bound.plan.run([x, residual], [out])
    tensors = (torch.from_numpy(x), torch.from_numpy(weight), torch.from_numpy(bias))
    direct = torch.nn.functional.conv2d(*tensors, padding=padding)
    expected = np.maximum(direct.numpy() + residual, 0)
    assert np.abs(out - expected).max() < 3e-6 * np.abs(expected).max()


def test_images_too_large_for_the_scratch_are_summed_directly() -> None:
    weight = TensorType(dtypes.f32, (64, 64, 3, 3))
    spec = ConvolutionSpec((1, 1), (1, 1), (1, 1), 1)
    assert winograd.winograd_pays(spec, weight, True, (1, 64, 56, 56), Machine())
    assert not winograd.winograd_pays(spec, weight, True, (1, 64, 2048, 2048), Machine())


def test_filters_that_are_transformed_with_each_run_have_to_pay_for_it() -> None:
    weight = TensorType(dtypes.f32, (512, 512, 3, 3))
    spec = ConvolutionSpec((1, 1), (1, 1), (1, 1), 1)
    assert winograd.winograd_pays(spec, weight, True, (1, 512, 7, 7), Machine())
    assert not winograd.winograd_pays(spec, weight, False, (1, 512, 7, 7), Machine())


@pytest.mark.parametrize("c_in", [32, 45])
@pytest.mark.parametrize("c_out", [32, 47, 96, 130])
def test_filters_have_the_same_bits_whether_they_are_known_or_not(
    c_in: int, c_out: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "MIN_GAIN_PERCENT", 10**9)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, c_in, 9, 6), np.float32)
    weight = rng.standard_normal((c_out, c_in, 3, 3), np.float32)
    line = "conv2d(%x, %w, None, [1, 1], [1, 1], [1, 1], 1)"
    text = "graph(%x: Tensor{})\n%y: Tensor = " + line + "\nreturn %y"
    (now,) = results_of(text.format(", %w: Tensor"), x, weight)
    known = bind(graph_of(text.format(", %w: Tensor")), [type_of(x), weight])
    (ahead,) = run_on_all(known, [x])
    assert now.tobytes() == ahead.tobytes()


@pytest.mark.parametrize("view", ["permute(%w, [0, 3, 1, 2])", "slice.Tensor(%w, 1, 0, 33, 1)"])
def test_filters_that_are_views_have_the_bits_of_dense_ones(
    view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "MIN_GAIN_PERCENT", 10**9)
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 33, 8, 8), np.float32)
    given = rng.standard_normal((40, 3, 3, 33) if "permute" in view else (40, 40, 3, 3), np.float32)
    dense = given.transpose(0, 3, 1, 2).copy() if "permute" in view else given[:, :33].copy()
    text = "graph(%x: Tensor, %w: Tensor)\n{}\nreturn %y"
    line = "%y: Tensor = conv2d(%x, {}, None, [1, 1], [1, 1], [1, 1], 1)"
    direct = text.format(line.format("%w"))
    viewed = text.format(f"%v: Tensor = {view}\n{line.format('%v')}")
    ((first,), (second,)) = results_of(direct, x, dense), results_of(viewed, x, given)
    assert first.tobytes() == second.tobytes()
