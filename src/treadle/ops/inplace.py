"""In-place forms: `relu_` is `relu`, cast to the dtype of `self` and written into it.

`FUNCTIONAL` tells the functional twin of each, for the pass that removes mutation.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir.dtypes import DType
from treadle.ir.op import OpDef
from treadle.ir.strides import check_not_expanded
from treadle.ir.types import TensorType
from treadle.ops.declare import op
from treadle.ops.promotion import category, dtype_of

FUNCTIONAL: dict[str, str] = {}
RESHAPING: dict[str, str] = {}
"""The view of which each operator gives its operand the shape and strides: ``unsqueeze_``."""


def inplace(*functionals: OpDef, overload: str | None = None) -> None:
    """Define the in-place twin of each operator; argument 0 is what it writes.

    `overload`: that of the twins, where torch gives them another than the operator has.
    """
    for functional in functionals:
        twin = op(
            _schema(functional, overload),
            reference=_reference(functional),
            infer=_infer(functional),
            samples=functional.samples,
            tolerance=functional.tolerance,
        )
        FUNCTIONAL[twin.name] = functional.name


def _schema(functional: OpDef, other: str | None) -> str:
    schema = functional.schema
    assert schema is not None
    head, _, rest = schema.text.partition("(")
    namespace, _, name = head.partition("::")
    base, dot, overload = name.partition(".")
    dot, overload = (dot, overload) if other is None else ("." * bool(other), other)
    rest = rest.replace("Tensor input", "Tensor self", 1).replace("Tensor", "Tensor(a!)", 1)
    base = f"__i{base[2:]}" if base.startswith("__") else f"{base}_"
    return f"{namespace}::{base}{dot}{overload}({rest.rpartition(' -> ')[0]} -> Tensor(a!)"


def into(functional: OpDef) -> OpDef:
    """Define the twin that writes its result into a further argument `out` of the same shape."""
    assert functional.schema is not None
    head, _, rest = functional.schema.text.partition("(")

    def reference(*args: Any) -> np.ndarray[Any, Any]:
        assert functional.reference is not None
        return written_into(functional.name, args[-1], functional.reference(*args[:-1]))

    return op(
        f"{head}.out({rest.rpartition(') -> ')[0]}, *, Tensor(a!) out) -> Tensor(a!)",
        reference=reference,
    )


def reshaping(*views: OpDef) -> None:
    """Define the in-place twin of each view: it changes the shape and strides of argument 0."""
    for view in views:
        assert view.schema is not None
        head, _, rest = view.schema.text.partition("(")
        base, dot, overload = head.partition(".")
        dot = dot if overload != "int" else ""
        schema = f"{base}_{dot}{overload if dot else ''}({rest}".replace("(a)", "(a!)")
        twin = op(schema, reference=_reshaped(view), infer=view.infer)
        RESHAPING[twin.name] = view.name


def _reshaped(view: OpDef) -> Any:
    def reference(target: np.ndarray[Any, Any], *args: Any) -> np.ndarray[Any, Any]:
        assert view.reference is not None
        result = view.reference(target, *args)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # NumPy has no other way
            try:
                target.shape = result.shape
                target.strides = result.strides
            except (AttributeError, ValueError) as refusal:
                raise UnsupportedError(f"{view.name}_: {refusal}") from refusal
        return target

    return reference


def check_writable(op_name: str, target: TensorType | np.ndarray[Any, Any], source: Any) -> None:
    """Check that `source` fits into `target` without a change of shape or category.

    An expanded `target`, of which several elements have one place, takes nothing.

    Raises:
        ShapeError: if it does not.
    """
    if tuple(target.shape or ()) != tuple(source.shape or ()):
        raise ShapeError(
            f"{op_name}: a result of shape {list(source.shape)} does not fit into self of shape"
            f" {list(target.shape or ())}"
        )
    if isinstance(target, np.ndarray):
        check_not_expanded(op_name, "self", target)
    check_category(op_name, "self", target, source)


def check_category(op_name: str, argument: str, target: Any, source: Any) -> None:
    """Check that the dtype of `source` is of no higher category than that of `target`.

    Raises:
        ShapeError: if it is.
    """
    given, wanted = dtype_of(source), dtype_of(target)
    if not can_cast(given, wanted):
        raise ShapeError(
            f"{op_name}: a result of {given} cannot be written into {argument} of {wanted}"
        )


def written_into(
    op_name: str, target: np.ndarray[Any, Any], result: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """`target`, which now holds `result`, cast to its dtype.

    Raises:
        ShapeError: as `check_writable`.
    """
    check_writable(op_name, target, result)
    np.copyto(target, result, casting="unsafe")
    return target


def can_cast(given: DType, wanted: DType) -> bool:
    """Whether torch lets an operator write `given` into `wanted`, as torch.can_cast."""
    return category(given) <= category(wanted)


def _reference(functional: OpDef) -> Any:
    def reference(target: np.ndarray[Any, Any], *args: Any) -> np.ndarray[Any, Any]:
        assert functional.reference is not None
        return written_into(functional.name, target, functional.reference(target, *args))

    return reference


def _infer(functional: OpDef) -> Any:
    def infer(target: TensorType, *args: Any) -> TensorType:
        assert functional.infer is not None
        check_writable(functional.name, target, functional.infer(target, *args))
        return target

    return infer
