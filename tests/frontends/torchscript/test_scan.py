"""The quick look at a source calls nothing plain that the look at tokens would refuse."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treadle.errors import ScriptSyntaxError
from treadle.frontends.torchscript import scan

PIECES = (
    "x", "self", "not ", "if ", "else ", " in ", "lambda: ", "elif x:", "(", ")", "[", "]", "{",
    "}", ",", ";", ":", ".", " = ", "-", "\n", "\n  ", "\\\n", '"', "'", "#", '"text"', "'('", "1.",
    "b", ".lambda", "\n  lambda : int", "é", "\t",
)  # fmt: skip


def looked_at_by_tokens(text: str, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """What the look at tokens gives; None if it refuses the text."""
    with monkeypatch.context() as patch:
        patch.setattr(scan, "_is_plain", lambda text: False)
        try:
            return scan.check_source(text, "f.py")
        except ScriptSyntaxError:
            return None


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from((1, 1, 1, 2, 150, 700)))))
def test_what_is_plain_passes_unchanged(parts: list[tuple[str, int]]) -> None:
    text = "".join(piece * count for piece, count in parts)
    if scan._is_plain(text):
        with pytest.MonkeyPatch.context() as patch:
            assert looked_at_by_tokens(text, patch) == text


@pytest.mark.parametrize(
    "text",
    [
        "(\n" + "not\n" * 700 + "x)",
        "x = " + "f(" * 201 + ")" * 201,
        "x = [" + "a.b, " * 10 + "-" * 700 + "1]",
        "x = b'text'",
        "self.lambda = 1",
        "class C:\n  lambda : int\n",
        "x = 1 + \\\n2",
    ],
)
def test_what_tokens_must_tell_is_not_plain(text: str) -> None:
    assert not scan._is_plain(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "class C(Module):\n  x : Tensor\n  def f(self: C) -> int:\n    return (self.x)[0]\n",
        "x = [" + "1, " * 500 + "]",
        "".join(f"x{i} = torch.add(x{i}, 1)\n" for i in range(2000)),
        'x = "((((" # ((((\n',
    ],
)
def test_common_sources_are_plain(text: str) -> None:
    assert scan._is_plain(text)
