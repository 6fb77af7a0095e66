"""`Module`: what a user calls, and what is in it."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from treadle.compiler import Explanation
from treadle.errors import InputError
from treadle.frontends.torchscript.loader import load_program
from treadle.interpreter.entry import restore_state
from treadle.ir.graph import Graph
from treadle.ir.op import CALL_METHOD
from treadle.ir.program import Function, Object, Program
from treadle.locks import cached_property
from treadle.members import Members, attribute_of
from treadle.method import Method
from treadle.passes.freeze import written_in_place
from treadle.passes.inline import expand_hooks
from treadle.passes.sealing import read_only
from treadle.runtime import RunControl
from treadle.saving.archive import save as save_archive
from treadle.structure import wrapped


class Module(Members):
    """A model: call it, read its attributes, parameters and submodules, look at its graph."""

    def __init__(
        self,
        program: Program,
        root: Object,
        *,
        interpret: bool = False,
        whole: Module | None = None,
    ) -> None:
        """The module `root`, which is part of `whole`."""
        self._program, self._object, self._interpret = program, root, interpret
        self._whole = whole or self
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

    @cached_property
    def _call(self) -> Method:
        """``forward`` itself, or a call of it that runs the hooks."""
        cls = self._object.cls
        if not cls.forward_hooks and not cls.forward_pre_hooks:
            return self.method("forward")
        forward, program = self.method("forward").function, self._program
        called = Function(
            forward.name, forward.parameters, forward.result, lambda: _hooked(forward, program)
        )
        return self._bound(called)

    @property
    def method_names(self) -> tuple[str, ...]:
        """Names of the methods, in the order of the source."""
        return tuple(self._object.cls.methods)

    def method(self, name: str) -> Method:
        """The method `name`, compiled at first use; ``__call__`` is ``forward`` with its hooks."""
        if name == "__call__":
            return self._call
        found = self._methods.get(name)
        if found is None:
            function = self._object.cls.methods.get(name)
            if function is None:
                known = ", ".join(sorted(self._object.cls.methods)) or "none"
                raise InputError(f"{self._object.cls.name} has no method {name!r}; it has: {known}")
            found = self._methods[name] = self._bound(function)
        return found

    def _bound(self, function: Function) -> Method:
        whole = self._whole._object
        return Method(self._program, function, self._object, whole=whole, interpret=self._interpret)

    def _member(self, value: Object) -> Module:
        return Module(self._program, value, interpret=self._interpret, whole=self._whole)

    @cached_property
    def _changing(self) -> frozenset[tuple[str, str]]:
        """The attributes into which methods write in place, by class and name."""
        return written_in_place(self._object)

    def _shown(self, owner: Object, name: str) -> Any:
        value = owner.attributes[name]
        if self._interpret or owner.cls.kind != "module" or isinstance(value, Object):
            return value
        is_assigned = any(name in method.assigns for method in owner.cls.methods.values())
        if is_assigned or (owner.cls.name, name) in self._whole._changing:
            return value
        return read_only(value)

    def __getattr__(self, name: str) -> Any:
        inner = self.__dict__.get("_object")
        if inner is None or name.startswith("__"):
            raise AttributeError(name)
        if name in inner.attributes:
            return attribute_of(self, self._shown(inner, name))
        if name in inner.cls.constants:
            return inner.cls.constants[name]
        if name in inner.cls.methods:
            return self.method(name)
        if f"__{name}_getter" in inner.cls.methods:
            return self.method(f"__{name}_getter")()
        view = self._view(name)
        if view is not None:
            return view
        raise AttributeError(f"{inner.cls.name} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise InputError(
                f"{name!r} cannot be set: attributes of a compiled module change by its methods"
            )
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles hold an archive with the values of now."""
        buffer = io.BytesIO()
        self.save(buffer)
        return _unpickled, (buffer.getvalue(), self._interpret)

    def __dir__(self) -> list[str]:
        inner = self._object
        return [*super().__dir__(), *inner.attributes, *inner.cls.constants, *inner.cls.methods]

    def __repr__(self) -> str:
        return self._tree("Module")

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

    @property
    def code_with_constants(self) -> tuple[str, dict[str, Any]]:
        """The source of ``forward``, and the tensors that it names ``CONSTANTS.c0``, ..."""
        values = map(wrapped, self._program.constants())
        return self.code, {f"c{i}": value for i, value in enumerate(values)}

    def explain(self, *args: Any, **kwargs: Any) -> Explanation:
        """How a call with these arguments would run: see `compiler.Explanation`."""
        return self._call.explain(*args, **kwargs)

    def train(self, mode: bool = True) -> Module:
        """This module in training mode, which some operators ask for, or out of it.

        Methods are compiled again; those that were taken out before keep the mode they had.
        """
        self._set_training(mode)
        self._methods.clear()
        self.__dict__.pop("_call", None)
        return self

    def eval(self) -> Module:
        """This module, ready for inference."""
        return self.train(False)

    def save(
        self,
        target: str | os.PathLike[str] | BinaryIO,
        *,
        extra_files: Mapping[str, str | bytes] | None = None,
    ) -> None:
        """Write an archive with the values of now: see `treadle.save`."""
        save_archive(self._program, self._object, target, extra_files)


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


def _unpickled(archive: bytes, interpret: bool) -> Module:
    loaded = load_program(archive, restore=restore_state)
    return Module(loaded.program, loaded.root, interpret=interpret)


def _hooked(forward: Function, program: Program) -> Graph:
    """A graph that calls a module, so that its hooks run around `forward`."""
    graph = Graph(forward.name)
    inputs = [graph.add_param(p.type, p.name) for p in forward.parameters]
    call = graph.add(CALL_METHOD, inputs, (forward.result,), name="__call__")
    graph.set_returns([call.output])
    expand_hooks(graph, program)
    return graph
