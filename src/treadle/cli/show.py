"""``treadle show``: what a model holds, and what becomes of it for given shapes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import treadle
from treadle.cli.console import counted, human_bytes, human_time, output, print_json
from treadle.cli.values import example_inputs
from treadle.compiler import Explanation
from treadle.ir.graph import Graph
from treadle.ir.op import CONSTANT
from treadle.ir.text import print_graph


def show(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="TorchScript archive")],
    shapes: Annotated[
        list[str] | None,
        typer.Option(
            "--input", metavar="SHAPE", help="shape of an input, in order: 1x3x224x224, 8x16:int64"
        ),
    ] = None,
    graph: Annotated[bool, typer.Option("--graph", help="print the graph that is planned")] = False,
    source_graph: Annotated[
        bool, typer.Option("--source-graph", help="print the graph as the source gives it")
    ] = False,
    parameters: Annotated[
        bool, typer.Option("--parameters", help="list every parameter and buffer")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Show operators, parameters and graph of MODEL, and how it runs for given shapes."""
    module = treadle.load(model)
    _ = module.inlined_graph  # compiled before anything is printed
    explanation = module.explain(*example_inputs(shapes)) if shapes else None
    if as_json:
        print_json(_document(module, model, explanation))
        return
    console = output()
    if source_graph:
        console.print(print_graph(module.graph), markup=False, soft_wrap=True)
    if graph:
        console.print(print_graph(module.inlined_graph), markup=False, soft_wrap=True)
    if not (graph or source_graph):
        _print_summary(console, module, model)
    if parameters:
        _print_tensors(console, module)
    if explanation is not None:
        print_explanation(console, explanation)


def operators(graph: Graph) -> Counter[str]:
    """How often each operator occurs, constants left out."""
    return Counter(node.op.name for node in graph.walk() if node.op is not CONSTANT)


def _tensors(module: treadle.Module) -> list[tuple[str, str, Any]]:
    kinds = (("parameter", module.named_parameters()), ("buffer", module.named_buffers()))
    return [(name, kind, np.asarray(array)) for kind, named in kinds for name, array in named]


def _sizes(module: treadle.Module) -> dict[str, int]:
    arrays = [array for _, _, array in _tensors(module)]
    return {
        "tensors": len(arrays),
        "elements": sum(array.size for array in arrays),
        "bytes": sum(array.nbytes for array in arrays),
    }


def _document(
    module: treadle.Module, model: Path, explanation: Explanation | None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "model": str(model),
        "inputs": list(module.input_names),
        "operators": dict(operators(module.inlined_graph).most_common()),
        "tensors": [
            {"name": name, "kind": kind, "dtype": str(array.dtype), "shape": list(array.shape)}
            for name, kind, array in _tensors(module)
        ],
        **{f"total_{key}": value for key, value in _sizes(module).items()},
        "graph": print_graph(module.inlined_graph),
    }
    if explanation is not None:
        document["plan"] = {
            "planned": explanation.planned,
            "reason": explanation.reason,
            "regions": explanation.regions,
            "arena_bytes": explanation.arena_bytes,
            "sequences": explanation.sequences,
            "steps": [
                {
                    "name": step.name,
                    "kind": step.kind,
                    "num_tasks": step.num_tasks,
                    "cost_ns": step.cost_ns,
                }
                for step in explanation.steps
            ],
        }
    return document


def _print_summary(console: Console, module: treadle.Module, model: Path) -> None:
    sizes = _sizes(module)
    forward = f"forward({', '.join(module.input_names)})"
    console.print(
        f"{model}: {forward}, {sizes['tensors']} tensors, {sizes['elements']:,} numbers, "
        f"{human_bytes(sizes['bytes'])}",
        markup=False,
        soft_wrap=True,
    )
    table = _table("operator", "count", right=("count",))
    counts = operators(module.inlined_graph)
    for name, count in counts.most_common():
        table.add_row(name, str(count))
    console.print()
    console.print(table)
    console.print(f"\n{counts.total()} operators after the passes; --graph prints them")


def _table(*headings: str, right: Sequence[str] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left")
    return table


def _print_tensors(console: Console, module: treadle.Module) -> None:
    table = _table("name", "kind", "dtype", "shape", "size", right=("size",))
    for name, kind, array in _tensors(module):
        shape = str(list(array.shape))
        table.add_row(name, kind, str(array.dtype), shape, human_bytes(array.nbytes))
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
    table = _table(
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
