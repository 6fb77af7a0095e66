"""How the modules of this package write an operator down: a schema and its rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treadle.ir.op import OpDef, Tolerance
from treadle.ir.schema import parse_schema
from treadle.ops.registry import define

EXACT = Tolerance(0.0, 0.0, "moves elements or compares them")
DEFAULT = Tolerance()


def op(
    schema: str,
    *,
    reference: Callable[..., Any] | None = None,
    infer: Callable[..., Any] | None = None,
    lower: Any = None,
    pure: bool | None = None,
    samples: tuple[tuple[Any, ...], ...] = (),
    tolerance: Tolerance = DEFAULT,
    doc: str = "",
) -> OpDef:
    """Define the operator of `schema`, named ``base.overload``; one that writes is not pure."""
    parsed = parse_schema(schema)
    return define(
        OpDef(
            name=f"{parsed.base}.{parsed.overload}" if parsed.overload else parsed.base,
            schema=parsed,
            reference=reference,
            infer=infer,
            lower=lower,
            pure=not parsed.writes if pure is None else pure,
            samples=samples,
            tolerance=tolerance,
            doc=doc,
        )
    )
