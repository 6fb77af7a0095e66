"""Random tests are the same in every run; `--hypothesis-profile=hunt` looks for new failures.

With `--guard-memory` results and arenas end at memory that nobody may touch: a kernel that reads or
writes beyond them ends the run.
"""

import pytest
from hypothesis import settings

from treadle import _native

settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("hunt", deadline=None, max_examples=500)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--guard-memory", action="store_true", help="find accesses beyond blocks")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--guard-memory"):
        _native.guard_memory()
