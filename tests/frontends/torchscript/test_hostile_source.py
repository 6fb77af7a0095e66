"""Source that no honest program writes: one clear error each, and nothing evaluated."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from treadle.errors import (
    ArchiveError,
    CompileError,
    Error,
    ScriptError,
    ScriptSyntaxError,
    UnsupportedError,
)
from treadle.frontends.torchscript.loader import LoadedModule, load_program
from treadle.frontends.torchscript.parser import Source, parse
from treadle.interpreter import Settings, call

_PICKLE = b"\x80\x02c__torch__\nM\n)\x81}(X\x08\x00\x00\x00training\x89ub."


def archive(
    body: str, header: str = "  training : bool\n", pickle: bytes = _PICKLE
) -> LoadedModule:
    """An archive with a module whose class is `body`."""
    text = f"class M(Module):\n  __parameters__ = []\n  __buffers__ = []\n{header}{body}"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("m/data.pkl", pickle)
        file.writestr("m/code/__torch__.py", text)
        file.writestr("m/constants.pkl", b"\x80\x02).")
        file.writestr("m/version", b"3\n")
    return load_program(buffer.getvalue())


def forward(lines: str, result: str = "Tensor") -> str:
    body = "".join(f"    {line}\n" for line in lines.split("\n"))
    return f"  def forward(self: __torch__.M,\n    x: Tensor) -> {result}:\n{body}"


def test_what_forward_uses_is_checked_when_the_archive_is_loaded() -> None:
    with pytest.raises(UnsupportedError, match=r"aten::from_file.*\(__torch__.py:7:"):
        archive(forward("return torch.from_file('/etc/passwd', False, 10)"))


def run(lines: str, result: str = "Tensor", settings: Settings | None = None) -> object:
    """Load a module with this forward and run it."""
    loaded = archive(forward(lines, result))
    x = np.ones(2, np.float32)
    return call(loaded.program, loaded.root, "forward", (x,), None, settings or Settings())


def test_the_honest_module_runs() -> None:
    assert np.array_equal(run("return torch.add(x, 1)"), [2.0, 2.0])


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "(" * 100_000 + ")" * 100_000,
        "x = " + "[" * 100_000,
        "x = " + "-" * 100_000 + "1",
        "x = " + "not " * 100_000 + "1",
        "x = a" + ".a" * 100_000,
        "x = a" + "()" * 100_000,
        "x = " + "1+" * 100_000 + "1",
        "x = " + "-\\\n" * 100_000 + "1",
        "x = " + "a if b else " * 100_000 + "c",
        "x = " + "lambda: " * 100_000 + "c",
        "x : " + "List[" * 100_000 + "int" + "]" * 100_000,
        "if a:\n  pass\n" + "elif a:\n  pass\n" * 100_000,
        "".join(" " * i + "if a:\n" for i in range(500)),
        "x = f'{" + "(" * 100_000 + "}'",
    ],
    ids=lambda text: text[:16],
)
def test_deep_nesting_is_a_syntax_error(text) -> None:
    with pytest.raises(ScriptSyntaxError, match=r"evil.py"):
        parse(Source(text, "evil.py"))


@pytest.mark.parametrize(
    "text", ["x = \0", "x = 'abc", "def f(:\n", "x = " + "9" * 10_000, "x = 1 +", "\x0c(", "\ud800"]
)
def test_broken_text_is_a_syntax_error(text) -> None:
    with pytest.raises(ScriptSyntaxError):
        parse(Source(text, "evil.py"))


@pytest.mark.parametrize(
    ("lines", "error", "message"),
    [
        ("return __import__('os')", CompileError, "'__import__' is not defined"),
        ("return x.__class__", CompileError, "__class__"),
        ("return (x).__class__.__mro__", Error, "__class__"),
        ("import os\nreturn x", ScriptSyntaxError, "no import statement"),
        ("exec('1')\nreturn x", CompileError, "'exec' is not defined"),
        ("return torch.from_file('/etc/passwd', False, 10)", UnsupportedError, "aten::from_file"),
        ("torch.save(x, '/tmp/evil')\nreturn x", UnsupportedError, "aten::save"),
        ("return ops.prim.PythonOp(x)", UnsupportedError, "prim::PythonOp"),
        ("return ops.prim.rpc_sync('a', 'b')", UnsupportedError, "prim::rpc_sync"),
        ("return __torch__.torch.classes.evil.Run(x)", Error, "evil"),
        ("return self.forwards(x)", CompileError, "no attribute 'forwards'"),
        ("return getattr(self, x)", CompileError, "literal name"),
        ("return CONSTANTS.c0", CompileError, r"CONSTANTS.c0 is not among the 0"),
        ("return CONSTANTS.evil", CompileError, "no 'evil'"),
        ("return [y for y in x for z in x]", ScriptSyntaxError, "one for only"),
        ("return x if", ScriptSyntaxError, "expected|invalid syntax"),
        ("yield x", ScriptSyntaxError, "no yield"),
        ("return 99999999999999999999", ScriptSyntaxError, "64 bits"),
        ("return {x for y in x}", ScriptSyntaxError, "no set comprehension"),
        ("global x\nreturn x", ScriptSyntaxError, "no global statement"),
        ("return 5", CompileError, "the returned value has type int, expected Tensor"),
        ("pass", CompileError, "without a return of Tensor"),
        (
            "return torch.add(x, 'a')",
            UnsupportedError,
            r"no overload of aten::add takes \(Tensor, str\)",
        ),
        ("return b'abc'", ScriptSyntaxError, "prefix"),
        ("self.other = x\nreturn x", CompileError, "no attribute 'other' to assign"),
        ("return annotate(Evil, x)", ScriptSyntaxError, "unknown type 'Evil'"),
        ("return annotate(__import__('os').x, x)", ScriptSyntaxError, "unknown type"),
    ],
)
def test_bad_statements_are_refused_with_their_line(lines, error, message) -> None:
    with pytest.raises(error, match=message):
        run(lines)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "declares no attribute 'training'"),
        ("  training : bool\n  weight : Tensor\n", "M.weight is missing"),
        ("  training : int\n", "M.training is declared int, but is a bool"),
        ("  training : Tensor\n", "M.training is declared Tensor, but is a bool"),
    ],
)
def test_attributes_must_be_as_declared(header, message) -> None:
    with pytest.raises(ArchiveError, match=message):
        archive(forward("return x"), header)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("  import os\n", "cannot stand in a class"),
        ("  x = __import__('os')\n", "not a literal"),
        ("  n : Final[int] = evil()\n", "not a literal"),
        ("  training : bool\n", "declared twice"),
        ("  def forward(self, x: Tensor=evil()) -> Tensor:\n    return x\n", "not a literal"),
        ("  def forward(self, x, x) -> Tensor:\n    return x\n", "one name|duplicate argument"),
        ("  @evil\n  def forward(self, x) -> Tensor:\n    return x\n", "cannot stand in a class"),
        ("  weight : " + "List[" * 150 + "int" + "]" * 150 + "\n", "missing"),
    ],
)
def test_bad_class_bodies_are_refused(body, message) -> None:
    with pytest.raises(Error, match=message):
        archive(body)


def test_unknown_class_of_an_object_is_refused() -> None:
    with pytest.raises(ArchiveError, match=r"class __torch__.X is not in the archive's code"):
        archive(forward("return x"), pickle=_PICKLE.replace(b"M\n", b"X\n"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("return unchecked_cast(Tensor, 5)", "expected a value of type Tensor, got int"),
        ("y = uninitialized(Tensor)\nreturn torch.add(y, 1)", "uninitialised"),
        ("y = uninitialized(List[Tensor])\nreturn y[0]", "uninitialised"),
        ("return torch.add(x, torch.remainder(1, 0))", "modulo by zero"),
        ("return torch.add(x, torch.floordiv(1, 0))", "division|modulo"),
        ("return [x][3]", "list index out of range"),
        ("return unchecked_cast(List[Tensor], annotate(Any, [5]))[0]", "expected a value"),
    ],
)
def test_type_confusion_is_an_error_of_the_run(lines, message) -> None:
    with pytest.raises(ScriptError, match=message):
        run(lines)


def test_endless_recursion_is_refused_at_load() -> None:
    with pytest.raises(CompileError, match=r"M.forward calls itself"):
        run("return (self).forward(x, )")


def test_endless_recursion_of_forks_is_refused_at_load() -> None:
    lines = "def __forked():\n  return (self).forward(x, )\nreturn torch.wait(fork(__forked))"
    with pytest.raises(CompileError, match=r"recursive calls are not supported"):
        run(lines, settings=Settings(max_depth=50))


def test_an_endless_loop_stops_at_the_deadline() -> None:
    import time

    with pytest.raises(TimeoutError, match=r"longer than its timeout"):
        run(
            "while True:\n  x = torch.add(x, 1)\nreturn x",
            settings=Settings(time.monotonic() + 0.1),
        )


def test_recursive_classes_do_not_hang() -> None:
    text = "  other : Optional[__torch__.M]\n"
    with pytest.raises(ArchiveError, match=r"M.other is missing"):
        archive(text)


def test_enum_with_an_unescaped_string_is_a_syntax_error() -> None:
    with pytest.raises(ScriptSyntaxError, match=r"e.py"):
        parse(Source('class E(Enum):\n  B = "y"z"\n', "e.py"))
