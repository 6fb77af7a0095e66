"""Running one operator: through a plan of its own where it is compiled, else by its reference.

Views are references, so that they alias; in-place operators are the plan of the functional form,
written back. So eager results have the bits that a planned model gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treadle.compiler import engine
from treadle.eager.dlpack import import_array
from treadle.eager.dtypes import as_dtype, dtype
from treadle.eager.matching import Leaf
from treadle.eager.programs import program_of
from treadle.eager.return_types import return_type
from treadle.errors import Error, IndexOutOfRange, InputError
from treadle.interpreter.shortcuts import reference as placing_reference
from treadle.ir.dtypes import BY_CODE, from_numpy
from treadle.ir.op import OpDef
from treadle.ir.strides import check_not_expanded
from treadle.ir.types import ListType, TensorType
from treadle.ops.inplace import check_category, check_writable
from treadle.ops.lowering import Pointwise
from treadle.ops.promotion import dtype_of
from treadle.passes.abstract import Unplannable
from treadle.passes.stride_rules import asks_for_format
from treadle.quiet import STATE
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]
_OF_ONE_VALUE = frozenset({"fill_", "zero_"})
"""What may write into expanded tensors."""


class Prepared:
    """A call as far as it does not depend on its tensors' shapes; run it on these, in its order.

    `program` on `inputs` (numbers of tensors, and constants) gives the results, and `make` is the
    class of several; without a program, tensor number `target` is the result, if it is not -1.
    """

    __slots__ = (
        "_answer", "_arguments", "_function", "_places", "gives_views", "inputs", "make", "op",
        "program", "target",
    )  # fmt: skip

    def __init__(self, op: OpDef, arguments: Sequence[Any], tensors: Sequence[Any]) -> None:
        self.op = op
        self._arguments = tuple(arguments)
        self.inputs: list[int | Array] = []
        _collect(self._arguments, self.inputs)
        self._places = _leaf_places(self._arguments)
        is_placed = asks_for_format(op, self._arguments)
        self._function: Any = placing_reference(op) if is_placed else op.reference
        is_planned = _is_planned(op) and not is_placed
        self.program = program_of(op, self._arguments) if is_planned else None
        self.make = _result_class(op)
        self.target = -1
        if self.program is not None and _aliases(op) and self._gives_itself(tensors):
            self.program, self.target = None, arguments[0].index
        self.gives_views = len(tensors) == 1 and self._gives_views(tensors[0])
        self._answer = self._told_dtype(tensors) if tells_dtype(op) else None

    @property
    def reference(self) -> tuple[Any, tuple[Any, ...], list[int], Any] | None:
        """What native code calls instead of `run` where there is no plan, if that is all to do.

        The operator's reference, its arguments, and which tensor each of them is, or -1; and what
        silences NumPy, if native code is to do that.
        """
        if self._answer is not None:
            return lambda: self._answer, (), [], None
        if self._places is None or self.target >= 0:
            return None
        function = self._function
        is_explained = STATE is not None and hasattr(function, "__wrapped__")
        function, state = (function.__wrapped__, STATE) if is_explained else (function, None)
        numbers = dict(self._places)
        arguments = tuple(None if i in numbers else a for i, a in enumerate(self._arguments))
        return function, arguments, [numbers.get(i, -1) for i in range(len(arguments))], state

    def run(self, tensors: Sequence[Any]) -> Any:
        """The result of the operator: a tensor, or a tuple of them, or what a query answers."""
        if self._answer is not None:
            return self._answer
        if self.target >= 0:
            return tensors[self.target]
        if self.program is not None:
            try:
                results = self.program(*self._gathered(tensors))
            except Unplannable:
                pass
            else:
                return results[0] if self.make is None else tuple.__new__(self.make, results)
        return self._run_reference(tensors)

    def _gathered(self, tensors: Sequence[Any]) -> list[Any]:
        return [tensors[i] if isinstance(i, int) else i for i in self.inputs]

    def _with(self, leaves: Sequence[Any]) -> list[Any]:
        """The arguments of the operator, with these for its tensors."""
        if self._places is None:
            return [_filled(value, leaves) for value in self._arguments]
        values = list(self._arguments)
        for position, index in self._places:
            values[position] = leaves[index]
        return values

    def _run_reference(self, tensors: Sequence[Any]) -> Any:
        arrays = [as_array(t) for t in tensors]
        try:
            result = self._function(*self._with(arrays))
        except (ValueError, TypeError, IndexError) as error:
            raise self._refused(tensors, error) from None
        if type(result) is np.ndarray:
            same = [t for t, array in zip(tensors, arrays, strict=True) if array is result]
            return same[0] if same else Tensor(result)
        if isinstance(result, tuple | list):
            return tuple.__new__(self.make or tuple, map(_wrapped, result))
        return _wrapped(result)

    def _refused(self, tensors: Sequence[Any], error: Exception) -> Exception:
        """What NumPy refused, as the operator's rule of types says it, or else as NumPy does."""
        if isinstance(error, Error) or not isinstance(error, ValueError | TypeError | IndexError):
            return error
        if self.op.infer is not None:
            try:
                self.op.infer(*self._with([_type_of(as_array(t)) for t in tensors]))
            except Error as better:
                return better
        kind = IndexOutOfRange if isinstance(error, IndexError) else InputError
        return kind(f"{self.op.name}: {error}")

    def _told_dtype(self, tensors: Sequence[Any]) -> dtype:
        """What an operator tells that gives the code of a dtype: it depends on dtypes alone."""
        assert self.op.reference is not None
        code = self.op.reference(*self._with([as_array(t) for t in tensors]))
        return as_dtype(BY_CODE[code].torch_name)

    def _gives_views(self, tensor: Any) -> bool:
        """Whether the results, one or a list, are views of the only tensor, and no copies."""
        if not self.op.pure or not _aliases(self.op) or self.program is not None:
            return False
        if self.op.name == "as_strided" and self._arguments[-1] is not None:
            return False  # the place is in the storage, not in the tensor
        result = self._run_reference([tensor])
        return all(
            isinstance(view, Tensor)
            and view is not tensor
            and np.may_share_memory(view._array, as_array(tensor))
            for view in (result if isinstance(result, tuple) else [result])
        )

    def _gives_itself(self, tensors: Sequence[Any]) -> bool:
        """Whether a conversion has nothing to convert: then the result is the tensor itself."""
        assert self.op.infer is not None
        assert self.op.schema is not None
        arrays = [as_array(t) for t in tensors]
        result = self.op.infer(*self._with([_type_of(a) for a in arrays]))
        named = zip(self.op.schema.arguments, self._arguments, strict=True)
        copies = any(argument.name == "copy" and value for argument, value in named)
        return not copies and result.element == dtype_of(arrays[0])


def as_array(value: Any) -> Array:
    """The array of a tensor; an array itself; that of another library's tensor."""
    if type(value) is Tensor:
        return value._array
    return value if isinstance(value, np.ndarray) else import_array(value)


def write(op: OpDef, source: Array, target: Array) -> None:
    """Copy `source` to `target`, cast to its dtype.

    Raises:
        ShapeError: if the shapes differ, the dtype is of a higher category, or several elements of
            `target` have one place and need not get the same.
    """
    if op.schema is not None and op.schema.base in _OF_ONE_VALUE:
        check_category(op.name, "self", target, source)
    elif source.dtype != target.dtype or source.shape != target.shape:
        check_writable(op.name, target, source)
    else:
        check_not_expanded(op.name, "self", target)
    np.copyto(target, source, casting="unsafe")


def _wrapped(value: Any) -> Any:
    if isinstance(value, list):
        return [_wrapped(v) for v in value]
    return Tensor(np.asarray(value)) if isinstance(value, np.ndarray | np.generic) else value


def _result_class(op: OpDef) -> type[tuple[Any, ...]] | None:
    """The class of the result of several: of named tuples, as torch's; None for one result."""
    results = () if op.schema is None else op.schema.results
    if len(results) == 1:
        return tuple if isinstance(results[0].type, ListType) else None
    fields = tuple(r.name for r in results)
    return return_type(op.name.partition(".")[0], fields) if all(fields) else tuple


def _is_planned(op: OpDef) -> bool:
    """Views run as references, so that they alias; so does what has no lowering."""
    if op.lower is None or not op.pure or engine().options.interpret:
        return False
    return not _aliases(op) or isinstance(op.lower, Pointwise)


def tells_dtype(op: OpDef) -> bool:
    """Whether the result is a dtype."""
    return op.schema is not None and op.schema.text.endswith("-> ScalarType")


def _aliases(op: OpDef) -> bool:
    return op.schema is not None and any(r.alias for r in op.schema.results)


def _collect(value: Any, inputs: list[int | Array]) -> None:
    if isinstance(value, Leaf):
        inputs.append(value.index)
    elif isinstance(value, np.ndarray):
        inputs.append(value)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, inputs)


def _leaf_places(arguments: Sequence[Any]) -> list[tuple[int, int]] | None:
    """Position and number of each tensor among the arguments; None if there are some in lists."""
    flat = all(not isinstance(a, list | tuple) or not _has_leaf(a) for a in arguments)
    found = [(i, a.index) for i, a in enumerate(arguments) if isinstance(a, Leaf)]
    return found if flat else None


def _has_leaf(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_has_leaf, value))
    return isinstance(value, Leaf)


def _filled(value: Any, arrays: Sequence[Any]) -> Any:
    """`value` with the arrays of this call for its leaves."""
    if isinstance(value, Leaf):
        return arrays[value.index]
    if isinstance(value, list | tuple):
        return [_filled(v, arrays) for v in value]
    return value


def _type_of(array: Array) -> TensorType:
    return TensorType(from_numpy(array.dtype), array.shape)
