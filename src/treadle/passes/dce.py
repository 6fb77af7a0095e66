"""`eliminate_dead_code`: what nobody uses and what does nothing disappears."""

from __future__ import annotations

from treadle.ir.graph import Block, Graph, Node, Value
from treadle.ir.op import AWAITABLE, FORK, IF, LOOP, WAIT

_CONTROL = (IF, LOOP, FORK, AWAITABLE)


def eliminate_dead_code(graph: Graph) -> bool:
    """Remove nodes without effect whose results are unused.

    ``if``, ``loop`` and ``fork`` go when nothing in them has an effect and nothing of them is used;
    results of ``if`` and values carried by ``loop`` go one by one, also those that only feed
    themselves. Writing, raising, printing and drawing random numbers are effects.

    Does not apply to writes into memory that nobody reads later.
    """
    marks = _Marks()
    marks.block(graph)
    for value in graph.returns:
        marks.use(value)
    marks.spread()
    return _sweep(graph, marks)


class _Marks:
    """The nodes that have to stay, and the values that someone needs."""

    def __init__(self) -> None:
        self.nodes: set[Node] = set()
        self.values: set[Value] = set()
        self.pending: list[Value] = []
        self.forks: dict[Node, bool] = {}  # whether what a task does has an effect

    def use(self, value: Value) -> None:
        if value not in self.values:
            self.values.add(value)
            self.pending.append(value)

    def block(self, block: Block) -> bool:
        """Mark all that has an effect by itself; whether anything has."""
        found = False
        for node in block.nodes:
            inside = [self.block(inner) for inner in node.blocks]
            if node.op is FORK:
                self.forks[node] = inside[0]
            has_effect = self.has_effect(node)
            if has_effect:
                self.keep(node)
            found |= has_effect or any(inside)
        return found

    def has_effect(self, node: Node) -> bool:
        if node.op is WAIT:
            fork = node.inputs[0].node
            return fork is None or self.forks.get(fork, True)
        if node.op in _CONTROL:
            return False
        return not node.op.pure or (node.op.schema is not None and node.op.schema.writes)

    def keep(self, node: Node) -> None:
        """Let `node` stay, and with it what decides whether it runs."""
        if node in self.nodes:
            return
        self.nodes.add(node)
        if node.op is LOOP:
            for value in (*node.inputs[:2], node.blocks[0].returns[0]):
                self.use(value)
        else:
            for value in node.inputs:
                self.use(value)
        if node.op in (FORK, AWAITABLE):
            for value in node.blocks[0].returns:
                self.use(value)
        around = node.owner.owner if node.owner is not None else None
        if around is not None:
            self.keep(around)

    def spread(self) -> None:
        while self.pending:
            value = self.pending.pop()
            if value.node is not None:
                self.keep(value.node)
                self.result(value.node, value)
            elif value.block is not None and value.block.owner is not None:
                self.parameter(value.block.owner, value)

    def result(self, node: Node, value: Value) -> None:
        if node.op is IF:
            position = node.outputs.index(value)
            for block in node.blocks:
                self.use(block.returns[position])
        elif node.op is LOOP:
            self.carried(node, node.outputs.index(value))

    def parameter(self, node: Node, value: Value) -> None:
        self.keep(node)
        position = node.blocks[0].params.index(value)
        if node.op is LOOP and position > 0:
            self.carried(node, position - 1)

    def carried(self, node: Node, position: int) -> None:
        self.use(node.inputs[2 + position])
        self.use(node.blocks[0].returns[1 + position])
        self.use(node.outputs[position])
        self.use(node.blocks[0].params[1 + position])


def _sweep(block: Block, marks: _Marks) -> bool:
    """Remove what is not marked, last first, so that users go before what they use."""
    changed = False
    node = block.end.prev
    while node is not block.end:
        before = node.prev
        if node not in marks.nodes:
            block.erase(node)
            changed = True
        else:
            dead = _trim(node, marks)
            changed |= bool(dead)
            for inner in node.blocks:
                changed |= _sweep(inner, marks)
            if node.op is LOOP:
                for i in dead:
                    del node.blocks[0].params[1 + i]
        node = before
    return changed


def _trim(node: Node, marks: _Marks) -> list[int]:
    """Drop unused results of ``if`` and carried values of ``loop``; their positions, last first."""
    if node.op not in (IF, LOOP):
        return []
    dead = [i for i, v in enumerate(node.outputs) if v not in marks.values][::-1]
    skip = 1 if node.op is LOOP else 0
    for i in dead:
        for block in node.blocks:
            returns = list(block.returns)
            del returns[i + skip]
            block.set_returns(returns)
        if node.op is LOOP:
            inputs = list(node.inputs)
            del inputs[2 + i]
            node.set_inputs(inputs)
        del node.outputs[i]
    return dead
