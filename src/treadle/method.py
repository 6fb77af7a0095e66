"""`Method`: a function or method that is called, planned where it can be, else interpreted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from treadle import interpreter
from treadle.compiler import Explanation, engine, optimise
from treadle.errors import Cancelled, InputError
from treadle.ir.clone import clone_graph
from treadle.ir.graph import Graph
from treadle.ir.program import Function, Object, Program
from treadle.ir.schema import REQUIRED
from treadle.ir.types import TensorType, Type
from treadle.keeper import Keeper
from treadle.locks import cached_property, fork_lock
from treadle.passes.exposure import Exposed, expose
from treadle.runtime import RunControl, fork, span
from treadle.runtime.futures import check_timeout
from treadle.runtime.threads import check_count
from treadle.structure import (
    Leaf,
    filled,
    key_of,
    split,
    wrapped,
)
from treadle.template import Binder
from treadle.variants import Variant

MAX_VARIANTS = 64
"""Of a method: one for each combination of numbers and flags among its arguments."""


class Method:
    """A compiled function, or a method bound to its module; call it with arrays or tensors.

    The first call with new shapes binds a plan (milliseconds, and the compilation of kernels that
    no cache holds); later ones run it natively. Any number of threads may call it.
    """

    def __init__(
        self,
        program: Program,
        function: Function,
        root: Object | None,
        *,
        whole: Object | None = None,
        interpret: bool = False,
    ) -> None:
        """`function` bound to `root`, which is part of `whole`."""
        self._source, self.function, self._root = program, function, root
        self._whole = whole
        self._interpret = interpret or engine().options.interpret
        self._parameters = function.parameters[1 if root is not None else 0 :]
        self._lock = fork_lock()
        self._graph: Graph | None = None
        self._variants: dict[Any, Variant] = {}
        self._plain: Variant | None = None
        if not self._interpret and all(_is_tensor(p.type) for p in self._parameters):
            leaves = tuple(Leaf(i) for i in range(len(self._parameters)))
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
            timeout: seconds after which the call is stopped, before its next operator. A plan
                that is made for it is finished first: later calls would want it again.
            **kwargs: arguments by the names of their parameters.

        Raises:
            InputError: if number, type, dtype or rank of the arguments do not fit, or `timeout` is
                no number of seconds.
            ScriptError: if the model itself raises.
            ThreadingError: if `threads` is no number of threads.
            DeadlineExceeded: if the call took longer than `timeout`.
        """
        check_timeout(timeout)
        control = None if timeout is None else RunControl(timeout)
        return self._run(args, kwargs, threads, control)

    def _run(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        threads: int | None,
        control: RunControl | None,
    ) -> Any:
        if threads is not None:
            threads = check_count(f"{self.__name__}(threads=..)", threads)
        plain = self._plain
        if plain is not None and not kwargs and len(args) == len(self._parameters):
            try:
                return plain.run(args, threads, control)
            except InputError:
                self._normalise(args, kwargs)  # names an argument that is no tensor
                raise
        arguments = self._normalise(args, kwargs)
        arrays: list[Any] = []
        template = tuple(split(a, arrays) for a in arguments)
        if not arrays and self._root is None:  # nothing to plan
            return wrapped(self.interpret(filled(template, ()), control))
        return self._variant(template).run(arrays, threads, control)

    def __reduce__(self) -> NoReturn:
        raise InputError(
            f"{self.__name__}: compiled functions are neither pickled nor copied; a module is, and"
            " treadle.save writes an archive of either"
        )

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the parameters, ``self`` left out."""
        return tuple(p.name for p in self._parameters)

    @property
    def signature(self) -> str:
        """Name, parameters and result with their types, as source has them."""
        parts: list[str] = []
        for p in self._parameters:
            if p.keyword_only and "*" not in parts:
                parts.append("*")
            default = "" if p.default is REQUIRED else f" = {p.default!r}"
            parts.append(f"{p.name}: {p.type}{default}")
        return f"{self.__name__}({', '.join(parts)}) -> {self.function.result}"

    @property
    def graph(self) -> Graph:
        """The graph as the source gives it, calls and attributes in place."""
        return self.function.graph()

    @property
    def code(self) -> str:
        """The source."""
        return self.function.code()

    @property
    def inlined_graph(self) -> Graph:
        """The graph that is planned: calls inlined, attributes frozen, every pass applied."""
        with self._lock:
            if self._graph is None:
                graph = clone_graph(self.function.graph())
                check = engine().options.verify
                self._graph = optimise(
                    graph, self._source, self._root, whole=self._whole, check=check
                )
            return self._graph

    @cached_property
    def _exposed(self) -> Exposed | None:
        """The graph that is planned if that has effects: the same without any."""
        return expose(self.inlined_graph)

    def keeper(self, template: tuple[Any, ...]) -> Keeper | None:
        """What runs arguments of that structure, if plans have effects that are left to do."""
        exposed = self._exposed
        return None if exposed is None else Keeper(exposed, template, self.num_regions)

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """How a call with these arguments would run; compiles, but does not run it."""
        arrays: list[Any] = []
        template = tuple(split(a, arrays) for a in self._normalise(args, kwargs))
        return self._variant(template).explain([np.asarray(a) for a in arrays])

    @cached_property
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

    def _variant(self, template: tuple[Any, ...]) -> Variant:
        """What runs `template`; those used last are kept."""
        try:
            key = key_of(template)
        except TypeError:  # an argument without a value of its own to be known by
            return Variant(self, template, planned=False)
        with self._lock:
            variant = self._variants.pop(key, None)
            if variant is None:
                variant = Variant(self, template, planned=not self._interpret)
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
            given[parameter.name] = interpreter.admit(takes, parameter, value, self._source)
        return [given[name] for name in names]


def _region_binder(graph: Graph, fixed: Sequence[Any]) -> Binder:
    return Binder(lambda: graph, lambda types: [*types, *fixed])


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
        return fork(lambda: self._run(function))

    def _run(self, function: Callable[[], Any]) -> Any:
        if self.run_failed:
            raise Cancelled("the run that forked this has failed")
        return function()


def _is_tensor(type_: Type) -> bool:
    return isinstance(type_, TensorType)


def _counted(count: int) -> str:
    return "no arguments" if count == 0 else f"{count} argument{'s' * (count > 1)}"
