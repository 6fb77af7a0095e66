"""What each operator does, in a line, by family: for ``treadle ops``, the docs and ``help``.

`OpDef.doc` holds what is special about an overload; a line in one of these modules says what all
overloads of a name have in common. In-place twins and the names in `ALIASES` need no line of their
own. A name with a line but without an operator is one that Treadle does not support.
"""

from __future__ import annotations

import functools

from treadle.ops.summaries import algebra, elementwise, layers, tensors
from treadle.ops.summaries.aliases import ALIASES

_TEXTS = (elementwise.TEXT, algebra.TEXT, layers.TEXT, tensors.TEXT)


@functools.cache
def summaries() -> dict[str, tuple[str, str]]:
    """Family and line of each operator by its name without the overload."""
    found: dict[str, tuple[str, str]] = {}
    family = ""
    for line in filter(None, "\n".join(_TEXTS).splitlines()):
        if line.startswith("# "):
            family = line[2:]
        else:
            name, _, text = line.partition(": ")
            found[name] = (family, text)
    return found


def same_as(name: str) -> str:
    """The usual name of the operator `name` if that is another one, else nothing."""
    return ALIASES.get(name, "")


def summary(name: str) -> tuple[str, str]:
    """Family and line of the operator `name`, ``("Others", "")`` if there are none."""
    known = summaries()
    if name in known:
        return known[name]
    if name in ALIASES:
        other = ALIASES[name]
        return known[other][0], f"another name of `{other}`"
    if name.endswith("_") and not name.startswith("_"):
        family, text = summary(name[:-1])
        return family, f"{text}; written into the tensor" if text else ""
    if name.endswith("_copy"):
        family, text = summary(name[:-5])
        return family, f"{text}; as a copy" if text else ""
    return "Others", ""
