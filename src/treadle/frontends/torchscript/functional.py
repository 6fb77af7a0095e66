"""``nn.functional`` in scripts: functions whose arguments are not those of the operators below.

In TorchScript, as `library` takes it; all others of that module are operators by the same name.
`treadle.nn.functional` is their counterpart for tensors at hand.
"""

from __future__ import annotations

import re

from treadle.frontends.torchscript.functional_losses import SOURCE as LOSSES

SOURCE = (
    """
def functional_embedding(input: Tensor, weight: Tensor, padding_idx: Optional[int]=None,
    max_norm: Optional[float]=None, norm_type: float=2., scale_grad_by_freq: bool=False,
    sparse: bool=False) -> Tensor:
  return torch.embedding(weight, input, -1, scale_grad_by_freq, sparse)

def functional_batch_norm(input: Tensor, running_mean: Optional[Tensor],
    running_var: Optional[Tensor], weight: Optional[Tensor]=None, bias: Optional[Tensor]=None,
    training: bool=False, momentum: float=0.1, eps: float=1e-05) -> Tensor:
  return torch.batch_norm(input, weight, bias, running_mean, running_var, training, momentum,
      eps, True)

def functional_instance_norm(input: Tensor, running_mean: Optional[Tensor]=None,
    running_var: Optional[Tensor]=None, weight: Optional[Tensor]=None,
    bias: Optional[Tensor]=None, use_input_stats: bool=True, momentum: float=0.1,
    eps: float=1e-05) -> Tensor:
  return torch.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats,
      momentum, eps, True)

def functional_normalize(input: Tensor, p: float=2., dim: int=1, eps: float=1e-12) -> Tensor:
  length = torch.linalg_vector_norm(input, p, [dim], True)
  return torch.div(input, torch.clamp_min(length, eps))

def softmax_dim(input: Tensor, dim: Optional[int]) -> int:
  if dim is not None:
    result = dim
  else:
    ndim = torch.dim(input)
    result = 0 if ndim == 0 or ndim == 1 or ndim == 3 else 1
  return result

def functional_softmax(input: Tensor, dim: Optional[int]=None, _stacklevel: int=3,
    dtype: Optional[int]=None) -> Tensor:
  return torch.softmax(input, softmax_dim(input, dim), dtype)

def functional_log_softmax(input: Tensor, dim: Optional[int]=None, _stacklevel: int=3,
    dtype: Optional[int]=None) -> Tensor:
  return torch.log_softmax(input, softmax_dim(input, dim), dtype)

def functional_softmin(input: Tensor, dim: Optional[int]=None, _stacklevel: int=3,
    dtype: Optional[int]=None) -> Tensor:
  return torch.softmax(torch.neg(input), softmax_dim(input, dim), dtype)

def functional_softsign(input: Tensor) -> Tensor:
  return torch.div(input, torch.add(torch.abs(input), 1))

def functional_tanhshrink(input: Tensor) -> Tensor:
  return torch.sub(input, torch.tanh(input))

def functional_logsigmoid(input: Tensor) -> Tensor:
  return torch.log_sigmoid(input)

def functional_relu(input: Tensor, inplace: bool=False) -> Tensor:
  if inplace:
    result = torch.relu_(input)
  else:
    result = torch.relu(input)
  return result

def functional_leaky_relu(input: Tensor, negative_slope: float=0.01,
    inplace: bool=False) -> Tensor:
  if inplace:
    result = torch.leaky_relu_(input, negative_slope)
  else:
    result = torch.leaky_relu(input, negative_slope)
  return result

def functional_silu(input: Tensor, inplace: bool=False) -> Tensor:
  if inplace:
    result = torch.silu_(input)
  else:
    result = torch.silu(input)
  return result

def functional_hardswish(input: Tensor, inplace: bool=False) -> Tensor:
  if inplace:
    result = torch.hardswish_(input)
  else:
    result = torch.hardswish(input)
  return result

def functional_hardsigmoid(input: Tensor, inplace: bool=False) -> Tensor:
  if inplace:
    result = torch.hardsigmoid_(input)
  else:
    result = torch.hardsigmoid(input)
  return result

def functional_relu6(input: Tensor, inplace: bool=False) -> Tensor:
  if inplace:
    result = torch.relu6_(input)
  else:
    result = torch.relu6(input)
  return result

def functional_grid_sample(input: Tensor, grid: Tensor, mode: str="bilinear",
    padding_mode: str="zeros", align_corners: Optional[bool]=None) -> Tensor:
  method = 0
  if mode == "nearest":
    method = 1
  if mode == "bicubic":
    method = 2
  outside = 0
  if padding_mode == "border":
    outside = 1
  if padding_mode == "reflection":
    outside = 2
  corners = False
  if align_corners is not None:
    corners = align_corners
  return torch.grid_sampler(input, grid, method, outside, corners)

def functional_affine_grid(theta: Tensor, size: List[int],
    align_corners: Optional[bool]=None) -> Tensor:
  corners = False
  if align_corners is not None:
    corners = align_corners
  return torch.affine_grid_generator(theta, size, corners)

def functional_local_response_norm(input: Tensor, size: int, alpha: float=0.0001,
    beta: float=0.75, k: float=1.) -> Tensor:
  images = torch.unsqueeze(torch.flatten(torch.square(input), 2), 1)
  padded = torch.pad(images, [0, 0, size // 2, (size - 1) // 2])
  means = torch.view(torch.avg_pool2d(padded, [size, 1], 1), torch.size(input))
  return torch.div(input, torch.pow(torch.add(torch.mul(means, alpha), k), beta))

def functional_dropout(input: Tensor, p: float=0.5, training: bool=True,
    inplace: bool=False) -> Tensor:
  if inplace:
    return torch.dropout_(input, p, training)
  return torch.dropout(input, p, training)

def functional_alpha_dropout(input: Tensor, p: float=0.5, training: bool=False,
    inplace: bool=False) -> Tensor:
  if inplace:
    return torch.alpha_dropout_(input, p, training)
  return torch.alpha_dropout(input, p, training)

def functional_feature_alpha_dropout(input: Tensor, p: float=0.5, training: bool=False,
    inplace: bool=False) -> Tensor:
  if inplace:
    return torch.feature_alpha_dropout_(input, p, training)
  return torch.feature_alpha_dropout(input, p, training)

def functional_dropout2d(input: Tensor, p: float=0.5, training: bool=True,
    inplace: bool=False) -> Tensor:
  if inplace:
    return torch.feature_dropout_(input, p, training)
  return torch.feature_dropout(input, p, training)

def functional_dropout1d(input: Tensor, p: float=0.5, training: bool=True,
    inplace: bool=False) -> Tensor:
  if torch.dim(input) == 3:
    return functional_dropout2d(input, p, training, inplace)
  dropped = functional_dropout2d(torch.unsqueeze(input, 0), p, training, inplace)
  return torch.squeeze(dropped, 0)

def functional_dropout3d(input: Tensor, p: float=0.5, training: bool=True,
    inplace: bool=False) -> Tensor:
  if torch.dim(input) == 5:
    return functional_dropout2d(input, p, training, inplace)
  dropped = functional_dropout2d(torch.unsqueeze(input, 0), p, training, inplace)
  return torch.squeeze(dropped, 0)

def functional_embedding_bag(input: Tensor, weight: Tensor, offsets: Optional[Tensor]=None,
    max_norm: Optional[float]=None, norm_type: float=2., scale_grad_by_freq: bool=False,
    mode: str="mean", sparse: bool=False, per_sample_weights: Optional[Tensor]=None,
    include_last_offset: bool=False, padding_idx: Optional[int]=None) -> Tensor:
  code = 1
  if mode == "sum":
    code = 0
  if mode == "max":
    code = 2
  weights = per_sample_weights
  if torch.dim(input) == 2:
    ids = torch.reshape(input, [-1])
    count = torch.size(input, 1)
    starts = torch.mul(torch.arange(torch.size(input, 0)), count)
    if weights is not None:
      weights = torch.reshape(weights, [-1])
  else:
    ids = input
    starts = torch._unwrap_optional(offsets)
  bags, _, _, _ = torch.embedding_bag(weight, ids, starts, scale_grad_by_freq, code, sparse,
      weights, include_last_offset, padding_idx)
  return bags
"""
    + LOSSES
)

_NAMES = frozenset(re.findall(r"^def functional_(\w+)", SOURCE, re.MULTILINE))
_OTHERS = {"interpolate": "aten::__interpolate", "upsample": "aten::__interpolate"}
PREFIX = "functional::"


def operator_of(name: str) -> str:
    """What ``nn.functional.name`` stands for: an operator, or a function of this module."""
    return f"{PREFIX}{name}" if name in _NAMES else _OTHERS.get(name, f"aten::{name}")


def definition_of(operator: str) -> str | None:
    """The function in `SOURCE` that stands for `operator`, if one does."""
    base, _, name = operator.rpartition("::")
    return f"functional_{name}" if f"{base}::" == PREFIX and name in _NAMES else None
