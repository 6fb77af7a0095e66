"""How a tensor is shown: as torch does, with `set_printoptions` to change it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from treadle.eager.dtypes import dtype_of_array
from treadle.errors import InputError

Array = np.ndarray[Any, Any]

_PREFIX = "tensor("
_UNSAID = ("float32", "int64", "bool", "complex64")  # what values of this look tell of themselves
_MOST_RATIO, _LARGEST, _SMALLEST = 1e3, 1e8, 1e-4  # beyond these numbers are written with exponents


@dataclass(frozen=True, slots=True)
class Options:
    """See `set_printoptions`."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {
    "default": Options(),
    "short": Options(precision=2, edgeitems=2),
    "full": Options(threshold=math.inf),
}
_state = {"options": Options()}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Change how tensors are shown; what is None stays, but `sci_mode`.

    Args:
        precision: digits after the point.
        threshold: elements beyond which only the edges are shown.
        edgeitems: how many elements those are, at each end of each dim.
        linewidth: characters in a line.
        profile: ``"default"``, ``"short"`` or ``"full"``, to start from.
        sci_mode: whether numbers have exponents; None: where they differ much.

    Raises:
        InputError: if there is no such profile.
    """
    if profile is not None and profile not in _PROFILES:
        raise InputError(
            f"set_printoptions: argument profile must be one of {[*_PROFILES]}, got {profile!r}"
        )
    given: dict[str, Any] = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    base = _state["options"] if profile is None else _PROFILES[profile]
    changes = {name: value for name, value in given.items() if value is not None}
    _state["options"] = replace(base, **changes, sci_mode=sci_mode)


def format_array(array: Array) -> str:
    """``tensor([1., 2.])``, with size and dtype where the values do not show them."""
    options, dtype = _state["options"], dtype_of_array(array)
    suffixes = []
    if (not array.size and array.ndim != 1) or (array.size and not options.edgeitems):
        suffixes.append(f"size={tuple(array.shape)}")
    if dtype._element.torch_name not in _UNSAID[: None if array.size else 1]:
        suffixes.append(f"dtype={dtype}")
    text = _PREFIX + (_values(array, options) if array.size else "[]")
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > options.linewidth:
            text += ",\n" + " " * len(_PREFIX) + suffix
            column = len(_PREFIX) + len(suffix)
        else:
            text += f", {suffix}"
            column += len(suffix) + 2
    return f"{text})"


@dataclass(frozen=True, slots=True)
class _Style:
    """How the numbers of one tensor are written, all of them at least `width` wide."""

    spec: str
    width: int
    has_point: bool

    def write(self, value: Any) -> str:
        point = "." if self.has_point and math.isfinite(value) else ""
        return (format(value, self.spec) + point).rjust(self.width)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the elements of one tensor are written and laid out."""

    write: Callable[[Any], str]
    width: int
    edgeitems: int | None
    linewidth: int

    def grid(self, array: Array, indent: int) -> str:
        """The text of `array`, which starts after `indent` characters."""
        if array.ndim == 0:
            return self.write(array.item())
        edge, count = self.edgeitems, len(array)
        is_cut = edge is not None and count > 2 * edge
        shown = [*range(count)] if edge is None or not is_cut else _edges(count, edge)
        if array.ndim == 1:
            parts = [self.write(v) for v in array[shown].tolist()]
            dots, step = " ..." if edge else "...", self.width + 2
            per_line, new_line = max(1, (self.linewidth - indent) // step), ",\n"
        else:
            parts = [self.grid(array[i], indent + 1) for i in shown]
            dots, per_line, new_line = "...", 1, "," + "\n" * (array.ndim - 1)
        if is_cut:
            parts.insert(edge or 0, dots)
        lines = [", ".join(parts[i : i + per_line]) for i in range(0, len(parts), per_line)]
        return f"[{(new_line + ' ' * (indent + 1)).join(lines)}]"


def _values(array: Array, options: Options) -> str:
    if array.dtype.kind not in "biufc":
        array = array.astype(np.float32)  # bfloat16, of which NumPy makes no Python numbers
    is_cut = array.size > options.threshold
    edge = options.edgeitems if is_cut else None
    seen = array if edge is None else _corners(array, edge)
    first = _style(seen.real, options)
    if array.dtype.kind != "c":
        layout = _Layout(first.write, first.width, edge, options.linewidth)
        return layout.grid(array, len(_PREFIX))
    second = _style(seen.imag, options)

    def write(value: complex) -> str:
        imaginary = second.write(value.imag).lstrip()
        sign = "" if imaginary[0] in "+-" else "+"
        return f"{first.write(value.real)}{sign}{imaginary}j"

    layout = _Layout(write, first.width + second.width + 1, edge, options.linewidth)
    return layout.grid(array, len(_PREFIX))


def _edges(count: int, edge: int) -> list[int]:
    return [*range(edge), *range(count - edge, count)]


def _corners(array: Array, edge: int) -> Array:
    """The elements that are shown of a tensor of which only the edges are."""
    for dim, count in enumerate(array.shape):
        if count > 2 * edge:
            array = array.take(_edges(count, edge), dim)
    return array


def _style(values: Array, options: Options) -> _Style:
    if values.dtype.kind != "f":
        return _Style("", max((len(str(v)) for v in values.flat), default=1), False)
    numbers = values[np.isfinite(values) & (values != 0)].astype(np.float64)
    if not numbers.size:
        return _Style(".0f", 1, True)
    is_whole = bool((numbers == np.ceil(numbers)).all())
    has_exponents = options.sci_mode
    if has_exponents is None:
        low, high = float(np.abs(numbers).min()), float(np.abs(numbers).max())
        has_exponents = high / low > _MOST_RATIO or high > _LARGEST or low < _SMALLEST
    spec = f".{options.precision}e" if has_exponents else f".{options.precision}f"
    has_point = is_whole and not has_exponents
    spec = ".0f" if has_point else spec
    width = max(len(format(v, spec)) for v in numbers.tolist()) + has_point
    return _Style(spec, width, has_point)
