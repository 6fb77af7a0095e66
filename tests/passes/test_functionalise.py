from __future__ import annotations

import numpy as np
import pytest

from tests.check_pass import check_pass
from tests.evaluate import evaluate
from treadle.errors import ShapeError
from treadle.ir.text import parse_graph
from treadle.ops import OPS
from treadle.passes.functionalise import functionalise


def test_later_uses_take_the_new_tensor() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[B, 4])
            %a: Tensor = tanh(%x)
            %b: Tensor = relu_(%a)
            %c: Tensor = mul.Tensor(%a, %b)
            return %c, %a
        """,
        after="""
            graph(%x: f32[B, 4])
            %a: Tensor = tanh(%x)
            %b: Tensor = relu(%a)
            %c: Tensor = mul.Tensor(%b, %b)
            return %c, %b
        """,
    )


def test_a_chain_of_writes_becomes_a_chain_of_values() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[B, 4])
            %a: f32[B, 4] = tanh(%x)
            %b: f32[B, 4] = add_.Tensor(%a, %x, 2)
            %c: f32[B, 4] = relu_(%b)
            return %a
        """,
        after="""
            graph(%x: f32[B, 4])
            %a: f32[B, 4] = tanh(%x)
            %b: f32[B, 4] = add.Tensor(%a, %x, 2)
            %c: f32[B, 4] = relu(%b)
            return %c
        """,
    )


def test_a_parameter_is_really_written() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[B, 4])
            %b: Tensor = relu_(%x)
            return %b
        """,
    )


def test_a_view_that_is_read_later_keeps_the_write() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2, 4])
            %a: Tensor = tanh(%x)
            %v: Tensor = view(%a, [8])
            %b: Tensor = relu_(%a)
            %c: Tensor = neg(%v)
            return %c
        """,
    )


def test_a_view_that_is_not_read_later_does_not_matter() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2, 4])
            %a: Tensor = tanh(%x)
            %v: Tensor = view(%a, [8])
            %w: Tensor = neg(%v)
            %b: Tensor = relu_(%a)
            return %w, %b
        """,
        after="""
            graph(%x: f32[2, 4])
            %a: Tensor = tanh(%x)
            %v: Tensor = view(%a, [8])
            %w: Tensor = neg(%v)
            %b: Tensor = relu(%a)
            return %w, %b
        """,
    )


def test_a_view_taken_later_sees_the_new_values() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2, 4])
            %a: Tensor = tanh(%x)
            %b: Tensor = relu_(%a)
            %v: Tensor = view(%a, [8])
            return %v
        """,
        after="""
            graph(%x: f32[2, 4])
            %a: Tensor = tanh(%x)
            %b: Tensor = relu(%a)
            %v: Tensor = view(%b, [8])
            return %v
        """,
    )


def test_writing_through_a_view_stays() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2, 4])
            %a: Tensor = tanh(%x)
            %v: Tensor = view(%a, [8])
            %b: Tensor = relu_(%v)
            return %a
        """,
    )


def test_a_list_with_the_tensor_that_is_read_later_keeps_the_write() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2, 4])
            %a: Tensor = tanh(%x)
            %l: List[Tensor] = list(%a, %x)
            %b: Tensor = relu_(%a)
            %c: Tensor = cat(%l, 0)
            return %c
        """,
    )


def test_a_list_that_gets_the_result_does_not_matter() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2, 4], %n: int)
            %l: List[Tensor] = list(%x)
            loop(%n, True) with (%i: int)
              %a: Tensor = tanh(%x)
              %b: Tensor = relu_(%a)
              %m: List[Tensor] = append.t(%l, %b)
              return True
            %c: Tensor = cat(%l, 0)
            return %c
        """,
        after="""
            graph(%x: f32[2, 4], %n: int)
            %l: List[Tensor] = list(%x)
            loop(%n, True) with (%i: int)
              %a: Tensor = tanh(%x)
              %b: Tensor = relu(%a)
              %m: List[Tensor] = append.t(%l, %b)
              return True
            %c: Tensor = cat(%l, 0)
            return %c
        """,
    )


@pytest.mark.parametrize(
    "holder",
    [
        "%m: List[Tensor] = append.t(%l, %a)",
        "%v: Tensor = view(%a, [2, 4])\n            %m: List[Tensor] = append.t(%l, %v)",
        "%m: List[List[Tensor]] = list(%l)\n            %q: List[Tensor] = append.t(%l, %a)",
    ],
)
def test_a_list_that_got_the_tensor_before_keeps_the_write(holder: str) -> None:
    check_pass(
        functionalise,
        before=f"""
            graph(%x: f32[2, 4])
            %l: List[Tensor] = list(%x)
            %a: Tensor = tanh(%x)
            {holder}
            %b: Tensor = relu_(%a)
            %c: Tensor = cat(%l, 0)
            return %c, %b
        """,
    )


def test_tensors_in_one_list_do_not_share_memory() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2, 4])
            %a: Tensor = tanh(%x)
            %b: Tensor = neg(%x)
            %c: Tensor = relu_(%a)
            %d: Tensor = relu_(%b)
            %l: List[Tensor] = list(%c, %d)
            %e: Tensor = cat(%l, 1)
            return %e
        """,
        after="""
            graph(%x: f32[2, 4])
            %a: Tensor = tanh(%x)
            %b: Tensor = neg(%x)
            %c: Tensor = relu(%a)
            %d: Tensor = relu(%b)
            %l: List[Tensor] = list(%c, %d)
            %e: Tensor = cat(%l, 1)
            return %e
        """,
    )


def test_a_tensor_from_outside_of_a_loop_is_really_written() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2], %n: int)
            %a: Tensor = tanh(%x)
            loop(%n, True) with (%i: int)
              %b: Tensor = add_.Scalar(%a, 1, 1)
              return True
            return %a
        """,
    )


def test_a_tensor_made_in_each_round_is_replaced() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2], %n: int)
            %y: f32[2] = loop(%n, True, %x) with (%i: int, %u: f32[2])
              %a: Tensor = tanh(%u)
              %b: Tensor = add_.Scalar(%a, 1, 1)
              return True, %x
            return %y
        """,
        after="""
            graph(%x: f32[2], %n: int)
            %y: f32[2] = loop(%n, True, %x) with (%i: int, %u: f32[2])
              %a: Tensor = tanh(%u)
              %b: Tensor = add.Scalar(%a, 1, 1)
              return True, %x
            return %y
        """,
    )


def test_a_carried_tensor_is_really_written() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2], %n: int)
            %s: f32[2] = tanh(%x)
            %y: f32[2] = loop(%n, True, %s) with (%i: int, %u: f32[2])
              %b: f32[2] = add_.Scalar(%u, 1, 1)
              return True, %b
            return %y, %s
        """,
    )


def test_an_operand_that_could_change_the_type_is_converted_as_the_write_would() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2], %z: f64[2])
            %a: f32[2] = tanh(%x)
            %b: f32[2] = add_.Tensor(%a, %z, 1)
            return %b
        """,
        after="""
            graph(%x: f32[2], %z: f64[2])
            %a: f32[2] = tanh(%x)
            %t: Tensor = add.Tensor(%a, %z, 1)
            %b: f32[2] = as_written(%t, %a)
            return %b
        """,
    )


def test_a_larger_operand_fails_as_the_write_would() -> None:
    graph = check_pass(
        functionalise,
        meaning=False,
        before="""
            graph(%x: f32[1, 4], %z: f32[4], %w: f32[3, 4])
            %a: f32[1, 4] = tanh(%x)
            %b: f32[1, 4] = add_.Tensor(%a, %z, 1)
            %c: f32[1, 4] = add_.Tensor(%b, %w, 1)
            return %c
        """,
        after="""
            graph(%x: f32[1, 4], %z: f32[4], %w: f32[3, 4])
            %a: f32[1, 4] = tanh(%x)
            %b: f32[1, 4] = add.Tensor(%a, %z, 1)
            %t: Tensor = add.Tensor(%b, %w, 1)
            %c: f32[1, 4] = as_written(%t, %b)
            return %c
        """,
    )
    shapes = ((1, 4), (4,), (3, 4))
    with pytest.raises(ShapeError, match="does not fit into self of shape"):
        evaluate(graph, [np.zeros(shape, np.float32) for shape in shapes])


def test_a_list_that_the_next_round_reads_keeps_the_write() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2], %n: int)
            %l: List[f32[2]] = list(%x)
            %y: f32[2] = loop(%n, True, %x) with (%i: int, %u: f32[2])
              %e: f32[2] = __getitem__.t(%l, -1)
              %a: f32[2] = mul.Tensor(%u, %e)
              %m: List[f32[2]] = append.t(%l, %a)
              %r: f32[2] = add_.Scalar(%a, 1, 1)
              return True, %x
            return %y
        """,
    )


def test_a_write_in_one_branch_stays_where_the_other_reads() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[2], %c: bool)
            %a: f32[2] = tanh(%x)
            if(%c)
              %r: f32[2] = relu_(%a)
              return
            else
              return
            return %a
        """,
    )


def test_what_a_running_task_returns_keeps_the_write() -> None:
    check_pass(
        functionalise,
        meaning=False,
        before="""
            graph(%x: f32[2])
            %a: f32[2] = tanh(%x)
            %f: Future[Tensor] = fork()
              %v: f32[2] = view(%a, [2])
              return %v
            %r: f32[2] = relu_(%a)
            %y: Tensor = wait(%f)
            return %y
        """,
    )


def test_a_view_in_place_becomes_a_view() -> None:
    check_pass(
        functionalise,
        before="""
            graph(%x: f32[B, 4])
            %a: Tensor = tanh(%x)
            %b: Tensor = unsqueeze_(%a, 0)
            %c: Tensor = relu(%a)
            return %c
        """,
        after="""
            graph(%x: f32[B, 4])
            %a: Tensor = tanh(%x)
            %b: Tensor = unsqueeze(%a, 0)
            %c: Tensor = relu(%b)
            return %c
        """,
    )


@pytest.mark.parametrize("write", ["add_.Scalar(%a, 1.5, 1)", "div_.Scalar(%a, 2)", "sqrt_(%a)"])
def test_a_write_that_integers_cannot_take_is_checked_when_it_runs(write: str) -> None:
    before = f"graph(%x: Tensor)\n%a: Tensor = neg(%x)\n%b: Tensor = {write}\nreturn %b"
    graph = parse_graph(before, OPS)
    functionalise(graph)
    assert [node.op.name for node in graph.walk()][-1] == "as_written"
