"""What variables of the environment say, and what is said of those that say nothing sensible."""

import os
import tempfile
import warnings
from pathlib import Path

import pytest

from treadle import options
from treadle.options import VARIABLES, Options


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("text", ["1", "true", "YES", " on "])
def test_a_flag_is_on(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TREADLE_VERIFY", text)
    assert Options.from_environment().verify


@pytest.mark.parametrize("text", ["0", "False", "no", "off", "", " "])
def test_a_flag_is_off(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TREADLE_INTERPRET", text)
    assert not Options.from_environment().interpret


@pytest.mark.parametrize(
    ("name", "text", "used"),
    [
        ("TREADLE_VERIFY", "perhaps", "0"),
        ("TREADLE_INTERPRET", "2", "0"),
        ("TREADLE_ISA", "sse9", "native"),
        ("TREADLE_CACHE_LIMIT_MB", "0", "1024"),
        ("TREADLE_CACHE_LIMIT_MB", "1.5", "1024"),
        ("TREADLE_SHARED_WEIGHTS_MB", "-1", "0"),
        ("TREADLE_SHARED_WEIGHTS_MB", "lots", "0"),
    ],
)
def test_an_invalid_value_is_named_and_the_default_used(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, used: str
) -> None:
    default = Options.from_environment()
    monkeypatch.setenv(name, text)
    with pytest.warns(RuntimeWarning, match=f"{name}='{text}' ignored: .*using {used}$"):
        assert Options.from_environment() == default


def test_an_invalid_value_is_warned_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREADLE_INTERPRET", "perhaps so")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            Options.from_environment()
    assert len(caught) == 1


def test_the_cache_is_where_its_variables_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Options.from_environment().cache_directory == tmp_path / ".cache" / "treadle"
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert Options.from_environment().cache_directory == Path("/caches/treadle")
    monkeypatch.setenv("TREADLE_CACHE_DIR", "/kernels")
    assert Options.from_environment().cache_directory == Path("/kernels")


def test_a_user_without_a_home_has_a_cache_among_temporary_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    expected = Path(tempfile.gettempdir()) / f"treadle-{os.getuid()}"
    assert Options.from_environment().cache_directory == expected


def test_variables_are_listed_in_order() -> None:
    own = [name for name in VARIABLES if name.startswith("TREADLE_")]
    assert own == sorted(own)
    assert list(options.environment()) == list(VARIABLES)
