"""``treadle show``: what a model holds, and what becomes of it for given shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

import treadle
from treadle.cli.console import output, print_json, working
from treadle.cli.model_tables import (
    operators,
    print_explanation,
    print_summary,
    print_tensors,
    tensors_of,
)
from treadle.cli.parameters import AsJson, Model, Shapes
from treadle.cli.values import called_method, example_inputs, method_arguments
from treadle.compiler import Explanation
from treadle.ir.text import print_graph


def show(
    model: Model,
    shapes: Shapes = None,
    method_name: Annotated[
        str | None,
        typer.Option("--method", metavar="NAME", help="another method than forward"),
    ] = None,
    graph: Annotated[bool, typer.Option("--graph", help="print the graph that is planned")] = False,
    source_graph: Annotated[
        bool, typer.Option("--source-graph", help="print the graph as the source gives it")
    ] = False,
    code: Annotated[bool, typer.Option("--code", help="print the source")] = False,
    parameters: Annotated[
        bool, typer.Option("--parameters", help="list every parameter, buffer and constant")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what MODEL holds, and how it runs for given shapes."""
    with working(f"compiling {model}"):
        module = treadle.load(model)
        method = _chosen(module, method_name)
        _ = method.inlined_graph  # compiled before anything is printed
        explanation = None
        if shapes:
            explanation = method.explain(*method_arguments(method, example_inputs(shapes)))
    if as_json:
        print_json(_document(module, model, method, explanation))
        return
    console = output()
    if code:
        console.print(method.code, markup=False, soft_wrap=True)
    if source_graph:
        console.print(print_graph(method.graph), markup=False, soft_wrap=True)
    if graph:
        console.print(print_graph(method.inlined_graph), markup=False, soft_wrap=True)
    if not (graph or source_graph or code):
        print_summary(console, str(model), module, method)
    if parameters:
        print_tensors(console, module)
    if explanation is not None:
        print_explanation(console, explanation)


def _chosen(module: treadle.Module, name: str | None) -> treadle.Method:
    """The method of that name; else a call with its hooks, or the first method if that is none."""
    if name is None:
        names = module.method_names
        name = "forward" if "forward" in names or not names else names[0]
    return called_method(module, name)


def _document(
    module: treadle.Module, model: Path, method: treadle.Method, explanation: Explanation | None
) -> dict[str, Any]:
    tensors = tensors_of(module)
    counts = operators(method.inlined_graph)
    document: dict[str, Any] = {
        "model": str(model),
        "class": module.original_name,
        "methods": {name: module.method(name).signature for name in module.method_names},
        "method": method.__name__,
        "inputs": list(method.input_names),
        "operators": {name: count for (name, _), count in counts.most_common()},
        "computed_by": {name: by for (name, by), _ in counts.most_common()},
        "tensors": [
            {
                "name": tensor.name,
                "kind": tensor.kind,
                "dtype": str(tensor.array.dtype),
                "shape": list(tensor.array.shape),
            }
            for tensor in tensors
        ],
        "total_tensors": len(tensors),
        "total_elements": sum(t.array.size for t in tensors),
        "total_bytes": sum(t.array.nbytes for t in tensors),
        "graph": print_graph(method.inlined_graph),
    }
    if explanation is not None:
        document["plan"] = _plan(explanation)
    return document


def _plan(explanation: Explanation) -> dict[str, Any]:
    return {
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
