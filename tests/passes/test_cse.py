from __future__ import annotations

from tests.check_pass import check_pass
from treadle.passes.cse import eliminate_common_subexpressions


def test_equal_nodes_are_computed_once() -> None:
    check_pass(
        eliminate_common_subexpressions,
        before="""
            graph(%x: f32[B, 4], %c: bool)
            %a: f32[B, 4] = tanh(%x)
            %b: f32[B, 4] = tanh(%x)
            %d: f32[B, 4] = mul.Tensor(%a, %b)
            %e: f32[B, 4] = if(%c)
              %f: f32[B, 4] = tanh(%x)
              %g: f32[B, 4] = relu(%f)
              return %g
            else
              return %x
            return %d, %e
        """,
        after="""
            graph(%x: f32[B, 4], %c: bool)
            %a: f32[B, 4] = tanh(%x)
            %d: f32[B, 4] = mul.Tensor(%a, %a)
            %e: f32[B, 4] = if(%c)
              %g: f32[B, 4] = relu(%a)
              return %g
            else
              return %x
            return %d, %e
        """,
    )


def test_branches_do_not_see_each_other() -> None:
    check_pass(
        eliminate_common_subexpressions,
        before="""
            graph(%x: f32[B, 4], %c: bool)
            %e: f32[B, 4] = if(%c)
              %f: f32[B, 4] = tanh(%x)
              return %f
            else
              %g: f32[B, 4] = tanh(%x)
              return %g
            return %e
        """,
    )


def test_an_operand_that_changes_in_between_is_read_again() -> None:
    check_pass(
        eliminate_common_subexpressions,
        before="""
            graph(%x: f32[B, 4])
            %a: f32[B, 4] = tanh(%x)
            %r: f32[B, 4] = relu_(%x)
            %b: f32[B, 4] = tanh(%x)
            %d: f32[B, 4] = mul.Tensor(%a, %b)
            return %d
        """,
    )


def test_results_that_are_written_into_stay_apart() -> None:
    check_pass(
        eliminate_common_subexpressions,
        before="""
            graph(%x: f32[B, 4])
            %a: f32[B, 4] = tanh(%x)
            %b: f32[B, 4] = tanh(%x)
            %r: f32[B, 4] = relu_(%a)
            %d: f32[B, 4] = add.Tensor(%r, %b, 1)
            return %d
        """,
    )


def test_the_caller_gets_two_tensors_where_the_source_makes_two() -> None:
    check_pass(
        eliminate_common_subexpressions,
        before="""
            graph(%x: f32[B, 4])
            %a: f32[B, 4] = tanh(%x)
            %b: f32[B, 4] = tanh(%x)
            return %a, %b
        """,
    )


def test_lists_keep_their_identity() -> None:
    check_pass(
        eliminate_common_subexpressions,
        before="""
            graph(%x: f32[B, 4], %n: int)
            %a: List[int] = list(%n, %n)
            %b: List[int] = list(%n, %n)
            %c: int = len.t(%a)
            %d: int = __getitem__.t(%b, 0)
            return %c, %d
        """,
    )


def test_equal_numbers_of_different_types_are_different() -> None:
    check_pass(
        eliminate_common_subexpressions,
        before="""
            graph(%x: f32[B, 4])
            %a: Tensor = add.Scalar(%x, 1, 2)
            %b: Tensor = add.Scalar(%x, 1.0, 3)
            %c: Tensor = add.Tensor(%a, %b, 4)
            return %c
        """,
    )
