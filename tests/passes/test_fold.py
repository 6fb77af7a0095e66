from __future__ import annotations

import numpy as np

from tests.check_pass import check_pass
from treadle.passes.fold import fold_constants

W = {"w": np.array([[1.0, -2.0], [3.0, 4.0]], np.float32)}


def test_pure_operators_on_constants_are_evaluated() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%n: int)
            %a: int = add.int(2, 3)
            %b: int = mul.int(%a, 2)
            %c: int = add.int(%b, %n)
            return %c
        """,
        after="""
            graph(%n: int)
            %c: int = add.int(10, %n)
            return %c
        """,
    )


def test_tensors_are_evaluated_too() -> None:
    check_pass(
        fold_constants,
        constants={**W, "r": np.maximum(W["w"], 0)},
        before="""
            graph(%x: f32[2, 2])
            %w: f32[2, 2] = constant(@w)
            %r: Tensor = relu(%w)
            %y: Tensor = matmul(%x, %r)
            return %y
        """,
        after="""
            graph(%x: f32[2, 2])
            %w: f32[2, 2] = constant(@w)
            %r: f32[2, 2] = constant(@r)
            %y: Tensor = matmul(%x, %r)
            return %y
        """,
    )


def test_a_tensor_that_is_written_into_is_made_anew_each_run() -> None:
    check_pass(
        fold_constants,
        constants=W,
        before="""
            graph(%x: f32[2, 2])
            %w: f32[2, 2] = constant(@w)
            %r: Tensor = tanh(%w)
            %s: Tensor = relu_(%r)
            %y: Tensor = matmul(%x, %s)
            return %y
        """,
    )


def test_a_list_that_the_caller_gets_is_made_anew_each_run() -> None:
    check_pass(
        fold_constants,
        before="""
            graph()
            %l: List[int] = list(1, 2)
            return %l
        """,
    )


def test_a_list_that_grows_is_not_folded() -> None:
    check_pass(
        fold_constants,
        before="""
            graph()
            %l: List[int] = list(1, 2)
            %m: List[int] = append.t(%l, 3)
            %n: int = len.t(%l)
            return %n
        """,
    )


def test_the_length_and_the_elements_of_a_list_made_here_are_known() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%x: f32[2], %y: f32[2])
            %l: List[Tensor] = list(%x, %y)
            %n: int = len.t(%l)
            %e: Tensor = __getitem__.t(%l, -1)
            %t: Tuple[int, Tensor] = tuple(%n, %e)
            %a: int, %b: Tensor = tuple_unpack(%t)
            return %a, %b
        """,
        after="""
            graph(%x: f32[2], %y: f32[2])
            %l: List[Tensor] = list(%x, %y)
            %t: Tuple[int, Tensor] = tuple(2, %y)
            return 2, %y
        """,
    )


def test_an_index_outside_of_a_list_still_raises_at_run_time() -> None:
    check_pass(
        fold_constants,
        meaning=False,
        before="""
            graph(%x: f32[2])
            %l: List[Tensor] = list(%x)
            %e: Tensor = __getitem__.t(%l, 1)
            return %e
        """,
    )


def test_an_if_on_a_constant_becomes_its_branch() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%x: f32[2])
            %c: bool = gt.int(3, 2)
            %y: f32[2] = if(%c)
              %a: f32[2] = relu(%x)
              return %a
            else
              raise("no")
              %u: f32[2] = uninitialized()
              return %u
            return %y
        """,
        after="""
            graph(%x: f32[2])
            %a: f32[2] = relu(%x)
            return %a
        """,
    )


def test_branches_that_agree_give_their_value() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%x: f32[2], %c: bool)
            %y: f32[2], %k: int, %z: f32[2] = if(%c)
              raise("no")
              %u: f32[2] = uninitialized()
              return %u, 1, %x
            else
              return %x, 1, %x
            %w: f32[2] = add.Tensor(%y, %z, %k)
            return %w
        """,
        after="""
            graph(%x: f32[2], %c: bool)
            %y: f32[2], %k: int, %z: f32[2] = if(%c)
              raise("no")
              %u: f32[2] = uninitialized()
              return %u, 1, %x
            else
              return %x, 1, %x
            %w: f32[2] = add.Tensor(%x, %x, 1)
            return %w
        """,
    )


def test_branches_with_different_zeros_do_not_agree() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%c: bool)
            %y: float = if(%c)
              return 0.0
            else
              return -0.0
            return %y
        """,
    )


def test_a_short_loop_is_unrolled() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%x: f32[2])
            %y: f32[2] = loop(2, True, %x) with (%i: int, %u: f32[2])
              %k: int = mul.int(%i, 10)
              %v: f32[2] = add.Scalar(%u, %k, 1)
              return True, %v
            return %y
        """,
        after="""
            graph(%x: f32[2])
            %v: f32[2] = add.Scalar(%x, 0, 1)
            %w: f32[2] = add.Scalar(%v, 10, 1)
            return %w
        """,
    )


def test_a_loop_without_rounds_gives_its_start() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%x: f32[2])
            %y: f32[2] = loop(0, True, %x) with (%i: int, %u: f32[2])
              %v: f32[2] = tanh(%u)
              return True, %v
            return %y
        """,
        after="""
            graph(%x: f32[2])
            return %x
        """,
    )


def test_a_loop_that_may_stop_is_not_unrolled() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%x: f32[2], %c: bool)
            %y: f32[2] = loop(2, True, %x) with (%i: int, %u: f32[2])
              %v: f32[2] = tanh(%u)
              return %c, %v
            return %y
        """,
    )


def test_none_tests_and_types_follow_from_static_types() -> None:
    check_pass(
        fold_constants,
        meaning=False,
        before="""
            graph(%x: f32[2])
            %a: bool = __is__.number(%x, None)
            %b: bool = __isnot__.number(%x, None)
            %c: bool = isinstance(%x, types=(<Tensor>,))
            %d: bool = isinstance(%x, types=(<int>, <List[int]>))
            %e: Tensor = unchecked_cast(%x)
            return %a, %b, %c, %d, %e
        """,
        after="""
            graph(%x: f32[2])
            return False, True, True, False, %x
        """,
    )


def test_an_optional_is_not_known_to_be_none() -> None:
    check_pass(
        fold_constants,
        meaning=False,
        before="""
            graph(%x: Optional[Tensor])
            %a: bool = __is__.number(%x, None)
            %b: Tensor = unchecked_cast(%x)
            return %a, %b
        """,
    )


def test_ranks_and_sizes_follow_from_tensor_types() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%x: f32[B, 4])
            %a: int = dim(%x)
            %b: int = size.int(%x, -1)
            %c: int = size.int(%x, 0)
            return %a, %b, %c
        """,
        after="""
            graph(%x: f32[B, 4])
            %c: int = size.int(%x, 0)
            return 2, 4, %c
        """,
    )


def test_large_results_stay_computed() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%x: f32[1])
            %z: Tensor = zeros([300, 300], 6, None, None, None)
            %y: Tensor = add.Tensor(%x, %z, 1)
            return %y
        """,
    )


def test_a_list_that_grows_in_an_unrolled_loop_is_not_folded() -> None:
    check_pass(
        fold_constants,
        before="""
            graph(%x: f32[2])
            %y: f32[2] = loop(1, True, %x) with (%i: int, %u: f32[2])
              %l: List[f32[2]] = list(%u)
              %m: List[f32[2]] = append.t(%l, %x)
              %n: int = len.t(%l)
              %v: f32[2] = add.Scalar(%u, %n, 1)
              return True, %v
            return %y
        """,
        after="""
            graph(%x: f32[2])
            %l: List[f32[2]] = list(%x)
            %m: List[f32[2]] = append.t(%l, %x)
            %n: int = len.t(%l)
            %v: f32[2] = add.Scalar(%x, %n, 1)
            return %v
        """,
    )
