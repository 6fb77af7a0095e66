"""Python's operators on tensors: ``x + y``, ``-x``, ``x += y``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from treadle._native import Function, TensorBase
from treadle.eager.dtypes import NUMBERS
from treadle.eager.table import FUNCTIONS

Method = Callable[[Any, Any], Any]

_OPERANDS = (np.ndarray, int, float, complex, np.number, np.bool_)


def _binary(name: str) -> Method:
    """The operator that the function `name` computes."""

    def operate(self: Any, other: Any) -> Any:
        if not isinstance(other, Operators) and not isinstance(other, _OPERANDS):
            return NotImplemented
        function: Any = FUNCTIONS[name]
        operator.share(function)
        return function(self, other)

    operator = Function(operate, TensorBase)
    return operator


def _reflected(name: str) -> Method:
    """The operator with the operands exchanged: ``2 / x``."""
    forward = _binary(name)

    def operate(self: Any, other: Any) -> Any:
        if isinstance(other, int | float | complex):
            other = np.asarray(other, NUMBERS[type(other)].numpy)
        if not isinstance(other, np.ndarray | np.generic):
            return NotImplemented
        return forward(type(self)(other), self)

    return operate


def _unary(name: str) -> Callable[[Any], Any]:
    def operate(self: Any) -> Any:
        function: Any = FUNCTIONS[name]
        operator.share(function)
        return function(self)

    operator = Function(operate, TensorBase)
    return operator


class Operators(TensorBase):
    """What `Tensor` inherits: its methods for Python's operators.

    With an object that is no operand they give NotImplemented, as Python wants it.
    """

    __slots__ = ()

    __hash__ = object.__hash__
    __eq__ = _binary("eq")
    __ne__ = _binary("ne")
    __lt__ = _binary("lt")
    __le__ = _binary("le")
    __gt__ = _binary("gt")
    __ge__ = _binary("ge")

    __add__ = __radd__ = _binary("add")
    __mul__ = __rmul__ = _binary("mul")
    __sub__, __rsub__ = _binary("sub"), _binary("rsub")
    __truediv__, __rtruediv__ = _binary("div"), _reflected("div")
    __floordiv__, __rfloordiv__ = _binary("floor_divide"), _reflected("floor_divide")
    __mod__, __rmod__ = _binary("remainder"), _reflected("remainder")
    __pow__, __rpow__ = _binary("pow"), _reflected("pow")
    __matmul__, __rmatmul__ = _binary("matmul"), _reflected("matmul")

    __and__ = __rand__ = _binary("bitwise_and")
    __or__ = __ror__ = _binary("bitwise_or")
    __xor__ = __rxor__ = _binary("bitwise_xor")
    __lshift__, __rlshift__ = _binary("bitwise_left_shift"), _reflected("bitwise_left_shift")
    __rshift__, __rrshift__ = _binary("bitwise_right_shift"), _reflected("bitwise_right_shift")

    __iadd__ = _binary("add_")
    __isub__ = _binary("sub_")
    __imul__ = _binary("mul_")
    __itruediv__ = _binary("div_")
    __ifloordiv__ = _binary("floor_divide_")
    __imod__ = _binary("remainder_")
    __ipow__ = _binary("pow_")
    __iand__ = _binary("bitwise_and_")
    __ior__ = _binary("bitwise_or_")
    __ixor__ = _binary("bitwise_xor_")

    __neg__ = _unary("neg")
    __abs__ = _unary("abs")
    __invert__ = _unary("bitwise_not")

    def __pos__(self) -> Any:
        return self
