from typing import Any, Generic, ParamSpec, TypeVar, overload

import numpy as np

from treadle.method import Method

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

class TypedMethod(Method, Generic[_Parameters, _Result]):
    """What type checkers see of a scripted function: a `Method` with its signature.

    Arrays pass for tensors, so a call whose first argument is one is left alone.
    """

    @overload  # type: ignore[override]  # narrower than any call of any method
    def __call__(self, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result: ...
    @overload
    def __call__(self, *args: Any, threads: int | None, **kwargs: Any) -> _Result: ...
    @overload
    def __call__(self, *args: Any, timeout: float | None, **kwargs: Any) -> _Result: ...
    @overload
    def __call__(self, array: np.ndarray[Any, Any], /, *args: Any, **kwargs: Any) -> _Result: ...
