"""``treadle ops`` lists the operators; the pages in ``docs/ops`` say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.runtime.processes import run_python
from treadle.ops.catalog import COMPILED, EXTERN, UNSUPPORTED, catalog, compact
from treadle.ops.summaries import summary

ROOT = Path(__file__).resolve().parents[2]
CHECK = """
import sys
from scripts import ops_docs
sys.argv = ["ops_docs.py", "--check"]
ops_docs.main()
"""


def test_every_operator_on_tensors_is_listed_once() -> None:
    entries = catalog()
    assert len({entry.name for entry in entries}) == len(entries)
    listed = [op.name for entry in entries for op in entry.overloads]
    assert len(set(listed)) == len(listed)
    assert {"relu", "relu_", "add.Tensor", "conv2d", "nonzero", "sort.stable"} <= {*listed}


@pytest.mark.parametrize(
    ("name", "status", "dtypes"),
    [
        ("relu", COMPILED, "integers, floats"),
        ("view", COMPILED, "all"),
        ("bitwise_and", COMPILED, "bool, integers"),
        ("linalg_svdvals", EXTERN, "float32, float64, complex"),
    ],
)
def test_status_and_dtypes_of(treadle: Command, name: str, status: str, dtypes: str) -> None:
    documents = json.loads(treadle("ops", name, "--json").output)
    entry = next(d for d in documents if d["name"] == name)
    assert entry["status"] == status
    assert compact(entry["dtypes"]) == dtypes
    page, _, section = entry["link"].partition("#")
    assert f"## {section}\n" in (ROOT / page).read_text(encoding="utf-8")


def test_links_lead_to_a_section_that_tells_of_the_operator() -> None:
    sections = {}
    for page in {entry.page for entry in catalog()}:
        parts = (ROOT / page).read_text(encoding="utf-8").split("\n## ")[1:]
        for part in parts:
            heading, _, body = part.partition("\n")
            sections[f"{page}#{heading.lower().replace(' ', '-')}"] = body
    for entry in catalog():
        telling = (f"- `{entry.name}`: ", f"\n{entry.name}", f"::{entry.name}(")
        assert any(text in sections[entry.link] for text in telling), entry.name


def test_a_name_that_treadle_lacks_is_listed(treadle: Command) -> None:
    entry = next(e for e in catalog() if e.status == UNSUPPORTED)
    (document,) = json.loads(treadle("ops", UNSUPPORTED, "--json").output)[:1]
    assert document["name"] == entry.name
    assert document["overloads"] == []


def test_a_pattern_chooses(treadle: Command) -> None:
    assert "log_softmax" in treadle("ops", "softmax").output
    names = [d["name"] for d in json.loads(treadle("ops", "soft*us", "--json").output)]
    assert names == ["softplus"]
    assert {d["status"] for d in json.loads(treadle("ops", EXTERN, "--json").output)} == {EXTERN}
    families = json.loads(treadle("ops", "losses", "--json").output)
    assert {d["family"] for d in families} == {"Losses"}


def test_an_in_place_form_is_found_with_its_operator(treadle: Command) -> None:
    (entry,) = json.loads(treadle("ops", "hardswish_", "--json").output)
    assert entry["name"] == "hardswish"
    assert len(entry["overloads"]) == 2
    assert {overload["status"] for overload in entry["overloads"]} == {COMPILED}


def test_an_unknown_operator_is_refused(treadle: Command) -> None:
    treadle("ops", "no_such_thing").refused("no operator is called like 'no_such_thing'")


def test_every_operator_says_what_it_gives() -> None:
    silent = [entry.name for entry in catalog() if not entry.summary]
    assert silent == [], "give the operator a doc, or add a line to src/treadle/ops/summaries"
    assert summary("add_")[1].endswith("; written into the tensor")


def test_the_pages_are_up_to_date() -> None:
    """In a process of its own: other tests define operators."""
    run_python(CHECK)
