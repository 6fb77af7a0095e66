"""Which nodes run as one kernel, and which values need no copy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plans import Array, graph_of, results_of, steps_of, type_of
from treadle.ops import OPS
from treadle.passes.specialise import specialise
from treadle.schedule.machine import Machine
from treadle.schedule.places import Space
from treadle.schedule.schedule import make_schedule
from treadle.schedule.steps import Fork, Schedule, Step


def _x(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape or (4, 6)).astype(np.float32)


def _body(lines: str, returned: str, params: str = "%x: Tensor") -> str:
    body = "\n".join(line.strip() for line in lines.strip().splitlines())
    return f"graph({params})\n{body}\nreturn {returned}"


def _schedule(text: str, *arrays: Array) -> Schedule:
    graph = specialise(graph_of(text), [type_of(a) for a in arrays], OPS.by_name).graph
    return make_schedule(graph, Machine())


def test_a_chain_of_pointwise_operators_is_one_kernel() -> None:
    text = _body("%a: Tensor = relu(%x)\n%b: Tensor = tanh(%a)\n%c: Tensor = neg(%b)", "%c")
    assert steps_of(text, _x()) == ["relu+tanh+neg"]


def test_a_value_with_two_readers_is_kept() -> None:
    text = _body(
        """
        %a: Tensor = relu(%x)
        %b: Tensor = sum.dim_IntList(%a, [0], False, None)
        %c: Tensor = neg(%a)
        %l: Tensor = add.Tensor(%c, %b, 1)
        """,
        "%l",
    )
    assert steps_of(text, _x()) == ["relu", "sum", "neg+add"]


def test_a_value_read_twice_by_one_kernel_is_fused() -> None:
    text = _body("%a: Tensor = relu(%x)\n%b: Tensor = mul.Tensor(%a, %a)", "%b")
    assert steps_of(text, _x()) == ["relu+mul"]


def test_squaring_again_and_again_does_not_double_the_kernel() -> None:
    lines = [f"%{i + 1}: Tensor = mul.Tensor(%{i}, %{i})" for i in range(30)]
    names = steps_of("graph(%0: Tensor)\n" + "\n".join(lines) + "\nreturn %30", _x())
    assert 1 < len(names) < 8


def test_a_smaller_value_is_not_computed_again_for_each_element() -> None:
    text = _body(
        "%a: Tensor = exp(%y)\n%b: Tensor = mul.Tensor(%x, %a)", "%b", "%x: Tensor, %y: Tensor"
    )
    assert steps_of(text, _x(), _x(6)) == ["exp", "mul"]


def test_what_follows_a_contraction_is_its_epilogue_and_what_precedes_is_not() -> None:
    text = _body(
        """
        %a: Tensor = relu(%x)
        %b: Tensor = matmul(%a, %w)
        %c: Tensor = tanh(%b)
        %d: Tensor = add.Tensor(%c, %x, 1)
        """,
        "%d",
        "%x: Tensor, %w: Tensor",
    )
    assert steps_of(text, _x(6, 6), _x(6, 6)) == ["relu", "matrix_product+tanh+add"]


def test_two_reductions_are_two_kernels() -> None:
    text = _body(
        "%a: Tensor = softmax.int(%x, 1, None)\n%b: Tensor = softmax.int(%a, 0, None)", "%b"
    )
    assert steps_of(text, _x()) == ["softmax", "softmax"]


@pytest.mark.parametrize("dim", [0, 1])
def test_concatenation_is_written_in_place(dim: int) -> None:
    text = _body(
        f"""
        %a: Tensor = relu(%x)
        %b: Tensor = tanh(%x)
        %l: List[Tensor] = list(%a, %b)
        %c: Tensor = cat(%l, {dim})
        """,
        "%c",
    )
    assert steps_of(text, _x()) == ["relu", "tanh"]
    x = _x()
    np.testing.assert_allclose(
        results_of(text, x)[0], np.concatenate([np.maximum(x, 0), np.tanh(x)], dim), atol=1e-6
    )


def test_nested_concatenations_are_written_in_place() -> None:
    text = _body(
        """
        %a: Tensor = relu(%x)
        %b: Tensor = tanh(%x)
        %l: List[Tensor] = list(%a, %b)
        %c: Tensor = cat(%l, 1)
        %d: Tensor = neg(%x)
        %m: List[Tensor] = list(%d, %c)
        %e: Tensor = cat(%m, 1)
        """,
        "%e",
    )
    assert steps_of(text, _x()) == ["relu", "tanh", "neg"]


def test_tasks_write_their_part_of_a_concatenation() -> None:
    text = """
    graph(%x: Tensor)
    %f: Future[Tensor] = fork()
      %a: Tensor = relu(%x)
      return %a
    %b: Tensor = tanh(%x)
    %w: Tensor = wait(%f)
    %l: List[Tensor] = list(%b, %w)
    %c: Tensor = cat(%l, 1)
    return %c
    """
    x = _x()
    assert sorted(steps_of(text, x)) == ["relu", "tanh"]
    want = np.concatenate([np.tanh(x), np.maximum(x, 0)], 1)
    np.testing.assert_allclose(results_of(text, x)[0], want, atol=1e-6)
    assert any(isinstance(i, Fork) for i in _schedule(text, x).sequences[0])


def test_a_product_does_not_wait_for_what_is_added_to_it() -> None:
    text = """
    graph(%x: Tensor, %w: Tensor)
    %f: Future[Tensor] = fork()
      %a: Tensor = matmul(%x, %x)
      return %a
    %b: Tensor = matmul(%x, %w)
    %r: Tensor = relu(%b)
    %v: Tensor = wait(%f)
    %c: Tensor = add.Tensor(%r, %v, 1)
    return %c
    """
    x, w = _x(8, 8), _x(8, 8)
    main = _schedule(text, x, w).sequences[0]
    names = [i.name if isinstance(i, Step) else type(i).__name__ for i in main]
    assert names == ["Fork", "matrix_product+relu", "Join", "add"]
    np.testing.assert_allclose(results_of(text, x, w)[0], np.maximum(x @ w, 0) + x @ x, atol=1e-4)


def test_a_part_of_another_dtype_is_converted() -> None:
    text = _body(
        """
        %a: Tensor = relu(%x)
        %b: Tensor = relu(%y)
        %l: List[Tensor] = list(%a, %b)
        %c: Tensor = cat(%l, 0)
        """,
        "%c",
        "%x: Tensor, %y: Tensor",
    )
    x, y = _x(), _x().astype(np.float64)
    (actual,) = results_of(text, x, y)
    assert actual.dtype == np.float64
    np.testing.assert_array_equal(actual, np.maximum(np.concatenate([x, y]), 0))


def test_what_is_joined_twice_is_copied_once() -> None:
    text = _body(
        "%a: Tensor = relu(%x)\n%l: List[Tensor] = list(%a, %a)\n%c: Tensor = cat(%l, 0)", "%c"
    )
    assert steps_of(text, _x()) == ["relu", "concat"]
    want = np.maximum(np.concatenate([_x(), _x()]), 0)
    np.testing.assert_array_equal(results_of(text, _x())[0], want)


def test_views_cost_nothing() -> None:
    text = _body(
        """
        %a: Tensor = permute(%x, [1, 0])
        %b: Tensor = slice.Tensor(%a, 0, 1, 5, 2)
        %c: Tensor = unsqueeze(%b, 1)
        %d: Tensor = expand(%c, [2, 3, 4], False)
        %e: Tensor = tanh(%d)
        """,
        "%e",
    )
    assert steps_of(text, _x()) == ["tanh"]


def test_heads_of_attention_need_no_copy() -> None:
    """A product is written so that the transposition and reshape behind it are views."""
    text = _body(
        """
        %p: Tensor = matmul(%x, %y)
        %t: Tensor = transpose.int(%p, 1, 2)
        %r: Tensor = reshape(%t, [1, 5, 8])
        %o: Tensor = matmul(%r, %w)
        """,
        "%o",
        "%x: Tensor, %y: Tensor, %w: Tensor",
    )
    shapes = _x(1, 2, 5, 5), _x(1, 2, 5, 4), _x(8, 3)
    assert "contiguous" not in steps_of(text, *shapes)
    x, y, w = shapes
    want = (x @ y).transpose(0, 2, 1, 3).reshape(1, 5, 8) @ w
    np.testing.assert_allclose(results_of(text, *shapes)[0], want, atol=1e-5)


def test_results_are_written_where_the_caller_wants_them() -> None:
    schedule = _schedule(_body("%a: Tensor = relu(%x)", "%a"), _x())
    assert schedule.arena_bytes == 0
    (step,) = schedule.steps()
    assert [s.space for s, _ in step.bound] == [Space.INPUT, Space.OUTPUT]


def test_arguments_constants_and_repeated_results_are_copied_out() -> None:
    text = """
    graph(%x: Tensor)
    %w: Tensor = constant(@w)
    %a: Tensor = relu(%x)
    %r: Tuple[Tensor, Tensor, Tensor, Tensor] = tuple(%x, %w, %a, %a)
    return %r
    """
    x, w = _x(), _x(3)
    for actual, want in zip(
        results_of(text, x, constants={"w": w}),
        (x, w, np.maximum(x, 0), np.maximum(x, 0)),
        strict=True,
    ):
        np.testing.assert_array_equal(actual, want)


def test_a_copy_for_one_task_is_not_read_by_another() -> None:
    """Tasks that run side by side cannot share what one of them makes."""
    fork = """
    %f{0}: Future[Tensor] = fork()
      %y{0}: Tensor = conv2d(%x, %w, None, [1, 1], [1, 1], [1, 1], 4)
      return %y{0}
    """.rstrip()
    text = f"""
    graph(%x: Tensor)
    %w: Tensor = constant(@w){fork.format(0)}{fork.format(1)}
    %a: Tensor = wait(%f0)
    %b: Tensor = wait(%f1)
    %c: Tensor = add.Tensor(%a, %b, 1)
    return %c
    """
    graph = graph_of(text, {"w": _x(4, 1, 3, 3)})
    x = _x(1, 4, 6, 6)
    schedule = make_schedule(specialise(graph, [type_of(x)], OPS.by_name).graph, Machine())
    touched = [
        {s for i in sequence if hasattr(i, "bound") for s, _ in i.bound if s.space is Space.ARENA}
        for sequence in schedule.sequences[1:]
    ]
    assert touched[0]
    assert not touched[0] & touched[1]
