"""How the modules of this package write an operator down: a schema and its rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import numpy as np

from treadle.errors import Error, ShapeError
from treadle.ir.dtypes import from_numpy
from treadle.ir.op import OpDef, Tolerance
from treadle.ir.schema import parse_schema
from treadle.ir.types import TensorType
from treadle.ops.promotion import KINDS, check_kind, dtype_of
from treadle.ops.registry import define
from treadle.quiet import restore, silence

_REFUSALS = (ValueError, IndexError, TypeError, ArithmeticError, MemoryError)
_LONGEST = 200
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
    kinds: str = KINDS,
    draws: Callable[..., bool] | None = None,
) -> OpDef:
    """Define the operator of `schema`, named ``base.overload``; one that writes is not pure.

    `kinds` are those of numbers that its first tensor may hold; `draws` as in `OpDef`.
    """
    parsed = parse_schema(schema)
    name = f"{parsed.base}.{parsed.overload}" if parsed.overload else parsed.base
    if kinds != KINDS:
        reference, infer = (_of_kinds(parsed.base, kinds, rule) for rule in (reference, infer))
    return define(
        OpDef(
            name=name,
            schema=parsed,
            reference=None if reference is None else _explained(name, reference, infer),
            infer=infer,
            lower=lower,
            pure=not parsed.writes if pure is None else pure,
            samples=samples,
            tolerance=tolerance,
            doc=doc,
            draws=draws,
        )
    )


def _of_kinds(name: str, kinds: str, rule: Callable[..., Any] | None) -> Callable[..., Any] | None:
    """`rule`, which refuses a first tensor of other numbers than `kinds`."""
    if rule is None:
        return None

    def checked(*args: Any) -> Any:
        found = first_tensor(args)
        if found is not None:
            check_kind(name, kinds, dtype_of(found))
        return rule(*args)

    return checked


def first_tensor(args: Any) -> Any:
    """The first array or type of a tensor among arguments, also in lists; None without."""
    for arg in args:
        found = first_tensor(arg) if isinstance(arg, list | tuple) else arg
        if isinstance(found, np.ndarray | TensorType):
            return found
    return None


def _explained(
    name: str, reference: Callable[..., Any], infer: Callable[..., Any] | None
) -> Callable[..., Any]:
    """`reference` with NumPy's refusals in the words of `infer`, which knows what is allowed.

    As in PyTorch nothing warns of NaN or infinity. Products would of numbers that are neither: the
    library below NumPy may compute with what lies beyond an operand. What wants neither takes
    ``__wrapped__``.
    """

    def explained(*args: Any) -> Any:
        before = silence()
        try:
            return reference(*args)
        except Error:
            raise
        except _REFUSALS as refusal:
            if infer is not None:
                _say_better(infer, args)
            why = str(refusal) or "there is not enough memory"
            raise ShapeError(f"{name}: {why}; got {shown(args)}") from refusal
        finally:
            restore(before)

    return update_wrapper(explained, reference, assigned=(), updated=())


def _say_better(infer: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """Raise what the rule of types says of the arguments, if it refuses them in its own words."""
    try:
        infer(*map(_described, args))
    except Error:
        raise
    except _REFUSALS:
        return


def shown(args: tuple[Any, ...]) -> str:
    """What an operator was given: tensors as their types."""
    text = ", ".join(map(_text, args))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}.."


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    return str(_described(value)) if isinstance(value, np.ndarray | TensorType) else repr(value)


def _described(value: Any) -> Any:
    """`value` with arrays as their types."""
    if isinstance(value, list | tuple):
        return type(value)(map(_described, value))
    if isinstance(value, np.ndarray):
        return TensorType(from_numpy(value.dtype), value.shape)
    return value
