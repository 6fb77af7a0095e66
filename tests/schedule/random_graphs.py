"""Random tensor programs as graphs, built together with what their references give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from treadle.ir.graph import Block, Graph, Value
from treadle.ir.op import FORK, LIST, TUPLE, TUPLE_UNPACK, WAIT
from treadle.ir.types import ANY, TensorType
from treadle.ops import OPS

Array = np.ndarray[Any, Any]
_SIZES = st.sampled_from([1, 1, 2, 3, 3, 5, 8, 17])
_LIMIT = 3000
_UNARY = ("relu", "neg", "tanh", "sigmoid", "abs", "hardswish")
_BINARY = ("add.Tensor", "sub.Tensor", "mul.Tensor", "maximum")


class Program:
    """A graph that grows by operators that a hypothesis `draw` chooses.

    `arrays` are the arguments of the graph; `expected` what it returns.
    """

    def __init__(self, draw: Any, dtype: np.dtype[Any]) -> None:
        self.graph = Graph("random")
        self.arrays: list[Array] = []
        self.expected: list[Array] = []
        self._draw = draw
        self._dtype = dtype
        self._block: Block = self.graph
        self._known: dict[Value, Array] = {}
        self._scope: list[Value] = []
        self._waits: list[Callable[[], None]] = []
        self._random = np.random.default_rng(draw(st.integers(0, 99)))

    def build(self, num_nodes: int) -> None:
        """Fill the graph."""
        for _ in range(self._draw(st.integers(1, 3))):
            rank = self._draw(st.sampled_from([0, 1, 2, 3, 3, 4, 4]))
            array = self._array([self._draw(_SIZES) for _ in range(rank)])
            self.arrays.append(array)
            self._define(self.graph.add_param(TensorType(), f"x{len(self.arrays)}"), array)
        for _ in range(num_nodes):
            self._step(0)
        while self._waits:
            self._waits.pop()()
        unread = [v for v in self._scope if not v.users]
        returned = unread if self._draw(st.booleans()) else [*unread[-1:], self._pick()[0]]
        self.expected = [self._known[v] for v in returned]
        self.graph.set_returns([self.graph.add(TUPLE, returned, (ANY,)).output])

    def _array(self, shape: Sequence[int]) -> Array:
        return self._random.standard_normal(tuple(shape)).astype(self._dtype)

    def _define(self, value: Value, array: Array) -> Value:
        self._known[value] = array
        self._scope.append(value)
        return value

    def _apply(self, name: str, *args: Any) -> Value:
        """Add an operator on values, constants (arrays) and Python values."""
        op = OPS[name]
        assert op.reference is not None
        result = np.asarray(op.reference(*[self._concrete(a) for a in args]))
        node = self._block.add(op, [self._value(a) for a in args], (TensorType(),))
        return self._define(node.output, result)

    def _concrete(self, argument: Any) -> Any:
        if isinstance(argument, list):
            return [self._concrete(a) for a in argument]
        return self._known[argument] if isinstance(argument, Value) else argument

    def _value(self, argument: Any) -> Value:
        if isinstance(argument, Value):
            return argument
        if isinstance(argument, list) and any(isinstance(a, Value) for a in argument):
            return self._block.add(LIST, argument, (ANY,)).output
        return self._block.constant(argument, ANY)

    def _pick(self) -> tuple[Value, Array]:
        """A value of the scope, of the last ones more often."""
        last = self._draw(st.sampled_from([1, 1, 3, len(self._scope)]))
        value = self._draw(st.sampled_from(self._scope[-last:]))
        return value, self._known[value]

    def _step(self, depth: int) -> None:
        kinds = [
            self._unary, self._unary, self._binary, self._binary, self._scalar, self._reduce,
            self._softmax, self._layer_norm, self._matmul, self._transpose, self._reshape,
            self._slice, self._expand, self._cat, self._select, self._lift,
        ]  # fmt: skip
        if self._images():
            kinds += [self._window, self._conv, self._conv]
        choice = self._draw(st.integers(0, len(kinds) + 1))
        if choice < len(kinds):
            kinds[choice]()
        elif self._waits and choice == len(kinds):
            self._waits.pop(self._draw(st.integers(0, len(self._waits) - 1)))()
        elif depth < 2:
            self._fork(depth)

    # --- elements --------------------------------------------------------------------------

    def _unary(self) -> None:
        self._apply(self._draw(st.sampled_from(_UNARY)), self._pick()[0])

    def _binary(self) -> None:
        value, a = self._pick()
        fits = [v for v in self._scope if _broadcasts(a.shape, self._known[v].shape)]
        other: Any = self._draw(st.sampled_from([*fits, None]))
        if other is None:
            keep = self._draw(st.lists(st.booleans(), min_size=a.ndim, max_size=a.ndim))
            shape = [n if k else 1 for n, k in zip(a.shape, keep, strict=True)]
            other = self._array(shape)
        name = self._draw(st.sampled_from(_BINARY))
        args = [value, other] if self._draw(st.booleans()) else [other, value]
        if name == "mul.Tensor":
            args = [self._bounded(x) for x in args]
        self._apply(name, *args, *([1] if name in ("add.Tensor", "sub.Tensor") else []))

    def _bounded(self, x: Any) -> Any:
        big = np.abs(self._concrete(x)).max(initial=0) > 100
        return self._apply("tanh", x) if big else x

    def _scalar(self) -> None:
        self._apply("add.Scalar", self._pick()[0], 0.5, 1)

    # --- rows ------------------------------------------------------------------------------

    def _reduce(self) -> None:
        value, a = self._pick()
        dims = self._draw(st.lists(st.integers(0, max(a.ndim - 1, 0)), unique=True))
        if not a.ndim:
            dims = []
        keep = self._draw(st.booleans())
        name = self._draw(st.sampled_from(["sum.dim_IntList", "mean.dim", "amax"]))
        tail = [] if name == "amax" else [None]
        self._apply(name, value, dims, keep, *tail)

    def _softmax(self) -> None:
        value, a = self._pick()
        if a.ndim:
            self._apply("softmax.int", value, self._draw(st.integers(-1, a.ndim - 1)), None)

    def _layer_norm(self) -> None:
        value, a = self._pick()
        if a.ndim:
            shape = a.shape[-self._draw(st.integers(1, a.ndim)) :]
            weight = self._array(shape) if self._draw(st.booleans()) else None
            self._apply("layer_norm", value, list(shape), weight, weight, 1e-1, True)

    # --- contractions and windows ----------------------------------------------------------

    def _matmul(self) -> None:
        value, a = self._pick()
        value = self._bounded(value)
        fits = [
            v for v in self._scope
            if a.ndim > 1 and self._known[v].ndim > 1 and self._known[v].shape[-2] == a.shape[-1]
            and _broadcasts(a.shape[:-2], self._known[v].shape[:-2])
        ]  # fmt: skip
        if fits and self._draw(st.booleans()):
            self._apply("matmul", value, self._bounded(self._draw(st.sampled_from(fits))))
        elif a.ndim:
            n = self._draw(_SIZES)
            bias = self._array([n]) if self._draw(st.booleans()) else None
            self._apply("linear", value, self._array([n, a.shape[-1]]), bias)

    def _images(self) -> list[Value]:
        return [v for v in self._scope if self._known[v].ndim == 4 and self._known[v].size]

    def _window(self) -> None:
        if images := self._images():
            value = images[-self._draw(st.integers(1, min(2, len(images))))]
            name = self._draw(st.sampled_from(["max_pool2d", "avg_pool2d", "adaptive_avg_pool2d"]))
            if name == "adaptive_avg_pool2d":
                self._apply(name, value, [self._draw(_SIZES), 2])
            elif name == "max_pool2d":
                self._apply(
                    name, value, [3, 3], [self._draw(st.integers(1, 2)), 1], [1, 1], [1, 1], False
                )
            else:
                self._apply(
                    name, value, [3, 2], [1, 1], [1, 1], False, self._draw(st.booleans()), None
                )

    def _conv(self) -> None:
        if images := self._images():
            value = self._bounded(images[-self._draw(st.integers(1, min(2, len(images))))])
            c = self._known[value].shape[1]
            groups = self._draw(st.sampled_from([1, c]))
            weight = self._array([self._draw(st.integers(1, 3)) * groups, c // groups, 3, 1])
            if self._draw(st.booleans()):
                weight = self._array([c, c // groups, 3, 1])
            bias = self._array([weight.shape[0]]) if self._draw(st.booleans()) else None
            stride = [self._draw(st.integers(1, 2)), 1]
            self._apply("conv2d", value, weight, bias, stride, [1, 0], [1, 1], groups)

    def _select(self) -> None:
        value, a = self._pick()
        if a.ndim:
            dim = self._draw(st.integers(0, a.ndim - 1))
            index = self._random.integers(0, a.shape[dim], 4)
            self._apply("index_select", value, dim, index)

    # --- views -----------------------------------------------------------------------------

    def _transpose(self) -> None:
        value, a = self._pick()
        self._apply("permute", value, list(self._draw(st.permutations(range(a.ndim)))))

    def _reshape(self) -> None:
        value, a = self._pick()
        n = a.size
        splits = [s for s in (1, 2, 3, 5, 8, 17) if n % s == 0]
        first = self._draw(st.sampled_from(splits))
        self._apply("reshape", value, [first, n // first] if self._draw(st.booleans()) else [n])

    def _lift(self) -> None:
        value, a = self._pick()
        if a.ndim < 4:
            self._apply("unsqueeze", value, self._draw(st.integers(0, a.ndim)))

    def _slice(self) -> None:
        value, a = self._pick()
        if a.ndim:
            dim = self._draw(st.integers(0, a.ndim - 1))
            start, step = (
                self._draw(st.integers(0, a.shape[dim] - 1)),
                self._draw(st.integers(1, 2)),
            )
            self._apply("slice.Tensor", value, dim, start, a.shape[dim], step)

    def _expand(self) -> None:
        value, a = self._pick()
        if a.size * 3 < _LIMIT and a.ndim < 4:
            self._apply("expand", value, [3, *a.shape], False)

    def _cat(self) -> None:
        value, a = self._pick()
        if not a.ndim:
            return
        dim = self._draw(st.integers(0, a.ndim - 1))
        fits = [
            v for v in self._scope
            if self._known[v].ndim == a.ndim
            and _without(self._known[v].shape, dim) == _without(a.shape, dim)
        ]  # fmt: skip
        items = [value, *self._draw(st.lists(st.sampled_from(fits), min_size=1, max_size=3))]
        if sum(self._known[v].size for v in items) < _LIMIT:
            self._apply("cat", items, dim)

    # --- forks -----------------------------------------------------------------------------

    def _fork(self, depth: int) -> None:
        """A task whose results join the scope when it is waited for, now or at some later step."""
        fork = self._block.add(FORK, (), (ANY,))
        outer, scope, waits = self._block, self._scope, self._waits
        self._block, self._scope, self._waits = fork.add_block(), list(scope), []
        for _ in range(self._draw(st.integers(1, 4))):
            self._step(depth + 1)
        while self._waits:
            self._waits.pop()()
        results = [self._scope[-1], *([self._pick()[0]] if self._draw(st.booleans()) else [])]
        packed = results[0]
        if len(results) > 1:
            packed = self._block.add(TUPLE, results, (ANY,)).output
        self._block.set_returns([packed])
        self._block, self._scope, self._waits = outer, scope, waits

        def wait() -> None:
            waited = self._block.add(WAIT, [fork.output], (ANY,)).output
            outputs = [waited]
            if len(results) > 1:
                outputs = self._block.add(TUPLE_UNPACK, [waited], [ANY] * len(results)).outputs
            for output, result in zip(outputs, results, strict=True):
                self._define(output, self._known[result])

        self._waits.append(wait)
        if self._draw(st.booleans()):
            self._waits.pop()()


def _broadcasts(a: Sequence[int], b: Sequence[int]) -> bool:
    try:
        return bool(np.prod(np.broadcast_shapes(tuple(a), tuple(b))) < _LIMIT)
    except ValueError:
        return False


def _without(shape: Sequence[int], dim: int) -> list[int]:
    return [n for d, n in enumerate(shape) if d != dim]


@st.composite
def programs(draw: Any, max_nodes: int = 14) -> Program:
    """Programs over f32 or f64 tensors, with forks in them."""
    program = Program(draw, np.dtype(draw(st.sampled_from(["f4", "f8"]))))
    program.build(draw(st.integers(1, max_nodes)))
    return program
