"""What ``treadle show`` prints of a model: its parts, its methods, operators and plans."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import treadle
from treadle.cli.console import counted, human_bytes
from treadle.cli.files import Array
from treadle.compiler import Explanation
from treadle.ir.graph import Graph, Node
from treadle.ir.op import CONSTANT, IF, LOOP, UNSUPPORTED
from treadle.ops.catalog import EXTERN, status_of
from treadle.passes.abstract import takes_tensor
from treadle.runtime.durations import human_time

_MOST_CHILDREN = 30


@dataclass(frozen=True, slots=True)
class NamedTensor:
    """A tensor of a model: its dotted name, whether a parameter, buffer or constant, its values."""

    name: str
    kind: str
    array: Array


def tensors_of(module: treadle.Module) -> list[NamedTensor]:
    """Parameters, buffers, and the constants of the source, where traced models keep weights."""
    constants = module.code_with_constants[1] if "forward" in module.method_names else {}
    kinds = (
        ("parameter", module.named_parameters()),
        ("buffer", module.named_buffers()),
        ("constant", ((n, v) for n, v in constants.items() if treadle.is_tensor(v))),
    )
    return [NamedTensor(name, kind, np.asarray(v)) for kind, named in kinds for name, v in named]


def operators(graph: Graph) -> Counter[tuple[str, str]]:
    """How often each operator occurs, constants left out, with what computes it."""
    nodes = (node for node in graph.walk() if node.op is not CONSTANT)
    return Counter((_name(node), _computed_by(node)) for node in nodes)


def _name(node: Node) -> str:
    if node.op.name != UNSUPPORTED.name:
        return node.op.name
    message: str = node.attributes["message"]
    return message.partition("(")[0].rpartition(" ")[2]


def _computed_by(node: Node) -> str:
    if node.op.name == UNSUPPORTED.name:
        return UNSUPPORTED.name
    if node.op.schema is None:
        return "script"
    schema = node.op.schema
    if not any(takes_tensor(a.type) for a in (*schema.arguments, *schema.results)):
        return "script"
    return EXTERN if status_of(node.op) == EXTERN else "kernels"


def print_summary(
    console: Console, name: str, module: treadle.Module, method: treadle.Method
) -> None:
    """The model, its methods, its parts, and the operators of one method."""
    tensors = [t.array for t in tensors_of(module)]
    training = " in training mode" if getattr(module, "training", False) else ""
    console.print(
        f"{name}: {module.original_name}{training}, {counted(len(tensors), 'tensor')}, "
        f"{sum(a.size for a in tensors):,} numbers, {human_bytes(sum(a.nbytes for a in tensors))}",
        markup=False,
        soft_wrap=True,
    )
    console.print("\nmethods:")
    for each in (name for name in module.method_names if not name.startswith("__")):
        console.print(f"  {module.method(each).signature}", markup=False, soft_wrap=True)
    _print_children(console, module)
    _print_operators(console, method)


def _print_children(console: Console, module: treadle.Module) -> None:
    children = list(module.named_children())
    if not children:
        return
    table = new_table("module", "class", "numbers", "size", right=("numbers", "size"))
    for name, child in children[:_MOST_CHILDREN]:
        arrays = [np.asarray(t) for t in (*child.parameters(), *child.buffers())]
        size = human_bytes(sum(a.nbytes for a in arrays))
        numbers = f"{sum(a.size for a in arrays):,}"
        table.add_row(escape(name), escape(child.original_name), numbers, size)
    console.print()
    console.print(table)
    if len(children) > _MOST_CHILDREN:
        console.print(f"and {len(children) - _MOST_CHILDREN} modules more")


def _print_operators(console: Console, method: treadle.Method) -> None:
    counts = operators(method.inlined_graph)
    name = method.__name__
    if not counts:
        console.print(f"\n{name} has no operators", markup=False)
        return
    table = new_table(f"operator of {name}", "count", "computed by", right=("count",))
    for (operator, by), count in counts.most_common():
        table.add_row(operator, str(count), by)
    console.print()
    console.print(table)
    console.print(f"\n{counted(counts.total(), 'operator')} after the passes; --graph prints them")
    graph = method.inlined_graph
    decisions = [
        counted(len(graph.nodes_of(op)), noun) for op, noun in ((IF, "branch"), (LOOP, "loop"))
        if graph.nodes_of(op)
    ]  # fmt: skip
    if decisions:
        console.print(
            f"{' and '.join(decisions)} left, which shapes or data decide: --input SHAPE tells"
        )


def new_table(*headings: str, right: Sequence[str] = ()) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left")
    return table


def print_tensors(console: Console, module: treadle.Module) -> None:
    """Every parameter, buffer and constant."""
    table = new_table("name", "kind", "dtype", "shape", "size", right=("size",))
    for tensor in tensors_of(module):
        array = tensor.array
        shape, size = escape(str(list(array.shape))), human_bytes(array.nbytes)
        table.add_row(escape(tensor.name), tensor.kind, str(array.dtype), shape, size)
    console.print()
    console.print(table)


def print_explanation(console: Console, explanation: Explanation) -> None:
    """How a call runs: the steps of its plan, or why it has none."""
    if not explanation.planned:
        console.print(f"\ninterpreted: {explanation.reason}", markup=False, soft_wrap=True)
        if explanation.regions:
            regions = counted(explanation.regions, "run")
            console.print(f"{regions} of operators in it planned, each for itself")
        return
    total = sum(step.cost_ns for step in explanation.steps)
    sequences = counted(explanation.sequences, "sequence")
    console.print(
        f"\nplanned: {counted(len(explanation.steps), 'step')} in {sequences}, "
        f"{human_bytes(explanation.arena_bytes)} of working memory, "
        f"about {human_time(total)} of one thread\n"
    )
    table = new_table(
        "step", "kernel", "tasks", "estimate", "share", right=("tasks", "estimate", "share")
    )
    for _, alike in itertools.groupby(explanation.steps, lambda s: (s.name, s.kind, s.num_tasks)):
        steps = tuple(alike)
        cost = sum(step.cost_ns for step in steps)
        share = f"{cost / total:.1%}" if total else ""
        count = f" × {len(steps)}" if len(steps) > 1 else ""
        first = steps[0]
        table.add_row(first.name + count, first.kind, str(first.num_tasks), human_time(cost), share)
    console.print(table)
