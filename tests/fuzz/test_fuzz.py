"""A few hundred mutated inputs for each reader, and all inputs that once were too much for one."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from tests.fuzz.corpus import archives
from tests.fuzz.mutation import Material
from tests.fuzz.targets import TARGETS, Corpus
from treadle.errors import Error

FOUND = sorted((Path(__file__).parent / "found").iterdir())
COUNTS = {"zip": 300, "pickle": 200, "source": 120, "types": 1000, "ir": 400, "ops": 60}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(archives(every=15))


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs_give_a_value_or_an_error(name: str, corpus: Corpus) -> None:
    target, rng = TARGETS[name], random.Random(7)
    material = target.material(corpus)
    for _ in range(COUNTS[name]):
        with contextlib.suppress(Error):
            target.run(corpus, material.mutated(rng))


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_fuzzing_found_stays_mended(path: Path, corpus: Corpus) -> None:
    with contextlib.suppress(Error):
        TARGETS[path.name.partition("-")[0]].run(corpus, path.read_bytes())


def test_mutations_depend_on_the_seed_alone() -> None:
    material = Material([b"class C:\n  pass\n", b"x = 1"], [b"word"])
    first, second = random.Random(3), random.Random(3)
    assert [material.mutated(first) for _ in range(50)] == [
        material.mutated(second) for _ in range(50)
    ]
