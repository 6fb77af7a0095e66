"""The commands of ``treadle`` as one application, and the one place that reports their errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

import typer

import treadle
from treadle.cli.cache import cache
from treadle.cli.check import check
from treadle.cli.console import say
from treadle.cli.info import info
from treadle.cli.ops import ops
from treadle.cli.run import run as run_model
from treadle.cli.show import show
from treadle.cli.trace import trace
from treadle.cli.tune import tune
from treadle.errors import Error

COMMANDS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "run": (
        run_model,
        (
            "treadle run model.pt image.npy",
            "treadle run model.pt inputs.npz -o scores.npy --threads 4",
            "treadle run model.pt image.npy --repeat 200",
        ),
    ),
    "tune": (
        tune,
        (
            "treadle tune",
            "treadle tune model.pt --input 1x3x224x224 --plot tune.png",
            "treadle tune model.pt --data inputs.npz --threads 1x1,2x2 --clients 1,8",
        ),
    ),
    "show": (
        show,
        (
            "treadle show model.pt",
            "treadle show model.pt --input 1x3x224x224",
            "treadle show model.pt --method encode --graph",
        ),
    ),
    "check": (
        check,
        ("treadle check model.pt", "treadle check model.pt --json"),
    ),
    "ops": (
        ops,
        ("treadle ops", "treadle ops softmax", "treadle ops extern --json"),
    ),
    "trace": (
        trace,
        (
            "treadle trace model.pt --input 1x3x224x224",
            "treadle trace model.pt image.npy -o trace.json --threads 2",
            "treadle trace model.pt image.npy --clients 4 --repeat 50",
        ),
    ),
    "info": (
        info,
        ("treadle info", "treadle info --json", "OMP_NUM_THREADS=1 treadle info"),
    ),
    "cache": (
        cache,
        ("treadle cache", "treadle cache --clear", 'du -sh "$(treadle cache --path)"'),
    ),
}
"""Each command with examples of its use."""


def _examples(lines: Iterable[str]) -> str:
    return "\b\n" + "\n".join(("Examples:", *(f"  {line}" for line in lines)))


_AFTERWORD = (
    "Each command has its own --help. A bad input gives one message on stderr and exit status 2."
)

_HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="treadle",
    context_settings=_HELP,
    help="Run PyTorch models on CPUs without PyTorch.\n\n"
    + _examples(lines[-2 if name == "run" else 0] for name, (_, lines) in COMMANDS.items()),
    epilog=_AFTERWORD,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _name, (_function, _lines) in COMMANDS.items():
    app.command(name=_name, epilog=_examples(_lines), context_settings=_HELP)(_function)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"treadle {treadle.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="print the version"),
    ] = False,
) -> None:
    pass


_BAD_INPUT, _INTERRUPTED = 2, 130


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit status.

    A bad input or setting, a usage error, or a file that cannot be read or written is one message
    on stderr and status 2. Anything else that escapes is a defect and keeps its traceback.
    """
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            status = app(list(arguments) or ["--help"], prog_name="treadle", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        status = _INTERRUPTED
    except (Error, OSError, MemoryError) as error:
        return _fail(str(error) or "not enough memory")
    except Exception as error:
        if not hasattr(error, "format_message"):  # what click and typer's own copy of it raise
            raise
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "treadle"
        return _fail(f"{error.format_message()} (see {command} --help)")
    if status == _INTERRUPTED:  # newer versions of typer give the status instead of an error
        say("interrupted")
    return status if isinstance(status, int) else 0


def _fail(message: str) -> int:
    say(f"error: {message}")
    return _BAD_INPUT


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    say(f"warning: {message}")
