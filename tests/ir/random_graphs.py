"""Random valid graphs, as a hypothesis strategy."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from treadle.ir.dtypes import f32
from treadle.ir.graph import Block, Graph, Loc, Node, Value
from treadle.ir.op import CONSTANT, FORK, IF, LIST, LOOP, TUPLE, TUPLE_UNPACK, WAIT
from treadle.ir.types import BOOL, FLOAT, INT, FutureType, ListType, TensorType, TupleType
from treadle.ops import OPS

T = TensorType(f32, (2, 3))
_NAMES = st.sampled_from(["", "x", "y", "x.1", "y.2", "7", "é", "a b", "%", "."])
_LOCS = st.sampled_from([None, Loc("model.py", 3), Loc(" odd # name.py ", 12), Loc("", 1)])
_UNARY = ("tanh", "neg", "relu", "sigmoid", "exp", "abs")


@st.composite
def graphs(draw: Any, max_nodes: int = 12, writes: bool = False) -> Graph:
    """Graphs over f32[2, 3] tensors, with constants, control flow, forks and tuples.

    With `writes`, there are also views and in-place operators, and no forks, which would race.
    """
    graph = Graph(draw(st.sampled_from(["forward", "f", "__torch__.f", "odd name"])))
    scope = [graph.add_param(T, draw(_NAMES)) for _ in range(draw(st.integers(1, 3)))]
    flags = [graph.add_param(BOOL, draw(_NAMES))]
    maker = _Maker(draw, flags, draw(st.integers(max_nodes // 2, max_nodes)), writes)
    maker.fill(graph, scope, 0)
    graph.set_returns([draw(st.sampled_from(scope)) for _ in range(draw(st.integers(1, 4)))])
    return graph


class _Maker:
    def __init__(self, draw: Any, flags: list[Value], budget: int, writes: bool) -> None:
        self.draw, self.flags, self.budget, self.writes = draw, flags, budget, writes

    def pick(self, scope: list[Value]) -> Value:
        """A tensor; where there are writes one of few, so that writes and reads often meet."""
        value: Value = self.draw(st.sampled_from(scope[-3:] if self.writes else scope))
        return value

    def fill(self, block: Block, scope: list[Value], depth: int) -> None:
        """Append nodes to `block`, and their tensors to `scope`."""
        for _ in range(self.draw(st.integers(0, 3 if depth else 12))):
            if self.budget == 0:
                return
            self.budget -= 1
            kinds = ["unary", "binary", "constant", "literal", "tuple"]
            kinds += ["write", "view", "list"] * 2 if self.writes else []
            kinds += ["if", "loop"] if depth < 3 else []
            kinds += ["fork"] if depth < 3 and not self.writes else []
            kind = self.draw(st.sampled_from(kinds))
            node: Node = getattr(self, f"make_{kind}")(block, scope, depth)
            node.loc = self.draw(_LOCS)
            for value in node.outputs:
                value.name = self.draw(_NAMES)
                if value.type == T:
                    scope.append(value)

    def make_unary(self, block: Block, scope: list[Value], depth: int) -> Node:
        op = OPS[self.draw(st.sampled_from(_UNARY[: 2 if self.writes else None]))]
        return block.add(op, (self.pick(scope),), (T,))

    def make_binary(self, block: Block, scope: list[Value], depth: int) -> Node:
        alpha = block.constant(self.draw(st.integers(-3, 3)), INT)
        return block.add(OPS["add.Tensor"], (self.pick(scope), self.pick(scope), alpha), (T,))

    def make_constant(self, block: Block, scope: list[Value], depth: int) -> Node:
        fill = self.draw(st.integers(-3, 3))
        return block.add(CONSTANT, (), (T,), value=np.full((2, 3), fill, np.float32))

    def make_literal(self, block: Block, scope: list[Value], depth: int) -> Node:
        number = block.constant(self.draw(st.floats(-10, 10)), FLOAT)
        one = block.constant(1, INT)
        return block.add(OPS["add.Scalar"], (self.pick(scope), number, one), (T,))

    def make_tuple(self, block: Block, scope: list[Value], depth: int) -> Node:
        packed = block.add(TUPLE, (self.pick(scope), self.pick(scope)), (TupleType((T, T)),))
        return block.add(TUPLE_UNPACK, (packed.output,), (T, T))

    def make_write(self, block: Block, scope: list[Value], depth: int) -> Node:
        target = self.pick(scope)
        if self.draw(st.booleans()):
            return block.add(OPS["relu_"], (target,), (T,))
        one = block.constant(1, INT)
        return block.add(OPS["add_.Tensor"], (target, self.pick(scope), one), (T,))

    def make_view(self, block: Block, scope: list[Value], depth: int) -> Node:
        sizes = block.constant([2, 3], ListType(INT))
        return block.add(OPS["view"], (self.pick(scope), sizes), (T,))

    def make_list(self, block: Block, scope: list[Value], depth: int) -> Node:
        items = (self.pick(scope), self.pick(scope))
        packed = block.add(LIST, items, (ListType(T),))
        if self.draw(st.booleans()):
            block.add(OPS["append.t"], (packed.output, self.pick(scope)), (ListType(T),))
        index = block.constant(self.draw(st.integers(-2, 1)), INT)
        return block.add(OPS["__getitem__.t"], (packed.output, index), (T,))

    def returned(self, block: Block, scope: list[Value], depth: int, count: int) -> list[Value]:
        inner = list(scope)
        self.fill(block, inner, depth + 1)
        return [self.pick(inner) for _ in range(count)]

    def make_if(self, block: Block, scope: list[Value], depth: int) -> Node:
        count = self.draw(st.integers(0, 2))
        node = block.add(IF, (self.draw(st.sampled_from(self.flags)),), (T,) * count)
        for _ in range(2):
            branch = node.add_block()
            branch.set_returns(self.returned(branch, scope, depth, count))
        return node

    def make_loop(self, block: Block, scope: list[Value], depth: int) -> Node:
        trips = block.constant(self.draw(st.integers(0, 3)), INT)
        start = block.constant(True, BOOL)
        count = self.draw(st.integers(0, 2))
        carried = [self.pick(scope) for _ in range(count)]
        node = block.add(LOOP, (trips, start, *carried), (T,) * count)
        body = node.add_block()
        body.add_param(INT, "i")
        params = [body.add_param(T, self.draw(_NAMES)) for _ in range(count)]
        values = self.returned(body, [*scope, *params], depth, count)
        if self.draw(st.booleans()):
            body.set_returns([self.draw(st.sampled_from(self.flags)), *values])
        else:
            body.set_returns([body.constant(True, BOOL), *values])
        return node

    def make_fork(self, block: Block, scope: list[Value], depth: int) -> Node:
        node = block.add(FORK, (), (FutureType(T),))
        body = node.add_block()
        body.set_returns(self.returned(body, scope, depth, 1))
        return block.add(WAIT, (node.output,), (T,))
