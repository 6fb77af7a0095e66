"""Generators of random numbers as values of a script, and the operators that draw from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from treadle import draws
from treadle.ops.declare import op
from treadle.ops.random import manual_seed
from treadle.ops.registry import OPS


def _generator(device: Any, seed: int | None) -> draws.Source:
    source = draws.Source(np.random.Philox())
    return source if seed is None else _seeded(source, seed)


def _seeded(source: draws.Source, seed: int) -> draws.Source:
    draws.seed(source, seed)
    return source


op("aten::manual_seed(int seed) -> ()", reference=manual_seed, pure=False)
op(
    "aten::Generator(*, Device? device=None, int? seed=None) -> Generator",
    reference=_generator,
    pure=False,
)
op(
    "aten::manual_seed.generator(Generator(a!) self, int seed) -> Generator(a!)",
    reference=_seeded,
    pure=False,
)


def _with_generator(name: str, overload: str) -> None:
    """Define the form of an operator that takes a generator behind its arguments by position."""
    plain = OPS[name]
    schema = plain.schema
    assert schema is not None
    assert plain.reference is not None
    draw = plain.reference
    at = sum(not argument.keyword_only for argument in schema.arguments)
    rest = schema.text.partition("(")[2].replace("*, ", "*, Generator? generator, ", 1)

    def reference(*args: Any) -> Any:
        token = draws.CURRENT.set(args[at] or draws.DEFAULT)
        try:
            return draw(*args[:at], *args[at + 1 :])
        finally:
            draws.CURRENT.reset(token)

    op(f"aten::{schema.base}.{overload}({rest}", reference=reference, pure=False)


for _name in ("rand", "randn", "randint", "randperm", "rand_like", "randn_like"):
    _with_generator(_name, "generator")
_with_generator("randint.low", "low_generator")
