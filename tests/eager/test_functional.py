"""``treadle.nn.functional`` takes torch's arguments and gives torch's results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import treadle
import treadle.nn.functional as functional

Call = Callable[..., Any]


def array(*shape: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


X, Y = array(4, 5), array(4, 5, seed=1)
P = 1 / (1 + np.exp(-X))
CLASSES = np.array([0, 4, 2, 1])
SIGNS = np.array([1, -1, 1, -1])
IMAGE, VOLUME = array(2, 4, 9, 8), array(1, 2, 5, 6, 4)
TABLE, IDS = array(10, 3), np.array([[1, 2, 9], [0, 3, 1]])

CALLS: dict[str, tuple[Call, tuple[Any, ...]]] = {
    "relu": (lambda f, a: f.relu(a, False), (X,)),
    "leaky_relu": (lambda f, a: f.leaky_relu(a, 0.2, False), (X,)),
    "rrelu": (lambda f, a: f.rrelu(a, 0.1, 0.3), (X,)),
    "softmin": (lambda f, a: f.softmin(a, 1), (X,)),
    "softsign": (lambda f, a: f.softsign(a), (X,)),
    "tanhshrink": (lambda f, a: f.tanhshrink(a), (X,)),
    "dropout2d": (lambda f, a: f.dropout2d(a, 0.3, False), (IMAGE,)),
    "alpha_dropout": (lambda f, a: f.alpha_dropout(a, 0.3), (X,)),
    "rms_norm": (lambda f, a: f.rms_norm(a, (5,)), (X,)),
    "local_response_norm": (lambda f, a: f.local_response_norm(a, 3, 0.5, 0.6, 2.0), (IMAGE,)),
    "conv_transpose1d": (lambda f, a, w: f.conv_transpose1d(a, w, stride=2),
                         (array(1, 4, 7), array(4, 2, 3))),
    "conv3d": (lambda f, a, w: f.conv3d(a, w, padding=1), (VOLUME, array(3, 2, 3, 3, 3))),
    "bilinear": (lambda f, a, b, w: f.bilinear(a, b, w), (X, Y, array(2, 5, 5))),
    "pixel_unshuffle": (lambda f, a: f.pixel_unshuffle(a, 2), (array(1, 2, 4, 6),)),
    "cosine_similarity": (lambda f, a, b: f.cosine_similarity(a, b), (X, Y)),
    "pairwise_distance": (lambda f, a, b: f.pairwise_distance(a, b, 1.0), (X, Y)),
    "pdist": (lambda f, a: f.pdist(a), (X,)),
    "mse_loss": (lambda f, a, b: f.mse_loss(a, b, reduction="sum"), (X, Y)),
    "l1_loss": (lambda f, a, b: f.l1_loss(a, b, reduction="none"), (X, Y)),
    "smooth_l1_loss": (lambda f, a, b: f.smooth_l1_loss(a, b, beta=0.5), (X, Y)),
    "huber_loss": (lambda f, a, b: f.huber_loss(a, b, delta=0.5), (X, Y)),
    "cross_entropy": (lambda f, a, t: f.cross_entropy(a, t, label_smoothing=0.1), (X, CLASSES)),
    "nll_loss": (lambda f, a, t: f.nll_loss(a, t, ignore_index=4), (X, CLASSES)),
    "binary_cross_entropy": (lambda f, a, t: f.binary_cross_entropy(a, t), (P, P[::-1].copy())),
    "binary_cross_entropy_with_logits": (
        lambda f, a, t, w: f.binary_cross_entropy_with_logits(a, t, pos_weight=w),
        (X, P, np.ones(5, np.float32) * 2),
    ),
    "kl_div": (lambda f, a, t: f.kl_div(a, t, reduction="batchmean"), (np.log(P), P[::-1].copy())),
    "poisson_nll_loss": (lambda f, a, t: f.poisson_nll_loss(a, t), (X, P)),
    "gaussian_nll_loss": (lambda f, a, t, v: f.gaussian_nll_loss(a, t, v, True), (X, Y, P)),
    "soft_margin_loss": (lambda f, a, t: f.soft_margin_loss(a, t), (X, np.sign(Y))),
    "multilabel_soft_margin_loss": (
        lambda f, a, t: f.multilabel_soft_margin_loss(a, t), (X, (Y > 0).astype(np.float32)),
    ),
    "margin_ranking_loss": (
        lambda f, a, b, t: f.margin_ranking_loss(a, b, t, 0.1), (X[:, 0], Y[:, 0], SIGNS),
    ),
    "hinge_embedding_loss": (lambda f, a, t: f.hinge_embedding_loss(a, t), (X[:, 0], SIGNS)),
    "cosine_embedding_loss": (lambda f, a, b, t: f.cosine_embedding_loss(a, b, t), (X, Y, SIGNS)),
    "triplet_margin_loss": (lambda f, a, b, c: f.triplet_margin_loss(a, b, c, 0.5), (X, Y, P)),
    "max_pool1d": (lambda f, a: f.max_pool1d(a, 3, 2), (array(2, 3, 9),)),
    "max_pool2d": (lambda f, a: f.max_pool2d(a, 2, return_indices=True), (IMAGE,)),
    "max_pool3d": (lambda f, a: f.max_pool3d(a, 2), (VOLUME,)),
    "avg_pool3d": (lambda f, a: f.avg_pool3d(a, 2), (VOLUME,)),
    "adaptive_avg_pool3d": (lambda f, a: f.adaptive_avg_pool3d(a, 2), (VOLUME,)),
    "adaptive_max_pool1d": (lambda f, a: f.adaptive_max_pool1d(a, 3), (array(2, 3, 9),)),
    "adaptive_max_pool2d": (lambda f, a: f.adaptive_max_pool2d(a, (3, 2), True), (IMAGE,)),
    "lp_pool1d": (lambda f, a: f.lp_pool1d(a, 2.0, 3), (array(2, 3, 9),)),
    "lp_pool2d": (lambda f, a: f.lp_pool2d(a, 2.0, (3, 2), 2), (IMAGE,)),
    "interpolate": (
        lambda f, a: f.interpolate(a, scale_factor=2.0, mode="bilinear", align_corners=False),
        (IMAGE,),
    ),
    "interpolate to a size": (lambda f, a: f.interpolate(a, size=(5, 7)), (IMAGE,)),
    "interpolate to the nearest": (
        lambda f, a: f.interpolate(a, scale_factor=1.7, mode="nearest-exact"), (IMAGE,)
    ),
    "interpolate without aliases": (
        lambda f, a: f.interpolate(a, size=(3, 4), mode="bicubic", antialias=True), (IMAGE,)
    ),
    "grid_sample": (
        lambda f, a, g: f.grid_sample(a, g, padding_mode="border", align_corners=True),
        (IMAGE, np.tanh(array(2, 3, 4, 2))),
    ),
    "affine_grid": (lambda f, a: f.affine_grid(a, (2, 3, 4, 5), False), (array(2, 2, 3),)),
    "affine_grid of volumes": (lambda f, a: f.affine_grid(a, (2, 1, 2, 3, 4), True),
                               (array(2, 3, 4),)),
    "unfold": (lambda f, a: f.unfold(a, (3, 2), dilation=2, padding=1, stride=(1, 2)), (IMAGE,)),
    "fold": (lambda f, a: f.fold(a, (5, 6), (2, 3), padding=1), (array(2, 12, 36),)),
    "embedding": (lambda f, i, w: f.embedding(i, w, padding_idx=0), (IDS, TABLE)),
    "embedding_bag": (lambda f, i, w: f.embedding_bag(i, w, mode="sum"), (IDS, TABLE)),
    "embedding_bag with offsets": (
        lambda f, i, w, o: f.embedding_bag(i, w, o, mode="max"),
        (IDS.reshape(-1), TABLE, np.array([0, 4])),
    ),
}  # fmt: skip


def plain(value: Any) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(v) for v in value] if isinstance(value, tuple) else [np.asarray(value)]


@pytest.mark.torch
@pytest.mark.parametrize("name", CALLS)
def test_a_function_gives_torchs_result(name: str) -> None:
    call, arrays = CALLS[name]
    expected = plain(call(torch.nn.functional, *(torch.from_numpy(a) for a in arrays)))
    for kind in (treadle.from_numpy, np.asarray):
        result = plain(call(functional, *map(kind, arrays)))
        assert len(result) == len(expected)
        for ours, theirs in zip(result, expected, strict=True):
            assert ours.shape == theirs.shape
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)


def test_inplace_may_be_the_last_argument() -> None:
    x = treadle.tensor([-1.0, 2.0])
    assert functional.relu(x, True) is x
    assert x.tolist() == [0.0, 2.0]
    assert functional.leaky_relu(x - 3, 0.5, True).tolist() == [-1.5, -0.5]
    assert functional.elu(x, 1.0, True) is x


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda f: f.mse_loss(X, Y, reduction="some"),
            "mse_loss: argument reduction must be 'none'",
        ),
        (lambda f: f.grid_sample(IMAGE, IMAGE, mode="x"), "grid_sample: argument mode must be"),
        (lambda f: f.affine_grid(X, (1, 2, 3, 4)), r"affine_grid: theta must be \[1, 2, 3\]"),
        (lambda f: f.unfold(IMAGE, 20), "no window of .20, 20. in .9, 8."),
        (lambda f: f.fold(X, (5, 5), 2), "columns .4, 5. for 4 taps"),
        (lambda f: f.embedding_bag(IDS[0], TABLE), "embedding_bag: argument offsets is missing"),
        (lambda f: f.embedding_bag(IDS, TABLE, mode="x"), "embedding_bag: argument mode"),
        (lambda f: f.embedding(IDS, TABLE, max_norm=-1.0), "embedding_renorm_: .* max_norm"),
        (lambda f: f.dropout(X, 1.5), "dropout: argument p must be from 0 to 1, got 1.5"),
        (lambda f: f.dropout1d(X[0]), "dropout1d: input must have 2 or 3 dims, got 1"),
    ],
)
def test_a_mistake_names_function_and_argument(call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(treadle.Error, match=message):
        call(functional)
