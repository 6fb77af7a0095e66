"""Plans of convolutions against torch: shapes, strides, layouts, groups, what follows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plans import Array, bind, graph_of, results_of, run_on_all, steps_of, type_of

pytestmark = [pytest.mark.native, pytest.mark.torch]
torch.set_num_threads(1)
_MANY = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Case:
    """A convolution of `rank` spatial dims; `added` is the shape of what is added, if any."""

    rank: int
    shape: tuple[int, ...]
    weight: tuple[int, ...]
    bias: bool
    stride: list[int]
    padding: list[int]
    dilation: list[int]
    groups: int
    channels_last: bool
    added: str
    constant: bool
    dtype: str
    isa: str


@st.composite
def cases(draw: Any) -> Case:
    rank = draw(st.integers(1, 2))
    small = st.integers(1, 3)
    groups, depthwise = draw(
        st.sampled_from([(1, False), (1, False), (2, False), (9, True), (33, True)])
    )
    each = draw(st.sampled_from([1, 1, 2, 4, 8]))  # of a group with as many results as channels
    c_in = groups * (each if depthwise else draw(st.sampled_from([1, 3, 16, 21])))
    c_out = groups * (each if depthwise else draw(st.sampled_from([1, 4, 19, 35])))
    kernel = [draw(st.sampled_from([1, 1, 2, 3, 5])) for _ in range(rank)]
    dilation = [draw(st.integers(1, 2)) for _ in range(rank)]
    padding = [draw(st.integers(0, k // 2)) for k in kernel]
    reach = [d * (k - 1) + 1 - 2 * p for k, d, p in zip(kernel, dilation, padding, strict=True)]
    size = [max(1, r) + draw(st.sampled_from([0, 1, 4, 9])) for r in reach]
    return Case(
        rank,
        (draw(st.sampled_from([0, 1, 1, 2])), c_in, *size),
        (c_out, c_in // groups, *kernel),
        draw(st.booleans()),
        [draw(small) for _ in range(rank)],
        padding,
        dilation,
        groups,
        draw(st.booleans()),
        draw(st.sampled_from(["", "", "full", "channels", "each", "scalar", "width"])),
        draw(st.sampled_from([True, True, False])),
        draw(st.sampled_from(["f4", "f4", "f8"])),
        draw(st.sampled_from(["native", "avx2"])),
    )


@given(cases())
@_MANY
def test_convolution_gives_torchs_result(case: Case) -> None:
    _check(case)


def _check(case: Case) -> None:
    random = np.random.default_rng(1)
    x, weight, bias = (
        random.standard_normal(s).astype(case.dtype)
        for s in (case.shape, case.weight, case.weight[:1])
    )
    stride, padding, dilation = case.stride, case.padding, case.dilation
    function = torch.conv1d if case.rank == 1 else torch.conv2d
    want: Array = function(
        torch.tensor(x), torch.tensor(weight), torch.tensor(bias) if case.bias else None,
        stride, padding, dilation, case.groups,
    ).numpy()  # fmt: skip
    constants = {"w": weight, "b": bias if case.bias else None}
    given_x, view = x, ""
    if case.channels_last:
        given_x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        order = [0, case.rank + 1, *range(1, case.rank + 1)]
        view = f"%i: Tensor = permute(%x, {order})"
    arrays, tail = [given_x], ""
    if case.added:
        c, extra = want.shape[1], [1] * case.rank
        added = random.standard_normal(
            {"full": want.shape, "channels": (c, *extra), "each": (*want.shape[:2], *extra),
             "scalar": (), "width": want.shape[-1:]}[case.added]
        ).astype(case.dtype)  # fmt: skip
        want = np.maximum(want + added, 0)
        arrays.append(added)
        tail = "%s: Tensor = add.Tensor(%y, %z, 1)\n%r: Tensor = relu(%s)"
    if not case.constant:
        arrays.append(weight)
    params = ["%x", *(["%z"] if case.added else []), *([] if case.constant else ["%w"])]
    text = "\n".join(
        [
            f"graph({', '.join(f'{p}: Tensor' for p in params)})",
            "%w: Tensor = constant(@w)" if case.constant else "",
            "%b: Any = constant(@b)",
            view,
            f"%y: Tensor = conv{case.rank}d({'%i' if view else '%x'}, %w, %b, {stride}, {padding},"
            f" {dilation}, {case.groups})",
            tail,
            f"return {'%r' if tail else '%y'}",
        ]
    )
    text = "\n".join(line for line in text.splitlines() if line)
    (actual,) = results_of(text, *arrays, constants=constants, isa=case.isa)
    scale = max(1.0, float(np.abs(want).max(initial=0)))
    tolerance = (1e-5 if case.dtype == "f4" else 1e-12) * scale
    assert (actual.shape, actual.dtype) == (want.shape, want.dtype)
    np.testing.assert_allclose(actual, want, rtol=0, atol=tolerance)


@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("kernel", [(3,), (9,), (2, 3), (3, 3)])
@pytest.mark.parametrize(("c_in", "c_out"), [(3, 5), (17, 48), (33, 100)])
def test_weights_packed_with_each_run_have_the_bits_of_known_ones(
    c_in: int, c_out: int, kernel: tuple[int, ...], isa: str
) -> None:
    rng, rank = np.random.default_rng(0), len(kernel)
    for dtype in (np.float32, np.float16):
        x = rng.standard_normal((1, c_in, *[11] * rank)).astype(dtype)
        weight = rng.standard_normal((c_out, c_in, *kernel)).astype(dtype)
        twos, ones = [2] * rank, [1] * rank
        line = f"%y: Tensor = conv{rank}d(%x, %w, None, {twos}, {ones}, {ones}, 1)\nreturn %y"
        text = f"graph(%x: Tensor, %w: Tensor)\n{line}"
        (now,) = results_of(text, x, weight, isa=isa)
        known = bind(graph_of(text), [type_of(x), weight], isa)
        (ahead,) = run_on_all(known, [x])
        assert now.tobytes() == ahead.tobytes()


@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize(
    ("shape", "c_out"),
    [((2, 20, 5, 7), 33), ((1, 300, 4, 4), 9), ((3, 17, 40), 8), ((17, 3, 30), 100)],
)
def test_products_of_pixels_have_the_bits_of_images_with_channels_last(
    shape: tuple[int, ...], c_out: int, dtype: Any, isa: str
) -> None:
    """The third are signals, the last is an image without a batch."""
    rng, rank = np.random.default_rng(0), 1 if shape == (3, 17, 40) else 2
    c_in = shape[-1 - rank]
    x = rng.standard_normal(shape).astype(dtype)
    weight = rng.standard_normal((c_out, c_in, *[1] * rank)).astype(dtype)
    bias = rng.standard_normal(c_out).astype(dtype)
    ones, zeros, order = [1] * rank, [0] * rank, [*range(x.ndim)]
    order.append(order.pop(-1 - rank))
    back = [order.index(d) for d in range(x.ndim)]
    params = "graph(%x: Tensor, %w: Tensor, %b: Tensor)\n"
    line = f"conv{rank}d({{}}, %w, %b, {ones}, {zeros}, {ones}, 1)\n"
    plain = f"{params}%c: Tensor = {line.format('%x')}%y: Tensor = relu(%c)\nreturn %y"
    turned = (
        f"{params}%v: Tensor = permute(%x, {back})\n%c: Tensor = {line.format('%v')}"
        "%y: Tensor = relu(%c)\nreturn %y"
    )
    stored = np.ascontiguousarray(x.transpose(order))
    assert "channels_last" not in steps_of(plain, x, weight, bias)
    (first,) = results_of(plain, x, weight, bias, isa=isa)
    (second,) = results_of(turned, stored, weight, bias, isa=isa)
    assert first.tobytes() == second.tobytes()


def test_padding_beside_strided_channels_reads_zeros() -> None:
    """A single pixel may have channels far apart; the row of zeros has them side by side."""
    random = np.random.default_rng(0)
    x, w = random.standard_normal((1, 64, 1, 40)), random.standard_normal((5, 64, 3, 3))
    (actual,) = results_of(
        """
        graph(%x: Tensor)
        %w: Tensor = constant(@w)
        %p: Tensor = slice.Tensor(%x, 3, 7, 8, 1)
        %y: Tensor = conv2d(%p, %w, None, [1, 1], [1, 1], [1, 1], 1)
        return %y
        """,
        x,
        constants={"w": w},
    )
    want = torch.conv2d(torch.tensor(x[..., 7:8]), torch.tensor(w), padding=1).numpy()
    np.testing.assert_allclose(actual, want, rtol=0, atol=1e-12 * np.abs(want).max())


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("kernel", "stride"), [((2, 2), (2, 2)), ((3, 5), (2, 1)), ((1, 2), (3, 3))]
)
def test_transposed_convolutions_take_weights_made_at_run_time(
    kernel: tuple[int, int], stride: tuple[int, int], groups: int
) -> None:
    random = np.random.default_rng(0)
    x, w = random.standard_normal((2, 4, 5, 6)), random.standard_normal((4, 3, *kernel))
    (actual,) = results_of(
        "graph(%x: Tensor, %w: Tensor)\n%y: Tensor = conv_transpose2d.input(%x, %w, None, "
        f"{list(stride)}, [1, 0], [0, 0], {groups}, [1, 1])\nreturn %y",
        x,
        w,
    )
    want = torch.conv_transpose2d(
        torch.tensor(x), torch.tensor(w), None, stride, (1, 0), 0, groups
    ).numpy()
    np.testing.assert_allclose(actual, want, rtol=0, atol=1e-12 * np.abs(want).max())
