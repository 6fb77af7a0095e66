"""What a method keeps and says becomes parameters and results, or stays if it cannot."""

from __future__ import annotations

import pytest

from tests.check_pass import canonical, graph_of
from treadle.ir.program import Class, Object
from treadle.ir.verify import verify
from treadle.passes.exposure import expose

CELL = Object(Class("__torch__.Cell", "module"), {"h": None, "count": 0, "seen": [], "others": []})


def exposed(body: str) -> tuple[str, list[str], list[str]] | None:
    """The graph of some lines about %self with its effects exposed; what is read and assigned."""
    lines = ["graph(%x: f32[...])", "%self: __torch__.Cell = constant(@cell)", *body.splitlines()]
    found = expose(graph_of("\n".join(lines), {"cell": CELL}))
    if found is None:
        return None
    verify(found.graph)
    assert all(owner is CELL for owner, _ in (*found.read, *found.assigned))
    read, assigned = ([name for _, name in slots] for slots in (found.read, found.assigned))
    return canonical(found.graph), read, assigned


def test_what_is_read_is_given_and_what_is_assigned_is_returned() -> None:
    found = exposed(
        '%h: Tensor = get_attr(%self, name="h")\n'
        "%y: Tensor = add.Tensor(%x, %h, 1)\n"
        'set_attr(%self, %y, name="h")\n'
        "return %y"
    )
    assert found is not None
    text, read, assigned = found
    assert (read, assigned) == (["h"], ["h"])
    assert text.count("new_object") == 1


def test_what_every_run_assigns_first_is_not_given() -> None:
    found = exposed(
        'set_attr(%self, %x, name="h")\n%h: Tensor = get_attr(%self, name="h")\nreturn %h'
    )
    assert found is not None
    assert found[1:] == ([], ["h"])


def test_what_some_runs_assign_first_is_given() -> None:
    found = exposed(
        "%n: int = dim(%x)\n"
        "%c: bool = Bool.int(%n)\n"
        "if(%c)\n"
        '  set_attr(%self, %x, name="h")\n'
        "  return\n"
        "else\n"
        "  return\n"
        "return %x"
    )
    assert found is not None
    assert found[1:] == (["h"], ["h"])


def test_warnings_are_results() -> None:
    found = exposed('%m: str = constant("m")\nwarn.text(%m, 2)\nreturn %x')
    assert found is not None
    assert "warn.text" not in found[0]
    assert "append.t" in found[0]


@pytest.mark.parametrize(
    "body",
    [
        "return %x",
        '%l: List[int] = get_attr(%self, name="seen")\n%_: List[int] = append.t(%l, 1)\nreturn %x',
        '%l: List[int] = list(1)\nset_attr(%self, %l, name="seen")\n'
        'set_attr(%self, %l, name="others")\nreturn %x',
    ],
    ids=["nothing to expose", "a list that is changed in place", "a list under two names"],
)
def test_others_are_left_alone(body: str) -> None:
    assert exposed(body) is None
