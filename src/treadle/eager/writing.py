"""Calls that write into a tensor: in place, to `out`, or to its shape and strides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.eager.execute import Prepared, as_array, write
from treadle.eager.matching import Leaf
from treadle.eager.outs import put
from treadle.errors import InputError
from treadle.ir.op import OpDef
from treadle.ir.strides import check_not_expanded
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL, RESHAPING, check_category
from treadle.ops.promotion import dtype_of
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]
_ADDED_IN_OUT = frozenset({"cumprod", "cumsum", "nansum", "prod", "sum"})


class PreparedReshaping:
    """A call that gives a tensor the shape and strides of a view: ``unsqueeze_``.

    The array stays as it is, for others may have it, unless the call names the array itself.
    """

    __slots__ = ("_view", "_written", "inputs", "op")
    gives_views = True
    target = 0
    make = program = reference = None

    def __init__(self, op: OpDef, arguments: Sequence[Any], tensors: Sequence[Any]) -> None:
        self.op, self.inputs = op, [0]
        self._view = Prepared(OPS[RESHAPING[op.name]], arguments, tensors)
        self._written = Prepared(op, arguments, tensors)

    def run(self, tensors: Sequence[Any]) -> Any:
        """The tensor, which has another shape now."""
        (tensor,) = tensors
        if not isinstance(tensor, Tensor):
            return self._written.run(tensors)
        tensor._array = self._view.run(tensors)._array
        return tensor


class PreparedInPlace:
    """A call of which the result of the functional form is written into the first tensor."""

    __slots__ = ("_functional", "_place", "inputs", "make", "op", "program", "target")
    gives_views, reference = False, None

    def __init__(self, op: OpDef, arguments: Sequence[Any], tensors: Sequence[Any]) -> None:
        self.op = op
        self._place = arguments[0].index
        functional = OPS[FUNCTIONAL[op.name]]
        count = len(functional.schema.arguments) if functional.schema is not None else 0
        self._functional = Prepared(functional, arguments[:count], tensors)
        self.inputs, self.make = self._functional.inputs, None
        self.program = None if self._functional.make else self._functional.program
        self.target = -1 if self.program is None else self._place

    def run(self, tensors: Sequence[Any]) -> Any:
        """The tensor that was written into.

        Raises:
            InputError: if its memory is read-only.
        """
        target = tensors[self._place]
        array = as_array(target)
        if not array.flags.writeable:
            raise InputError(f"{self.op.name}: the memory of the tensor is read-only")
        write(self.op, as_array(self._functional.run(tensors)), array)
        return target


class PreparedInto:
    """A call with the argument `out`: a tensor, or one for each result."""

    __slots__ = ("_places", "_prepared", "_results", "inputs", "make", "program", "target")
    gives_views, reference = False, None

    def __init__(
        self, name: str, prepared: Prepared | PreparedReshaping | PreparedInPlace, out: Any
    ) -> None:
        if not isinstance(prepared, Prepared):
            raise InputError(f"{name}: there is no argument out, it writes into self")
        outs = [out] if prepared.make is None else out
        if not isinstance(outs, list) or not all(isinstance(o, Leaf) for o in outs):
            wanted = "a tensor" if prepared.make is None else "a tuple of tensors"
            given = "a tensor" if isinstance(out, Leaf) else type(out).__name__
            raise InputError(f"{name}: argument out must be {wanted}, got {given}")
        self._prepared, self._places = prepared, [o.index for o in outs]
        self._results = prepared.make
        self.inputs, self.make = prepared.inputs, None
        self.program = prepared.program if prepared.make is None else None
        self.target = -1 if self.program is None else self._places[0]

    def run(self, tensors: Sequence[Any]) -> Any:
        """The tensors `out`, which were written to.

        Raises:
            ShapeError: if shapes or categories of dtypes do not fit.
            InputError: if memory is read-only, or there are not as many as results.
        """
        name, outs = self._prepared.op.name, [tensors[i] for i in self._places]
        for out in map(as_array, outs):
            if not out.flags.writeable:
                raise InputError(f"{name}: the memory of out is read-only")
            check_not_expanded(name, "out", out)
        found = self._prepared.run(tensors)
        results = [found] if self._results is None else found
        if len(results) != len(outs):
            raise InputError(f"{name}: out has {len(outs)} tensors for {len(results)} results")
        for result, out in zip(map(as_array, results), outs, strict=True):
            check_category(name, "out", as_array(out), result)
            put(name, result, out)
        return outs[0] if self._results is None else tuple.__new__(self._results, outs)


def in_dtype_of_out(op: OpDef, bound: list[Any], out: Array) -> list[Any]:
    """The arguments of a call with `out`, of whose dtype sums and products are, if of no other."""
    assert op.schema is not None
    if op.schema.base not in _ADDED_IN_OUT:
        return bound
    named = zip(op.schema.arguments, bound, strict=True)
    code = dtype_of(out).code
    return [code if a.name == "dtype" and v is None else v for a, v in named]


AnyPrepared = Prepared | PreparedReshaping | PreparedInPlace | PreparedInto


def prepare(
    op: OpDef, arguments: Sequence[Any], tensors: Sequence[Any]
) -> Prepared | PreparedReshaping | PreparedInPlace:
    """How to run `op` on tensors of these dtypes.

    `arguments` hold a `Leaf` for each of the call's tensors, unless its element was taken.
    """
    if op.name in FUNCTIONAL and isinstance(arguments[0], Leaf):
        return PreparedInPlace(op, arguments, tensors)
    if op.name in RESHAPING:
        return PreparedReshaping(op, arguments, tensors)
    return Prepared(op, arguments, tensors)
