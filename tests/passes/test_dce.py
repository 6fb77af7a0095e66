from __future__ import annotations

from tests.check_pass import check_pass
from treadle.passes.dce import eliminate_dead_code


def test_unused_pure_nodes_disappear() -> None:
    check_pass(
        eliminate_dead_code,
        before="""
            graph(%x: f32[B, 4])
            %y: f32[B, 4] = relu(%x)
            %z: f32[B, 4] = tanh(%y)
            return %y
        """,
        after="""
            graph(%x: f32[B, 4])
            %y: f32[B, 4] = relu(%x)
            return %y
        """,
    )


def test_writes_and_raises_stay() -> None:
    check_pass(
        eliminate_dead_code,
        before="""
            graph(%x: f32[B, 4], %c: bool)
            %y: f32[B, 4] = relu_(%x)
            if(%c)
              raise("no")
              return
            else
              return
            return %x
        """,
    )


def test_an_if_without_effect_disappears() -> None:
    check_pass(
        eliminate_dead_code,
        before="""
            graph(%x: f32[B, 4], %c: bool)
            %y: f32[B, 4] = if(%c)
              %a: f32[B, 4] = relu(%x)
              return %a
            else
              return %x
            return %x
        """,
        after="""
            graph(%x: f32[B, 4], %c: bool)
            return %x
        """,
    )


def test_one_unused_result_of_an_if_is_dropped() -> None:
    check_pass(
        eliminate_dead_code,
        before="""
            graph(%x: f32[B, 4], %c: bool)
            %y: f32[B, 4], %z: f32[B, 4] = if(%c)
              %a: f32[B, 4] = relu(%x)
              %b: f32[B, 4] = tanh(%a)
              return %b, %a
            else
              return %x, %x
            return %z
        """,
        after="""
            graph(%x: f32[B, 4], %c: bool)
            %z: f32[B, 4] = if(%c)
              %a: f32[B, 4] = relu(%x)
              return %a
            else
              return %x
            return %z
        """,
    )


def test_a_carried_value_that_feeds_only_itself_is_dropped() -> None:
    check_pass(
        eliminate_dead_code,
        before="""
            graph(%x: f32[B, 4], %n: int)
            %y: f32[B, 4], %k: int = loop(%n, True, %x, 0) with (%i: int, %u: f32[B, 4], %c: int)
              %v: f32[B, 4] = tanh(%u)
              %d: int = add.int(%c, %i)
              return True, %v, %d
            return %y
        """,
        after="""
            graph(%x: f32[B, 4], %n: int)
            %y: f32[B, 4] = loop(%n, True, %x) with (%i: int, %u: f32[B, 4])
              %v: f32[B, 4] = tanh(%u)
              return True, %v
            return %y
        """,
    )


def test_a_carried_value_that_decides_when_to_stop_stays() -> None:
    check_pass(
        eliminate_dead_code,
        before="""
            graph(%x: f32[B, 4])
            %y: f32[B, 4], %k: int = loop(9, True, %x, 0) with (%i: int, %u: f32[B, 4], %c: int)
              %v: f32[B, 4] = tanh(%u)
              %d: int = add.int(%c, 2)
              %go: bool = lt.int(%d, 5)
              return %go, %v, %d
            return %y
        """,
    )


def test_a_fork_whose_result_is_not_awaited_disappears() -> None:
    check_pass(
        eliminate_dead_code,
        before="""
            graph(%x: f32[B, 4])
            %f: Future[Tensor] = fork()
              %a: f32[B, 4] = relu(%x)
              return %a
            %y: Tensor = wait(%f)
            return %x
        """,
        after="""
            graph(%x: f32[B, 4])
            return %x
        """,
    )


def test_a_wait_that_may_raise_stays() -> None:
    check_pass(
        eliminate_dead_code,
        before="""
            graph(%x: f32[B, 4], %c: bool)
            %f: Future[Tensor] = fork()
              if(%c)
                raise("no")
                return
              else
                return
              return %x
            %y: Tensor = wait(%f)
            return %x
        """,
    )
