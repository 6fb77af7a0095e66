"""What tensors tell of themselves, and what is computed, without a step in Python."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import treadle
from treadle import Tensor
from treadle._native import Drawer, Routine, TensorBase, are_equal, find_nonzero, narrow
from treadle.ops import routines
from treadle.passes.abstract import Unplannable
from treadle.runtime import Program

untyped: Any = treadle
linalg: Any = np.linalg
SQUARE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 5.0]])


def test_a_tensor_without_an_array_says_so() -> None:
    empty = Tensor.__new__(Tensor)
    for ask in (lambda: empty.shape, lambda: empty.dtype, lambda: len(empty), lambda: empty + 1):
        with pytest.raises(RuntimeError, match="constructor of this Tensor did not run"):
            ask()
    with pytest.raises(TypeError, match=r"memory of a Tensor is a numpy\.ndarray"):
        empty._array = [1]  # type: ignore[assignment]


def test_tensors_are_made_of_what_numpy_takes() -> None:
    array = np.ones(2)
    assert Tensor(array).numpy() is array
    assert Tensor(Tensor(array)).numpy() is array
    assert Tensor(data=[1, 2]).tolist() == [1, 2]
    with pytest.raises(treadle.InputError, match="tensors have no dtype"):
        Tensor(["text"])
    with pytest.raises(TypeError):
        Tensor()  # type: ignore[call-arg]


@pytest.mark.parametrize("method", ["size", "stride"])
def test_sizes_and_strides_take_a_dim(method: str) -> None:
    ask: Callable[..., Any] = getattr(treadle.ones(2, 3), method)
    assert ask(-1) == ask(dim=1) == ask()[1]
    assert ask(None) == ask(dim=None) == ask()
    with pytest.raises(treadle.IndexOutOfRange, match="dim 2 of a tensor with 2 dimensions"):
        ask(2)
    calls: list[Callable[[], Any]] = [
        lambda: ask(0, 1), lambda: ask(other=1), lambda: ask(0, dim=1),
    ]  # fmt: skip
    for wrong in calls:
        with pytest.raises(TypeError, match=f"{method} takes no argument but dim"):
            wrong()


def test_every_dtype_is_told() -> None:
    for name in ("bool", "int8", "float16", "bfloat16", "float32", "complex64", "uint32"):
        dtype = getattr(treadle, name)
        x = treadle.zeros(2, dtype=dtype)
        assert x.dtype is dtype
        assert (x.is_floating_point(), x.is_complex()) == (
            dtype.is_floating_point,
            dtype.is_complex,
        )
        assert (x.itemsize, x.nbytes, x.element_size()) == (
            dtype.itemsize,
            2 * dtype.itemsize,
            dtype.itemsize,
        )


def test_views_in_place_leave_other_tensors_as_they_are() -> None:
    for _ in range(3):
        x = treadle.arange(6).reshape(2, 3)
        before, array = x.detach(), x.numpy()
        assert x.t_() is x
        assert (x.shape, before.shape, array.shape) == ((3, 2), (2, 3), (2, 3))
        x.unsqueeze_(0).squeeze_(0).transpose_(0, 1)
        assert x.tolist() == before.tolist()
        x[0, 0] = 7
        assert array[0, 0] == 7
        untyped.t_(array)
        assert array.shape == (3, 2)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "i4", "?", "f2", ml_dtypes.bfloat16])
def test_equality_is_of_shapes_and_elements(dtype: Any) -> None:
    a = np.array([[1, 0], [0, 1]]).astype(dtype)
    assert are_equal(a, a.copy())
    assert are_equal(a, np.asfortranarray(a))
    assert not are_equal(a, a[::-1])
    assert not are_equal(a, a.reshape(-1))
    assert are_equal(a[:0], a[:0])


def test_nan_is_not_equal_and_zeros_have_no_sign() -> None:
    assert not treadle.tensor([float("nan")]).equal(treadle.tensor([float("nan")]))
    assert treadle.tensor([0.0]).equal(treadle.tensor([-0.0]))


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_positions_of_what_is_not_zero(shape: tuple[int, ...]) -> None:
    a = (np.arange(np.prod(shape)) % 3).reshape(shape)
    np.testing.assert_array_equal(find_nonzero(a), np.argwhere(a))
    np.testing.assert_array_equal(find_nonzero(a.T), np.argwhere(a.T))


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (0, 3, 3), (0, 0)])
def test_routines_give_what_numpy_gives(dtype: str, shape: tuple[int, ...]) -> None:
    a = np.broadcast_to(SQUARE[: shape[-1], : shape[-1]], shape).astype(dtype)
    close: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-5}
    np.testing.assert_allclose(routines.cholesky(a), linalg.cholesky(a), **close)
    np.testing.assert_allclose(routines.inv(a), linalg.inv(a), **close)
    np.testing.assert_allclose(routines.solve(a, a), linalg.solve(a, a), **close)
    for complete in (False, True):
        for ours, theirs in zip(routines.svd(a, complete), linalg.svd(a, complete), strict=True):
            np.testing.assert_allclose(ours, theirs, **close)
        for ours, theirs in zip(
            routines.qr(a, complete),
            linalg.qr(a, "complete" if complete else "reduced"),
            strict=True,
        ):
            np.testing.assert_allclose(ours, theirs, **close)
    for part in "LU":
        np.testing.assert_allclose(routines.eigh(a, part)[0], linalg.eigh(a, part)[0], **close)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (24, 24), (30, 4), (1, 1), (4, 0), (0, 4)])
def test_reflections_are_lapacks(shape: tuple[int, int], scale: float) -> None:
    source = np.random.default_rng(4)
    real = source.standard_normal(shape) * scale
    for a in (real, real + 1j * source.standard_normal(shape) * scale, 0 * real):
        for complete, mode in ((False, "reduced"), (True, "complete")):
            for ours, theirs in zip(routines.qr(a, complete), linalg.qr(a, mode), strict=True):
                np.testing.assert_allclose(
                    ours, theirs, rtol=1e-11, atol=1e-12 * abs(theirs).max(initial=0)
                )


@pytest.mark.parametrize(("m", "n"), [(2, 5), (5, 2)])
def test_routines_of_matrices_that_are_not_square(m: int, n: int) -> None:
    a = np.arange(2.0 * m * n).reshape(2, m, n) % 7
    for complete in (False, True):
        q, r = routines.qr(a, complete)
        np.testing.assert_allclose(q @ r, a, atol=1e-12)
        assert (np.tril(r, -1) == 0).all()
        u, s, vh = routines.svd(a, complete)
        assert u.shape[-1] == (m if complete else 2)
        np.testing.assert_allclose((u[..., :2] * s[:, None]) @ vh[..., :2, :], a, atol=1e-12)


def test_what_a_routine_cannot_do_is_refused_in_numpys_words() -> None:
    calls: dict[str, Callable[[], Any]] = {
        "not positive definite": lambda: treadle.linalg.cholesky(-treadle.eye(2)),
        "Singular matrix": lambda: treadle.linalg.inv(treadle.zeros(2, 2)),
    }
    for match, call in calls.items():
        for _ in range(2):
            with pytest.raises(treadle.Error, match=match):
                call()


def test_routines_and_drawers_check_what_they_get() -> None:
    ufunc = linalg._umath_linalg.solve
    solve = Routine(ufunc, "dd->d")
    with pytest.raises(ValueError, match="sizes of the arrays do not fit"):
        solve(np.eye(2), np.ones((3, 1)), shapes=[(3, 1)])
    with pytest.raises(ValueError, match="as many arrays and shapes"):
        solve(np.eye(2), shapes=[(2, 2)])
    with pytest.raises(ValueError, match="no loop for these types"):
        Routine(ufunc, "dd->D")
    with pytest.raises(TypeError, match="expected a ufunc"):
        Routine(sum, "d->d")
    drawer: Any = Drawer(np.random.Philox(1))
    for wrong in (np.ones(4)[::2], np.ones(2, np.int8), [1.0]):
        with pytest.raises(TypeError):
            drawer.fill_uniform(wrong)


@pytest.mark.parametrize("count", [1, 3, 100, 20_000])
def test_numbers_do_not_depend_on_how_many_are_drawn_at_once(count: int) -> None:
    whole, parts = (Drawer(np.random.Philox(9)) for _ in range(2))
    expected, found = np.empty(count), np.empty(count)
    whole.fill_normal(expected)
    for i in range(count):
        parts.fill_normal(found[i : i + 1])
    np.testing.assert_array_equal(found, expected)


def test_the_normal_distribution_has_its_tails() -> None:
    drawn = np.empty(400_000)
    Drawer(np.random.Philox(3)).fill_normal(drawn)
    for bound, chance in ((1.0, 0.3173105), (2.0, 0.0455003), (3.0, 0.0026998), (3.7, 0.00021558)):
        share = float((abs(drawn) > bound).mean())
        assert abs(share - chance) < 5 * (chance / drawn.size) ** 0.5
    assert abs(float((drawn**4).mean()) - 3) < 0.08


def test_nothing_is_left_behind() -> None:
    x, mask = treadle.ones(3, 3), treadle.ones(3, 3) > 0
    square = Tensor(SQUARE.astype(np.float32))

    def calls() -> None:
        x.shape, x.dtype, x.stride(), x.size(0), x.contiguous(), x.t_()
        x.equal(square), mask.nonzero(), x.normal_(), treadle.linalg.qr(square)
        for refused in (lambda: x.size(3), lambda: treadle.linalg.cholesky(-square)):
            with pytest.raises(treadle.Error):
                refused()

    def counts() -> list[int]:
        gc.collect()
        return [sys.getrefcount(o) for o in (x, mask, square, square._array, treadle.float32)]

    calls()
    before = counts()
    for _ in range(200):
        calls()
    assert counts() == before


@pytest.mark.threads
def test_threads_call_references_and_attributes_at_once() -> None:
    x = treadle.arange(12.0).reshape(3, 4)
    wrong: list[Any] = []

    def work() -> None:
        for n in range(200):
            y = x.t().contiguous().t_()
            if y.shape != (3, 4) or not y.equal(x) or treadle.tril_indices(n % 5 + 1, 3).ndim != 2:
                wrong.append(y)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert issubclass(Tensor, TensorBase)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("shape", [(4, 4), (2, 3, 5), (5, 3), (0, 2, 2), (0, 0)])
def test_elimination_gives_back_the_matrices(dtype: str, shape: tuple[int, ...]) -> None:
    source = np.random.default_rng(5)
    a = source.standard_normal(shape).astype(dtype)
    a = a + 1j * a[..., ::-1, :] if a.dtype.kind == "c" else a
    p, low, high = (part.numpy() for part in treadle.linalg.lu(Tensor(a.astype(dtype))))
    np.testing.assert_allclose(p @ low @ high, a, atol=1e-5)
    assert (abs(low.real) <= 1.5).all()


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangles_are_solved_for(upper: bool, left: bool, unit: bool) -> None:
    triangle = np.triu(SQUARE) if upper else np.tril(SQUARE)
    if unit:
        np.fill_diagonal(triangle, 1.0)
    b = np.arange(18.0).reshape(2, 3, 3)
    x = treadle.linalg.solve_triangular(
        Tensor(SQUARE), Tensor(b), upper=upper, left=left, unitriangular=unit
    ).numpy()
    np.testing.assert_allclose(triangle @ x if left else x @ triangle, b, atol=1e-12)
    zero = treadle.linalg.solve_triangular(treadle.zeros(1, 1), treadle.ones(1, 1), upper=upper)
    assert zero.item() == float("inf")


def test_a_program_is_not_asked_twice_where_there_is_no_plan() -> None:
    asked: list[Any] = []

    def bind(specs: Any) -> Any:
        asked.append(specs)
        raise Unplannable("no plan takes this")

    program = Program(bind, refusal=Unplannable)
    for _ in range(3):
        with pytest.raises(Unplannable, match="no plan takes this"):
            program(np.ones(2))
    assert len(asked) == 1
    with pytest.raises(Unplannable):
        Program(bind)(np.ones(2))


def test_numbers_too_large_for_float32_are_infinite() -> None:
    assert treadle.tensor([1e300, -1e300]).tolist() == [float("inf"), float("-inf")]
    assert treadle.tensor([[1e-300 + 2j]]).tolist() == [[2j]]
    with pytest.raises(TypeError, match="double precision"):
        narrow(np.ones(2, np.float32))
