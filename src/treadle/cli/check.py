"""``treadle check``: whether a model can run, said before anything of it runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import typer

from treadle.cli.console import counted, output, print_json, working
from treadle.cli.parameters import AsJson, Model
from treadle.frontends.torchscript.checking import Checked, check_archive


def check(
    model: Model,
    as_json: AsJson = False,
) -> None:
    """Say whether Treadle supports all of MODEL; exit status 1 if not.

    Compiles everything in the archive, and runs nothing.
    """
    with working(f"checking {model}"):
        checked = check_archive(model)
    if as_json:
        print_json({
            "supported": not checked.problems,
            "loads": checked.loads,
            "operators": dict(sorted(checked.operators.items())),
            "problems": [dataclasses.asdict(p) for p in checked.problems],
            "tensors": [dataclasses.asdict(p) for p in checked.tensors],
        })  # fmt: skip
    else:
        _report(checked, model)
    if checked.problems:
        raise typer.Exit(1)


def _report(checked: Checked, model: Path) -> None:
    console = output()
    operators, uses = len(checked.operators), sum(checked.operators.values())
    lines = [
        f"{model}: {counted(operators, 'operator')}, {counted(uses, 'use')}, "
        f"{counted(checked.functions, 'function')}"
    ]
    lines += [f"  {p.where}: {p.message}" for p in checked.problems]
    lines += [f"  {p.where}: {p.message}, which matters if it is used" for p in checked.tensors]
    if not checked.loads:
        lines.append("not everything is supported: the model cannot be loaded")
    elif checked.problems:
        lines.append("not everything is supported: what is listed fails where it is reached")
    else:
        lines.append("everything is supported")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)
