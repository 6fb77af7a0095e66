"""``treadle check``: whether a model can run, said before anything of it runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from treadle.cli.console import counted, output, print_json
from treadle.frontends.torchscript.checking import Checked, check_archive


def check(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="TorchScript archive")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Say whether every operator of MODEL is supported; exit status 1 if one is not."""
    checked = check_archive(model)
    if as_json:
        print_json({
            "supported": not checked.problems,
            "operators": dict(sorted(checked.operators.items())),
            "problems": [{"where": p.where, "message": p.message} for p in checked.problems],
        })  # fmt: skip
    else:
        _report(checked, model)
    if checked.problems:
        raise typer.Exit(1)


def _report(checked: Checked, model: Path) -> None:
    console = output()
    names = Counter(checked.operators)
    uses = counted(sum(names.values()), "use")
    console.print(
        f"{model}: {counted(len(names), 'operator')}, {uses}, "
        f"{counted(checked.functions, 'function')}",
        markup=False, highlight=False,
    )  # fmt: skip
    for problem in checked.problems:
        console.print(f"  {problem.where}: {problem.message}", markup=False, highlight=False)
    verdict = "not everything is supported" if checked.problems else "everything is supported"
    console.print(verdict, markup=False, highlight=False)
