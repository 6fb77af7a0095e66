"""`Specialiser`: the abstract interpreter of `passes.specialise`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from treadle.errors import ShapeError, UnsupportedError
from treadle.ir import dtypes
from treadle.ir.graph import Block, Node, Value
from treadle.ir.named import tuple_like
from treadle.ir.op import LIST, OpDef
from treadle.ir.strides import is_contiguous, walking_order
from treadle.ir.symbols import fixed, has_symbols
from treadle.ir.types import ANY, ListType, TensorType
from treadle.ops.complex_arithmetic import DECOMPOSED
from treadle.ops.lowering import Concat, Decompose, Fourier, Reshape, View
from treadle.passes.abstract import (
    AbstractFuture,
    AbstractNumber,
    AbstractObject,
    Unplannable,
    as_types,
    has_run_time,
    has_tensor,
    has_types,
    makes_tensor,
    takes_tensor,
)
from treadle.passes.evaluation import Evaluation
from treadle.passes.layouts import Layouts, StridedType
from treadle.passes.local_writes import LocalWrites
from treadle.passes.structural import STRUCTURAL, UNSET

MAX_NODES = 50_000
"""Unrolling stops here; longer programs stay with the interpreter."""
MAX_BYTES = 1 << 47
_MOVES = (View, Reshape, Concat, Fourier)
"""Forms that take complex numbers as they are; all others work on the parts."""


_READS_ELEMENTS = frozenset(
    {"str.text", "format.text", "percentFormat.text", "hash.generic", "sort.any", "sorted.any"}
)
_TAKES_NUMBER = ("Int.Tensor", "IntImplicit", "ScalarImplicit", "item")


class Specialiser:
    """The abstract interpreter; `block` is where nodes are emitted."""

    def __init__(self, block: Block, ops: Mapping[str, OpDef]) -> None:
        self.env: dict[Value, Any] = {}
        self.block = block
        self.ops = ops
        self._count = 0
        self._root = block
        self._constants: dict[int, tuple[Any, Value]] = {}
        self.evaluation = Evaluation()
        self.layouts = Layouts()
        self.writes = LocalWrites(self)

    def parameter(self, argument: Any, name: str) -> Any:
        """What an argument of `specialise` is for the graph; tensors become parameters."""
        if isinstance(argument, StridedType):
            param = self._root.add_param(argument.type, name)
            self.layouts.set(param, argument.strides)
            return param
        if isinstance(argument, TensorType):
            return self._root.add_param(argument, name)
        if isinstance(argument, tuple):
            return tuple(self.parameter(a, f"{name}_{i}") for i, a in enumerate(argument))
        if isinstance(argument, list):
            return [self.parameter(a, f"{name}_{i}") for i, a in enumerate(argument)]
        if isinstance(argument, dict):
            return {k: self.parameter(a, f"{name}_{k}") for k, a in argument.items()}
        return argument

    # --- running -----------------------------------------------------------------------------

    def run_block(self, block: Block) -> None:
        """Run the nodes of `block`, of which the values around it are in `env`."""
        for node in block.nodes:
            try:
                self._run(node)
            except Unplannable as error:
                if node.loc is None or " (at " in str(error):
                    raise
                raise Unplannable(f"{error} (at {node.loc})") from None

    def _run(self, node: Node) -> None:
        structural = STRUCTURAL.get(node.op)
        if structural is not None:
            structural(self, node)
            return
        if node.op.schema is None:
            raise Unplannable(f"{node.op.name} is not planned")
        args = [self.env[v] for v in node.inputs]
        if any(a is UNSET for a in args):
            raise Unplannable(f"{node.op.name} uses an uninitialised value")
        self._bind(node, self.apply(node.op, args, node))

    def _bind(self, node: Node, result: Any) -> None:
        if len(node.outputs) == 1:
            self.env[node.outputs[0]] = result
        elif node.outputs:
            for output, value in zip(node.outputs, result, strict=True):
                self.env[output] = value

    def apply(self, op: OpDef, args: list[Any], origin: Node | None = None) -> Any:
        """The abstract result of `op`; emits nodes if it depends on run-time tensors."""
        if op.schema is None or any(takes_tensor(a.type) for a in op.schema.arguments):
            args = self.writes.fresh(args)  # others get the lists themselves, to change them
        if any(isinstance(a, AbstractNumber) for a in args):
            if op.name in _TAKES_NUMBER:
                return args[0].value
            args = [
                np.asarray(fixed(a.value)) if isinstance(a, AbstractNumber) else a for a in args
            ]
        if not has_run_time(args):
            if has_symbols(args) and makes_tensor(op):
                return self._sized(op, args, origin)
            return self.evaluation.run(op, args)
        assert op.schema is not None
        if not any(takes_tensor(a.type) for a in op.schema.arguments):
            if op.name in _READS_ELEMENTS:
                raise Unplannable(f"the result of {op.name} depends on data")
            return self.evaluation.run(op, args, containers=True)
        if self.layouts.answers(op):
            return self.layouts.answer(op, args)
        if op.name == "as_strided":
            base, *rest = self.layouts.of_memory(args)
            args = [self.row_major(base), *rest]
        if op.schema.writes:
            return self.writes.write(op, args, origin)
        lower = DECOMPOSED.get(op.name, op.lower) if _has_complex(as_types(args)) else op.lower
        if isinstance(lower, Decompose):
            try:
                if op.infer is not None and not lower.checks:
                    _check_memory(op, op.infer(*as_types(args)))
                made = lower.build(_Emitter(self, origin), *args)
            except UnsupportedError as error:
                raise Unplannable(str(error)) from error
            return self.layouts.settle(op, args, made, lambda v: self.clone(v, origin))
        try:
            return self._emit(op, args, origin)
        except UnsupportedError as error:
            raise Unplannable(str(error)) from error

    def _sized(self, op: OpDef, args: list[Any], origin: Node | None) -> Any:
        """A tensor whose shape or content depends on a size: computed in each run if possible."""
        if op.name == "NumToTensor.Scalar":
            return AbstractNumber(args[0])
        try:
            if isinstance(op.lower, Decompose):
                return op.lower.build(_Emitter(self, origin), *args)
            if op.pure and op.infer is not None and op.lower is not None:
                return self._emit(op, args, origin)
        except (UnsupportedError, Unplannable):
            pass
        return self.evaluation.run(op, fixed(args))

    def _emit(self, op: OpDef, args: list[Any], origin: Node | None) -> Any:
        if op.infer is None:
            raise Unplannable(f"the result of {op.name} depends on data")
        inferred = op.infer(*[as_types(a) for a in args])
        if not has_types(inferred):
            return inferred
        if op.lower is None:
            raise Unplannable(f"{op.name} is not compiled")
        types = inferred if isinstance(inferred, tuple) else (inferred,)
        is_mixed = isinstance(op.lower, Concat) and any(
            t.element != types[0].element for t in as_types(args[0])
        )
        if _has_complex((as_types(args), types)) and (is_mixed or not isinstance(op.lower, _MOVES)):
            raise Unplannable(f"{op.name} of complex numbers is not compiled")
        if not all(isinstance(t, TensorType) for t in types):
            raise Unplannable(f"{op.name} gives a container")
        if not isinstance(op.lower, View):
            _check_memory(op, types)
        self._count += 1
        if self._count > MAX_NODES:
            raise Unplannable(f"more than {MAX_NODES} operators after unrolling")
        loc = origin.loc if origin else None
        node = self.block.add(op, [self.value(a) for a in args], types, loc=loc)
        self.layouts.note(op, args, node.outputs)
        return tuple(node.outputs) if isinstance(inferred, tuple) else node.output

    def clone(self, value: Value, origin: Node | None) -> Value:
        """A copy of `value`, in memory of its own."""
        copy: Value = self._emit(self.ops["clone"], [value, 0], origin)
        return copy

    def row_major(self, value: Value) -> Value:
        """A value with the dims of `value` in the order in which they lie in its own memory."""
        sizes, strides = as_types(value).sizes, self.layouts.of(value).strides
        if is_contiguous(sizes, strides):
            return value
        order = walking_order(sizes, strides)
        type_ = TensorType(as_types(value).element, tuple(sizes[d] for d in order))
        dims = self.block.constant(order, ANY)
        turned = self.block.add(self.ops["permute"], [value, dims], (type_,)).output
        layout = self.layouts.of(value)
        self.layouts.share(turned, replace(layout, strides=tuple(strides[d] for d in order)))
        return turned

    # --- values of the new graph ---------------------------------------------------------------

    def value_of(self, value: Value) -> Any:
        """What `value` of the new graph stands for: the Python value of a constant, or itself."""
        return value.constant if value.is_constant else value

    def value(self, abstract: Any) -> Value:
        """A value of the graph for an abstract one; makes constants and lists."""
        if isinstance(abstract, Value):
            return abstract
        if isinstance(abstract, AbstractNumber):
            abstract = np.asarray(fixed(abstract.value))
        if isinstance(abstract, np.ndarray):
            return self.constant(abstract)
        if isinstance(abstract, list | tuple) and has_tensor(abstract):
            items = [self.value(a) for a in abstract]
            return self.block.add(LIST, items, (ListType(TensorType()),)).output
        return self.block.constant(abstract, ANY)

    def constant(self, array: np.ndarray) -> Value:
        """The constant of `array`, one per array object, at the start of the graph."""
        known = self._constants.get(id(array))
        if known is not None:
            return known[1]
        dtype = dtypes.from_numpy(array.dtype)
        if dtype is None:
            raise Unplannable(f"a constant has dtype {array.dtype}")
        self.evaluation.give_away(array)
        first = next(iter(self._root.nodes), None)
        value = self._root.constant(array, TensorType(dtype, array.shape), before=first)
        self._constants[id(array)] = (array, value)
        return value

    def tensors(self, abstract: Any) -> Any:
        """`abstract` with every array made a value of the graph, as it is after all writes."""
        if isinstance(abstract, Value | np.ndarray):
            abstract = self.writes.fresh(abstract)
        if isinstance(abstract, np.ndarray | AbstractNumber):
            return self.value(abstract)
        if isinstance(abstract, AbstractFuture):
            raise Unplannable("the result holds a Future")
        if isinstance(abstract, AbstractObject):
            raise Unplannable("the result holds an object")
        if abstract is UNSET:
            raise Unplannable("the result holds an uninitialised value")
        if isinstance(abstract, tuple):
            return tuple_like(abstract, [self.tensors(a) for a in abstract])
        if isinstance(abstract, list):
            return [self.tensors(a) for a in abstract]
        if isinstance(abstract, dict):
            return {k: self.tensors(a) for k, a in abstract.items()}
        return abstract


class _Emitter:
    """`ops.lowering.Emitter` for the decompositions of `origin`."""

    def __init__(self, specialiser: Specialiser, origin: Node | None) -> None:
        self._specialiser, self._origin = specialiser, origin

    def __call__(self, op: OpDef | str, *args: Any) -> Any:
        if isinstance(op, str):
            op = self._specialiser.ops[op]
        return self._specialiser.apply(op, list(args), self._origin)

    def type(self, value: Any) -> TensorType:
        result = as_types(value)
        assert isinstance(result, TensorType)
        return result


def _check_memory(op: OpDef, type_: Any) -> None:
    """Refuse what no machine holds, before anyone plans it; sizes that vary are not looked at."""
    if isinstance(type_, tuple):
        for each in type_:
            _check_memory(op, each)
        return
    if not isinstance(type_, TensorType):
        return
    sizes = type_.sizes
    if all(type(n) is int for n in sizes) and math.prod(sizes) * type_.element.itemsize > MAX_BYTES:
        raise ShapeError(f"{op.name}: a result of shape {list(sizes)} is larger than any memory")


def _has_complex(types: Any) -> bool:
    if isinstance(types, list | tuple):
        return any(map(_has_complex, types))
    return isinstance(types, TensorType) and types.element.is_complex
