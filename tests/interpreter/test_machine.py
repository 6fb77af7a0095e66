"""The interpreter on graphs written as text and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from treadle.errors import DeadlineExceeded, InputError, ScriptError, UnsupportedError
from treadle.interpreter import Settings, run
from treadle.interpreter.tasks import Done
from treadle.ir.graph import Graph, Loc
from treadle.ir.op import AWAITABLE, FORK, PRINT, RAISE, WAIT, OpDef
from treadle.ir.program import Program
from treadle.ir.text_parser import parse_graph
from treadle.ir.types import INT, STR, TENSOR, FutureType
from treadle.ops import OPS

PROGRAM = Program()
INLINE = Settings(fork=Done)


def evaluate(text: str, *args: object) -> object:
    return run(PROGRAM, parse_graph(text, OPS), args)


def test_a_graph_returns_its_value() -> None:
    assert evaluate("graph f(%a: int, %b: int)\n%c: int = add.int(%a, %b)\nreturn %c", 2, 3) == 5


def test_a_branch_runs_one_arm() -> None:
    text = """graph f(%c: bool)
%x: int = if(%c)
  return 1
else
  %z: int = floordiv.int(1, 0)
  return %z
return %x"""
    assert evaluate(text, True) == 1
    with pytest.raises(ScriptError, match=r"division|modulo"):
        evaluate(text, False)


@pytest.mark.parametrize(("trips", "total"), [(0, 0), (1, 0), (5, 10), (-3, 0)])
def test_a_loop_runs_its_trips(trips, total) -> None:
    text = """graph f(%n: int)
%t: int = loop(%n, True, 0) with (%i: int, %s: int)
  %u: int = add.int(%s, %i)
  return True, %u
return %t"""
    assert evaluate(text, trips) == total


def test_a_loop_stops_when_its_condition_says_so() -> None:
    text = """graph f(%n: int)
%t: int = loop(100, True, 0) with (%i: int, %s: int)
  %u: int = add.int(%s, 2)
  %c: bool = lt.int(%u, %n)
  return %c, %u
return %t"""
    assert evaluate(text, 7) == 8


def test_list_constants_are_new_in_each_evaluation() -> None:
    graph = Graph("f")
    items = graph.constant(
        [1], parse_graph("graph f(%x: List[int])\nreturn %x", OPS).params[0].type
    )
    graph.add(OPS["append.t"], (items, graph.constant(2, INT)), (items.type,))
    graph.set_returns([items])
    assert run(PROGRAM, graph, ()) == [1, 2]
    assert run(PROGRAM, graph, ()) == [1, 2]


def test_views_alias_and_in_place_operators_are_seen() -> None:
    text = """graph f(%x: Tensor)
%v: Tensor = select.int(%x, 0, 1)
%w: Tensor = mul_.Scalar(%v, 10)
return %x"""
    x = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    assert evaluate(text, x).tolist() == [[1.0, 2.0], [30.0, 40.0]]


def test_errors_carry_the_place_and_the_class() -> None:
    graph = Graph("pkg.f")
    message = graph.constant("MSG", STR)
    name = graph.constant("builtins.ValueError", STR)
    graph.add(RAISE, (message, name), loc=Loc("model.py", 12, 0, "raise ValueError('MSG')"))
    graph.set_returns([graph.constant(None, INT)])
    with pytest.raises(ScriptError) as raised:
        run(PROGRAM, graph, ())
    assert raised.value.script_class == "ValueError"
    assert str(raised.value).startswith("MSG\n")
    assert "File \"model.py\", line 12, in f\n    raise ValueError('MSG')" in str(raised.value)


def _with_task(fork: OpDef, *, fails: bool) -> Graph:
    graph = Graph("f")
    x = graph.add_param(INT, "x")
    task = graph.add(fork, (), (FutureType(INT),))
    block = task.add_block()
    divisor = block.constant(0 if fails else 2, INT)
    loc = Loc("model.py", 3, 0, "x // y")
    block.set_returns([block.add(OPS["floordiv.int"], (x, divisor), (INT,), loc=loc).output])
    waited = graph.add(WAIT, (task.output,), (INT,), loc=Loc("model.py", 5, 0, "wait(a)"))
    graph.set_returns([waited.output])
    return graph


@pytest.mark.parametrize("fork", [FORK, AWAITABLE], ids=lambda op: op.name)
@pytest.mark.parametrize("settings", [Settings(), INLINE], ids=["pool", "inline"])
def test_a_task_gives_its_value_when_waited_for(fork, settings) -> None:
    assert run(PROGRAM, _with_task(fork, fails=False), (7,), settings) == 3


@pytest.mark.parametrize("settings", [Settings(), INLINE], ids=["pool", "inline"])
def test_a_failing_task_raises_at_the_wait_with_both_tracebacks(settings) -> None:
    with pytest.raises(ScriptError) as raised:
        run(PROGRAM, _with_task(FORK, fails=True), (7,), settings)
    text = str(raised.value)
    assert raised.value.script_class == "ZeroDivisionError"
    assert text.index("line 5, in f") < text.index("line 3, in f")


def test_a_deadline_in_the_past_stops_at_once() -> None:
    with pytest.raises(DeadlineExceeded, match=r"longer than its timeout"):
        run(PROGRAM, _with_task(FORK, fails=False), (7,), Settings(deadline=0.0))


def test_wrong_number_of_arguments_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"takes 1 arguments, got 2"):
        evaluate("graph f(%a: int)\nreturn %a", 1, 2)


def test_an_operator_without_reference_is_unsupported() -> None:
    graph = Graph("f")
    graph.set_returns([graph.add(OpDef("mystery", None), (), (TENSOR,)).output])
    with pytest.raises(UnsupportedError, match=r"mystery"):
        run(PROGRAM, graph, ())


def test_print_writes_one_line(capsys) -> None:
    graph = Graph("f")
    values = [graph.constant(v, INT) for v in (1, 2.5, "text", True, None, [1.0])]
    graph.add(PRINT, values)
    graph.set_returns([values[0]])
    run(PROGRAM, graph, ())
    assert capsys.readouterr().out == "1 2.5 text True None [1.]\n"
