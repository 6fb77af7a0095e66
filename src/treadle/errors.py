"""Every exception that Treadle raises, drawn as a tree.

treadle.Error
├── ArchiveError          a model file is damaged, hostile, or not an archive
├── CompileError          the source of a model is not what TorchScript allows
│   └── ScriptSyntaxError it does not parse, or uses syntax that TorchScript lacks
├── UnsupportedError      valid, but Treadle does not implement it (also a NotImplementedError)
├── InputError            a call's arguments (also a ValueError and, as torch's, a RuntimeError)
│   ├── ShapeError        shapes or dtypes of an operator's operands do not fit
│   ├── SignatureError    arguments that a function does not take (also a TypeError)
│   └── IndexOutOfRange   an index outside its dimension (also an IndexError)
├── ScriptError           a model failed while running (also a RuntimeError)
│   ├── Cancelled         a run or a future was cancelled (also concurrent.futures.CancelledError)
│   └── DeadlineExceeded  a run was stopped by its timeout (also a TimeoutError)
├── ThreadingError        thread settings, pool backends, futures (also a RuntimeError)
├── PlanError             the native runtime refused a plan
└── VerifyError           a broken invariant inside Treadle: report it
"""

from concurrent.futures import CancelledError


class Error(Exception):
    """Base of all errors that Treadle raises on purpose."""


class ArchiveError(Error):
    """A model file is damaged, hostile, or not a TorchScript archive."""


class CompileError(Error):
    """The source of a model is not what TorchScript allows."""


class ScriptSyntaxError(CompileError):
    """The source does not parse, or uses syntax that TorchScript does not have."""


class UnsupportedError(Error, NotImplementedError):
    """Valid input that needs something Treadle does not implement."""


class InputError(Error, ValueError, RuntimeError):
    """The arguments of a call: their number, dtype, rank, size or value."""


class ShapeError(InputError):
    """The shapes or dtypes of an operator's operands do not fit each other."""


class SignatureError(InputError, TypeError):
    """Arguments that a function does not take: too many, too few, of other names or types."""


class IndexOutOfRange(InputError, IndexError):
    """An index lies outside the dimension it selects from."""


class ScriptError(Error, RuntimeError):
    """A model raised, or failed, while running.

    `script_class` is the class that the script named (``ValueError`` for ``raise ValueError(..)``).
    """

    def __init__(self, message: str, script_class: str = "RuntimeError") -> None:
        super().__init__(message)
        self.script_class = script_class


class Cancelled(ScriptError, CancelledError):
    """A run was cancelled, or a future whose result is asked for."""


class DeadlineExceeded(ScriptError, TimeoutError):
    """A run was stopped by its timeout."""


class ThreadingError(Error, RuntimeError):
    """Thread settings, pool backends and futures."""


class PlanError(Error):
    """The native runtime refused a plan; names the instruction."""


class VerifyError(Error):
    """An invariant inside Treadle is broken; the message holds the text around the place."""
