"""Scalar operators as Python expressions, for compiled loops; the others call their reference."""

from __future__ import annotations

from treadle.ir.graph import Node
from treadle.ir.op import OpDef
from treadle.ir.types import INT

_KEYS = ("str", "int", "bool", "float")
_PAIRS = ("int", "float", "int_float", "float_int")
_COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*"}

EXPRESSIONS: dict[str, str] = {
    **{f"{name}.{kind}": f"{{0}} {sign} {{1}}" for name, sign in _COMPARISONS.items()
       for kind in ("int", "float", "str")},
    **{f"{name}.int_float": f"float({{0}}) {sign} {{1}}" for name, sign in _COMPARISONS.items()},
    **{f"{name}.float_int": f"{{0}} {sign} float({{1}})" for name, sign in _COMPARISONS.items()},
    **{f"{name}.{kind}": f"{{0}} {sign} {{1}}" for name, sign in _ARITHMETIC.items()
       for kind in _PAIRS[1:]},
    "eq.bool": "{0} == {1}", "ne.bool": "{0} != {1}", "add.str": "{0} + {1}",
    "__not__.": "not {0}", "__and__.bool": "{0} and {1}", "__or__.bool": "{0} or {1}",
    "__xor__.bool": "{0} != {1}", "__and__.int": "{0} & {1}", "__or__.int": "{0} | {1}",
    "__xor__.int": "{0} ^ {1}", "neg.float": "-{0}", "remainder.int": "{0} % {1}",
    "Float.int": "float({0})", "Float.bool": "float({0})", "Bool.int": "{0} != 0",
    "Bool.float": "{0} != 0", "__is__.": "{0} is {1}", "__isnot__.": "{0} is not {1}",
    "len.t": "len({0})", "len.str": "len({0})", "__getitem__.t": "{0}[{1}]",
    "__getitem__.str": "{0}[{1}]", "max.int": "{0} if {0} > {1} else {1}",
    "min.int": "{0} if {0} < {1} else {1}", "__contains__.substring": "{1} in {0}",
    "join.": "{0}.join({1})",
    **{f"__contains__.{kind}": "{1} in {0}" for kind in _KEYS},
    **{f"len.Dict_{kind}": "len({0})" for kind in _KEYS},
}  # fmt: skip
"""By name and overload; `{0}`, `{1}`, ... are the operands, each a name or a literal."""

WRAPPED: dict[str, str] = {
    "add.int": "{0} + {1}", "sub.int": "{0} - {1}", "mul.int": "{0} * {1}",
    "floordiv.int": "{0} // {1}", "neg.int": "-{0}", "__derive_index.": "{0} * {2} + {1}",
}  # fmt: skip
"""Those on integers whose result has to be brought back into 64 bits."""

STATEMENTS: dict[str, tuple[str, str]] = {
    "append.t": ("{0}.append({1})", ""), "_set_item.t": ("{0}[{1}] = {2}", "IndexError"),
    **{f"_set_item.{kind}": ("{0}[{1}] = {2}", "") for kind in _KEYS},
}  # fmt: skip
"""Those that change the first operand, which is their result if they have one.

With each goes what Python raises in words of its own: then the reference runs, for its words.
"""

LOOKUPS: dict[str, tuple[str, str]] = {
    f"__getitem__.Dict_{kind}": ("{0}[{1}]", "KeyError") for kind in _KEYS
}
"""Expressions that may fail in the same way."""

WITH_DEFAULTS: dict[str, tuple[str, tuple[object, ...]]] = {
    f"{name}.": (f"{{0}}.{name}({{1}})", (0, -1)) for name in ("startswith", "endswith", "find")
}
"""Expressions for the case that the last operands are these constants."""


def key_of(op: OpDef) -> str:
    """The name under which the tables hold an operator; empty for one that they never do."""
    schema = op.schema
    if schema is None or schema.namespace not in ("aten", "prim"):
        return ""
    return f"{schema.base}.{schema.overload}"


def expression_of(key: str, node: Node) -> str | None:
    """The operator as an expression of its operands, if it is one of Python's."""
    if key in WITH_DEFAULTS:
        text, defaults = WITH_DEFAULTS[key]
        last = node.inputs[-len(defaults) :]
        if all(v.is_constant for v in last) and tuple(v.constant for v in last) == defaults:
            return text
    if key == "str." and node.inputs[0].type == INT:
        return "str({0})"
    return EXPRESSIONS.get(key)


def directions_of(key: str, node: Node) -> tuple[bool, bool]:
    """Whether the result may fall below 64 bits, and whether it may grow beyond them."""
    numbers = [v.constant for v in node.inputs if type(v.constant) is int]
    if key == "floordiv.int" and node.inputs[1].constant not in (None, -1):
        return False, False
    if key == "neg.int":
        return False, True
    if key == "add.int" and numbers:
        return numbers[0] < 0, numbers[0] > 0
    if key == "sub.int" and type(node.inputs[1].constant) is int:
        return numbers[-1] > 0, numbers[-1] < 0
    return True, True
