"""``torch.nn.functional``'s names, in its order of arguments, for operators that exist.

Where a function there and the operator take the same arguments, it is the function of `treadle`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from treadle.eager.table import FUNCTIONS
from treadle.errors import UnsupportedError
from treadle.tensor import Tensor

if TYPE_CHECKING:
    from treadle.nn._functions import *  # noqa: F403

SAME = {
    name: name
    for name in (
        "adaptive_avg_pool1d",
        "adaptive_avg_pool2d",
        "avg_pool1d",
        "avg_pool2d",
        "channel_shuffle",
        "conv1d",
        "conv2d",
        "conv_transpose2d",
        "gelu",
        "glu",
        "group_norm",
        "hardshrink",
        "layer_norm",
        "linear",
        "one_hot",
        "pad",
        "pixel_shuffle",
        "prelu",
        "scaled_dot_product_attention",
        "sigmoid",
        "softplus",
        "softshrink",
        "tanh",
    )
} | {"logsigmoid": "log_sigmoid"}
ACTIVATIONS = frozenset({
    "celu", "elu", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "mish", "relu", "relu6",
    "selu", "silu", "threshold",
})  # fmt: skip


if not TYPE_CHECKING:  # `_functions` says what there is

    def __getattr__(name: str) -> Callable[..., Any]:
        if name in ACTIVATIONS:
            function = _activation(name)
        elif name in SAME:
            function = FUNCTIONS[SAME[name]]
        else:
            raise AttributeError(f"module 'treadle.nn.functional' has no attribute {name!r}")
        globals()[name] = function
        return function


def __dir__() -> list[str]:
    return sorted({*globals(), *SAME, *ACTIVATIONS})


def _activation(name: str) -> Callable[..., Any]:
    """The operator `name` with the argument that chooses its in-place form."""

    def function(input: Any, *args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        return FUNCTIONS[f"{name}_" if inplace else name](input, *args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The operator ``{name}``; into `input` itself if `inplace`."
    return function


def softmax(input: Any, dim: int = -1, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Exponentials along `dim`, divided by their sum."""
    result: Tensor = FUNCTIONS["softmax"](input, dim, dtype)
    return result


def log_softmax(input: Any, dim: int = -1, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of `softmax`."""
    result: Tensor = FUNCTIONS["log_softmax"](input, dim, dtype)
    return result


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`input` itself, since nothing is dropped outside of training.

    Raises:
        UnsupportedError: if `training` and `p` is not 0.
    """
    result: Tensor = FUNCTIONS["dropout_" if inplace else "dropout"](input, p, training)
    return result


def embedding(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `input` tells."""
    if max_norm is not None:
        raise UnsupportedError("embedding: max_norm would change the weight")
    position = -1 if padding_idx is None else padding_idx
    result: Tensor = FUNCTIONS["embedding"](weight, input, position, scale_grad_by_freq, sparse)
    return result


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel less its running mean, over the root of its running variance."""
    result: Tensor = FUNCTIONS["batch_norm"](
        input, weight, bias, running_mean, running_var, training, momentum, eps, True
    )
    return result


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample less its mean, over the root of its variance."""
    result: Tensor = FUNCTIONS["instance_norm"](
        input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True
    )
    return result


def normalize(input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """`input` over its p-norm along `dim`, which counts as `eps` at least."""
    length = FUNCTIONS["norm"](input, p, dim, True)
    result: Tensor = FUNCTIONS["div"](input, FUNCTIONS["clamp_min"](length, eps))
    return result


def max_pool1d(
    input: Any,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """The largest element of each window along the last dimension."""
    return _max_pool(
        "max_pool1d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: Any,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """The largest element of each window over the last two dimensions."""
    return _max_pool(
        "max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def _max_pool(
    name: str,
    input: Any,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: int | Sequence[int],
    dilation: int | Sequence[int],
    ceil_mode: bool,
    return_indices: bool,
) -> Tensor:
    if return_indices:
        raise UnsupportedError(f"{name}: return_indices")
    steps = [] if stride is None else stride
    result: Tensor = FUNCTIONS[name](input, kernel_size, steps, padding, dilation, ceil_mode)
    return result
