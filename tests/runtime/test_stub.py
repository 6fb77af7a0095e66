import ast
from pathlib import Path

import pytest

from treadle import _native, errors

STUB = ast.parse((Path(errors.__file__).parent / "_native.pyi").read_text())


def stub_names(body: list[ast.stmt]) -> set[str]:
    names = [n.name for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    assignments = [n.target for n in body if isinstance(n, ast.AnnAssign)]
    names += [target.id for target in assignments if isinstance(target, ast.Name)]
    return public(names)


def public(names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_stub_names_what_the_module_has() -> None:
    assert stub_names(STUB.body) == public(dir(_native))


@pytest.mark.parametrize("name", ["Function", "Plan", "Program", "Task", "Turn"])
def test_stub_names_the_members_of_each_class(name: str) -> None:
    body = next(n.body for n in STUB.body if isinstance(n, ast.ClassDef) and n.name == name)
    assert stub_names(body) == public(dir(getattr(_native, name)))
