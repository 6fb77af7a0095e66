"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Model: TypeAlias = Annotated[
    Path, typer.Argument(metavar="MODEL", help="TorchScript archive, as torch.jit.save writes it")
]

Inputs: TypeAlias = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="INPUT",
        help="one .npz named by the method's parameters, or .npy files in order",
    ),
]

Shapes: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="SHAPE",
        help="shape of an input, in order: 1x3x224x224, 8x16:int64, scalar",
    ),
]

MethodName: TypeAlias = Annotated[
    str, typer.Option("--method", metavar="NAME", help="the method to call")
]

Threads: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help="at most this many threads work on a call")
]

AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="print JSON")]
