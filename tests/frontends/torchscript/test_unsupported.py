"""Operators that Treadle lacks matter only where control reaches them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import treadle
from tests.frontends.torchscript.support import written
from tests.frontends.torchscript.test_hostile_source import archive, forward
from treadle.errors import UnsupportedError
from treadle.interpreter import call

X = np.array([1.0, -2.0], np.float32)
BRANCH = """if torch.gt(torch.len(x), {limit}):
  y = torch.no_such_operator(x, 3)
else:
  y = torch.add(x, 1)
return y"""


def test_a_branch_that_is_not_taken_may_hold_one() -> None:
    loaded = archive(forward(BRANCH.format(limit=100)))
    assert call(loaded.program, loaded.root, "forward", (X,)).tolist() == [2.0, -1.0]


def test_reaching_one_names_it_and_its_line() -> None:
    loaded = archive(forward(BRANCH.format(limit=0)))
    with pytest.raises(UnsupportedError, match=r"aten::no_such_operator\(Tensor, int\).*:8:"):
        call(loaded.program, loaded.root, "forward", (X,))


def test_several_results_of_one_can_be_unpacked() -> None:
    text = (
        "if torch.gt(torch.len(x), 9):\n  a, b = torch.no_such(x)\nelse:\n  a, b = x, x\nreturn a"
    )
    loaded = archive(forward(text))
    assert call(loaded.program, loaded.root, "forward", (X,)).tolist() == [1.0, -2.0]


def test_one_that_is_always_reached_is_refused_when_loading() -> None:
    with pytest.raises(UnsupportedError, match="aten::no_such_operator"):
        archive(forward("return torch.no_such_operator(x)"))


@pytest.mark.parametrize(
    "name", ["torch.save", "torch.from_file", "ops.prim.rpc_sync", "ops.c10d.send"]
)
def test_dangerous_ones_are_refused_wherever_they_stand(name) -> None:
    with pytest.raises(UnsupportedError, match=name.rpartition(".")[2]):
        archive(
            forward(f"if torch.gt(torch.len(x), 9):\n  {name}(x, 'f')\nelse:\n  pass\nreturn x")
        )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("torch.save(x, 'f')", "aten::save is refused: it writes files"),
        ("_0 = torch.from_file('f', False, 1)", "aten::from_file is refused: it reads files"),
        ("_0 = ops.prim.PythonOp(x)", "prim::PythonOp is refused: it runs Python"),
        ("_0 = rpc_sync('a', __torch__.f, (x,))", "prim::rpc_sync is refused: it calls other mach"),
        ("_0 = ops.c10d.send([x], 1)", "c10d::send is refused: it calls other machines"),
        ("_0 = ops.mine.op(x)", "mine::op is refused: Treadle has none in namespace mine"),
        ("_0 = annotate(RRef[Tensor], x)", "references to other machines are not supported"),
        ("_0 = __torch__.torch.classes.evil.Box()", r"C\+\+ class evil.Box is refused"),
    ],
)
def test_refusals_say_why_and_where(line: str, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"{reason}[^(]*\(__torch__.py:7:"):
        archive(forward(f"{line}\nreturn x"))


def test_overloads_of_forward_are_chosen_by_their_arguments() -> None:
    body = "".join(
        f"  def forward__{i}(self: __torch__.M, x: {type_}) -> int:\n    return {i}\n"
        for i, type_ in enumerate(("int", "Tensor", "str"))
    )
    loaded = archive(body)
    values = [call(loaded.program, loaded.root, "forward", (x,)) for x in (X, "a", 5)]
    assert values == [1, 2, 0]


def autocast(x: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return x @ x


def autocast_of_the_cpu(x: torch.Tensor) -> torch.Tensor:
    with torch.cpu.amp.autocast():
        return x @ x


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("program", [autocast, autocast_of_the_cpu])
def test_autocast_that_is_on_is_refused_by_name(program) -> None:
    with pytest.raises(UnsupportedError, match=r"torch.autocast .* pass enabled=False.*\.py:\d+"):
        treadle.load(written(torch.jit.script(program)))
    with pytest.raises(UnsupportedError, match=r"torch.autocast .* pass enabled=False.*\.py:\d+"):
        treadle.script(program)(X)


def test_a_tensor_with_elements_is_not_resized_for_a_result() -> None:
    def into(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return torch.exp(x, out=c)

    with pytest.raises(UnsupportedError, match=r"resize_: \[3\] to \[2\]"):
        treadle.script(into)(X, np.zeros(3, np.float32))


def test_results_and_operands_of_out_have_one_category() -> None:
    def into(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return torch.exp(x, out=c)

    with pytest.raises(treadle.ScriptError, match="the result cannot be cast to"):
        treadle.script(into)(X, np.zeros(2, np.int64))
