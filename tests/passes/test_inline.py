from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from tests.check_pass import canonical, graph_of
from treadle.errors import CompileError, UnsupportedError
from treadle.ir.graph import Graph
from treadle.ir.program import Class, Function, Object, Parameter, Program
from treadle.ir.schema import REQUIRED
from treadle.ir.type_parser import parse_type
from treadle.ir.verify import verify
from treadle.passes import inline as inline_module
from treadle.passes.inline import inline


def function(name: str, text: str, result: str = "Tensor", **defaults: Any) -> Function:
    graph = graph_of(text)
    parameters = tuple(
        Parameter(p.name, p.type, defaults.get(p.name, REQUIRED)) for p in graph.params
    )
    return Function(name, parameters, parse_type(result), lambda: graph_of(text))


def program(*functions: Function, classes: tuple[Class, ...] = ()) -> Program:
    return Program({f.name: f for f in functions}, {c.name: c for c in classes})


def check(before: str, after: str, known: Program, **constants: Any) -> Graph:
    graph = graph_of(before, constants)
    assert inline(graph, known)
    verify(graph)
    assert canonical(graph) == canonical(graph_of(after, constants))
    return graph


TWICE = function(
    "twice",
    """
    graph(%x: Tensor, %k: int)
    %y: Tensor = add.Tensor(%x, %x, %k)  # twice.py:2
    return %y
    """,
    k=1,
)
CALLS_TWICE = function(
    "four",
    """
    graph(%x: Tensor)
    %a: Tensor = call_function(%x, 1, name="twice")
    %b: Tensor = call_function(%a, 1, name="twice")
    return %b
    """,
)


def test_calls_become_bodies_recursively_with_their_own_places() -> None:
    graph = check(
        """
        graph(%x: Tensor)
        %y: Tensor = call_function(%x, name="four")
        return %y
        """,
        """
        graph(%x: Tensor)
        %a: Tensor = add.Tensor(%x, %x, 1)  # twice.py:2
        %b: Tensor = add.Tensor(%a, %a, 1)  # twice.py:2
        return %b
        """,
        program(TWICE, CALLS_TWICE),
    )
    assert not inline(graph, program(TWICE, CALLS_TWICE))


def test_arguments_left_out_take_their_defaults() -> None:
    check(
        'graph(%x: Tensor)\n%y: Tensor = call_function(%x, name="twice")\nreturn %y',
        "graph(%x: Tensor)\n%y: Tensor = add.Tensor(%x, %x, 1)  # twice.py:2\nreturn %y",
        program(TWICE),
    )


def test_calls_in_forks_and_branches_are_inlined_in_place() -> None:
    check(
        """
        graph(%x: Tensor, %c: bool)
        %f: Future[Tensor] = fork()
          %a: Tensor = call_function(%x, 2, name="twice")
          return %a
        %y: Tensor = wait(%f)
        return %y
        """,
        """
        graph(%x: Tensor, %c: bool)
        %f: Future[Tensor] = fork()
          %a: Tensor = add.Tensor(%x, %x, 2)  # twice.py:2
          return %a
        %y: Tensor = wait(%f)
        return %y
        """,
        program(TWICE),
    )


def test_a_function_that_calls_itself_stays_a_call() -> None:
    text = """
        graph(%x: Tensor)
        %y: Tensor = call_function(%x, name="loop")
        return %y
    """
    known = program(function("loop", text))
    graph = graph_of(text)
    inline(graph, known)
    verify(graph)
    assert [n.op.name for n in graph.nodes] == ["call_function"]


def test_a_script_class_that_can_be_called_is_inlined_by_its_type() -> None:
    body = "graph(%self: __torch__.Twice, %x: Tensor)\n%y: Tensor = relu(%x)\nreturn %y"
    call = function("__torch__.Twice.__call__", body)
    check(
        """
        graph(%f: __torch__.Twice, %x: Tensor)
        %y: Tensor = call_method(%f, %x, name="__call__")
        return %y
        """,
        """
        graph(%f: __torch__.Twice, %x: Tensor)
        %y: Tensor = relu(%x)
        return %y
        """,
        program(classes=(Class("__torch__.Twice", "class", methods={"__call__": call}),)),
    )


def test_unknown_functions_and_interfaces_stay_calls() -> None:
    interface = Class("__torch__.M", "interface", methods={"forward": TWICE})
    graph = graph_of(
        """
        graph(%m: __torch__.M, %x: Tensor)
        %y: Tensor = call_function(%x, name="elsewhere")
        %z: Tensor = call_method(%m, %y, name="forward")
        return %z
        """
    )
    assert not inline(graph, program(classes=(interface,)))


def _module(**methods: Function) -> Class:
    return Class("__torch__.M", "module", methods=methods)


FORWARD = function(
    "forward",
    "graph(%self: __torch__.M, %x: Tensor)\n%y: Tensor = relu(%x)\nreturn %y",
)


@pytest.mark.parametrize("known", [True, False])
def test_methods_are_found_through_the_type_or_the_object(known: bool) -> None:
    cls = _module(forward=FORWARD)
    check(
        """
        graph(%x: Tensor)
        %m: __torch__.M = constant(@m)
        %y: Tensor = call_method(%m, %x, name="forward")
        return %y
        """,
        """
        graph(%x: Tensor)
        %m: __torch__.M = constant(@m)
        %y: Tensor = relu(%x)
        return %y
        """,
        program(classes=(cls,) if known else ()),
        m=Object(cls),
    )


def _hooked(pre: Function, post: Function) -> Class:
    cls = _module(forward=FORWARD, pre=pre, post=post)
    cls.forward_pre_hooks, cls.forward_hooks = ("pre",), ("post",)
    return cls


def test_calling_a_module_runs_its_hooks() -> None:
    pre = function(
        "pre",
        """
        graph(%self: __torch__.M, %input: Tuple[Tensor])
        %x: Tensor = tuple_index(%input, 0)
        %y: Tensor = tanh(%x)
        return %y
        """,
    )
    post = function(
        "post",
        """
        graph(%self: __torch__.M, %input: Tuple[Tensor], %output: Tensor)
        %y: Tensor = neg(%output)
        return %y
        """,
    )
    check(
        """
        graph(%m: __torch__.M, %x: Tensor)
        %y: Tensor = call_method(%m, %x, name="__call__")
        return %y
        """,
        """
        graph(%m: __torch__.M, %x: Tensor)
        %t: Tuple[Tensor] = tuple(%x)
        %i: Tensor = tuple_index(%t, 0)
        %a: Tensor = tanh(%i)
        %b: Tensor = relu(%a)
        %u: Tuple[Tensor] = tuple(%a)
        %c: Tensor = neg(%b)
        return %c
        """,
        program(classes=(_hooked(pre, post),)),
    )


def test_hooks_that_return_nothing_change_nothing() -> None:
    pre = function(
        "pre", "graph(%self: __torch__.M, %input: Tuple[Tensor])\nreturn None", "NoneType"
    )
    post = function(
        "post",
        "graph(%self: __torch__.M, %input: Tuple[Tensor], %output: Tensor)\nreturn None",
        "NoneType",
    )
    check(
        """
        graph(%m: __torch__.M, %x: Tensor)
        %y: Tensor = call_method(%m, %x, name="__call__")
        return %y
        """,
        """
        graph(%m: __torch__.M, %x: Tensor)
        %t: Tuple[Tensor] = tuple(%x)
        %b: Tensor = relu(%x)
        %u: Tuple[Tensor] = tuple(%x)
        return %b
        """,
        program(classes=(_hooked(pre, post),)),
    )


def test_a_hook_with_an_optional_result_is_refused() -> None:
    pre = function(
        "pre",
        "graph(%self: __torch__.M, %input: Tuple[Tensor])\nreturn None",
        "Optional[Tensor]",
    )
    graph = graph_of(
        'graph(%m: __torch__.M, %x: Tensor)\n%y: Tensor = call_method(%m, %x, name="__call__")\n'
        "return %y"
    )
    with pytest.raises(UnsupportedError, match="hook with an optional result"):
        inline(graph, program(classes=(_hooked(pre, pre),)))


def test_a_wrong_number_of_arguments_names_the_place() -> None:
    graph = graph_of('graph()\n%y: Tensor = call_function(name="twice")  # model.py:7\nreturn %y')
    with pytest.raises(CompileError, match=r"twice takes 2 arguments, got 0 \(model.py:7\)"):
        inline(graph, program(TWICE))


def test_a_model_that_explodes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline_module, "MAX_NODES", 500)
    double = 'graph(%x: Tensor)\n%a: Tensor = call_function(%x, name="f{i}")\n' + dedent(
        '%b: Tensor = call_function(%a, name="f{i}")\nreturn %b'
    )
    functions = [function(f"f{i + 1}", double.format(i=i)) for i in range(30)]
    functions.append(function("f0", "graph(%x: Tensor)\n%y: Tensor = relu(%x)\nreturn %y"))
    graph = graph_of('graph(%x: Tensor)\n%y: Tensor = call_function(%x, name="f30")\nreturn %y')
    with pytest.raises(CompileError, match="more than 500 operations"):
        inline(graph, program(*functions))


def test_the_function_itself_is_not_touched() -> None:
    known = program(TWICE, CALLS_TWICE)
    before = canonical(known.functions["four"].graph())
    graph = graph_of('graph(%x: Tensor)\n%y: Tensor = call_function(%x, name="four")\nreturn %y')
    inline(graph, known)
    assert canonical(known.functions["four"].graph()) == before
