"""The machine that runs graphs: a stack of blocks, so that a script's depth is not Python's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from treadle.errors import (
    CompileError,
    DeadlineExceeded,
    Error,
    ScriptError,
    UnsupportedError,
)
from treadle.interpreter import actions, tasks
from treadle.interpreter.activations import Activation, Frame, Settings
from treadle.interpreter.compiled import CompiledLoop
from treadle.interpreter.generate import compile_loop
from treadle.interpreter.ordering import SORT, SORTED, sort_objects, sorts_objects
from treadle.interpreter.steps import STEPS, Environment, inputs, operator, target_of
from treadle.interpreter.traceback import Place, TracedError, places_of, traced
from treadle.ir import op as ops
from treadle.ir.graph import Block, Graph, Node
from treadle.ir.op import OpDef
from treadle.ir.program import Function, Object, Program


class Machine:
    """Runs one graph or block to its end. Not shared between threads; forks make new ones."""

    def __init__(self, program: Program, settings: Settings, depth: int = 0) -> None:
        self._program = program
        self._settings = settings
        self._base_depth = depth
        self._depth = depth
        self._stack: list[Activation] = []
        self._entered: list[Object] = []
        self._results: list[Any] = []

    def run(self, graph: Graph, args: Sequence[Any]) -> Any:
        """The value that `graph` returns for `args`."""
        self._enter_function(graph, args, None)
        (result,) = self._loop()
        return result

    def run_block(self, name: str, block: Block, values: Environment) -> Any:
        """The value of a forked block, given the values around it."""
        self._stack.append(
            Activation(Frame(name, values), block, block.end.next, None, is_call=True)
        )
        (result,) = self._loop()
        return result

    def _loop(self) -> list[Any]:
        try:
            while self._stack:
                self._step(self._stack[-1])
        except (CompileError, UnsupportedError):
            raise
        except Exception as error:
            failure = traced(error, self._places())
            self._leave()
            raise failure from (
                error if isinstance(error, Error) and not isinstance(error, TracedError) else None
            )
        return self._results

    def _leave(self) -> None:
        """After an error, leave what a ``with`` has entered; an error of that takes its place."""
        while self._entered:
            target = self._entered.pop()
            self._call(target.cls.methods["__exit__"], (target, None, None, None))

    def _places(self) -> tuple[Place, ...]:
        """Where each function on the stack stands, the innermost last."""
        places: list[Place] = []
        start = 0
        for activation in self._stack:
            node = activation.failed or activation.next.prev
            loc = node.loc if node is not activation.block.end else None
            if activation.is_call:
                start = len(places)
            if activation.is_call or loc is not None or not places:
                places[start:] = places_of(activation.frame.name, loc)
        return tuple(places)

    def _step(self, activation: Activation) -> None:
        node = activation.next
        if node is activation.block.end:
            self._finish(activation)
            return
        activation.next = node.next
        if self._settings.deadline is not None:
            self._check_deadline(self._settings.deadline)
        handler = _HANDLERS.get(node.op)
        if handler is not None:
            handler(self, activation, node)
        else:
            STEPS.get(node.op, operator)(self._program, activation.frame.values, node)

    def _check_deadline(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            actions.fail_late()

    def _enter(self, activation: Activation, node: Node) -> None:
        self._entered.append(target_of(activation.frame.values, node))

    def _exit(self, activation: Activation, node: Node) -> None:
        self._entered.pop()

    def _sort(self, activation: Activation, node: Node) -> None:
        values = activation.frame.values
        if not sorts_objects(node):
            operator(self._program, values, node)
            return
        result = sort_objects(node.op, self._call, *inputs(values, node))
        values.update((output, result) for output in node.outputs)

    def _call(self, function: Function, args: Sequence[Any]) -> Any:
        """What `function` gives, run to its end while the node that asks for it waits."""
        return Machine(self._program, self._settings, self._depth).run(function.graph(), args)

    def _enter_function(self, graph: Graph, args: Sequence[Any], owner: Node | None) -> None:
        if self._depth >= self._settings.max_depth:
            raise ScriptError(
                f"calls are nested deeper than {self._settings.max_depth}", "RecursionError"
            )
        self._depth += 1
        values: Environment = dict(zip(graph.params, args, strict=True))
        frame = Frame(graph.name, values)
        self._stack.append(Activation(frame, graph, graph.end.next, owner, is_call=True))

    def _finish(self, activation: Activation) -> None:
        """Hand the results of a block to its owner, or start the next iteration of a loop."""
        values, owner = activation.frame.values, activation.owner
        results = [values[v] for v in activation.block.returns]
        if owner is not None and owner.op is ops.LOOP:
            trip = activation.trip + 1
            going = results[0] and trip < activation.trips
            results = results[1:]
            compiled = self._compiled(owner, trip) if going else None
            if compiled is not None and compiled.takes(results, values):
                results = self._run_loop(compiled, activation, trip, results)
            elif going:
                self._iterate(activation, trip, results)
                return
        self._stack.pop()
        if activation.is_call:
            self._depth -= 1
        if owner is None:
            self._results = results
            return
        target = self._stack[-1].frame.values
        for output, result in zip(owner.outputs, results, strict=True):
            target[output] = result

    def _compiled(self, loop: Node, trip: int) -> CompiledLoop | None:
        """The loop as a function, once it has run a while in the machine."""
        if trip < self._settings.compile_after:
            return None
        return compile_loop(loop)

    def _run_loop(
        self, compiled: CompiledLoop, activation: Activation, trip: int, carried: list[Any]
    ) -> list[Any]:
        """The carried values after the rest of the trips."""
        values, settings = activation.frame.values, self._settings
        try:
            results = compiled.run(
                trip, activation.trips, carried, values,
                (self._program, settings.deadline, settings.control),
            )  # fmt: skip
        except Exception as error:
            node = compiled.node_of(error.__traceback__)
            if node is not None:
                activation.failed = node
            raise
        return list(results)

    def _iterate(self, activation: Activation, trip: int, carried: Sequence[Any]) -> None:
        index, *params = activation.block.params
        values = activation.frame.values
        values[index] = activation.trip = trip
        for param, value in zip(params, carried, strict=True):
            values[param] = value
        activation.next = activation.block.end.next

    def _if(self, activation: Activation, node: Node) -> None:
        (condition,) = inputs(activation.frame.values, node)
        block = node.blocks[0 if condition else 1]
        self._stack.append(Activation(activation.frame, block, block.end.next, node, is_call=False))

    def _region(self, activation: Activation, node: Node) -> None:
        values, plans = activation.frame.values, node.attributes["plans"]
        try:
            results = plans.call(*[values[v] for v in node.inputs], control=self._settings.control)
        except Error as error:
            results = plans.decline(error)
        if results is not None:
            values.update(zip(node.outputs, results, strict=True))
            return
        (block,) = node.blocks
        self._stack.append(Activation(activation.frame, block, block.end.next, node, is_call=False))

    def _for(self, activation: Activation, node: Node) -> None:
        values = activation.frame.values
        trips, condition, *carried = (values[v] for v in node.inputs)
        if not condition or trips <= 0:
            for output, value in zip(node.outputs, carried, strict=True):
                values[output] = value
            return
        (block,) = node.blocks
        loop = Activation(activation.frame, block, block.end.next, node, is_call=False)
        loop.trips = trips
        self._stack.append(loop)
        self._iterate(loop, 0, carried)

    def _task(self, activation: Activation, node: Node) -> Callable[[], Any]:
        """What runs the block of a fork, with the values that it sees now."""
        values, name = dict(activation.frame.values), activation.frame.name
        depth = self._depth + 1
        if depth > self._settings.max_depth:
            raise ScriptError(
                f"forks are nested deeper than {self._settings.max_depth}", "RecursionError"
            )
        machine = Machine(self._program, self._settings, depth)
        return lambda: machine.run_block(name, node.blocks[0], values)

    def _fork(self, activation: Activation, node: Node) -> None:
        task = self._settings.fork(self._task(activation, node))
        activation.frame.values[node.outputs[0]] = task

    def _awaitable(self, activation: Activation, node: Node) -> None:
        task = tasks.Awaitable(self._task(activation, node))
        activation.frame.values[node.outputs[0]] = task

    def _wait(self, activation: Activation, node: Node) -> None:
        (task,) = inputs(activation.frame.values, node)
        deadline = self._settings.deadline
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            result = task.wait(timeout)
        except TimeoutError as error:
            if isinstance(error, ScriptError):
                raise
            raise DeadlineExceeded("the run took longer than its timeout") from None
        activation.frame.values[node.outputs[0]] = result

    def _call_method(self, activation: Activation, node: Node) -> None:
        target = target_of(activation.frame.values, node)
        name = node.attributes["name"]
        function = target.cls.methods.get(name)
        if function is None:
            raise ScriptError(f"{target.cls.name} has no method {name!r}", "AttributeError")
        args = [activation.frame.values[v] for v in node.inputs]
        self._enter_function(function.graph(), args, node)

    def _call_function(self, activation: Activation, node: Node) -> None:
        function = self._program.function(node.attributes["name"])
        args = [activation.frame.values[v] for v in node.inputs]
        self._enter_function(function.graph(), args, node)


_HANDLERS: dict[OpDef, Callable[[Machine, Activation, Node], None]] = {
    ops.IF: Machine._if, ops.LOOP: Machine._for, ops.REGION: Machine._region,
    ops.FORK: Machine._fork, ops.AWAITABLE: Machine._awaitable, ops.WAIT: Machine._wait,
    ops.CALL_METHOD: Machine._call_method, ops.CALL_FUNCTION: Machine._call_function,
    ops.ENTER: Machine._enter, ops.EXIT: Machine._exit, SORT: Machine._sort, SORTED: Machine._sort,
}  # fmt: skip
