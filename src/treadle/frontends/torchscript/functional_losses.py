"""The losses of ``nn.functional`` in TorchScript, as `library` takes it: reductions have names."""

from __future__ import annotations

_FLAGS = 'size_average: Optional[bool]=None, reduce: Optional[bool]=None, reduction: str="mean"'
_CODE = "reduction_code(reduction, size_average, reduce)"
_TEXT = """
def reduction_code(reduction: str, size_average: Optional[bool]=None,
    reduce: Optional[bool]=None) -> int:
  name = reduction
  if size_average is not None or reduce is not None:
    name = "mean"
    if size_average is not None:
      if not size_average:
        name = "sum"
    if reduce is not None:
      if not reduce:
        name = "none"
  code = -1
  if name == "none":
    code = 0
  if name == "mean":
    code = 1
  if name == "sum":
    code = 2
  if code < 0:
    raise ValueError("argument reduction must be 'none', 'mean', 'sum'")
  return code

def weighted(losses: Tensor, weight: Tensor, code: int) -> Tensor:
  values = torch.mul(losses, weight)
  if code == 1:
    result = torch.div(torch.sum(values), torch.sum(torch.expand_as(weight, values)))
  else:
    result = reduced(values, code)
  return result

def reduced(values: Tensor, code: int) -> Tensor:
  result = values
  if code == 1:
    result = torch.mean(values)
  if code == 2:
    result = torch.sum(values)
  return result

def functional_mse_loss(input: Tensor, target: Tensor, FLAGS,
    weight: Optional[Tensor]=None) -> Tensor:
  if weight is not None:
    result = weighted(torch.mse_loss(input, target, 0), weight, CODE)
  else:
    result = torch.mse_loss(input, target, CODE)
  return result

def functional_l1_loss(input: Tensor, target: Tensor, FLAGS,
    weight: Optional[Tensor]=None) -> Tensor:
  if weight is not None:
    result = weighted(torch.l1_loss(input, target, 0), weight, CODE)
  else:
    result = torch.l1_loss(input, target, CODE)
  return result

def functional_smooth_l1_loss(input: Tensor, target: Tensor, FLAGS, beta: float=1.) -> Tensor:
  return torch.smooth_l1_loss(input, target, CODE, beta)

def functional_huber_loss(input: Tensor, target: Tensor, reduction: str="mean", delta: float=1.,
    weight: Optional[Tensor]=None) -> Tensor:
  if weight is not None:
    result = weighted(torch.huber_loss(input, target, 0, delta), weight, reduction_code(reduction))
  else:
    result = torch.huber_loss(input, target, reduction_code(reduction), delta)
  return result

def functional_cross_entropy(input: Tensor, target: Tensor, weight: Optional[Tensor]=None,
    size_average: Optional[bool]=None, ignore_index: int=-100, reduce: Optional[bool]=None,
    reduction: str="mean", label_smoothing: float=0.) -> Tensor:
  return torch.cross_entropy_loss(input, target, weight, CODE, ignore_index, label_smoothing)

def functional_nll_loss(input: Tensor, target: Tensor, weight: Optional[Tensor]=None,
    size_average: Optional[bool]=None, ignore_index: int=-100, reduce: Optional[bool]=None,
    reduction: str="mean") -> Tensor:
  return torch.nll_loss_nd(input, target, weight, CODE, ignore_index)

def functional_binary_cross_entropy(input: Tensor, target: Tensor,
    weight: Optional[Tensor]=None, FLAGS) -> Tensor:
  return torch.binary_cross_entropy(input, target, weight, CODE)

def functional_binary_cross_entropy_with_logits(input: Tensor, target: Tensor,
    weight: Optional[Tensor]=None, FLAGS, pos_weight: Optional[Tensor]=None) -> Tensor:
  return torch.binary_cross_entropy_with_logits(input, target, weight, pos_weight, CODE)

def functional_kl_div(input: Tensor, target: Tensor, FLAGS, log_target: bool=False) -> Tensor:
  if reduction == "batchmean":
    result = torch.kl_div(input, target, 2, log_target=log_target)
    if torch.dim(input) != 0:
      result = torch.div(result, torch.size(input, 0))
  else:
    result = torch.kl_div(input, target, CODE, log_target=log_target)
  return result

def functional_poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool=True,
    full: bool=False, size_average: Optional[bool]=None, eps: float=1e-08,
    reduce: Optional[bool]=None, reduction: str="mean") -> Tensor:
  return torch.poisson_nll_loss(input, target, log_input, full, eps, CODE)

def functional_gaussian_nll_loss(input: Tensor, target: Tensor, var: Tensor, full: bool=False,
    eps: float=1e-06, reduction: str="mean") -> Tensor:
  variance = var
  if torch.dim(var) == torch.dim(input) - 1:
    variance = torch.unsqueeze(var, -1)
  variance = torch.clamp_min(variance, eps)
  square = torch.div(torch.pow(torch.sub(input, target), 2), variance)
  losses = torch.mul(torch.add(torch.log(variance), square), 0.5)
  if full:
    losses = torch.add(losses, 0.91893853320467274)
  return reduced(losses, reduction_code(reduction))

def functional_soft_margin_loss(input: Tensor, target: Tensor, FLAGS) -> Tensor:
  return torch.soft_margin_loss(input, target, CODE)

def functional_multilabel_soft_margin_loss(input: Tensor, target: Tensor,
    weight: Optional[Tensor]=None, FLAGS) -> Tensor:
  losses = torch.binary_cross_entropy_with_logits(input, target, weight, None, 0)
  return reduced(torch.mean(losses, [-1]), CODE)

def functional_margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor,
    margin: float=0., FLAGS) -> Tensor:
  return torch.margin_ranking_loss(input1, input2, target, margin, CODE)

def functional_hinge_embedding_loss(input: Tensor, target: Tensor, margin: float=1.,
    FLAGS) -> Tensor:
  return torch.hinge_embedding_loss(input, target, margin, CODE)

def functional_cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor,
    margin: float=0., FLAGS) -> Tensor:
  return torch.cosine_embedding_loss(input1, input2, target, margin, CODE)

def functional_triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor,
    margin: float=1., p: float=2., eps: float=1e-06, swap: bool=False, FLAGS) -> Tensor:
  return torch.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, CODE)

def functional_multi_margin_loss(input: Tensor, target: Tensor, p: int=1, margin: float=1.,
    weight: Optional[Tensor]=None, FLAGS) -> Tensor:
  return torch.multi_margin_loss(input, target, p, margin, weight, CODE)

def functional_multilabel_margin_loss(input: Tensor, target: Tensor, FLAGS) -> Tensor:
  return torch.multilabel_margin_loss(input, target, CODE)

def functional_ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Tensor,
    target_lengths: Tensor, blank: int=0, reduction: str="mean",
    zero_infinity: bool=False) -> Tensor:
  return torch.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank,
      reduction_code(reduction), zero_infinity)
"""
SOURCE = _TEXT.replace("FLAGS", _FLAGS).replace("CODE", _CODE)
