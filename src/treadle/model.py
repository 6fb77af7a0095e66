"""What a user calls: `Module` and `Method`, which plan what they can and interpret the rest."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from treadle import interpreter
from treadle.compiler import Explanation, engine, optimise
from treadle.errors import Cancelled, InputError
from treadle.ir import dtypes
from treadle.ir.clone import clone_graph
from treadle.ir.graph import Graph, Value
from treadle.ir.named import tuple_like
from treadle.ir.op import CALL_METHOD
from treadle.ir.program import EnumValue, Function, Object, Program
from treadle.ir.schema import REQUIRED
from treadle.ir.types import TensorType, Type
from treadle.locks import ForkLock
from treadle.passes.specialise import Unplannable
from treadle.runtime import Plan, RunControl, get_num_threads, span
from treadle.runtime import Program as NativeProgram
from treadle.runtime import threads as limit_threads
from treadle.template import Binder, Signature
from treadle.tensor import Tensor

MAX_VARIANTS = 64
"""Of a method: one for each combination of numbers and flags among its arguments."""


MAX_NOTED = 64
"""Signatures of a variant that are remembered for what is special about them."""
_UNKNOWN: Any = object()


class Method:
    """A compiled function, or a method bound to its module; call it with arrays or tensors.

    The first call with new shapes binds a plan (milliseconds, and the compilation of kernels that
    no cache holds); later ones run it natively. Any number of threads may call it.
    """

    def __init__(
        self, program: Program, function: Function, root: Object | None, *, interpret: bool = False
    ) -> None:
        self._source, self.function, self._root = program, function, root
        self._interpret = interpret or engine().options.interpret
        self._parameters = function.parameters[1 if root is not None else 0 :]
        self._lock = ForkLock()
        self._graph: Graph | None = None
        self._variants: dict[Any, _Variant] = {}
        self._plain: _Variant | None = None
        if not self._interpret and all(_is_tensor(p.type) for p in self._parameters):
            leaves = tuple(_Leaf(i) for i in range(len(self._parameters)))
            self._plain = self._variant(leaves)
        self.__name__ = function.name.rpartition(".")[2]

    def __call__(
        self,
        *args: Any,
        threads: int | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run on `args`.

        Args:
            *args: tensors, arrays, and Python values where the parameters are of other types.
            threads: at most this many threads work on this call.
            timeout: seconds after which the call is stopped, before its next operator.
            **kwargs: arguments by the names of their parameters.

        Raises:
            InputError: if number, type, dtype or rank of the arguments do not fit.
            ScriptError: if the model itself raises.
            DeadlineExceeded: if the call took longer than `timeout`.
        """
        control = None if timeout is None else RunControl(timeout)
        return self._run(args, kwargs, threads, control)

    def _run(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        threads: int | None,
        control: RunControl | None,
    ) -> Any:
        plain = self._plain
        if plain is not None and not kwargs and len(args) == len(self._parameters):
            return plain.run(args, threads, control)
        arguments = self._normalise(args, kwargs)
        arrays: list[Any] = []
        template = tuple(_split(a, arrays) for a in arguments)
        if not arrays and self._root is None:  # nothing to plan
            return _wrapped(self.interpret(_filled(template, ()), control))
        return self._variant(template).run(arrays, threads, control)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the parameters, ``self`` left out."""
        return tuple(p.name for p in self._parameters)

    @property
    def graph(self) -> Graph:
        """The graph as the source gives it, calls and attributes in place."""
        return self.function.graph()

    @property
    def code(self) -> str:
        """The source."""
        return self.function.code

    @property
    def inlined_graph(self) -> Graph:
        """The graph that is planned: calls inlined, attributes frozen, every pass applied."""
        with self._lock:
            if self._graph is None:
                graph = clone_graph(self.function.graph())
                check = engine().options.verify
                self._graph = optimise(graph, self._source, self._root, check=check)
            return self._graph

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """How a call with these arguments would run; compiles, but does not run it."""
        arrays: list[Any] = []
        template = tuple(_split(a, arrays) for a in self._normalise(args, kwargs))
        return self._variant(template).explain([np.asarray(a) for a in arrays])

    @functools.cached_property
    def _interpreted(self) -> tuple[Graph, int]:
        """The graph for the interpreter, and how many regions of it are planned."""
        graph = clone_graph(self.inlined_graph)
        return graph, interpreter.plan_regions(graph, _region_binder)

    @property
    def num_regions(self) -> int:
        """How many parts are planned, each for itself, when the method is interpreted."""
        return self._interpreted[1]

    @span("interpret")
    def interpret(self, arguments: Sequence[Any], control: RunControl | None = None) -> Any:
        """The result of the interpreter on arrays and Python values."""
        forks = _Forks()
        deadline = None if control is None else _StopTime(control)
        settings = interpreter.Settings(deadline=deadline, fork=forks.start, control=control)
        graph, values = self.function.graph(), list(arguments)
        if not self._interpret:
            graph, _ = self._interpreted
        elif self._root is not None:
            values = [self._root, *values]
        try:
            return interpreter.run(self._source, graph, values, settings)
        except BaseException as error:
            forks.run_failed = True
            if control is not None and control.reason == "cancelled":
                raise Cancelled("the run was cancelled") from error
            raise

    def _variant(self, template: tuple[Any, ...]) -> _Variant:
        """What runs `template`; those used last are kept."""
        try:
            key = _key(template)
        except TypeError:  # an argument without a value of its own to be known by
            return _Variant(self, template, planned=False)
        with self._lock:
            variant = self._variants.pop(key, None)
            if variant is None:
                variant = _Variant(self, template, planned=not self._interpret)
            self._variants[key] = variant
            if len(self._variants) > MAX_VARIANTS:
                del self._variants[next(iter(self._variants))]
            return variant

    def _normalise(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """One argument per parameter, or an error that names the parameters."""
        names = self.input_names
        takes = f"{self.__name__}({', '.join(names)})"
        if len(args) > len(names):
            raise InputError(f"{takes} takes {_counted(len(names))}, got {len(args)}")
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name not in names:
                raise InputError(f"{takes} has no parameter {name!r}")
            if name in given:
                raise InputError(f"{takes} got {name!r} twice")
            given[name] = value
        for parameter in self._parameters:
            if parameter.name not in given:
                if parameter.default is REQUIRED:
                    count = f"{_counted(len(names))}, got {len(args) + len(kwargs)}"
                    raise InputError(f"{takes} takes {count}: {parameter.name!r} is missing")
                given[parameter.name] = parameter.default
            value = given[parameter.name]
            if _is_tensor(parameter.type) and not _is_array(value):
                raise InputError(
                    f"{takes}: {parameter.name!r} must be a tensor or a NumPy array, "
                    f"got {type(value).__name__}"
                )
        return [given[name] for name in names]


def _region_binder(graph: Graph, fixed: Sequence[Any]) -> Binder:
    return Binder(lambda: graph, lambda types: [*types, *fixed])


def run_controlled(
    target: Module | Method,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    threads: int | None,
    control: RunControl,
) -> Any:
    """``target(*args, threads=threads, **kwargs)`` as a run that `control` may stop."""
    method = target._call if isinstance(target, Module) else target
    return method._run(args, kwargs, threads, control)


class _StopTime(float):
    """A deadline that has passed, whatever the time, as soon as its run is cancelled."""

    _control: RunControl

    def __new__(cls, control: RunControl) -> _StopTime:
        stop_time = super().__new__(cls, math.inf if control.deadline is None else control.deadline)
        stop_time._control = control
        return stop_time

    def __lt__(self, now: float) -> bool:
        return bool(self._control.reason)


class _Forks:
    """The forks of one interpreted run: those not started are dropped when it fails."""

    def __init__(self) -> None:
        self.run_failed = False

    def start(self, function: Callable[[], Any]) -> interpreter.Task:
        return interpreter.fork(lambda: self._run(function))

    def _run(self, function: Callable[[], Any]) -> Any:
        if self.run_failed:
            raise Cancelled("the run that forked this has failed")
        return function()


class _Leaf:
    """Stands for array number `index` in the structure of a call's arguments or result."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class _Variant:
    """A method for one structure of arguments: the same lists, numbers and flags, any arrays."""

    def __init__(self, method: Method, template: tuple[Any, ...], *, planned: bool) -> None:
        self._method = method
        self._template = template
        self._planned = planned
        self._only_interprets = not planned
        self._binder = Binder(lambda: method.inlined_graph, lambda types: _filled(template, types))
        self._program = NativeProgram(self._bind, Tensor)
        self._result: Any = _UNKNOWN
        self._results_differ = False
        self._results: dict[Signature, Any] = {}
        self._interpreted: set[Signature] = set()

    def run(self, arrays: Sequence[Any], threads: int | None, control: RunControl | None) -> Any:
        if self._planned:
            try:
                if control is None:
                    outputs = self._program(*arrays, threads=threads)
                else:
                    outputs = self._program(*arrays, threads=threads, control=control)
            except _InterpretedError:
                pass
            else:
                result = self._result
                if self._results_differ:
                    result = self._result_of(_signature(arrays))
                return outputs[0] if type(result) is _Leaf else _filled(result, outputs)
        plain = [_as_array(a) for a in arrays]
        limit = None if threads is None else min(threads, get_num_threads())
        with limit_threads(intra=limit):
            return _wrapped(self._method.interpret(_filled(self._template, plain), control))

    def explain(self, arrays: Sequence[np.ndarray]) -> Explanation:
        if self._only_interprets:
            return Explanation(False, "the interpreter was asked for")
        try:
            signature = _signature(arrays)
            _check_dtypes(signature)
            return self._binder.bind_once(signature).explain()
        except Unplannable as error:
            return Explanation(False, str(error), regions=self._method.num_regions)

    def _bind(self, signature: Signature) -> Plan:
        """Called by the native program for a signature it has no plan for."""
        if signature in self._interpreted:
            raise _InterpretedError
        try:
            _check_dtypes(signature)
            plan, result = self._binder.bind(signature)
        except Unplannable:
            self._note_interpreted(signature)
            raise _InterpretedError from None
        template = _numbered(result, itertools.count())
        if self._result is _UNKNOWN:
            self._result = template
        self._results_differ |= not _alike(template, self._result)
        return plan

    def _result_of(self, signature: Signature) -> Any:
        """The structure of results for `signature`, where not all signatures share one."""
        if signature not in self._results:
            if len(self._results) >= MAX_NOTED:
                self._results.clear()
            _, result = self._binder.bind(signature)
            self._results[signature] = _numbered(result, itertools.count())
        return self._results[signature]

    def _note_interpreted(self, signature: Signature) -> None:
        """Do not try to plan `signature` again, nor any other if many failed and none did not."""
        if len(self._interpreted) >= MAX_NOTED:
            self._planned = self._result is not _UNKNOWN
            self._interpreted.clear()
        self._interpreted.add(signature)


def _alike(a: Any, b: Any) -> bool:
    """Whether two templates of results are the same structure of the same values."""
    try:
        return bool(_key(a) == _key(b))
    except TypeError:
        return False


class _InterpretedError(Exception):
    """Control flow: this signature has no plan."""


class Module:
    """A model: call it, read its attributes, parameters and submodules, look at its graph."""

    def __init__(self, program: Program, root: Object, *, interpret: bool = False) -> None:
        self._program, self._object, self._interpret = program, root, interpret
        self._methods: dict[str, Method] = {}

    def __call__(
        self,
        *args: Any,
        threads: int | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Run ``forward`` with its hooks; see `Method.__call__`."""
        if timeout is None:
            return self._call._run(args, kwargs, threads, None)
        return self._call(*args, threads=threads, timeout=timeout, **kwargs)

    @functools.cached_property
    def _call(self) -> Method:
        """``forward`` itself, or a call of it that runs the hooks."""
        cls = self._object.cls
        if not cls.forward_hooks and not cls.forward_pre_hooks:
            return self.method("forward")
        forward = self.method("forward").function
        called = Function(
            forward.name, forward.parameters, forward.result, lambda: _hooked(forward)
        )
        return Method(self._program, called, self._object, interpret=self._interpret)

    def method(self, name: str) -> Method:
        """The method `name`, compiled at first use."""
        found = self._methods.get(name)
        if found is None:
            function = self._object.cls.methods.get(name)
            if function is None:
                known = ", ".join(sorted(self._object.cls.methods)) or "none"
                raise InputError(f"{self._object.cls.name} has no method {name!r}; it has: {known}")
            found = Method(self._program, function, self._object, interpret=self._interpret)
            self._methods[name] = found
        return found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        inner = self._object
        if name in inner.attributes:
            return _attribute(self, inner.attributes[name])
        if name in inner.cls.constants:
            return inner.cls.constants[name]
        if name in inner.cls.methods:
            return self.method(name)
        raise AttributeError(f"{inner.cls.name} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise InputError(
                f"{name!r} cannot be set: attributes of a compiled module change by its methods"
            )
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        inner = self._object
        return [*super().__dir__(), *inner.attributes, *inner.cls.constants, *inner.cls.methods]

    def __repr__(self) -> str:
        return f"<treadle.Module {self._object.cls.name}>"

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the parameters of ``forward``."""
        return self.method("forward").input_names

    @property
    def graph(self) -> Graph:
        """The graph of ``forward`` as the source gives it."""
        return self.method("forward").graph

    @property
    def inlined_graph(self) -> Graph:
        """The graph of ``forward`` that is planned: frozen, inlined, optimised."""
        return self.method("forward").inlined_graph

    @property
    def code(self) -> str:
        """The source of ``forward``."""
        return self.method("forward").code

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """How ``forward`` would run on these arguments: see `compiler.Explanation`."""
        return self.method("forward").explain(*args, **kwargs)

    def modules(self) -> Iterator[tuple[str, Module]]:
        """All submodules with their dotted names, this one (``""``) first."""
        for prefix, inner in _objects(self._object, ""):
            yield prefix, Module(self._program, inner, interpret=self._interpret)

    def parameters(self) -> Iterator[tuple[str, np.ndarray]]:
        """Dotted name and array of every parameter; arrays share the archive's memory."""
        return self._tensors(parameters=True)

    def buffers(self) -> Iterator[tuple[str, np.ndarray]]:
        """Dotted name and array of every buffer."""
        return self._tensors(parameters=False)

    def eval(self) -> Module:
        """This module, if it was written for inference, so that PyTorch's idiom works.

        Raises:
            InputError: if it, or a module in it, was written in training mode.
        """
        for prefix, inner in _objects(self._object, ""):
            if inner.attributes.get("training") is True:
                raise InputError(
                    f"{prefix or 'the module'} was written in training mode: call eval() in "
                    "PyTorch before you save it"
                )
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """Parameters and buffers by dotted name."""
        return {n: Tensor(a) for pair in (self.parameters(), self.buffers()) for n, a in pair}

    def _tensors(self, *, parameters: bool) -> Iterator[tuple[str, np.ndarray]]:
        for prefix, inner in _objects(self._object, ""):
            names = inner.cls.parameters if parameters else inner.cls.buffers
            for name in inner.attributes:
                if name in names and isinstance(inner.attributes[name], np.ndarray):
                    yield (f"{prefix}.{name}" if prefix else name), inner.attributes[name]


def _hooked(forward: Function) -> Graph:
    """A graph that calls a module, so that its hooks run around `forward`."""
    graph = Graph(forward.name)
    inputs = [graph.add_param(p.type, p.name) for p in forward.parameters]
    call = graph.add(CALL_METHOD, inputs, (forward.result,), name="__call__")
    graph.set_returns([call.output])
    return graph


def _objects(root: Object, prefix: str) -> Iterator[tuple[str, Object]]:
    yield prefix, root
    for name, value in root.attributes.items():
        if isinstance(value, Object) and value.cls.kind == "module":
            yield from _objects(value, f"{prefix}.{name}" if prefix else name)


def _attribute(owner: Module, value: Any) -> Any:
    if isinstance(value, Object) and value.cls.kind == "module":
        return Module(owner._program, value, interpret=owner._interpret)
    return _wrapped(value)


def _is_tensor(type_: Type) -> bool:
    return isinstance(type_, TensorType)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | Tensor) or hasattr(value, "__array__")


def _as_array(value: Any) -> np.ndarray:
    return value._array if isinstance(value, Tensor) else np.asarray(value)


def _counted(count: int) -> str:
    return "no arguments" if count == 0 else f"{count} argument{'s' * (count > 1)}"


def _signature(arrays: Sequence[Any]) -> Signature:
    plain = [_as_array(a) for a in arrays]
    return tuple((_dtype_name(a), a.shape) for a in plain)


def _check_dtypes(signature: Signature) -> None:
    unknown = next((d for d, _ in signature if d not in dtypes.BY_TORCH_NAME), None)
    if unknown is not None:
        raise InputError(f"Treadle has no tensors of dtype {unknown}")


def _dtype_name(array: np.ndarray) -> str:
    dtype = dtypes.from_numpy(array.dtype)
    if dtype is None:
        raise InputError(f"Treadle has no tensors of dtype {array.dtype}")
    return dtype.torch_name


def _split(value: Any, arrays: list[Any]) -> Any:
    """`value` with arrays replaced by leaves and collected in `arrays`."""
    if _is_array(value):
        arrays.append(value)
        return _Leaf(len(arrays) - 1)
    if isinstance(value, list | tuple):
        items = [_split(v, arrays) for v in value]
        return items if isinstance(value, list) else tuple(items)
    if isinstance(value, dict):
        return {k: _split(v, arrays) for k, v in value.items()}
    return value


def _filled(template: Any, arrays: Sequence[Any]) -> Any:
    """`template` with every leaf replaced by its array."""
    if isinstance(template, _Leaf):
        return arrays[template.index]
    if isinstance(template, tuple):
        return tuple_like(template, [_filled(t, arrays) for t in template])
    if isinstance(template, list):
        return [_filled(t, arrays) for t in template]
    if isinstance(template, dict):
        return {k: _filled(t, arrays) for k, t in template.items()}
    return template


def _numbered(result: Any, numbers: Iterator[int]) -> Any:
    """A structure of graph values as a template of the plan's outputs, numbered in order."""
    if isinstance(result, Value):
        return _Leaf(next(numbers))
    if isinstance(result, tuple):
        return tuple_like(result, [_numbered(r, numbers) for r in result])
    if isinstance(result, list):
        return [_numbered(r, numbers) for r in result]
    if isinstance(result, dict):
        return {k: _numbered(r, numbers) for k, r in result.items()}
    return result


def _key(template: Any) -> Any:
    """A name of a structure and of the Python values in it; equal names run alike.

    Raises:
        TypeError: if a value in it is not hashable.
    """
    if isinstance(template, _Leaf):
        return "array"
    if isinstance(template, tuple | list):
        return (type(template).__name__, *map(_key, template))
    if isinstance(template, dict):
        return ("dict", *((k, _key(v)) for k, v in template.items()))
    if isinstance(template, float):
        return ("float", template.hex())  # 0.0 is not -0.0 here
    hash(template)
    return (type(template).__name__, template)


def _wrapped(value: Any) -> Any:
    """A value of the interpreter as the user sees it."""
    if isinstance(value, np.ndarray):
        return Tensor(value)
    if isinstance(value, EnumValue):
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_wrapped, value))
    if isinstance(value, tuple):
        return tuple(map(_wrapped, value))
    if isinstance(value, list):
        return [_wrapped(v) for v in value]
    if isinstance(value, dict):
        return {k: _wrapped(v) for k, v in value.items()}
    return value
