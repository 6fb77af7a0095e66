"""Running one operator: through a plan of its own where it is compiled, else by its reference.

Views are references, so that they alias; in-place operators are the plan of the functional form,
written back. So eager results have the bits that a planned model gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from treadle.compiler import engine, single
from treadle.eager.matching import Leaf
from treadle.errors import InputError
from treadle.ir.dtypes import BY_TORCH_NAME, from_numpy
from treadle.ir.op import OpDef
from treadle.ir.types import TensorType
from treadle.ops import OPS
from treadle.ops.inplace import FUNCTIONAL, check_writable
from treadle.ops.lowering import Pointwise
from treadle.ops.promotion import dtype_of
from treadle.passes.specialise import Unplannable
from treadle.runtime import Plan, Program
from treadle.tensor import Tensor

Array = np.ndarray[Any, Any]
ArraySpec = tuple[str, tuple[int, ...]]

MAX_PROGRAMS = 2048
"""Of operators with their non-tensor arguments; the oldest go first."""
_programs: dict[Any, Program] = {}


class Prepared:
    """A call as far as it does not depend on its tensors: run it on the call's arrays, in order."""

    __slots__ = ("_arguments", "_inputs", "_program", "op")

    def __init__(self, op: OpDef, arguments: Sequence[Any]) -> None:
        self.op = op
        self._arguments = tuple(arguments)
        self._inputs: list[int | Array] = []
        _collect(self._arguments, self._inputs)
        self._program = _program_of(op, self._arguments) if _is_planned(op) else None

    def program(self) -> Program | None:
        """The native program, if it takes exactly the call's tensors, in order."""
        return self._program if self._inputs == list(range(len(self._inputs))) else None

    def run(self, arrays: Sequence[Array]) -> Any:
        """The result: tensors for arrays, a tuple for several."""
        if self._program is not None and not self._gives_itself(arrays):
            inputs = [arrays[i] if isinstance(i, int) else i for i in self._inputs]
            try:
                return self._program(*inputs)
            except Unplannable:
                pass
        return self.run_reference(arrays)

    def run_reference(self, arrays: Sequence[Array]) -> Any:
        """The results as arrays and Python values, by NumPy."""
        assert self.op.reference is not None
        result = self.op.reference(*_filled(self._arguments, arrays))
        return result if isinstance(result, tuple | list) else (result,)

    def run_into(self, arrays: Sequence[Array], out: Array) -> None:
        """Write the only result to `out`, which must have its shape."""
        if self._program is not None and not any(np.may_share_memory(a, out) for a in arrays):
            inputs = [
                np.asarray(arrays[i] if isinstance(i, int) else i, order="C") for i in self._inputs
            ]
            try:
                plan = self._program.plan_for(*inputs)
                plan.run(inputs, [out])
            except (Unplannable, ValueError):
                pass  # `out` is no plain array of the right type: compute, then convert
            else:
                return
        (result,) = self.run(arrays)
        array = as_array(result)
        check_writable(self.op.name, out, array)
        np.copyto(out, array, casting="unsafe")

    def _gives_itself(self, arrays: Sequence[Array]) -> bool:
        """Whether a conversion has nothing to convert: then the result is the tensor itself."""
        if not _aliases(self.op):
            return False
        assert self.op.infer is not None
        types = _filled(self._arguments, [_type_of(a) for a in arrays])
        copies = [
            value
            for argument, value in zip(_arguments_of(self.op), self._arguments, strict=True)
            if argument.name == "copy"
        ]
        return not any(copies) and self.op.infer(*types).element == dtype_of(arrays[0])


class PreparedInPlace:
    """The functional form of a call, of which the result is written into the first tensor."""

    __slots__ = ("_functional", "_target", "op")

    def __init__(self, op: OpDef, arguments: Sequence[Any]) -> None:
        self.op = op
        self._target = arguments[0].index
        functional = OPS[FUNCTIONAL[op.name]]
        rest = len(functional.schema.arguments) if functional.schema is not None else 0
        self._functional = Prepared(functional, arguments[:rest])

    def program(self) -> None:
        """None: what writes into its arguments never runs without this class."""

    def run(self, arrays: Sequence[Array]) -> Any:
        """The array that was written into.

        Raises:
            InputError: if its memory is read-only.
        """
        target = arrays[self._target]
        if not target.flags.writeable:
            raise InputError(f"{self.op.name}: the memory of the tensor is read-only")
        self._functional.run_into(arrays, target)
        return (target,)


def prepare(op: OpDef, arguments: Sequence[Any]) -> Prepared | PreparedInPlace:
    """How to run `op`; `arguments` hold a `Leaf` for each tensor of the call."""
    if op.name in FUNCTIONAL and isinstance(arguments[0], Leaf):
        return PreparedInPlace(op, arguments)
    return Prepared(op, arguments)


def as_array(value: Any) -> Array:
    """The array of a tensor; an array itself."""
    array: Array = value._array if isinstance(value, Tensor) else np.asarray(value)
    return array


def _is_planned(op: OpDef) -> bool:
    """Views run as references, so that they alias; so does what has no lowering."""
    if op.lower is None or not op.pure or engine().options.interpret:
        return False
    return not _aliases(op) or isinstance(op.lower, Pointwise)


def _aliases(op: OpDef) -> bool:
    return op.schema is not None and any(r.alias for r in op.schema.results)


def _arguments_of(op: OpDef) -> Any:
    return () if op.schema is None else op.schema.arguments


def _program_of(op: OpDef, arguments: Sequence[Any]) -> Program:
    """The program of `op` with these non-tensor arguments, made once."""
    key = (op.name, _key(arguments))
    program = _programs.get(key)
    if program is None:
        if len(_programs) >= MAX_PROGRAMS:
            del _programs[next(iter(_programs))]
        program = _programs[key] = Program(_binder(op, arguments), Tensor)
    return program


def _binder(op: OpDef, arguments: Sequence[Any]) -> Callable[[tuple[ArraySpec, ...]], Plan]:
    """Makes the plan for tensors of given types; called by the native program."""

    def bind(specs: tuple[ArraySpec, ...]) -> Plan:
        types = [TensorType(BY_TORCH_NAME[dtype], shape) for dtype, shape in specs]
        leaves = iter([np.empty(0)] * len(specs))
        graph, _ = single(op, _stand_ins(arguments, leaves))
        return engine().bind(graph, types).plan

    return bind


def _stand_ins(value: Any, leaves: Any) -> Any:
    """`value` with an array, any array, for each tensor: they become parameters of a graph."""
    if isinstance(value, Leaf | np.ndarray):
        return next(leaves)
    if isinstance(value, list | tuple):
        return [_stand_ins(v, leaves) for v in value]
    return value


def _collect(value: Any, inputs: list[int | Array]) -> None:
    if isinstance(value, Leaf):
        inputs.append(value.index)
    elif isinstance(value, np.ndarray):
        inputs.append(value)
    elif isinstance(value, list | tuple):
        for item in value:
            _collect(item, inputs)


def _filled(value: Any, arrays: Sequence[Any]) -> Any:
    """`value` with the arrays of this call for its leaves."""
    if isinstance(value, Leaf):
        return arrays[value.index]
    if isinstance(value, list | tuple):
        return [_filled(v, arrays) for v in value]
    return value


def _key(value: Any) -> Any:
    """A hashable name of the arguments, in which all tensors look alike."""
    if isinstance(value, Leaf | np.ndarray):
        return Leaf
    if isinstance(value, list | tuple):
        return tuple(_key(v) for v in value)
    return (type(value), value)


def _type_of(array: Array) -> TensorType:
    return TensorType(from_numpy(array.dtype), array.shape)
