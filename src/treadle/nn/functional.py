"""``torch.nn.functional``'s names, in its order of arguments, for operators that exist.

Where a function there and the operator take the same arguments, it is the function of `treadle`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from treadle.eager.table import FUNCTIONS
from treadle.errors import InputError, ShapeError, UnsupportedError
from treadle.left_out import missing
from treadle.nn.attention import multi_head_attention_forward as multi_head_attention_forward
from treadle.nn.dropout import alpha_dropout as alpha_dropout
from treadle.nn.dropout import dropout as dropout
from treadle.nn.dropout import dropout1d as dropout1d
from treadle.nn.dropout import dropout2d as dropout2d
from treadle.nn.dropout import dropout3d as dropout3d
from treadle.nn.dropout import feature_alpha_dropout as feature_alpha_dropout
from treadle.nn.embedding import embedding as embedding
from treadle.nn.embedding import embedding_bag as embedding_bag
from treadle.nn.losses import binary_cross_entropy as binary_cross_entropy
from treadle.nn.losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from treadle.nn.losses import cross_entropy as cross_entropy
from treadle.nn.losses import ctc_loss as ctc_loss
from treadle.nn.losses import gaussian_nll_loss as gaussian_nll_loss
from treadle.nn.losses import huber_loss as huber_loss
from treadle.nn.losses import kl_div as kl_div
from treadle.nn.losses import l1_loss as l1_loss
from treadle.nn.losses import linear_cross_entropy as linear_cross_entropy
from treadle.nn.losses import mse_loss as mse_loss
from treadle.nn.losses import nll_loss as nll_loss
from treadle.nn.losses import poisson_nll_loss as poisson_nll_loss
from treadle.nn.losses import smooth_l1_loss as smooth_l1_loss
from treadle.nn.margin_losses import cosine_embedding_loss as cosine_embedding_loss
from treadle.nn.margin_losses import hinge_embedding_loss as hinge_embedding_loss
from treadle.nn.margin_losses import margin_ranking_loss as margin_ranking_loss
from treadle.nn.margin_losses import multi_margin_loss as multi_margin_loss
from treadle.nn.margin_losses import multilabel_margin_loss as multilabel_margin_loss
from treadle.nn.margin_losses import multilabel_soft_margin_loss as multilabel_soft_margin_loss
from treadle.nn.margin_losses import soft_margin_loss as soft_margin_loss
from treadle.nn.margin_losses import triplet_margin_loss as triplet_margin_loss
from treadle.nn.margin_losses import (
    triplet_margin_with_distance_loss as triplet_margin_with_distance_loss,
)
from treadle.nn.pooling import adaptive_avg_pool2d as adaptive_avg_pool2d
from treadle.nn.pooling import adaptive_avg_pool3d as adaptive_avg_pool3d
from treadle.nn.pooling import adaptive_max_pool1d as adaptive_max_pool1d
from treadle.nn.pooling import adaptive_max_pool1d_with_indices as adaptive_max_pool1d_with_indices
from treadle.nn.pooling import adaptive_max_pool2d as adaptive_max_pool2d
from treadle.nn.pooling import adaptive_max_pool2d_with_indices as adaptive_max_pool2d_with_indices
from treadle.nn.pooling import adaptive_max_pool3d as adaptive_max_pool3d
from treadle.nn.pooling import adaptive_max_pool3d_with_indices as adaptive_max_pool3d_with_indices
from treadle.nn.pooling import fractional_max_pool2d as fractional_max_pool2d
from treadle.nn.pooling import (
    fractional_max_pool2d_with_indices as fractional_max_pool2d_with_indices,
)
from treadle.nn.pooling import fractional_max_pool3d as fractional_max_pool3d
from treadle.nn.pooling import (
    fractional_max_pool3d_with_indices as fractional_max_pool3d_with_indices,
)
from treadle.nn.pooling import lp_pool1d as lp_pool1d
from treadle.nn.pooling import lp_pool2d as lp_pool2d
from treadle.nn.pooling import lp_pool3d as lp_pool3d
from treadle.nn.pooling import max_pool1d as max_pool1d
from treadle.nn.pooling import max_pool1d_with_indices as max_pool1d_with_indices
from treadle.nn.pooling import max_pool2d as max_pool2d
from treadle.nn.pooling import max_pool2d_with_indices as max_pool2d_with_indices
from treadle.nn.pooling import max_pool3d as max_pool3d
from treadle.nn.pooling import max_pool3d_with_indices as max_pool3d_with_indices
from treadle.nn.pooling import max_unpool1d as max_unpool1d
from treadle.nn.pooling import max_unpool2d as max_unpool2d
from treadle.nn.pooling import max_unpool3d as max_unpool3d
from treadle.nn.resizing import affine_grid as affine_grid
from treadle.nn.resizing import fold as fold
from treadle.nn.resizing import grid_sample as grid_sample
from treadle.nn.resizing import interpolate as interpolate
from treadle.nn.resizing import unfold as unfold
from treadle.nn.resizing import upsample as upsample
from treadle.nn.resizing import upsample_bilinear as upsample_bilinear
from treadle.nn.resizing import upsample_nearest as upsample_nearest
from treadle.tensor import Tensor

if TYPE_CHECKING:
    from treadle.nn._functions import *  # noqa: F403

_NAMES = (
    *("adaptive_avg_pool1d", "avg_pool1d"),
    *("avg_pool2d", "avg_pool3d", "bilinear", "celu_", "channel_shuffle", "conv1d", "conv2d"),
    *("conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_similarity"),
    *("elu_", "gelu", "glu", "group_norm", "hardshrink", "hardtanh_", "layer_norm", "leaky_relu_"),
    *("linear", "native_channel_shuffle", "one_hot", "pad", "pairwise_distance", "pdist"),
    *("pixel_shuffle", "pixel_unshuffle", "prelu", "relu_", "rms_norm", "rrelu_", "selu_"),
    *(
        "conv_tbc",
        "scaled_dot_product_attention",
        "sigmoid",
        "softplus",
        "softshrink",
        "tanh",
        "threshold_",
    ),
)
SAME = {name: name for name in _NAMES} | {"logsigmoid": "log_sigmoid"}
"""Functions that are operators, by the operator's name."""
ACTIVATIONS = frozenset({
    "celu", "elu", "hardsigmoid", "hardswish", "leaky_relu", "mish", "relu", "relu6",
    "rrelu", "selu", "silu", "threshold",
})  # fmt: skip
"""Operators that take `inplace` as a further argument."""
_INTERNAL = ("generator", "input_scale", "scale")
"""What the operators take beside."""


if not TYPE_CHECKING:  # `_functions` says what there is

    def __getattr__(name: str) -> Callable[..., Any]:
        if name in ACTIVATIONS:
            function = _activation(name)
        elif name in SAME:
            function = FUNCTIONS[SAME[name]]
        else:
            raise AttributeError(missing("module 'treadle.nn.functional'", name))
        globals()[name] = function
        return function


def __dir__() -> list[str]:
    return sorted({*globals(), *SAME, *ACTIVATIONS})


def _activation(name: str) -> Callable[..., Any]:
    """The operator `name` with a last argument that chooses its in-place form."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    operators = inspect.signature(FUNCTIONS[name]).parameters.values()
    taken = [p.replace(kind=kind) for p in operators if p.name not in _INTERNAL]
    flag = inspect.Parameter("inplace", kind, default=False)

    def function(*args: Any, inplace: bool = False, **kwargs: Any) -> Any:
        if len(args) > len(taken):
            args, inplace = args[:-1], args[-1]
        return FUNCTIONS[f"{name}_" if inplace else name](*args, **kwargs)

    function.__signature__ = inspect.Signature([*taken, flag])  # type: ignore[attr-defined]
    function.__name__ = function.__qualname__ = name
    function.__module__ = __name__
    function.__doc__ = f"The operator ``{name}``; into `input` itself if `inplace`."
    return function


def hardtanh(
    input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """`input` between two bounds."""
    if min_val > max_val:
        raise InputError(f"hardtanh: min_val {min_val} must not exceed max_val {max_val}")
    result: Tensor = FUNCTIONS["hardtanh_" if inplace else "hardtanh"](input, min_val, max_val)
    return result


def _softmax_dim(input: Any, dim: int | None) -> int:
    """The dim that torch takes where none is given."""
    if dim is not None:
        return dim
    return 0 if np.ndim(input) in (0, 1, 3) else 1


def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Exponentials along `dim`, divided by their sum."""
    result: Tensor = FUNCTIONS["softmax"](input, _softmax_dim(input, dim), dtype)
    return result


def log_softmax(
    input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """The logarithm of `softmax`."""
    result: Tensor = FUNCTIONS["log_softmax"](input, _softmax_dim(input, dim), dtype)
    return result


def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The `softmax` of the negative elements."""
    return softmax(FUNCTIONS["neg"](input), dim, dtype=dtype)


def gumbel_softmax(
    logits: Any, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A sample of the distribution over classes, softened by `tau`; of one class if `hard`."""
    noise = FUNCTIONS["empty_like"](logits).exponential_().log()
    soft = softmax((logits - noise) / tau, dim)
    if not hard:
        return soft
    index = soft.argmax(dim, True)
    result: Tensor = FUNCTIONS["scatter"](FUNCTIONS["zeros_like"](soft), dim, index, 1.0)
    return result


def softsign(input: Any) -> Tensor:
    """``x / (1 + |x|)``."""
    result: Tensor = FUNCTIONS["div"](input, FUNCTIONS["abs"](input) + 1)
    return result


def tanhshrink(input: Any) -> Tensor:
    """``x - tanh(x)``."""
    result: Tensor = FUNCTIONS["sub"](input, FUNCTIONS["tanh"](input))
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
    """Each channel less its running mean, over the root of its running variance.

    In training those of the batch, and the running ones move on.
    """
    if training and running_mean is not None and running_var is not None:
        trained: Tensor = FUNCTIONS["native_batch_norm"](
            input, weight, bias, running_mean, running_var, True, momentum, eps
        )[0]
        return trained
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


def normalize(
    input: Any, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Any = None
) -> Tensor:
    """`input` over its p-norm along `dim`, which counts as `eps` at least."""
    length = FUNCTIONS["norm"](input, p, dim, True)
    options = {} if out is None else {"out": out}
    result: Tensor = FUNCTIONS["div"](input, FUNCTIONS["clamp_min"](length, eps), **options)
    return result


def grouped_mm(
    mat_a: Any, mat_b: Any, *, offs: Any = None, bias: Any = None, out_dtype: Any = None
) -> Tensor:
    """Products of groups of rows, columns or matrices; `offs` tells where each group ends."""
    result: Tensor = FUNCTIONS["_grouped_mm"](mat_a, mat_b, offs, bias, out_dtype)
    return result


def local_response_norm(
    input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Each element over a power of the mean square of `size` neighbouring channels."""
    if input.ndim < 3:
        raise ShapeError(f"local_response_norm: at least 3 dims, got shape {list(input.shape)}")
    if not FUNCTIONS["is_floating_point"](input):
        raise UnsupportedError("local_response_norm of integers")
    images = FUNCTIONS["square"](input).flatten(2).unsqueeze(1)
    padded = FUNCTIONS["pad"](images, [0, 0, size // 2, (size - 1) // 2])
    means = FUNCTIONS["avg_pool2d"](padded, [size, 1], 1).view(input.shape)
    result: Tensor = FUNCTIONS["div"](input, (means * alpha + k).pow(beta))
    return result
