"""Values between the command line and a model: shapes in, results out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import treadle
from treadle.cli.files import Array
from treadle.errors import InputError
from treadle.ir.types import Primitive

_DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
)  # fmt: skip
_MOST_ELEMENTS = 2**33


def parse_shape(text: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of ``1x3x224x224`` or ``8x16:int64``; ``scalar`` has no dimensions.

    Raises:
        InputError: if it is not of that form.
    """
    sizes, _, name = text.partition(":")
    name = name or "float32"
    if not re.fullmatch(r"\d{1,10}([x,]\d{1,10})*|scalar", sizes, re.ASCII):
        raise InputError(f"shape {text!r}: write 1x3x224x224, or 8x16:int64 with a dtype")
    if name not in _DTYPES:
        raise InputError(f"shape {text!r}: dtype {name!r} is none of {', '.join(_DTYPES)}")
    shape = () if sizes == "scalar" else tuple(int(part) for part in re.split("[x,]", sizes))
    elements = 1
    for size in shape:
        elements *= size
    if elements > _MOST_ELEMENTS:
        raise InputError(f"shape {text!r} has more than {_MOST_ELEMENTS} elements")
    return shape, np.dtype(name)


def example_inputs(shapes: Sequence[str]) -> tuple[Array, ...]:
    """Arrays of these shapes: floats from a normal distribution, zeros of other dtypes."""
    generator = np.random.default_rng(0)
    arrays = []
    for shape, dtype in map(parse_shape, shapes):
        if dtype.kind == "f":
            arrays.append(np.asarray(generator.standard_normal(shape), dtype))
        else:
            arrays.append(np.zeros(shape, dtype))
    return tuple(arrays)


def called_method(module: treadle.Module, name: str) -> treadle.Method:
    """The method that is called by `name`: ``forward`` with its hooks, another without."""
    return module.method("__call__" if name == "forward" else name)


def method_arguments(method: treadle.Method, arrays: Sequence[Array]) -> list[Any]:
    """The arrays, those without dimensions as Python numbers where `method` takes numbers."""
    types = [value.type for value in method.graph.params][-len(method.input_names) or None :]
    arguments: list[Any] = list(arrays)
    for i, (array, type_) in enumerate(zip(arrays, types, strict=False)):
        if isinstance(type_, Primitive) and array.ndim == 0:
            arguments[i] = array.item()
    return arguments


def named_outputs(result: Any) -> dict[str, Array]:
    """The tensors and numbers of a model's result, by name: ``output``, ``scores``, ``0.boxes``.

    Raises:
        InputError: if it holds something that a NumPy file cannot, a string say.
    """
    return dict(_walk(result, ""))


def _walk(value: Any, name: str) -> Iterator[tuple[str, Array]]:
    if value is None:
        return
    if isinstance(value, Mapping):
        yield from _walk_items(value.items(), name)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from _walk_items(zip(value._fields, value, strict=True), name)
    elif isinstance(value, list | tuple):
        yield from _walk_items(enumerate(value), name)
    elif hasattr(value, "numpy"):
        yield name or "output", np.asarray(value.numpy())
    elif isinstance(value, bool | int | float | complex | np.ndarray | np.generic):
        yield name or "output", np.asarray(value)
    else:
        raise InputError(
            f"the model's result holds a {type(value).__name__}, which is no array or number"
        )


def _walk_items(items: Any, name: str) -> Iterator[tuple[str, Array]]:
    for key, item in items:
        yield from _walk(item, f"{name}.{key}" if name else str(key))
