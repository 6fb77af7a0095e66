"""An operator is there for everybody once its module has defined it: one place, one file."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.processes import run_python

NEW = """
from treadle.ops.inplace import inplace
from treadle.ops.pointwise import pointwise
from treadle.ops.samples import f32

inplace(
    pointwise(
        "aten::thrice(Tensor self, Scalar more=0) -> Tensor",
        lambda f, x, more: 3 * x + more,
        samples=((f32(2, 3), 0),),
        doc="Three times the element, and more.",
    )
)

import treadle
from scripts import make_stubs, ops_docs
from treadle.ops.catalog import catalog

x = treadle.tensor([1.0, 2.0])
assert treadle.thrice(x).tolist() == x.thrice(more=0).tolist() == [3.0, 6.0]
assert x.clone().thrice_(1).tolist() == [4.0, 7.0]

(entry,) = [e for e in catalog() if e.name == "thrice"]
assert (entry.status, entry.summary) == ("compiled", "Three times the element, and more")
assert "float32" in entry.dtypes and len(entry.overloads) == 2
assert "## thrice" in ops_docs.make_pages()["others.md"]
assert any("def thrice(" in text for text in make_stubs.make_stubs().values())

def tripled(x: treadle.Tensor) -> treadle.Tensor:
    return treadle.thrice(x) + 1

scripted = treadle.script(tripled)
assert scripted(x).tolist() == [4.0, 7.0]
assert [step.name for step in scripted.explain(x).steps] == ["thrice+add"]
"""


def test_a_new_operator_is_known_everywhere_by_its_definition(tmp_path: Path) -> None:
    """From a file, where the source of the scripted function is found."""
    path = tmp_path / "new_operator.py"
    path.write_text(NEW, encoding="utf-8")
    run_python(f"import runpy; runpy.run_path({str(path)!r})")
