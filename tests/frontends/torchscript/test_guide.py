"""``docs/torchscript.md`` names tests that exist, and leaves out none of the language."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
TEXT = (TESTS.parent / "docs" / "torchscript.md").read_text()
NAMED = set(re.findall(r"`([\w/]+\.(?:py|txt))`", TEXT))


def test_every_test_that_the_guide_names_exists() -> None:
    assert NAMED
    assert [name for name in sorted(NAMED) if not (TESTS / name).is_file()] == []


def test_the_guide_names_every_test_of_the_language() -> None:
    folder = Path(__file__).parent
    found = {*folder.glob("test_*.py"), *folder.glob("programs/*.*")}
    names = {str(path.relative_to(TESTS)) for path in found if path.name != "__init__.py"}
    assert names - NAMED == {
        "frontends/torchscript/test_guide.py",
        "frontends/torchscript/test_programs.py",
    }
