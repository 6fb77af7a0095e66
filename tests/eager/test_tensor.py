"""What a tensor is: attributes, conversions, views, operators, errors."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch

import treadle
from treadle import Tensor

untyped: Any = treadle
"""For calls that a type checker refuses too."""


def counting(*shape: int) -> Tensor:
    return Tensor(np.arange(np.prod(shape)).reshape(shape))


# --- attributes ----------------------------------------------------------------------------------


def test_shape_is_a_tuple_with_a_number_of_elements() -> None:
    x = counting(2, 3)
    assert x.size() == (2, 3)
    assert repr(x.shape) == "treadle.Size([2, 3])"
    assert x.shape.numel() == x.numel() == 6
    assert (x.size(-1), x.dim(), len(x)) == (3, 2, 2)


def test_strides_count_elements() -> None:
    x = counting(3, 4)
    assert x.stride() == (4, 1)
    assert x.T.stride() == (1, 4)
    assert x[1:, ::2].stride(1) == 2
    assert x[1:, 1:].storage_offset() == 5
    assert x.is_contiguous()
    assert not x.T.is_contiguous()
    assert x.T.contiguous().is_contiguous()
    assert x.contiguous() is x


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 2, 0)])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 4, 1), (0, 2, 3), (33, 2, 17)])
def test_contiguous_puts_elements_in_order(shape: tuple[int, ...], order: tuple[int, ...]) -> None:
    x = counting(*shape).permute(order)
    for y in (x, x[::2], x[..., 1:]):
        result = y.contiguous()
        assert result.is_contiguous()
        assert result.tolist() == y.tolist()
        assert result is y or not np.shares_memory(result.numpy(), y.numpy())


@pytest.mark.parametrize(
    "name", ["float32", torch.float32, np.float32, np.dtype("f4"), "float", treadle.float32]
)
def test_a_dtype_goes_by_many_names(name: Any) -> None:
    x = treadle.zeros(2, dtype=name)
    assert x.dtype is treadle.float32
    assert str(x.dtype) == "treadle.float32"
    assert x.dtype.itemsize == 4
    assert pickle.loads(pickle.dumps(x.dtype)) is x.dtype


def test_conversions_give_the_tensor_itself_where_nothing_changes() -> None:
    x = treadle.ones(2)
    assert x.float() is x
    assert x.to(treadle.float32) is x
    assert x.to("cpu") is x
    assert x.double().dtype is treadle.float64
    assert x.to(counting(1)).dtype is treadle.int64
    assert x.bool().tolist() == [True, True]
    assert x.to(treadle.float32, copy=True) is not x


def test_a_single_element_is_a_number() -> None:
    x = treadle.tensor([[2.5]])
    assert (float(x), int(x), bool(x), x.item()) == (2.5, 2, True, 2.5)
    assert f"{treadle.tensor(2.5):.2f}" == "2.50"
    assert [10, 20, 30][treadle.tensor(1)] == 20
    with pytest.raises(treadle.InputError, match="2 elements is not a single number"):
        bool(treadle.ones(2))


def test_tensors_are_keys_by_identity() -> None:
    x, y = treadle.ones(2), treadle.ones(2)
    assert {x: 1, y: 2}[y] == 2
    assert (x == y).tolist() == [True, True]
    assert 1.0 in x
    assert x != None  # noqa: E711


def test_parts_of_complex_numbers_are_views() -> None:
    x = treadle.tensor([[1 + 2j, 3 - 1j]])
    assert x.real.tolist() == [[1.0, 3.0]]
    x.imag[0, 0] = 7.0
    assert x.tolist() == [[1 + 7j, 3 - 1j]]
    assert x.mH.tolist() == [[1 - 7j], [3 + 1j]]
    real = treadle.ones(2)
    assert real.real is real
    with pytest.raises(treadle.UnsupportedError, match="imag: only complex tensors"):
        real.imag  # noqa: B018  the attribute is computed


def test_where_tensors_are_and_what_they_lack() -> None:
    x = treadle.ones(2)
    assert (x.is_cpu, x.is_cuda, x.is_sparse, x.is_quantized, x.is_leaf) == (
        True, False, False, False, True,
    )  # fmt: skip
    assert x.grad is None
    assert np.shares_memory(x.data.numpy(), x.numpy())


def test_trace_is_of_a_matrix_or_of_what_threads_do() -> None:
    def diagonal(x: Tensor) -> Tensor:
        return treadle.trace(x)

    x = counting(3, 3)
    assert treadle.trace(x).item() == treadle.trace(input=x).item() == 12
    assert treadle.trace(x.numpy()).item() == treadle.script(diagonal)(x).item() == 12
    with treadle.trace(capacity=8) as recorded:
        treadle.relu(x)
    assert recorded.summary() is not None
    with pytest.raises(treadle.ShapeError, match="trace"):
        treadle.trace(treadle.ones(2))


def test_distinct_elements() -> None:
    x = treadle.tensor([[3, 1], [3, 3]])
    assert treadle.unique(x).tolist() == [1, 3]
    values, places, counts = x.unique(return_inverse=True, return_counts=True)
    assert values[places].tolist() == x.tolist()
    assert counts.tolist() == [1, 3]
    assert treadle.argwhere(x > 1).tolist() == [[0, 0], [1, 0], [1, 1]]
    rows, times = treadle.unique(
        treadle.tensor([[1, 2], [0, 5], [1, 2]]), dim=0, return_counts=True
    )
    assert rows.tolist() == [[0, 5], [1, 2]]
    assert times.tolist() == [1, 2]


def test_runs_of_equal_elements() -> None:
    x = treadle.tensor([1, 1, 2, 1])
    assert treadle.unique_consecutive(x).tolist() == [1, 2, 1]
    assert x.unique_consecutive(return_counts=True)[1].tolist() == [2, 1, 1]


def test_shapes_broadcast() -> None:
    assert treadle.broadcast_shapes((2, 1), 3, (1,)) == (2, 3)
    with pytest.raises(treadle.ShapeError, match=r"broadcast_shapes: \[2\], \[3\]"):
        treadle.broadcast_shapes((2,), (3,))


def test_functions_of_other_modules_and_functions_that_make_tensors() -> None:
    assert treadle.linalg.det(treadle.eye(2) * 3).item() == pytest.approx(9)
    assert treadle.fft.rfft(treadle.ones(4)).tolist() == pytest.approx([4, 0, 0])
    assert treadle.special.expit(treadle.zeros(1)).tolist() == [0.5]
    assert "solve" in dir(treadle.linalg)
    assert treadle.tril_indices(2, 2).tolist() == [[0, 1, 1], [0, 0, 1]]
    with pytest.raises(AttributeError, match=r"module 'treadle.linalg' has no attribute 'nothing'"):
        untyped.linalg.nothing  # noqa: B018  the attribute is made when asked for


# --- views ---------------------------------------------------------------------------------------


def test_views_share_memory() -> None:
    x = counting(3, 4)
    views = [x[1], x.view(12)[4:8], x.T[:, 1], x.select(0, 1), x.unsqueeze(0)[0, 1], [*x][1]]
    views += [x.permute(1, 0)[:, 1], x.split(1)[1][0], x.flatten()[4:8], x[1, :], x.detach()[1]]
    for n, view in enumerate(views):
        view[0] = 100 + n
        assert x[1, 0].item() == 100 + n
    assert x.clone().data_ptr() != x.data_ptr()
    element = x[2, 3]
    element.fill_(-1)
    assert x[2, 3].item() == -1


def test_a_view_that_strides_cannot_give_is_refused() -> None:
    with pytest.raises(treadle.ShapeError, match="use reshape"):
        counting(3, 4).T.view(12)
    assert counting(2, 2).T.reshape(4).tolist() == [0, 2, 1, 3]


# --- operators -----------------------------------------------------------------------------------


def test_operators_work_from_both_sides() -> None:
    x = treadle.tensor([1.0, 2.0])
    assert (1 + x).tolist() == [2.0, 3.0]
    assert (1 - x).tolist() == [0.0, -1.0]
    assert (2 / x).tolist() == [2.0, 1.0]
    assert (2**x).tolist() == [2.0, 4.0]
    assert isinstance(np.ones(2) * x, Tensor)
    assert isinstance(np.float32(2) * x, Tensor)
    assert (x @ x).item() == 5.0
    assert (-x).abs().tolist() == [1.0, 2.0]
    assert (~(x > 1)).tolist() == [True, False]
    with pytest.raises(TypeError, match="unsupported operand"):
        x + "a"  # type: ignore[operator]


def test_in_place_operators_write_into_the_tensor() -> None:
    x = counting(2, 3).float()
    alias, row = x, x[0]
    x += 1
    x *= treadle.tensor([1.0, 2.0, 3.0])
    assert x is alias
    assert row.tolist() == [1.0, 4.0, 9.0]
    assert x.add_(row).sub_(1).relu_() is x
    assert row.tolist() == [1.0, 7.0, 17.0]
    x.T.copy_(treadle.zeros(3, 2))
    assert x.tolist() == [[0.0] * 3] * 2


def test_in_place_results_must_fit() -> None:
    with pytest.raises(treadle.ShapeError, match=r"shape \[3, 2\] does not fit"):
        treadle.zeros(2).add_(treadle.zeros(3, 2))
    with pytest.raises(treadle.ShapeError, match="f32 cannot be written into self of i64"):
        counting(2).mul_(0.5)
    fixed = np.zeros(2)
    fixed.flags.writeable = False
    with pytest.raises(treadle.InputError, match="read-only"):
        Tensor(fixed).add_(1)


# --- printing ------------------------------------------------------------------------------------


def test_what_the_values_do_not_tell_is_said() -> None:
    assert repr(treadle.zeros(1, dtype=treadle.float64)) == "tensor([0.], dtype=treadle.float64)"
    assert repr(treadle.ones(2, dtype="bfloat16")) == "tensor([1., 1.], dtype=treadle.bfloat16)"
    assert repr(treadle.zeros(0, 3)) == "tensor([], size=(0, 3))"


# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: untyped.relu("x"), treadle.InputError, "relu: argument self must be Tensor"),
        (lambda: untyped.relu(), treadle.InputError, "relu: argument self is missing"),
        (lambda: untyped.softmax(counting(2), "a"), treadle.InputError, "softmax: argument dim"),
        (lambda: untyped.add(counting(2), 1, beta=2), treadle.InputError, "no argument 'beta'"),
        (lambda: untyped.add(counting(2), {1}), treadle.InputError, "add: argument other"),
        (lambda: treadle.mm(treadle.ones(2, 3), treadle.ones(2, 3)), treadle.ShapeError, "mm: "),
        (lambda: counting(2) + counting(3), treadle.ShapeError, "add: shapes .2. and .3."),
        (
            lambda: treadle.index_select(counting(3), 0, treadle.tensor([3])),
            IndexError,
            "index_select: index 3 is out of range",
        ),
        (lambda: treadle.softmax(treadle.ones(2), 4), IndexError, "softmax: dim 4"),
        (lambda: treadle.ones(2).to("cuda"), treadle.InputError, "CPU only"),
        (lambda: treadle.zeros(2, device="cuda"), treadle.InputError, "only the device cpu"),
        (lambda: treadle.zeros(-1), treadle.ShapeError, "must not be negative"),
        (lambda: treadle.zeros(2, requires_grad=True), treadle.UnsupportedError, "no gradients"),
        (lambda: treadle.zeros(2, dtype="float31"), treadle.InputError, "not a dtype"),
        (lambda: treadle.tensor([[1], [1, 2]]), treadle.InputError, "equal lengths"),
        (lambda: treadle.randint(3, 3, (1,)), treadle.InputError, "no integer"),
        (lambda: treadle.arange(0, 1, -1), treadle.InputError, "must lead"),
        (lambda: untyped.no_such_thing, AttributeError, "no attribute 'no_such_thing'"),
        (lambda: untyped.ones(1).no_such_thing, AttributeError, "no attribute 'no_such_thing'"),
    ],
)
def test_wrong_calls_say_what_is_wrong(call: Any, error: type[Exception], match: str) -> None:
    for _ in range(2):
        with pytest.raises(error, match=match):
            call()


# --- places and modes ----------------------------------------------------------------------------


def test_there_is_one_device() -> None:
    assert treadle.ones(1).device == treadle.device("cpu")
    assert str(treadle.device("cpu:0")) == "cpu"
    assert treadle.zeros(2, device=treadle.device("cpu")).to(treadle.device("cpu")).numel() == 2
    with pytest.raises(treadle.InputError, match="only the device cpu"):
        treadle.device("cuda")


def test_modes_of_autograd_change_nothing() -> None:
    @treadle.no_grad()
    def double(x: Tensor) -> Tensor:
        return x * 2

    with treadle.inference_mode(True):
        assert double(treadle.ones(1)).item() == 2.0
    assert treadle.is_tensor(treadle.ones(1))
    assert not treadle.is_tensor(np.ones(1))


def test_a_tensor_is_set_to_other_memory_and_other_strides() -> None:
    x = treadle.arange(6.0).view(2, 3)
    y = treadle.zeros(2)
    assert y.set_(x) is y
    assert (y.tolist(), y.data_ptr()) == (x.tolist(), x.data_ptr())
    assert y.as_strided_((2, 2), (3, 2), 0).tolist() == [[0.0, 2.0], [3.0, 5.0]]
    assert treadle.zeros(2).set_(x, 2, (2,), (3,)).tolist() == [2.0, 5.0]
    assert treadle.zeros(2).set_().tolist() == []
    with pytest.raises(treadle.InputError, match="set_: argument source must be a tensor of"):
        y.set_(treadle.zeros(2, dtype=treadle.int64))
    with pytest.raises(treadle.ShapeError, match="leave the storage of 6 elements"):
        y.as_strided_((4,), (3,))


def test_python_functions_replace_elements_in_place() -> None:
    x = treadle.arange(4).view(2, 2)
    assert x.t().apply_(lambda v: v * 10 + 1).tolist() == [[1, 21], [11, 31]]
    assert x.map_(treadle.tensor([1, 2]), lambda a, b: a - b).tolist() == [[0, 9], [20, 29]]
    assert x.map2_(x.clone(), x.clone(), lambda a, b, c: a + b + c).tolist() == [[0, 27], [60, 87]]
    with pytest.raises(treadle.ShapeError, match="map_: "):
        x.map_(treadle.zeros(3), lambda a, b: a)
