"""Write the typed stubs of what the table of operators provides, from the operators' schemas.

python scripts/make_stubs.py          writes _functions.pyi, _methods.pyi and nn/_functions.pyi
python scripts/make_stubs.py --check  exits with 1 if they are not up to date
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import treadle
from treadle._native import TensorBase
from treadle.eager import namespaces
from treadle.eager.adapters import ADAPTERS
from treadle.eager.functions import function_names, is_on_tensors, method_names
from treadle.eager.methods import CONVERSIONS
from treadle.eager.operators import Operators
from treadle.eager.signatures import python_name
from treadle.ir.op import OpDef
from treadle.ir.schema import REQUIRED, Argument, Schema
from treadle.ir.types import ListType, OptionalType, TensorType, Type
from treadle.nn import functional
from treadle.ops import OPS

PACKAGE = Path(treadle.__file__).parent
_HEAD = """\
# Written by scripts/make_stubs.py from the schemas of the operators; do not edit.
# mypy: disable-error-code="overload-overlap, overload-cannot-match"
from builtins import bool as _bool, complex as _complex, float as _float, int as _int
from builtins import str as _str, type as _type
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, overload

import numpy as np

from treadle._native import TensorBase
from treadle.eager.device import device as _Device
from treadle.eager.dtypes import dtype as _DType
from treadle.eager.random import Generator
from treadle.tensor import Tensor

"""
_SHARED = """\
class _Exports(Protocol):
    def __dlpack__(self) -> Any: ...

_Tensor = Tensor | np.ndarray[Any, Any] | _Exports
_Number = _int | _float | _complex | _bool
_Dtype = _DType | np.dtype[Any] | _type | _str
_Place = _Device | _str
"""
_IMPORTED = "from treadle._functions import _Dtype, _Number, _Place, _Tensor\n"
_PLAIN = {
    "int": "_int", "float": "_float", "bool": "_bool", "number": "_Number", "str": "_str",
    "Device": "_Place", "Generator": "Generator",
}  # fmt: skip
_DUNDERS = {
    "__eq__": "object", "__ne__": "object", "__abs__": "", "__neg__": "", "__invert__": "",
    "__pos__": "",
}  # fmt: skip
_DTYPES = ("float", "int", "bool")  # what the package names like a builtin


def make_stubs() -> dict[Path, str]:
    """The text of each stub."""
    results = _Results()
    functions = [
        line
        for name in function_names()
        if name not in ADAPTERS and name not in treadle.__all__
        for line in _definitions(name, name, results, method=False)
    ]
    head = [_HEAD + _SHARED, *_adapters(), *(f"{name}: _DType" for name in _DTYPES)]
    stubs = {PACKAGE / "_functions.pyi": _joined([*head, *results.classes(), "", *functions])}
    methods = _methods(results)
    named = ", ".join(sorted(results.names))
    imported = _HEAD + _IMPORTED + f"from treadle._functions import {named}\n"
    stubs[PACKAGE / "_methods.pyi"] = _joined([imported, *methods])
    for module in ("fft", "linalg", "special"):
        lines = [
            line
            for name in namespaces.names(module)
            for line in _definitions(name, f"{module}_{name}", results, method=False)
        ]
        stubs[PACKAGE / f"_{module}.pyi"] = _joined([imported, *lines])
    layers = [
        line
        for name, operator in sorted(functional.SAME.items())
        for line in _definitions(name, operator, results, method=False)
    ]
    stubs[PACKAGE / "nn" / "_functions.pyi"] = _joined([imported, *layers, *_activations()])
    return stubs


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


class _Results:
    """The named tuples that operators with several results give."""

    def __init__(self) -> None:
        self.names: dict[str, tuple[str, ...]] = {}

    def of(self, schema: Schema) -> str:
        """The Python type of the result."""
        results = schema.results
        fields = tuple(r.name for r in results)
        if len(results) > 1 and all(fields):
            name = "_" + "_".join(fields)
            self.names[name] = fields
            return name
        types = [_result(r.type) for r in results]
        return types[0] if len(types) == 1 else f"tuple[{', '.join(types)}]"

    def classes(self) -> list[str]:
        """Their definitions."""
        lines = []
        for name, fields in sorted(self.names.items()):
            lines += [f"class {name}(NamedTuple):", *(f"    {f}: Tensor" for f in fields)]
        return lines


def _result(type_: Type) -> str:
    if isinstance(type_, TensorType):
        return "Tensor"
    if isinstance(type_, ListType):
        element = _result(type_.element)
        return f"tuple[{element}, ...]" if element == "Tensor" else f"list[{element}]"
    return _PLAIN.get(str(type_), "Any")


def _definitions(name: str, operator: str, results: _Results, *, method: bool) -> list[str]:
    """The overloads of one name, those that look alike to Python only once."""
    found: dict[str, None] = {}
    for op in OPS.overloads(f"aten::{operator}"):
        if op.schema is not None and _is_callable(op, method):
            for signature in _signatures(op.schema, results, method):
                found[f"def {name}({signature}: ..."] = None
    indent = "    " if method else ""
    marks = [f"{indent}@overload"] if len(found) > 1 else []
    return [line for text in found for line in (*marks, indent + text)]


def _is_callable(op: OpDef, method: bool) -> bool:
    assert op.schema is not None
    arguments = op.schema.arguments
    if method:
        return bool(arguments) and isinstance(arguments[0].type, TensorType)
    return is_on_tensors(op)


def _signatures(schema: Schema, results: _Results, method: bool) -> list[str]:
    """Parameters and result; twice if a list may be written as several arguments."""
    arguments = schema.arguments[1:] if method else schema.arguments
    out = "" if method else _out(schema)
    end = f") -> {results.of(schema)}"
    first = ["self"] if method else []
    signatures = [", ".join([*first, *_parameters(arguments, out)]) + end]
    position = next((i for i, a in enumerate(arguments) if _takes_rest(a)), None)
    if position is not None and all(a.keyword_only for a in arguments[position + 1 :]):
        before, rest = arguments[:position], arguments[position]
        after = [_parameter(a) for a in arguments[position + 1 :]]
        element = "_int" if str(rest.type) == "List[int]" else "_Tensor"
        parts = [*first, *map(_parameter, before), f"*{rest.name}: {element}", *after]
        signatures.append(", ".join(parts) + end)
    return signatures


def _out(schema: Schema) -> str:
    """The type of the argument `out`; empty if there is none."""
    tensors = all(_result(r.type) == "Tensor" and r.alias is None for r in schema.results)
    if schema.writes or not tensors:
        return ""
    return "_Tensor" if len(schema.results) == 1 else "Sequence[_Tensor]"


def _takes_rest(argument: Argument) -> bool:
    listed = str(argument.type) in ("List[int]", "List[Tensor]") and argument.size is None
    return listed and argument.default is REQUIRED


def _parameters(arguments: Sequence[Argument], out: str) -> list[str]:
    parts: list[str] = []
    for argument in arguments:
        if argument.keyword_only and "*" not in parts:
            parts.append("*")
        parts.append(_parameter(argument))
    if out:
        parts += ([] if "*" in parts else ["*"]) + [f"out: {out} | None = None"]
    return parts


def _parameter(argument: Argument) -> str:
    name = python_name(argument)
    shown = "..." if argument.name == "dtype" else _default(argument.default)
    default = "" if argument.default is REQUIRED else f" = {shown}"
    return f"{name}: {_accepted(argument.type, argument)}{default}"


def _default(value: object) -> str:
    plain = value is None or isinstance(value, bool | int | str)
    return repr(value) if plain or (isinstance(value, float) and abs(value) < 1e300) else "..."


def _accepted(type_: Type, argument: Argument) -> str:
    if isinstance(type_, OptionalType):
        return f"{_accepted(type_.element, argument)} | None"
    if isinstance(type_, TensorType):
        return "_Tensor"
    if isinstance(type_, ListType):
        element = _accepted(type_.element, argument)
        return f"Sequence[{element}]" + (f" | {element}" if argument.size is not None else "")
    return "_Dtype" if argument.name == "dtype" else _PLAIN.get(str(type_), "Any")


def _methods(results: _Results) -> list[str]:
    lines = ["class Methods(TensorBase):"]
    written = {*vars(treadle.Tensor), *vars(TensorBase)}
    for name in method_names():
        if name not in written and name not in ADAPTERS:
            lines += _definitions(name, name, results, method=True)
    chosen = "memory_format: _int | None = None"
    lines += [f"    def {name}(self, {chosen}) -> Tensor: ..." for name in CONVERSIONS]
    lines.append("    def polygamma(self, n: _int) -> Tensor: ...")
    lines += filter(None, map(_adapted, sorted(ADAPTERS)))
    for name in vars(Operators):
        if name.startswith("__") and callable(getattr(Operators, name)) and name != "__hash__":
            other = _DUNDERS.get(name, "_Tensor | _Number")
            parameter = f", other: {other}" if other else ""
            ignored = "  # type: ignore[override]" if other == "object" else ""
            lines.append(f"    def {name}(self{parameter}) -> Tensor: ...{ignored}")
    lines.append("    def __hash__(self) -> _int: ...")
    return lines


def _adapted(name: str) -> str:
    """A function that is written by hand, as a method; nothing if it is not one on a tensor."""
    signature = inspect.signature(ADAPTERS[name])
    first, *others = signature.parameters.values()
    if first.name != "input":
        return ""
    parts = ["self"]
    for parameter in others:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        has_none = parameter.default is inspect.Parameter.empty
        default = "" if has_none else f" = {parameter.default!r}"
        parts.append(f"{parameter.name}: {_aliased(parameter.annotation)}{default}")
    return f"    def {name}({', '.join(parts)}) -> {_aliased(signature.return_annotation)}: ..."


def _aliased(annotation: str) -> str:
    return re.sub(r"\b(bool|float|int|str)\b", r"_\1", annotation)


def _adapters() -> list[str]:
    return [f"from {ADAPTERS[n].__module__} import {n} as {n}" for n in sorted(ADAPTERS)]


def _activations() -> list[str]:
    """Activations take `inplace` beside the arguments of their operators."""
    lines = []
    for name in sorted(functional.ACTIVATIONS):
        (op,) = OPS.overloads(f"aten::{name}")
        assert op.schema is not None
        parts = [_parameter(a) for a in op.schema.arguments]
        lines.append(f"def {name}({', '.join(parts)}, inplace: _bool = False) -> Tensor: ...")
    return lines


def main() -> None:
    """Write the stubs, or compare them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    for path, text in make_stubs().items():
        if arguments.check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            sys.exit(f"{path.name} is not up to date, run scripts/make_stubs.py")
        if not arguments.check:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
