"""`OpDef`: everything that Treadle knows of one operator, held by the nodes that apply it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from treadle.errors import UnsupportedError
from treadle.ir.schema import Schema


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a result may be from torch's: relative to the largest magnitude of the output."""

    rtol: float = 1e-5
    atol: float = 1e-6
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class OpDef:
    """One overload of an operator.

    Rules get the arguments of the schema, all positional, in order. In `reference` a tensor is a
    `numpy.ndarray` (0-dim arrays for 0-dim tensors, views share memory); in `infer` it is its
    concrete `TensorType`; everything else is a plain Python value. `infer` is None for operators
    that never see a tensor or whose result depends on data. `lower` is a form of
    `ops.lowering`, or None: then the interpreter runs it.

    Attributes:
        name: unique, ``base`` or ``base.overload`` as in ATen, e.g. ``add.Tensor``, ``relu``.
        pure: neither writes, prints, raises on purpose, nor draws random numbers.
        samples: argument tuples for the conformance tests (arrays, or functions of a Generator).
        draws: of a pure operator, which calls draw random numbers nevertheless; what of the
            arguments is not known is None.
    """

    name: str
    schema: Schema | None
    reference: Callable[..., Any] | None = None
    infer: Callable[..., Any] | None = None
    lower: Any = None
    pure: bool = True
    samples: tuple[tuple[Any, ...], ...] = ()
    tolerance: Tolerance = field(default_factory=Tolerance)
    doc: str = ""
    draws: Callable[..., bool] | None = None

    def is_pure_on(self, args: Sequence[Any]) -> bool:
        """Whether a call is pure; what of the arguments is not known is None."""
        return self.pure and not (self.draws is not None and self.draws(*args))

    def __repr__(self) -> str:
        return f"OpDef({self.name})"


def unsupported(message: str) -> OpDef:
    """An operator that raises `message` when it runs; its nodes have that as an attribute."""

    def fail(*inputs: Any) -> NoReturn:
        raise UnsupportedError(message)

    return OpDef("unsupported", None, reference=fail, pure=False, doc=message)


def structural(name: str, *, pure: bool = True, doc: str = "") -> OpDef:
    """An operator without a schema, which the interpreter and the passes know by identity."""
    return OpDef(name, None, pure=pure, doc=doc)


CONSTANT = structural("constant", doc="The attribute `value`.")
IF = structural(
    "if",
    pure=False,
    doc="Input: condition. Blocks: then, else; they return the results.",
)
LOOP = structural(
    "loop",
    pure=False,
    doc="Inputs: largest trip count, first condition, carried values. Block: (i, carried...) -> "
    "(condition, carried...). Results: carried values.",
)
FORK = structural(
    "fork", pure=False, doc="Start the block (no parameters) as a task; gives a Future."
)
AWAITABLE = structural("awaitable", pure=False, doc="The block as a task that starts when awaited.")
WAIT = structural("wait", pure=False, doc="The value of a Future; waits.")
TUPLE = structural("tuple", doc="A tuple of the inputs.")
TUPLE_UNPACK = structural("tuple_unpack", doc="The elements of a tuple, one result each.")
TUPLE_INDEX = structural("tuple_index", doc="Inputs: tuple, int.")
LIST = structural("list", doc="A new list of the inputs.")
LIST_UNPACK = structural("list_unpack", doc="The elements of a list of known length.")
DICT = structural("dict", doc="A new dict of the inputs: key, value, key, value, ...")
GET_ATTR = structural("get_attr", doc="Input: object. Attribute `name`.")
SET_ATTR = structural("set_attr", pure=False, doc="Inputs: object, value. Attribute `name`.")
NEW_OBJECT = structural("new_object", doc="An uninitialised instance of class `name`.")
CALL_METHOD = structural(
    "call_method", pure=False, doc="Inputs: object, arguments. Attribute `name`."
)
CALL_FUNCTION = structural("call_function", pure=False, doc="Attribute `name`: qualified name.")
FUNCTION_REF = structural("function_ref", doc="The function `name` as a value.")
ISINSTANCE = structural("isinstance", doc="Input: value. Attribute `types`: tuple of types.")
UNCHECKED_CAST = structural("unchecked_cast", doc="The input, checked to be of the result's type.")
UNINITIALIZED = structural("uninitialized", doc="A value that is never read.")
RAISE = structural("raise", pure=False, doc="Inputs: message, optional class name.")
PRINT = structural("print", pure=False, doc="Print the inputs as TorchScript does.")
ENTER = structural(
    "enter", pure=False, doc="An object whose `__exit__` runs if an error comes before its exit."
)
EXIT = structural("exit", pure=False, doc="The end of what the object was entered for.")
UNSUPPORTED = unsupported("an operator that Treadle lacks is reached")
REGION = structural("region", doc="The block's returns. Inputs: what it uses, but no constants.")

STRUCTURAL: tuple[OpDef, ...] = (
    CONSTANT, IF, LOOP, FORK, AWAITABLE, WAIT, TUPLE, TUPLE_UNPACK, TUPLE_INDEX, LIST, LIST_UNPACK,
    DICT, GET_ATTR, SET_ATTR, NEW_OBJECT, CALL_METHOD, CALL_FUNCTION, FUNCTION_REF, ISINSTANCE,
    UNCHECKED_CAST, UNINITIALIZED, RAISE, PRINT, ENTER, EXIT, REGION,
    UNSUPPORTED,
)  # fmt: skip
