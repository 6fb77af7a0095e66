"""Plans of matrix products against NumPy: batches, layouts, constant and run-time operands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plans import Array, results_of, steps_of

pytestmark = pytest.mark.native
_MANY = settings(max_examples=60, suppress_health_check=list(HealthCheck))
_BATCHES = (
    ((), ()), ((3,), ()), ((), (3,)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), ()),
    ((2, 1), (1, 3)), ((1, 3), (2, 3)), ((2, 3), (2, 3)), ((1,), (3,)), ((0,), (1,)),
    ((2, 2, 3), ()),
)  # fmt: skip


def _random(shape: Any, dtype: Any = np.float32) -> Array:
    return np.asarray(np.random.default_rng(len(shape)).standard_normal(shape).astype(dtype))


def _close(actual: Array, expected: Array) -> None:
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    tolerance = (1e-5 if expected.dtype == np.float32 else 1e-12) * scale
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


@st.composite
def cases(draw: Any) -> dict[str, Any]:
    sizes = st.sampled_from([0, 1, 1, 2, 5, 16, 33, 70])
    return {
        "batches": draw(st.sampled_from(_BATCHES)),
        "m": draw(sizes),
        "k": draw(st.sampled_from([0, 1, 3, 40, 130])),
        "n": draw(sizes),
        "a_transposed": draw(st.booleans()),
        "b_transposed": draw(st.booleans()),
        "constant": draw(st.booleans()),
        "added": draw(st.sampled_from(["", "row", "column", "scalar", "full"])),
        "dtype": draw(st.sampled_from(["f4", "f4", "f8"])),
        "isa": draw(st.sampled_from(["native", "avx2"])),
    }


@given(cases())
@_MANY
def test_matmul_gives_numpys_result(case: dict[str, Any]) -> None:
    _check(**case)


def _check(
    batches: Any, m: int, k: int, n: int, a_transposed: bool, b_transposed: bool,
    constant: bool, added: str, dtype: str, isa: str,
) -> None:  # fmt: skip
    a = _random((*batches[0], k, m) if a_transposed else (*batches[0], m, k), dtype)
    b = _random((*batches[1], n, k) if b_transposed else (*batches[1], k, n), dtype)
    lines = ["%ta: Tensor = transpose.int(%a, -1, -2)"] * a_transposed
    lines += ["%tb: Tensor = transpose.int(%b, -1, -2)"] * b_transposed
    x, y = (v.swapaxes(-1, -2) if t else v for v, t in ((a, a_transposed), (b, b_transposed)))
    want = x @ y
    lines.append(
        f"%y: Tensor = matmul({'%ta' if a_transposed else '%a'}, {'%tb' if b_transposed else '%b'})"
    )
    params, arrays = ["%a: Tensor"], [a]
    if constant:
        lines.insert(0, "%b: Tensor = constant(@b)")
    else:
        params.append("%b: Tensor")
        arrays.append(b)
    if added:
        shape = {"row": (n,), "column": (m, 1), "scalar": (), "full": want.shape}[added]
        z = _random(shape, dtype)
        params.append("%z: Tensor")
        arrays.append(z)
        lines.append("%s: Tensor = add.Tensor(%z, %y, 1)")
        want = want + z
    text = "\n".join([f"graph({', '.join(params)})", *lines, f"return {'%s' if added else '%y'}"])
    _close(results_of(text, *arrays, constants={"b": b}, isa=isa)[0], want)


@pytest.mark.parametrize("rows", [1, 100])
def test_slices_of_wider_matrices(rows: int) -> None:
    """Operands whose rows are not adjacent, on their way of one row and of many."""
    a, b = _random((rows, 50)), _random((60, 90))
    (actual,) = results_of(
        """
        graph(%a: Tensor, %b: Tensor)
        %x: Tensor = slice.Tensor(%a, 1, 3, 50, 2)
        %r: Tensor = slice.Tensor(%b, 0, 1, 25, 1)
        %y: Tensor = slice.Tensor(%r, 1, 5, 48, 1)
        %z: Tensor = matmul(%x, %y)
        return %z
        """,
        a,
        b,
    )
    _close(actual, a[:, 3::2] @ b[1:25, 5:48])


@pytest.mark.parametrize("shape", [(7,), (1,), ()])
def test_linear_takes_any_bias_that_broadcasts(shape: tuple[int, ...]) -> None:
    x, w, b = _random((2, 3, 5)), _random((7, 5)), _random(shape)
    text = """
    graph(%x: Tensor, %b: Tensor)
    %w: Tensor = constant(@w)
    %y: Tensor = linear(%x, %w, %b)
    return %y
    """
    _close(results_of(text, x, b, constants={"w": w})[0], x @ w.T + b)


def test_addmm_is_one_kernel() -> None:
    bias, a, b = _random((9,)), _random((4, 5)), _random((5, 9))
    text = """
    graph(%c: Tensor, %a: Tensor)
    %b: Tensor = constant(@b)
    %y: Tensor = addmm(%c, %a, %b, beta=1, alpha=1)
    %z: Tensor = relu(%y)
    return %z
    """.replace("beta=1, alpha=1", "1, 1")
    _close(results_of(text, bias, a, constants={"b": b})[0], np.maximum(a @ b + bias, 0))
    assert len(steps_of(text, bias, a, constants={"b": b})) == 1


def test_products_of_integers_wrap() -> None:
    a = np.array([[3, 1 << 62], [1 << 62, -5]], np.int64)
    (ours,) = results_of("graph(%a: Tensor)\n%y: Tensor = matmul(%a, %a)\nreturn %y", a)
    np.testing.assert_array_equal(ours, a @ a)


@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_empty_sum_over_more_columns_than_a_panel(dtype: Any, isa: str) -> None:
    a, b = np.zeros((33, 0), dtype), np.zeros((0, 133), dtype)
    text = "graph(%a: Tensor, %b: Tensor)\n%y: Tensor = matmul(%a, %b)\nreturn %y"
    _close(results_of(text, a, b, isa=isa)[0], a @ b)


@pytest.mark.parametrize(("m", "k", "n"), [(128, 768, 96), (20, 4096, 64), (1, 2048, 40)])
def test_errors_do_not_grow_with_the_length_of_a_sum(m: int, k: int, n: int) -> None:
    """Sums of parts of k are added up: one long sum of 4,096 products is off by 20 ulp and more."""
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((m, k), np.float32), rng.standard_normal((k, n), np.float32)
    (ours,) = results_of(
        f"""
        graph(%a: f32[{m}, {k}], %b: f32[{k}, {n}])
        %c: f32[{m}, {n}] = mm(%a, %b)
        return %c
        """,
        a, b,
    )  # fmt: skip
    exact = a.astype(np.float64) @ b.astype(np.float64)
    ulp = float(np.spacing(np.float32(np.abs(exact).max())))
    assert np.abs(ours - exact).max() <= 6 * ulp


@pytest.mark.parametrize("rows", [1, 3, 16])
def test_few_rows_read_b_as_it_lies(rows: int) -> None:
    text = "graph(%x: Tensor, %w: Tensor, %b: Tensor)\n%y: Tensor = linear(%x, %w, %b)\nreturn %y"
    x, w, b = _random((rows, 70)), _random((33, 70)), _random((33,))
    assert steps_of(text, x, w, b) == ["linear"]
    _close(results_of(text, x, w, b)[0], x @ w.T + b)


def test_one_column_is_a_dot_product_for_each_row() -> None:
    text = "graph(%x: Tensor, %w: Tensor)\n%y: Tensor = mv(%x, %w)\nreturn %y"
    x, w = _random((130, 70)), _random((70,))
    assert "pack" not in steps_of(text, x, w)
    _close(results_of(text, x, w)[0], x @ w)


def test_one_operand_of_several_products_is_packed_once() -> None:
    text = """
    graph(%x: Tensor, %w: Tensor)
    %a: Tensor = matmul(%x, %w)
    %b: Tensor = matmul(%a, %w)
    %t: Tensor = transpose.int(%w, 0, 1)
    %c: Tensor = matmul(%b, %t)
    return %c
    """
    x, w = _random((200, 200)), _random((200, 200)) / 10
    assert steps_of(text, x, w) == ["pack"] + ["matrix_product"] * 2 + ["pack", "matrix_product"]
    _close(results_of(text, x, w)[0], x @ w @ w @ w.T)


@pytest.mark.parametrize("isa", ["native", "avx2"])
@pytest.mark.parametrize("rows", [2, 3, 4, 5, 6, 16])
def test_rows_that_share_columns_have_the_bits_of_single_ones(rows: int, isa: str) -> None:
    rng = np.random.default_rng(0)
    x, z = (rng.standard_normal((rows, n), np.float32) for n in (37, 11))
    w, b = rng.standard_normal((11, 37), np.float32), rng.standard_normal(11, np.float32)
    text = """
    graph(%x: Tensor, %w: Tensor, %b: Tensor, %z: Tensor)
    %l: Tensor = linear(%x, %w, %b)
    %y: Tensor = mul.Tensor(%l, %z)
    return %y
    """
    (whole,) = results_of(text, x, w, b, z, isa=isa)
    single = [results_of(text, x[i : i + 1], w, b, z[i : i + 1], isa=isa)[0] for i in range(rows)]
    assert whole.tobytes() == np.concatenate(single).tobytes()
