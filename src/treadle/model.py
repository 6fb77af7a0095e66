"""`Module`: what a user calls, and what is in it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from treadle.compiler import Explanation
from treadle.errors import InputError
from treadle.ir.graph import Graph
from treadle.ir.op import CALL_METHOD
from treadle.ir.program import Function, Object, Program
from treadle.method import Method
from treadle.runtime import RunControl
from treadle.structure import wrapped
from treadle.tensor import Tensor


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
    return wrapped(value)
