"""The methods of tensors that are operators: each is made when it is first asked for.

The class has a descriptor in the place of each from the first miss on. With ``__getattr__`` Python
would look up everything else that tensors have in a slower way, too.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NoReturn

from treadle.eager import shortcuts
from treadle.eager.table import FUNCTIONS, method_names
from treadle.left_out import TENSOR_NAMES, missing

CONVERSIONS = {
    "float": "float32", "double": "float64", "half": "float16", "bfloat16": "bfloat16",
    "long": "int64", "int": "int32", "short": "int16", "char": "int8", "byte": "uint8",
    "bool": "bool", "cfloat": "complex64", "cdouble": "complex128",
}  # fmt: skip
"""Methods that convert to the dtype of that name."""
OWNER = "'Tensor' object"


class _Later:
    """A method that is not made yet; the first access puts it here."""

    __slots__ = ("_name", "_tensor")

    def __init__(self, tensor: type, name: str) -> None:
        self._tensor, self._name = tensor, name

    def __get__(self, instance: Any, owner: type) -> Any:
        setattr(self._tensor, self._name, _make(self._name))
        return getattr(owner if instance is None else instance, self._name)


class _LeftOut:
    """An attribute that torch's tensors have and ours have not, for a reason."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(missing(OWNER, self._name))


def fill_in(tensor: Any) -> None:
    """Give the class of tensors what it has not got, and take ``__getattr__`` from it."""
    for name in {*method_names(), *shortcuts.MAKERS, *CONVERSIONS}.difference(dir(tensor)):
        setattr(tensor, name, _Later(tensor, name))
    for name in TENSOR_NAMES:
        setattr(tensor, name, _LeftOut(name))
    with suppress(AttributeError):  # that another thread has taken
        del tensor.__getattr__


def _make(name: str) -> Any:
    if name in CONVERSIONS:
        return shortcuts.conversion(name, CONVERSIONS[name])
    return shortcuts.find(name) or FUNCTIONS[name]
