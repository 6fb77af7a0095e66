"""The scalar functions that `loops.Call` may name: operands and result of each.

What a function computes is in `codegen.functions`; a test holds the two tables together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """Operands of a function.

    `kinds` are the dtype kinds the operands may have (``b i u f``). `result`: ``same`` dtype as
    the operands, ``bool``, or ``any`` (cast). `select` and the index checks are told in `note`.
    """

    arity: int
    kinds: str
    result: str = "same"
    note: str = ""


LONG = frozenset(
    (
        *("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "pow", "erf", "normal_cdf"),
        *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "sigmoid"),
    )
)
"""Functions that take many instructions."""
CHECKS = frozenset(("checked_index", "wrapped_index", "checked_divisor"))
"""Functions that may write to the status buffer."""


def _many(names: str, signature: Signature) -> dict[str, Signature]:
    return dict.fromkeys(names.split(), signature)


FUNCTIONS: dict[str, Signature] = {
    **_many("add sub mul", Signature(2, "iuf", note="integers wrap")),
    **_many("div atan2", Signature(2, "f")),
    **_many("floordiv remainder", Signature(2, "iuf", note="round down; integers by zero give 0")),
    **_many("truncdiv fmod", Signature(2, "iuf", note="round to zero; integers by zero give 0")),
    "pow": Signature(2, "iuf"),
    **_many("min max", Signature(2, "biuf", note="NaN propagates")),
    **_many("neg abs sign", Signature(1, "iuf", note="sign of NaN is 0")),
    "fma": Signature(3, "f", note="a * b + c, rounded once"),
    **_many("sqrt rsqrt reciprocal exp exp2 expm1 log log1p log2 log10", Signature(1, "f")),
    **_many("sin cos tan asin acos atan sinh cosh tanh", Signature(1, "f")),
    **_many("sigmoid erf normal_cdf", Signature(1, "f")),
    **_many("floor ceil round trunc", Signature(1, "f", note="round: half to even")),
    **_many("isnan isinf isfinite", Signature(1, "f", "bool")),
    **_many("eq ne lt le gt ge", Signature(2, "biuf", "bool", "NaN equals nothing")),
    **_many("and or xor", Signature(2, "biu", note="bitwise; of bool: logical")),
    "not": Signature(1, "biu", note="bitwise; of bool: logical"),
    **_many("shift_left shift_right", Signature(2, "iu", note="0 or the sign past the width")),
    "select": Signature(3, "biuf", note="condition (bool), then two of the result's dtype"),
    "cast": Signature(1, "biuf", "any", "to bool: is not 0; float to integer: to zero"),
    **_many("checked_index wrapped_index", Signature(2, "i", note="see loops.Call")),
    "checked_divisor": Signature(1, "biu", note="see loops.Call"),
}
ORDERED = frozenset(("sum", "prod", "logsumexp"))
"""Reductions whose results, if they are floats, depend on the order of the elements."""
