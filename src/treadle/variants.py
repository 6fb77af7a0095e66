"""`Variant`: a method for one structure of arguments, planned for each signature that it can be."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from treadle.compiler import Explanation
from treadle.errors import InputError, ScriptError
from treadle.ir.graph import Graph
from treadle.passes.abstract import Unplannable
from treadle.runtime import Plan, RunControl, get_num_threads
from treadle.runtime import Program as NativeProgram
from treadle.runtime import threads as limit_threads
from treadle.structure import (
    Leaf,
    alike,
    as_array,
    check_dtypes,
    filled,
    numbered,
    signature_of,
    wrapped,
)
from treadle.template import Binder, Signature
from treadle.tensor import Tensor

_MAX_NOTED = 64
"""Signatures of a variant that are remembered for what is special about them."""

MAX_FAILED = 3
"""Signatures of a variant that have no plan before no others are tried, if none had one."""

_UNKNOWN: Any = object()


class Subject(Protocol):
    """What there are variants of: a method."""

    @property
    def inlined_graph(self) -> Graph:
        """The graph that is planned."""

    @property
    def num_regions(self) -> int:
        """How many parts are planned when it is interpreted."""

    def interpret(self, arguments: Sequence[Any], control: RunControl | None) -> Any:
        """The result of the interpreter."""

    def keeper(self, template: tuple[Any, ...]) -> Keeper | None:
        """What runs arguments of that structure, if plans have to keep something."""


class Keeper(Protocol):
    """Runs plans, and does what they leave to be done."""

    def run(self, arrays: Sequence[Any], threads: int | None, control: RunControl | None) -> Any:
        """The result, or a `DeclinedError`."""

    def explain(self, arrays: Sequence[np.ndarray]) -> Explanation:
        """How that would run."""


class DeclinedError(Exception):
    """Control flow: the interpreter has to run a call."""


class Variant:
    """A method for one structure of arguments: the same lists, numbers and flags, any arrays."""

    def __init__(self, method: Subject, template: tuple[Any, ...], *, planned: bool) -> None:
        self._method = method
        self._template = template
        self._planned = planned
        self._only_interprets = not planned
        self._binder = Binder(lambda: method.inlined_graph, lambda types: filled(template, types))
        self._program = NativeProgram(self._bind, Tensor)
        self._result: Any = _UNKNOWN
        self._results_differ = False
        self._results: dict[Signature, Any] = {}
        self._interpreted: set[Signature] = set()
        self._keeper: Keeper | None = None

    def run(self, arrays: Sequence[Any], threads: int | None, control: RunControl | None) -> Any:
        """The result for arrays in place of the leaves."""
        if self._planned:
            try:
                if control is None:
                    outputs = self._program(*arrays, threads=threads)
                else:
                    outputs = self._program(*arrays, threads=threads, control=control)
            except _InterpretedError:
                pass
            except MemoryError:
                raise ScriptError(
                    "the call needs more memory than there is", "MemoryError"
                ) from None
            else:
                result = self._result
                if self._results_differ:
                    result = self._result_of(signature_of(arrays))
                return outputs[0] if type(result) is Leaf else filled(result, outputs)
        if self._keeper is not None:
            try:
                return self._keeper.run(arrays, threads, control)
            except DeclinedError:
                pass
        plain = [as_array(a) for a in arrays]
        limit = None if threads is None else min(threads, get_num_threads())
        with limit_threads(intra=limit):
            return wrapped(self._method.interpret(filled(self._template, plain), control))

    def explain(self, arrays: Sequence[np.ndarray]) -> Explanation:
        """How that would run."""
        if self._only_interprets:
            return Explanation(False, "the interpreter was asked for")
        keeper = self._keeper or self._method.keeper(self._template)
        if keeper is not None:
            return keeper.explain(arrays)
        try:
            signature = signature_of(arrays)
            check_dtypes(signature)
            return self._binder.bind_once(signature).explain()
        except Unplannable as error:
            return Explanation(False, str(error), regions=self._method.num_regions)

    def _bind(self, signature: Signature) -> Plan:
        """Called by the native program for a signature it has no plan for."""
        if signature in self._interpreted:
            raise _InterpretedError
        check_dtypes(signature)
        self._keeper = self._method.keeper(self._template)
        if self._keeper is not None:
            self._planned = False
            raise _InterpretedError
        try:
            plan, result = self._binder.bind(signature)
        except Unplannable:
            self._note_interpreted(signature)
            raise _InterpretedError from None
        except InputError:  # found again in its turn, after what the script does before it
            raise _InterpretedError from None
        template = numbered(result, itertools.count())
        if self._result is _UNKNOWN:
            self._result = template
        self._results_differ |= not alike(template, self._result)
        return plan

    def _result_of(self, signature: Signature) -> Any:
        """The structure of results for `signature`, where not all signatures share one."""
        if signature not in self._results:
            if len(self._results) >= _MAX_NOTED:
                self._results.clear()
            _, result = self._binder.bind(signature)
            self._results[signature] = numbered(result, itertools.count())
        return self._results[signature]

    def _note_interpreted(self, signature: Signature) -> None:
        """Do not try to plan `signature` again, nor any other if several failed and none worked."""
        if len(self._interpreted) >= _MAX_NOTED:
            self._interpreted.clear()
        self._interpreted.add(signature)
        self._planned = self._result is not _UNKNOWN or len(self._interpreted) < MAX_FAILED


class _InterpretedError(Exception):
    """Control flow: this signature has no plan."""
